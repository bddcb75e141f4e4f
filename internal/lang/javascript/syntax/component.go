package syntax

import (
	"bytes"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// IsComponent reports whether a path is that of a component of Vue or Svelte, which holds a program among other things.
func IsComponent(name string) bool { e := path.Ext(name); return e == ".vue" || e == ".svelte" }

var script = lazyre.New(`(?i)<script\b[^>]*>`)

// component gives the programs that a component holds, everything else blank, and the name of a file that would be read alike.
func component(data []byte) (source []byte, name string) {
	out := bytes.Repeat([]byte(" "), len(data))
	for i, c := range data {
		if c == '\n' {
			out[i] = c
		}
	}
	name = "x.js"
	for at := 0; at < len(data); {
		open := script().FindIndex(data[at:])
		if open == nil {
			break
		}
		if tag := string(data[at+open[0] : at+open[1]]); strings.Contains(tag, `"ts"`) || strings.Contains(tag, `'ts'`) || strings.Contains(tag, `"tsx"`) {
			name = "x.ts"
		}
		from := at + open[1]
		to := bytes.Index(data[from:], []byte("</script"))
		if to < 0 {
			break
		}
		copy(out[from:from+to], data[from:from+to])
		at = from + to
	}
	return out, name
}

// components takes those imports of a component that bring another one for used: what a page shows is no part of the program.
func (f *File) components() {
	for n := range f.Imports {
		if i := &f.Imports[n]; IsComponent(i.Spec) && i.Kind == Static {
			i.Flags &^= Unsure
		}
	}
}
