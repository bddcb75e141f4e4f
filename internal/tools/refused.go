package tools

import (
	"fmt"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Refused gives why the kernel refuses to run a program that is started by its path and that is there; none if it runs it, or that is
// not known.
func Refused(c *command.Call, files Files) []Missing {
	file := c.S.Abs(c.Name.Text)
	if c.Builtin || !c.Name.Known() || !strings.Contains(c.Name.Text, "/") || file == "" || files.Stat(file) != shell.Regular {
		return nil
	}
	m := Missing{Path: file, What: "the program that is started"}
	entries, err := (&reader{files: files}).list(path.Dir(file), func(name string) bool { return name == path.Base(file) })
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.Name() != path.Base(file) || !e.Type().IsRegular() {
			continue
		}
		if fi, err := e.Info(); err == nil && fi.Mode().Perm()&0o111 == 0 {
			m.Mode = fi.Mode().Perm() | 0o111
			m.Refused = fmt.Sprintf("is not executable (mode %04o)", fi.Mode().Perm())
			return []Missing{m}
		}
	}
	data, err := files.Content(file)
	line, _, isScript := strings.Cut(string(data[:min(len(data), 256)]), "\n")
	if err != nil || !isScript || !strings.HasPrefix(line, "#!") {
		return nil
	}
	words := strings.Fields(line[2:])
	switch {
	case strings.HasSuffix(line, "\r"):
		m.Refused, m.Returns = "has lines that end in CR LF, and so an interpreter that does not exist", true
	case len(words) > 0 && path.IsAbs(words[0]) && files.Stat(words[0]) == shell.Absent:
		m.Refused = "is run by " + words[0] + ", which does not exist"
	default:
		return nil
	}
	return []Missing{m}
}
