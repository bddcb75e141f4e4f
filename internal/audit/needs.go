package audit

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// reportNeed reports something that a program needs and that the image lacks, or has where no search path leads.
func (c *programCheck) reportNeed(n *need.Need, programs lang.Programs) error {
	v, err := need.Judge(c.build, n)
	if err != nil {
		return err
	}
	f := finding.Finding{
		Module: n.Name, ContextPath: n.Source, Files: v.Missing(), Subject: n.Asks[0].At, Way: trail(n.Asks[0]), Assumptions: c.assumptions(c.image.Opaque),
	}
	source := n.Source
	if n.In != nil { // edits are of the main context, and so are paths
		f.Hint.Context, f.Hint.Source = n.In.Main.Name, n.Source
		f.ContextPath, source = "", fmt.Sprintf("%s of the context %s", n.Source, n.In.Main.Name)
	}
	for _, a := range n.Asks {
		f.Related = append(f.Related, a.Place())
	}
	sites := count(len(n.Asks), "import") + " of it"
	if n.Started {
		sites = "the image starts it"
	}
	detail := []string{way(n.Asks[0])}
	if at := v.Lies(); at != "" {
		advice, dir, searched := programs.Unreached(n, at)
		if searched {
			return nil // what was asked for is not in it
		}
		f.Rule, f.ImagePath, f.Hint.SearchDir, f.Hint.Wants = finding.ImportNotReachable, at, dir, n.Wants
		f.Summary = fmt.Sprintf("%s is in the image at %s, but not on the search path (%s)", n.Name, at, sites)
		if last := n.Name[strings.LastIndexByte(n.Name, '.')+1:]; strings.TrimSuffix(path.Base(at), path.Ext(at)) != last {
			f.Summary = fmt.Sprintf("the content of %s is in the image at %s, but not in a directory of that name (%s)", n.Name, at, sites)
		}
		if detail = append(detail, advice); n.NotMade != "" {
			f.Rule, f.Module, f.ImagePath, f.Hint = finding.EntrypointNotInImage, "", "", finding.Hint{Command: n.Command, Program: n.Command}
			f.About.Name = n.Command
			f.Summary = fmt.Sprintf("the image starts %s, which is in no directory of PATH: its project is not installed", n.Command)
			f.Hint.Program = n.Command
			detail = []string{way(n.Asks[0]), n.NotMade}
		}
	} else {
		f.Rule, f.Hint.Wants = finding.ImportNotInImage, n.Wants
		f.Summary = fmt.Sprintf("%s is not in the image (%s)", n.Name, sites)
		subject := f.Subject
		if len(v.Uncopied) > 0 {
			why, err := c.explainUncopied(&f, v, n.At)
			if err != nil {
				return err
			}
			detail = append(detail, fmt.Sprintf("%s is in the repository: %s", source, why))
		}
		if len(v.Ignored) > 0 {
			detail = append(append(detail, fmt.Sprintf("%s is in the repository.", source)), c.explainIgnored(&f, v)...)
		}
		if to := c.ledOut(n.Source); to != "" && n.In == nil {
			detail = append(detail, fmt.Sprintf("%s is a link to %s, which is not in the build context.", source, to))
		}
		f.Subject = subject
	}
	if n.Lost != "" {
		detail = append(detail, n.Lost)
		f.Hint.Marker, f.Hint.Before = n.Add.Marker, n.Add.Before
	}
	f.Severity = finding.Error
	if n.Reach < need.Startup && !n.Asks[0].Literal {
		f.Severity = finding.Warning // a function need not be called, nor a condition hold
	}
	if n.Reach <= need.Guarded {
		f.Severity = finding.Warning
		detail = append(detail, "Every import of it is guarded by try: the program starts without it.")
	}
	if place := c.mountedThere(n.Wants); place != "" && f.Severity == finding.Error {
		f.Severity = finding.Warning
		detail = append(detail, fmt.Sprintf("Not certain: %s mounts it there.", place))
	}
	d, err := v.Doubt(f.Rule != finding.ImportNotInImage, need.Starts{Written: c.writtenAtStart, Mounted: c.mountedAtStart, Alone: c.alone(n.Wants)})
	if err != nil || d.Silent {
		return err
	}
	if d.Kind != need.Proved && f.Severity == finding.Error {
		f.Severity = finding.Warning
		detail = append(detail, d.Because())
	}
	f.Detail = strings.Join(detail, " ")
	c.add(f)
	return nil
}

