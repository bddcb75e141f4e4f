package manifest

import (
	_ "embed"
	"strings"
	"sync"
)

// importTable lists, one distribution a line, what it makes importable where that is not its own name.
//
//go:embed imports.txt
var importTable string

// distributions gives the import names by normalised distribution name.
var distributions = sync.OnceValue(func() map[string][]string {
	table := map[string][]string{}
	for line := range strings.Lines(importTable) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] != "#" {
			table[fields[0]] = fields[1:]
		}
	}
	return table
})
