package audit

import (
	"fmt"
	"path"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// reportRead reports a file that a program reads when it starts and that the repository has and the image has not. What git knows and
// does not track was made here, and may be made there: nothing is said of it.
func (c *programCheck) reportRead(r lang.Read, programs lang.Programs) error {
	known := c.build.Tree.Stat(r.At) == shell.Absent
	if r.Source == "" {
		r.Source = c.counterpart(r.At, known, r.Dir)
	}
	if r.Source == "" || c.writtenAtStart([]string{r.At}) != "" {
		return nil
	}
	if info, err := c.main.FS.Lstat(r.Source); err != nil || info.IsDir() != r.Dir {
		return nil
	}
	tracked, git, err := c.build.Tracked(r.Source)
	if err != nil || git && len(tracked) == 0 {
		return err
	}
	v, err := need.Judge(c.build, &need.Need{
		Name: path.Base(r.At), Source: r.Source, At: r.At, Wants: []string{r.At}, Asks: []need.Ask{r.Ask}, Reach: need.Startup, Ways: programs,
	})
	if err != nil {
		return err
	}
	f := finding.Finding{
		Rule: finding.DataFileNotInImage, ContextPath: r.Source, ImagePath: r.At, Files: v.Missing(), Subject: r.Ask.At, Way: trail(r.Ask),
		Summary:     fmt.Sprintf("the program reads %s at startup, which is not in the image", r.At),
		Related:     []finding.Place{{Role: finding.RoleReads, File: r.Ask.At.File, Line: r.Ask.At.Line, Text: r.Ask.Text}},
		Assumptions: c.assumptions(c.image.Opaque),
	}
	f.Hint.Wants = []string{r.At}
	f.Detail = way(r.Ask)
	subject := f.Subject
	switch {
	case len(v.Uncopied) > 0:
		text, err := c.explainUncopied(&f, v, "")
		if err != nil {
			return err
		}
		f.Detail += fmt.Sprintf(" %s is in the repository: %s", r.Source, text)
	case len(v.Ignored) > 0:
		f.Detail += fmt.Sprintf(" %s is in the repository.", r.Source)
		for _, s := range c.explainIgnored(&f, v) {
			f.Detail += " " + s
		}
	}
	f.Subject = subject
	switch {
	case r.Ask.Reach < need.Startup:
		f.Severity = finding.Warning
		f.Summary = fmt.Sprintf("the program reads %s at run time, which is not in the image", r.At)
	case c.mountedBelow(r.At) != "":
		f.Severity = finding.Warning
		f.Detail += fmt.Sprintf(" Not certain: %s mounts it, or its directory.", c.mountedBelow(r.At))
	case !known:
		f.Severity = finding.Warning
		f.Detail += " Not certain: the base image may have it, or a step may create it."
	}
	c.add(f)
	return nil
}
