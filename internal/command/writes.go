package command

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// writers are the utilities that write the files they name; those that are given true name a source first, and may be
// given a directory.
var writers = map[string]bool{"cp": true, "mv": true, "ln": true, "install": true, "tee": false, "touch": false, "curl": false, "wget": false, "sed": false}

// writes records what a utility writes.
func (c *Call) writes() {
	copies, ok := writers[c.Base]
	if !ok {
		return
	}
	operands := slices.DeleteFunc(slices.Clone(c.Args), func(w shell.Word) bool { return !w.Known() || strings.HasPrefix(w.Text, "-") })
	if !copies {
		for _, w := range operands {
			c.run.Write(c.S, w)
		}
		return
	}
	if len(operands) < 2 {
		return
	}
	last := operands[len(operands)-1]
	c.run.Write(c.S, last)
	for _, w := range operands[:len(operands)-1] {
		c.run.Write(c.S, shell.Word{Text: path.Join(last.Text, path.Base(w.Text))})
	}
}
