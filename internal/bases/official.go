package bases

import (
	_ "embed"
	"maps"
	"strings"
	"sync"
)

//go:embed official.txt
var table string

// settings is the table that hack/bases makes.
var settings = sync.OnceValue(func() Table { return ReadTable(table) })

// Config gives the settings of an image that are known by its full reference, as an image configuration in JSON; nil if none are. What an
// ENTRYPOINT that is a script of the image makes of CMD is not known, so neither is given then.
func Config(ref string) []byte {
	known := maps.Clone(settings().Find(ref))
	if known == nil {
		return nil
	}
	if entrypoint, ok := known["entrypoint"]; !ok || strings.Contains(entrypoint, "entrypoint") {
		delete(known, "entrypoint")
		delete(known, "cmd")
	}
	maps.DeleteFunc(known, func(_, value string) bool { return value == "[]" })
	return known.Config()
}
