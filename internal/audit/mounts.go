package audit

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// reportHidden reports files that the image has and the program needs, and that a directory of the repository hides which is mounted over
// them and does not have them: one finding for each mount. What the repository does not have may be made before the container is started.
func (c *programCheck) reportHidden(hides []lang.Hide) {
	type mounted struct {
		mount program.Mount
		run   *program.Run
	}
	var order []mounted
	files := map[mounted][]lang.Hide{}
	for _, h := range hides {
		if !c.mountLacks(h) {
			continue
		}
		key := mounted{h.Mount, h.Run}
		if files[key] == nil {
			order = append(order, key)
		}
		files[key] = append(files[key], h)
	}
	for _, key := range order {
		first, at := files[key][0], c.runAt[key.run]
		if m := key.mount; m.Line > 0 {
			at = finding.Position{File: m.File, Line: m.Line}
		}
		from := filepath.ToSlash(key.mount.From)
		f := finding.Finding{
			Rule: finding.MountHidesImage, ImagePath: first.At, Subject: at, Assumptions: c.assumptions(c.image.Opaque),
			About:   finding.About{Name: key.mount.At},
			Summary: fmt.Sprintf("%s, which the program needs at startup, is hidden: %s is mounted over %s", first.At, from, key.mount.At),
			Detail:  fmt.Sprintf("%s The image has it, but %s has no %s.", way(first.Ask), from, strings.TrimPrefix(first.At, key.mount.At+"/")),
		}
		if more := len(files[key]) - 1; more > 0 {
			f.Detail += fmt.Sprintf(" %s more are hidden, too.", count(more, "file"))
		}
		f.Related = []finding.Place{first.Ask.Place()}
		c.add(f)
	}
}

// mountLacks reports whether what is mounted over a file is a directory that git tracks and that does not have the file.
func (c *programCheck) mountLacks(h lang.Hide) bool {
	rel, err := filepath.Rel(c.main.Dir, h.Mount.From)
	if h.Mount.From == "" || err != nil || !filepath.IsLocal(rel) {
		return false
	}
	rel = filepath.ToSlash(rel)
	if info, err := c.main.FS.Lstat(rel); err != nil || !info.IsDir() {
		return false
	}
	tracked, git, err := c.build.Tracked(rel)
	if err != nil || git && len(tracked) == 0 {
		return false
	}
	there := path.Join(rel, strings.TrimPrefix(h.At, h.Mount.At))
	if _, err := c.main.FS.Lstat(there); err == nil {
		return false
	}
	return !slices.ContainsFunc(tracked, func(f string) bool { return simulate.Within(f, there) })
}
