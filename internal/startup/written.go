package startup

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// writtenFiles shows what a script writes as something that may be there, where the image has nothing.
type writtenFiles struct {
	Files
	written map[string]Origin
}

func (f writtenFiles) Stat(p string) FileKind {
	kind := f.Files.Stat(p)
	if _, ok := f.written[p]; ok && kind == Absent {
		return Unknown
	}
	return kind
}

// redirections records the files that a statement writes.
func (a *analysis) redirections(s *state, st *syntax.Stmt) {
	for _, r := range st.Redirs {
		switch r.Op {
		case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
			x := &expansion{a: a, s: s}
			a.writes(s, x.literal(r.Word))
		}
	}
}

func (a *analysis) writes(s *state, name arg) {
	if file := s.abs(name.text); file != "" && !strings.HasPrefix(file, "/dev/") {
		if _, ok := a.written[file]; !ok {
			a.written[file] = s.here
		}
	}
}

// writers are the utilities that write the files they name; those that are given true name a source first, and may be
// given a directory.
var writers = map[string]bool{"cp": true, "mv": true, "ln": true, "install": true, "tee": false, "touch": false, "curl": false, "wget": false, "sed": false}

// utility records what a utility writes.
func (c *command) utility() {
	copies, ok := writers[c.base]
	if !ok {
		return
	}
	operands := slices.DeleteFunc(slices.Clone(c.args), func(w arg) bool { return !w.known() || strings.HasPrefix(w.text, "-") })
	if !copies {
		for _, w := range operands {
			c.a.writes(c.s, w)
		}
		return
	}
	if len(operands) < 2 {
		return
	}
	last := operands[len(operands)-1]
	c.a.writes(c.s, last)
	for _, w := range operands[:len(operands)-1] {
		c.a.writes(c.s, arg{text: path.Join(last.text, path.Base(w.text))})
	}
}
