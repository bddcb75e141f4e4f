package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Upload is what a client sends to a build service before the service builds: a directory as an ignore file lets it through.
type Upload struct {
	// At is the place that says that the service builds the image, Command what uploads.
	At      finding.Position
	Command string
	// Open opens a directory as it arrives.
	Open func(dir string) (dockerctx.FS, error)
	// Withheld gives the line that keeps a path of a build context from arriving, nil if it arrives. Its File is "" if the
	// client does so by itself.
	Withheld func(contextDir, name string, dir bool) *finding.Place
}

// checkUploaded predicts the build once more with what arrives at a build service, and looks for needed files that do not. A
// build that the service starts from git itself is not concerned, so that nothing here is an error.
func checkUploaded(p *pass) error {
	u := p.subject.Upload
	if u == nil || p.main == nil {
		return nil
	}
	if line := u.Withheld(p.main.Dir, ".", true); line != nil {
		f := p.notUploaded("the build context is not uploaded", "", line)
		f.Subject = p.last()
		p.add(f)
		return nil
	}
	failing, err := p.failsUploaded()
	if err != nil {
		return err
	}
	p.needSources()
	withheld := map[string]*finding.Place{}
	for _, name := range p.needs.Paths() {
		info, err := p.main.FS.Lstat(name)
		if err != nil || name == failing {
			continue
		}
		if line := u.Withheld(p.main.Dir, name, info.IsDir()); line != nil {
			withheld[name] = line
		}
	}
	if p.subject.Clean != nil && len(withheld) > 0 {
		// What git does not track was told of.
		absent, err := p.subject.Clean.Absent(p.main.Dir, sortedKeys(withheld))
		if err != nil {
			return err
		}
		for name := range absent {
			delete(withheld, name)
		}
	}
	byLine := map[finding.Place][]string{}
	var order []finding.Place
	for _, name := range sortedKeys(withheld) {
		at := *withheld[name]
		if byLine[at] == nil {
			order = append(order, at)
		}
		byLine[at] = append(byLine[at], name)
	}
	for _, at := range order {
		names := byLine[at]
		n := p.needs.Reason(names[0])
		summary := fmt.Sprintf("%s is needed, but is not uploaded", names[0])
		if more := len(names) - 1; more > 0 {
			summary = fmt.Sprintf("%s and %d more are needed, but are not uploaded", names[0], more)
		}
		f := p.notUploaded(summary, "It exists here; "+n.Why+".", &at)
		f.ContextPath, f.Subject, f.Related = names[0], n.At, append(f.Related, n.Place)
		if len(names) > 1 {
			f.Files = names
		}
		p.add(f)
	}
	return nil
}

// failsUploaded reports a build that fails with what arrives. source is the path that it lacks, if it is one.
func (p *pass) failsUploaded() (source string, err error) {
	u, opt := p.subject.Upload, p.subject.Options
	opt.Open = u.Open
	image, err := simulate.Build(p.ctx, opt)
	if err == nil {
		err = image.Verify(p.ctx, nil)
	}
	if err == nil {
		return "", nil
	}
	fail, ok := buildFailure(err)
	switch {
	case ok:
	case errors.Is(err, fs.ErrNotExist):
		fail = finding.Finding{Summary: "a directory that it needs is not uploaded", Subject: p.last()}
	default:
		return "", err
	}
	var line *finding.Place
	if info, err := p.main.FS.Lstat(fail.ContextPath); err == nil && fail.ContextPath != "" {
		line = u.Withheld(p.main.Dir, fail.ContextPath, info.IsDir())
	} else if df, err := filepath.Rel(p.main.Dir, opt.Dockerfile); err == nil && fail.ContextPath == "" {
		line = u.Withheld(p.main.Dir, filepath.ToSlash(df), false)
	}
	f := p.notUploaded("the build fails with the uploaded files: "+fail.Summary, "", line)
	f.Subject, f.ContextPath, f.About = fail.Subject, fail.ContextPath, fail.About
	f.Related = append(f.Related, slices.DeleteFunc(fail.Related, func(at finding.Place) bool { return at.Role == finding.RoleExcludes })...)
	p.add(f)
	return fail.ContextPath, nil
}

// notUploaded makes a finding of something that does not arrive. line is what keeps it, nil if that is not one line.
func (p *pass) notUploaded(summary, detail string, line *finding.Place) finding.Finding {
	u := p.subject.Upload
	at := finding.Place{Role: finding.RoleBuilds, File: u.At.File, Line: u.At.Line, Text: u.Command, Note: "a build that a trigger starts from git is not affected"}
	f := finding.Finding{Rule: finding.RequiredNotUploaded, Summary: summary, Related: []finding.Place{at}}
	why := fmt.Sprintf("%s does not send it", u.Command)
	if line != nil {
		if line.File != "" {
			f.Related = append(f.Related, *line)
			why = fmt.Sprintf("%s:%d excludes it from the upload, if the build is started by %s", line.File, line.Line, u.Command)
		} else {
			why = fmt.Sprintf("%s by itself excludes %s from the upload", u.Command, line.Text)
		}
	}
	f.Detail = strings.TrimSpace(detail + " " + why + ".")
	f.Assumptions = []finding.Assumption{{
		Kind: "upload", File: u.At.File, Line: u.At.Line, Text: u.Command,
		Meaning: "that the build is started by " + u.Command + ", and not by a trigger from git",
	}}
	return f
}
