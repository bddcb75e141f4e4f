package audit

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxAdds bounds the files that a fix lists.
const maxAdds = 20

// negationFix tries a negation of the module after the last line that excludes a file of it, and gives it if it brings
// back all that the ignore file keeps out. It lets in nothing outside the module: a negation without wildcards is only
// ever asked about its own path and what lies below.
func (c *moduleCheck) negationFix() (Fix, bool) {
	after := 0
	for _, f := range c.reach.Ignored {
		if d := c.reach.Trails[f].Decisive; d != nil {
			after = max(after, d.Number)
		}
	}
	if after == 0 || bytes.ContainsAny([]byte(c.dir), `*?[]\^!#`+"\n\r") {
		return Fix{}, false
	}
	pattern := "!" + c.dir
	if fi, err := c.main.FS.Lstat(c.dir); err == nil && fi.IsDir() {
		pattern += "/"
	}
	tried, err := withLine(c.main, after, pattern)
	if err != nil {
		return Fix{}, false
	}
	all, err := simulate.FilesBelow(c.main.FS, c.dir)
	if err != nil {
		return Fix{}, false
	}
	fix := Fix{
		Title: fmt.Sprintf("bring %s back after the line that excludes it", c.dir),
		Edits: []Edit{{File: c.main.Ignore.Name, Line: after + 1, Insert: pattern}},
		Adds:  []string{},
	}
	brought := map[string]bool{}
	for _, f := range all {
		e, err := tried.Tree().Lstat(f)
		if err != nil {
			continue
		}
		if _, err := c.main.Tree().Lstat(f); err == nil {
			continue
		}
		brought[f] = true
		fix.AddsCount++
		fix.AddsBytes += e.Size
		if len(fix.Adds) < maxAdds {
			fix.Adds = append(fix.Adds, f)
		}
	}
	if slices.ContainsFunc(c.reach.Ignored, func(f string) bool { return !brought[f] }) {
		return Fix{}, false
	}
	return fix, true
}

// withLine gives a context whose ignore file has one more line after a line.
func withLine(c *simulate.Context, after int, text string) (*dockerctx.Context, error) {
	lines := bytes.SplitAfter(c.Ignore.Bytes(), []byte("\n"))
	end := "\n"
	if bytes.HasSuffix(lines[0], []byte("\r\n")) {
		end = "\r\n"
	}
	if n := len(lines) - 1; after > n && !bytes.HasSuffix(lines[n], []byte("\n")) {
		lines[n] = append(slices.Clone(lines[n]), end...)
	}
	lines = slices.Insert(lines, min(after, len(lines)), []byte(text+end))
	ignore, err := dockerctx.ParseIgnoreFile(c.Ignore.Name, bytes.Join(lines, nil))
	if err != nil {
		return nil, err
	}
	return dockerctx.New(c.FS, ignore)
}
