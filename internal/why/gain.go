package why

import (
	"io"
	"maps"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxAdds bounds the files that a fix lists.
const maxAdds = 20

// contextFiles gives what a build context lets in, for a build that fails.
func contextFiles(c *simulate.Context) (map[string]simulate.File, error) {
	out := map[string]simulate.File{}
	err := c.Tree().Walk(func(e dockerctx.Entry) error {
		if !e.Mode.IsDir() {
			out[e.Path] = simulate.File{Kind: rootfs.KindOf(e.Mode), Size: e.Size, Link: e.Link, Context: e.Path}
		}
		return nil
	})
	return out, err
}

// describe gives the fix that a trial proves, with its exact effect.
func (r *Repairer) describe(f audit.Finding, c candidate, t *trial) (*audit.Fix, error) {
	before, after, err := r.compared(t)
	if err != nil {
		return nil, err
	}
	edited := map[string]bool{}
	for _, e := range c.edits {
		if name, ok := r.contextName(e.Path); ok {
			edited[name] = true
		}
	}
	fix := &audit.Fix{Title: c.title, Edits: c.edits, Adds: []string{}}
	for _, p := range slices.Sorted(maps.Keys(after)) {
		now := after[p]
		if was, ok := before[p]; ok {
			if was != now && !edited[now.Context] {
				fix.RemovesCount++
			}
			continue
		}
		name := now.Context
		if name == "" {
			name = p
		}
		fix.AddsCount++
		fix.AddsBytes += now.Size
		if !r.wanted(f, now.Context) {
			fix.OthersCount++
			fix.OthersBytes += now.Size
		}
		if len(fix.Adds) < maxAdds {
			fix.Adds = append(fix.Adds, name)
		}
	}
	for p := range before {
		if _, ok := after[p]; !ok {
			fix.RemovesCount++
		}
	}
	slices.Sort(fix.Adds)
	return fix, nil
}

// compared gives the files before and after: of the images, or of the contexts if there was no image.
func (r *Repairer) compared(t *trial) (before, after map[string]simulate.File, err error) {
	if r.Image == nil {
		if before, err = contextFiles(r.main); err != nil {
			return nil, nil, err
		}
		c, err := t.image.MainContext(r.Subject.Options.Context)
		if err != nil || c == nil {
			return nil, nil, err
		}
		after, err = contextFiles(c)
		return before, after, err
	}
	if r.before == nil {
		if r.before, err = r.Image.Files(); err != nil {
			return nil, nil, err
		}
	}
	after, err = t.image.Files()
	return r.before, after, err
}

// wanted reports whether a file of the context is one that a finding asks for.
func (r *Repairer) wanted(f audit.Finding, contextPath string) bool {
	return contextPath != "" && f.ContextPath != "" && simulate.Within(contextPath, f.ContextPath)
}

func readAll(fsys dockerctx.FS, name string) ([]byte, error) {
	r, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