// Led gives a path of a context without the links in it; ok is false if it is not there, or a link leads out of the context.
func Led(main *simulate.Context, p string) (to string, ok bool) {
	return view.NewRepository(main.FS, view.NewFacts()).Resolve(p)
}

// ledOut gives where a link of the context leads, if that is not in it: "" if it is no such link.
func (c *programCheck) ledOut(p string) string {
	fi, err := c.main.FS.Lstat(p)
	if err != nil || fi.Mode()&fs.ModeSymlink == 0 {
		return ""
	}
	if _, ok := c.build.Repo.Resolve(p); ok {
		return ""
	}
	to, err := c.main.FS.ReadLink(p)
	if err != nil {
		return ""
	}
	return to
}

// described gives the starts that a file describes: the image's own command is none.
func (c *programCheck) described() []Start {
	return slices.DeleteFunc(slices.Clone(c.subject.Starts), func(s Start) bool { return s.At.File == "" })
}

// mountedAtStart reports whether all starts that are described mount something over one of some paths of the image.
func (c *programCheck) mountedAtStart(at []string) bool {
	starts := c.described()
	return len(starts) > 0 && !slices.ContainsFunc(starts, func(s Start) bool {
		r := program.Run{Mounts: s.Mounts}
		return !slices.ContainsFunc(at, r.Mounted)
	})
}

// alone reports whether nobody mounts the program into the image: it is built to be shipped, or started without a mount there.
func (c *programCheck) alone(at []string) bool {
	if c.mountedAtStart(at) {
		return false
	}
	return len(c.described()) > 0 || slices.ContainsFunc(c.subject.Sources, func(s finding.Source) bool {
		return slices.Contains([]string{"workflow", "cloudbuild", "skaffold", "compose"}, s.Kind)
	})
}

// mountedThere gives the place that mounts something at just one of some paths when the image starts, "" if none does: who names the path
// means it.
func (c *programCheck) mountedThere(at []string) string {
	for _, s := range c.subject.Starts {
		for _, m := range s.Mounts {
			if slices.Contains(at, m.At) && m.At != path.Join("/", c.image.Plan.Config.WorkingDir) {
				return fmt.Sprintf("%s:%d", cmp.Or(m.File, s.At.File), cmp.Or(m.Line, s.At.Line))
			}
		}
	}
	return ""
}

// mountedBelow gives the place that mounts a path of the image, or a directory above it that holds no program, when the image starts: ""
// if none does. Who mounts a file means it; a mount over the working directory is one of developers.
func (c *programCheck) mountedBelow(at string) string {
	for _, s := range c.subject.Starts {
		for _, m := range s.Mounts {
			if m.Hides(at) && !m.Hides(path.Join("/", c.image.Plan.Config.WorkingDir)) {
				return fmt.Sprintf("%s:%d", cmp.Or(m.File, s.At.File), cmp.Or(m.Line, s.At.Line))
			}
		}
	}
	return ""
}

// writtenAtStart gives the place of a command of the start that writes one of some files of the image, or may make it; "" if none does.
func (c *programCheck) writtenAtStart(at []string) string {
	for _, p := range at {
		if o, ok := c.written[p]; ok {
			return fmt.Sprintf("%s:%d", o.File, o.Line)
		}
		for _, m := range c.made {
			if rootfs.Covers(m.Path, p) {
				return fmt.Sprintf("%s:%d", m.By.File, m.By.Line)
			}
		}
	}
	return ""
}
