package audit

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// failsBefore reports the steps of a stage that surely fail, where a COPY finds nothing of what they make: the build does not get as far.
func (s Subject) failsBefore(ctx context.Context, image *simulate.Image, failure error, r *finding.ImageReport) error {
	var be *simulate.BuildError
	if !errors.As(failure, &be) || be.From != nil || be.Stage < 0 || image == nil || image.After(be.Stage) == nil {
		return nil
	}
	main, err := image.MainContext(s.Options.Context)
	if err != nil || main == nil {
		return err
	}
	image.Tree = image.After(be.Stage).Tree
	p := newPass(ctx, s, image, main, r)
	if err := checkSteps(p); err != nil {
		return err
	}
	of := image.Plan.Ops[be.Stage].Location.Stage
	r.Findings = slices.DeleteFunc(r.Findings, func(f finding.Finding) bool {
		return f.Severity != finding.Error || f.Hint.Step == 0 || image.Plan.Ops[f.Hint.Step-1].Location.Stage != of
	})
	return nil
}

// buildFailure turns a build that BuildKit would refuse into a finding.
func buildFailure(err error) (finding.Finding, bool) {
	f := finding.Finding{Rule: finding.BuildFails, Severity: finding.Error, Related: []finding.Place{}, Assumptions: []finding.Assumption{}, Fixes: []finding.Fix{}}
	var be *simulate.BuildError
	var de *dockerfile.Error
	var ie *dockerctx.IgnoreError
	switch {
	case errors.As(err, &ie):
		f.Summary = ie.Message
		f.Subject = finding.Position{File: ie.File, Line: ie.Line}
		f.About = finding.About{Site: ie.File, Text: strings.TrimSpace(ie.Text)}
		f.Detail = "BuildKit refuses this ignore file, so every build of this context fails."
		if name, ok := strings.CutSuffix(f.About.Text, `\`); ok {
			f.Detail += fmt.Sprintf(` A backslash escapes the character after it, and here none follows: write %s.`, name)
		}
		return f, true
	case errors.As(err, &be):
		f.Summary = be.Message
		f.Subject = position(be.Location)
		if !be.Location.IsZero() {
			f.Related = append(f.Related, instruction(finding.RoleFails, be.Location))
			for _, at := range be.Also {
				f.Related = append(f.Related, instruction(finding.RoleFails, at))
			}
		}
		var detail []string
		for _, h := range be.Hints {
			text := h.Text
			if !strings.HasSuffix(text, "?") {
				text += "."
			}
			detail = append(detail, text)
			if h.Line != nil {
				f.Related = append(f.Related, finding.Place{Role: finding.RoleExcludes, File: h.File, Line: h.Line.Number, Text: strings.TrimSpace(h.Line.Text)})
			}
		}
		f.Detail, f.ContextPath = strings.Join(detail, " "), strings.TrimPrefix(be.Source, "/")
		if be.Owner != nil {
			f.ImagePath = path.Join("/", be.Source)
			if f.ContextPath = be.Owed; be.Owner.Name != simulate.MainContext {
				f.ContextPath, f.Hint.Context, f.Hint.Source = "", be.Owner.Name, be.Owed
			}
		}
		if f.ContextPath == "" {
			f.About = finding.About{Site: be.Location.File, Text: be.Location.Text}
		}
		return f, true
	case errors.As(err, &de):
		f.Summary = de.Message
		f.Subject = finding.At(de.File, de.Range)
		f.About = finding.About{Site: de.File, Text: de.Text}
		return f, true
	}
	return f, false
}

// aboveContext says of a source that leads above its context where it lies, "" of any other one.
func (s Subject) aboveContext(f finding.Finding) string {
	up := 0
	for _, place := range f.Related {
		if place.Role == finding.RoleFails {
			up = strings.Count(place.Text, "../")
		}
	}
	if up == 0 || s.Options.Open == nil {
		return ""
	}
	text := "BuildKit drops ../: nothing above the context can be a source."
	for dir := s.Options.Context; up > 0; up-- {
		dir = filepath.Join(dir, "..")
		fsys, err := s.Options.Open(dir)
		if err != nil {
			break
		}
		if _, err := fsys.Lstat(f.ContextPath); err == nil {
			return fmt.Sprintf("%s It would be one with the context %s.", text, filepath.ToSlash(dir))
		}
	}
	return text
}

// judge makes a failing build less severe where it may well work elsewhere: in a context that nobody named, or after a
// step that makes what git ignores.
func (s Subject) judge(f finding.Finding, ofContext bool) finding.Finding {
	if !s.Discovered {
		return f
	}
	unnamed := len(s.Sources) == 0
	ignored := slices.ContainsFunc(f.Related, func(p finding.Place) bool { return p.Role == finding.RoleExcludes })
	// What the context has and no COPY takes stays out, whatever is made before the build.
	taken := f.Rule == finding.BuildFails || !s.tracks(f.ContextPath)
	switch {
	case f.Severity != finding.Error:
	case f.ContextPath == "" && unnamed && !plainName(f.Subject.File) && !s.beginsStage():
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(f.Detail + " It begins no stage, and nothing in the repository builds it: it may be a part of other Dockerfiles.")
	case f.ContextPath == "" && s.Unnamed:
		f.Severity = finding.Warning
		f.Detail = strings.TrimSpace(f.Detail + " Nothing in the repository builds it.")
	case f.ContextPath == "" && unnamed && template().MatchString(f.About.Text):
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(f.Detail + " It looks like a template from which another tool generates the Dockerfile.")
	case f.ContextPath == "" || !ofContext:
	case s.Guessed:
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(f.Detail + " No directory that was tried works as its build context; set one in the configuration.")
	case !ignored && !(s.builtInStage && !s.Prepared) && s.GitIgnored != nil && len(s.GitIgnored(s.Options.Context, []string{f.ContextPath, strings.TrimSuffix(f.ContextPath, "/") + "/"})) > 0:
		// With the slash: a pattern for directories matches no name of which git cannot see that it is one.
		f.Severity = finding.Note // neither has the repository it, nor is it proved that nobody makes it before
		f.Detail = strings.TrimSpace(f.Detail + " Git ignores it, so a step before the build must create it.")
	case s.Options.Fetched && s.submoduleOf(f.ContextPath) != "":
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(fmt.Sprintf("%s %s is a submodule: BuildKit fetches it, but it was not fetched here.", f.Detail, s.submoduleOf(f.ContextPath)))
	case s.submoduleOf(f.ContextPath) != "":
		f.Severity = finding.Warning
		f.Detail = strings.TrimSpace(fmt.Sprintf("%s %s is a submodule that was not fetched (git submodule update --init).", f.Detail, s.submoduleOf(f.ContextPath)))
	case !ignored && s.StagedBy != "":
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(fmt.Sprintf("%s %s builds it in a directory that it fills itself.", f.Detail, s.StagedBy))
	case taken && !ignored && s.exampleOf(f.ContextPath) != "":
		f.Severity = finding.Warning
		f.Detail = strings.TrimSpace(fmt.Sprintf("%s Somebody or something creates it from %s before the build.", f.Detail, s.exampleOf(f.ContextPath)))
	case taken && s.Prepared && !ignored && !(unnamed && builtPath(f.ContextPath)):
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(f.Detail + " A step before the build may create it.")
	case taken && !ignored && !s.builtInStage && builtPath(f.ContextPath) && (unnamed || !s.Options.Fetched && !s.tracksOutput(f.ContextPath)):
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(f.Detail + " Its name is that of a build product, which a step before the build may create.")
	case unnamed && !ignored && !plainName(f.Subject.File):
		f.Severity = finding.Warning
		f.Detail = strings.TrimSpace(f.Detail + " Nothing in the repository says how it is built; its context may be generated.")
	}
	return f
}

// compiles are programs that make what a project is built to, with the subcommand. All that they write is known from their options and their
// configuration; others write where a workspace above has it.
var compiles = map[string]string{"vite": "build", "react-scripts": "build", "vue-cli-service": "build", "next": "build", "go": "build"}

// buildsItself reports whether the stage in which a build fails to find something compiles the project: nobody does it before the build, then,
// and what it makes lies elsewhere.
func buildsItself(image *simulate.Image, err error) (by dockerfile.Location, ok bool) {
	var be *simulate.BuildError
	if !errors.As(err, &be) || image == nil || be.Owner == nil || be.Stage < 0 {
		return by, false
	}
	for op := image.Plan.Ops[be.Stage]; ; {
		if compilesProject(image, op) {
			return op.Location, true
		}
		ref, more := op.Parent()
		if !more || ref.Op < 0 {
			return by, false
		}
		op = image.Plan.Ops[ref.Op]
	}
}

// compilesProject reports whether a step surely starts a compiler of the project.
func compilesProject(image *simulate.Image, op *dockerfile.Op) bool {
	if op.Kind != dockerfile.OpExec {
		return false
	}
	script := image.Script(op)
	if script == nil {
		return false
	}
	return slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
		sub, known := compiles[call.Base]
		return known && call.S.Sure() && len(call.Args) > 0 && call.Args[0].Text == sub
	})
}

// tracks reports whether git tracks anything at or below a path of the context.
func (s Subject) tracks(name string) bool {
	if s.Tracked == nil {
		return false
	}
	files, ok, err := s.Tracked(s.Options.Context, name)
	return err == nil && ok && len(files) > 0
}

// tracksOutput reports whether git tracks anything in the directory of outputs that a path lies in, or at the path itself. Without git
// nobody can tell.
func (s Subject) tracksOutput(name string) bool {
	if s.Tracked == nil {
		return true
	}
	for p := name; p != "."; p = path.Dir(p) {
		if slices.Contains(outputDirs, path.Base(p)) {
			return s.tracks(p)
		}
	}
	return s.tracks(name)
}

// exampleOf gives the file of the context that a missing one is made from, as its name says: .env.example, config.sample.yml; "" if
// there is none.
func (s Subject) exampleOf(name string) string {
	if s.Options.Open == nil {
		return ""
	}
	fsys, err := s.Options.Open(s.Options.Context)
	if err != nil {
		return ""
	}
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for _, word := range []string{"example", "sample", "template", "dist", "default"} {
		for _, have := range []string{name + "." + word, name + "-" + word, stem + "." + word + ext, stem + "-" + word + ext, path.Join(path.Dir(name), word+path.Base(name))} {
			if fi, err := fsys.Lstat(have); err == nil && !fi.IsDir() {
				return have
			}
		}
	}
	return ""
}

// template is what no Dockerfile has, and templates of them do: properties of Maven, fields of Python's format, Jinja, Mustache, ERB.
var template = lazyre.New(`\$\{[^}:]*\.[^}]*\}|\{\{|<%|(^|[^$])\{[A-Za-z_][\w.]*\}|@[A-Za-z_][\w.-]*@`)

// from is an instruction that begins a stage.
var from = lazyre.New(`(?im)^[ \t]*FROM[ \t]`)

// beginsStage reports whether the Dockerfile has a FROM, or cannot be read.
func (s Subject) beginsStage() bool {
	if s.Options.Open == nil {
		return true
	}
	fsys, err := s.Options.Open(filepath.Dir(s.Options.Dockerfile))
	if err != nil {
		return true
	}
	data, err := dockerctx.ReadFile(fsys, filepath.Base(s.Options.Dockerfile), maxIgnoreFile)
	return err != nil || from().Match(data)
}

// plainName reports whether a file has a name under which docker build finds it by itself.
func plainName(file string) bool {
	return slices.Contains([]string{"Dockerfile", "dockerfile", "Containerfile"}, path.Base(file))
}

// ofContext reports whether a build fails at what its context should have, itself or through a stage.
func ofContext(err error) bool {
	var be *simulate.BuildError
	return errors.As(err, &be) && (be.From != nil || be.Owner != nil)
}

// submoduleOf gives the submodule of git in which a path of the context lies and that is empty here, "" if there is none.
func (s Subject) submoduleOf(contextPath string) string {
	if s.Clean == nil {
		return ""
	}
	modules, err := s.Clean.Submodules(s.Options.Context)
	if err != nil {
		return ""
	}
	for _, m := range modules {
		if p := strings.Trim(contextPath, "/"); p == m || strings.HasPrefix(p, m+"/") {
			return m
		}
	}
	return ""
}

// unsetOf gives the variables without a value that a refused instruction uses.
func unsetOf(image *simulate.Image, err error) dockerfile.Unset {
	var be *simulate.BuildError
	var de *dockerfile.Error
	switch {
	case errors.As(err, &be) && image != nil:
		return image.Plan.Unset(be.Location)
	case errors.As(err, &de):
		return de.Unset
	}
	return dockerfile.Unset{}
}

// judgeVariables makes a refusal less severe where the instruction uses a variable that has no value here and may have one
// where the image is built: an argument of an image that nobody named, or a setting of a base image.
func (s Subject) judgeVariables(f *finding.Finding, unset dockerfile.Unset) {
	switch {
	case unset.Workdir:
		f.Severity = finding.Warning
		if s.Discovered {
			f.Severity = finding.Note
		}
		f.Detail = strings.TrimSpace(f.Detail + " Not certain: the base image may set a working directory.")
	case len(unset.Args) > 0 && s.Discovered:
		f.Severity = finding.Note
		f.Detail = strings.TrimSpace(f.Detail + fmt.Sprintf(" An argument has no value here (%s); set it in the configuration, under build-args.",
			strings.Join(unset.Args, ", ")))
	case len(unset.Env) > 0:
		f.Severity = finding.Warning
		if s.Discovered {
			f.Severity = finding.Note
		}
		f.Detail = strings.TrimSpace(f.Detail + fmt.Sprintf(" Not certain: the base image may set %s.",
			strings.Join(unset.Env, ", ")))
	}
}
