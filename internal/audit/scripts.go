package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// addProgram records the program that the image starts if it is named by its path and not known to be there. What
// cannot be read is no entry otherwise.
func (c *programCheck) addProgram() {
	argv, loc := c.startCommand()
	// A word that begins with a dash is an option of the base image's ENTRYPOINT.
	if len(argv) == 0 || !strings.Contains(argv[0], "/") || strings.HasPrefix(argv[0], "-") {
		return
	}
	p := c.absolute(argv[0])
	if !slices.ContainsFunc(c.runs(), func(r *run) bool { return r.own && !r.Mounted(p) }) {
		return
	}
	if c.build.Tree.Stat(p) == shell.Regular || slices.ContainsFunc(c.scripts, func(s program.Entry) bool { return s.Path == p }) {
		return
	}
	c.scripts = append(c.scripts, program.Entry{Kind: program.Script, Path: p, Origin: origin(loc), Required: true})
}

// addScript remembers a script that is started and not known to be in the image, once: the start that needs it most counts.
func (c *programCheck) addScript(s program.Entry) {
	weight := func(s program.Entry) int {
		switch {
		case s.Conditional:
			return 0
		case !s.Required:
			return 1
		}
		return 2
	}
	i := slices.IndexFunc(c.scripts, func(have program.Entry) bool { return have.Path == s.Path })
	switch {
	case i < 0:
		c.scripts = append(c.scripts, s)
	case weight(s) > weight(c.scripts[i]):
		c.scripts[i] = s
	}
}

// starter says who starts something.
func starter(e program.Entry) string {
	switch {
	case e.Kind == program.File:
		return "the image reads at startup"
	case e.Health:
		return "the health check runs"
	}
	return "the image starts"
}

// absence is a file that the image starts, or reads when it starts, and does not have.
type absence struct {
	finding.Finding
	entry   program.Entry
	target  string // what is missing: where a link leads
	known   bool   // it is surely not there
	apart   bool   // the repository has one file that is meant, and no COPY takes it there
	reaches func(op *dockerfile.Op) bool
	proved  bool
	why     string // it is not proved
	nowhere bool   // nor has the repository anything that could be meant
}

// reportScript reports a program that is started by its path and not in the image. It is an error only if nothing else
// can have put it there: no base image and no step that is not known, or git tracks it and the ignore file keeps it out.
func (c *programCheck) reportScript(e program.Entry) error {
	if c.writtenAtStart([]string{e.Path}) != "" || c.onlyMounted(e.Path) {
		return nil
	}
	a := c.absence(e)
	left := a.ContextPath == "" && !a.known && e.Required && c.leftBehind(a.target)
	told := a.known || left || c.ownScript(e.Path)
	switch {
	case a.ContextPath != "":
		var err error
		if told, err = c.judgeFound(a); err != nil {
			return err
		}
	case told && e.Kind != program.File:
		told = c.judgeNowhere(a, left)
	default:
		told = false
	}
	// Whether it is there, and whether that branch is taken, are both open.
	if !told || !a.proved && (e.Conditional || a.apart && !a.known) {
		return nil
	}
	by := c.composed(a.target)
	if place := c.mountedBelow(a.target); place != "" && e.Kind == program.File {
		by = place + " mounts it, or its directory"
	}
	if by != "" && a.proved && a.ContextPath != "" {
		a.proved, a.why = false, by
	}
	if a.apart && a.proved && !c.alone(a.Hint.Wants) {
		a.proved, a.why = false, "it may be mounted, or added by an image that is built on this one"
	}
	if !a.proved || a.nowhere || !e.Required || e.Conditional {
		a.Severity = finding.Warning
	}
	if !a.proved {
		a.Detail = strings.TrimSpace(a.Detail + " Not certain: " + a.why + ".")
	}
	c.add(a.Finding)
	return nil
}

// absence looks for what is not there in the build context.
func (c *programCheck) absence(e program.Entry) *absence {
	at := c.startPlace(e.Origin)
	a := &absence{entry: e, target: e.Path, why: "the base image may have it, or a step may create it", Finding: finding.Finding{
		Rule: finding.EntrypointNotInImage, ImagePath: e.Path, Subject: finding.Position{File: at.File, Line: at.Line},
		Summary: fmt.Sprintf("%s, which %s, is not in it", e.Path, starter(e)), Assumptions: c.assumptions(c.image.Opaque),
	}}
	// A link may be there and lead to what is not.
	if n, err := c.image.Tree.Lstat(e.Path); err == nil && n.Kind == rootfs.KindSymlink {
		if _, at, err := c.image.Tree.Stat(e.Path); err != nil {
			a.target = at
			a.Summary = fmt.Sprintf("%s, which %s, is a link to %s, which is not in it", e.Path, starter(e), at)
		}
	}
	a.known = c.build.Tree.Stat(e.Path) == shell.Absent
	a.proved = a.known
	a.ContextPath, a.Hint.Wants = c.counterpart(a.target, a.known, e.Dir), []string{a.target}
	a.reaches = need.Reaching(c.build, a.Hint.Wants)
	if a.ContextPath == "" && e.Kind == program.Script && (a.known || c.ownScript(e.Path)) {
		a.ContextPath = c.onlyTracked(a.target)
		a.apart = a.ContextPath != ""
	}
	return a
}

// judgeFound judges what the build context has; told is false if there is nothing to tell.
func (c *programCheck) judgeFound(a *absence) (told bool, err error) {
	a.Detail = fmt.Sprintf("The repository has it: %s.", a.ContextPath)
	if a.apart {
		a.Detail = fmt.Sprintf("The repository has %s, but no COPY copies it there.", a.ContextPath)
	}
	if a.entry.Beside && path.Dir(a.ContextPath) != "." {
		a.ContextPath, a.Hint.Wants = path.Dir(a.ContextPath), []string{path.Dir(a.target)}
		a.Detail += fmt.Sprintf(" The other files in %s are needed, too.", a.ContextPath)
	}
	files, git, err := c.build.Tracked(a.ContextPath)
	if err != nil {
		return false, err
	}
	tracked := len(files) > 0
	steps := c.runsSteps(a.reaches)
	if steps && (view.Installed(a.ContextPath) || git && !tracked) {
		return false, nil // it was built or installed here, as a step does it there
	}
	if t, err := c.main.Explain(a.ContextPath); err == nil && !t.Included && t.Decisive != nil {
		a.Related = append(a.Related, c.ignoreLine(finding.RoleExcludes, t.Decisive, ""))
		base := need.ForeignBase(c.image)
		a.proved = a.proved || base == nil && (tracked || !steps)
		if base != nil {
			a.why = fmt.Sprintf("the base image %s may have it", need.BaseName(base))
		}
	}
	if by := c.brings(a.reaches); !a.proved && tracked && written(a.target) {
		a.proved, a.why = by == "", by
	}
	if step := need.StepOn(c.build, a.reaches, a.ContextPath, "", a.Hint.Wants); step != "" {
		a.proved, a.why = false, fmt.Sprintf("the step %q names it, and may create it", step)
	} else if step := need.StepBuilds(c.build, a.reaches); step != "" && (!tracked || !written(a.ContextPath)) {
		a.proved, a.why = false, fmt.Sprintf("the step %q may build it", step)
	}
	return true, nil
}

// judgeNowhere judges what the build context does not have by that path; told is false if there is nothing to tell.
func (c *programCheck) judgeNowhere(a *absence, left bool) (told bool) {
	at := c.build.OwnFile(func(at string) bool { return path.Base(at) == path.Base(a.target) })
	switch {
	case at == "" && !a.known && !left || view.Installed(a.target):
		return false // what packages bring may be installed when it starts
	case !a.known && !left && builtPath(a.target):
		return false // a step may build it, and what has the same name elsewhere is another file
	}
	a.proved = a.proved || left
	if lacks, _ := c.lacksProgram(path.Base(a.target)); at == "" && lacks && command.IsShell(path.Base(a.target)) {
		return false // checkShell tells it
	}
	a.nowhere = c.elsewhere(&a.Finding, a.target, at)
	if by := c.brings(a.reaches); a.Hint.Found == at && at != "" && !a.proved && written(a.target) {
		a.proved, a.why = by == "", by
	}
	if a.proved && !left && c.mayBeBuilt(a.target) {
		a.proved, a.why = false, "a step before the build may create it"
	}
	return true
}

// mayBeBuilt reports whether a file that is missing would be copied from the context if something made it there before the build: it has
// the name of a product, and no step of this build compiles the project.
func (c *programCheck) mayBeBuilt(target string) bool {
	if !builtPath(target) {
		return false
	}
	from, source := c.image.Meant(target)
	if from == nil {
		return false
	}
	if t, err := from.Explain(source); err != nil || !t.Included {
		return false
	}
	return !slices.ContainsFunc(c.image.Plan.Ops, func(op *dockerfile.Op) bool { return compilesProject(c.image, op) })
}

// onlyMounted reports whether all starts that are described mount something over a path, and the image has nothing of the repository
// there: it is made for that.
func (c *programCheck) onlyMounted(at string) bool {
	return c.mountedAtStart([]string{at}) && c.build.OwnFile(func(own string) bool { return c.mountedAtStart([]string{own}) }) == ""
}

// composed says that a service whose image is this one, or may be, mounts something at just a path, "" if none does: who names the path means it.
func (c *programCheck) composed(at string) string {
	for _, m := range c.subject.Elsewhere {
		if m.At == at {
			return fmt.Sprintf("%s:%d mounts something there", m.File, m.Line)
		}
	}
	if place := c.mountedThere([]string{at}); place != "" {
		return place + " mounts something there"
	}
	return ""
}

// brings says what may have put a source where some operations reach, "" for nothing: a base image, or a step.
func (c *programCheck) brings(reaches func(*dockerfile.Op) bool) string {
	if base := need.BaseHolds(c.build, reaches); base != nil {
		return fmt.Sprintf("the base image %s may have it", need.BaseName(base))
	}
	if step := need.StepBrings(c.build, reaches); step != "" {
		return fmt.Sprintf("the step %q may create it, or move it there", step)
	}
	return ""
}

// written reports whether a script is one that people write: no build makes it of something else.
func written(p string) bool {
	return slices.Contains([]string{".py", ".sh", ".bash"}, path.Ext(p)) && !builtPath(p)
}

// onlyTracked gives the only file of the build context that git tracks and that may be meant by a script that is not in the image: its
// path ends as that does below the working directory. "" if there is none, if the image has a file of that name, or may get one.
func (c *programCheck) onlyTracked(target string) (only string) {
	rel, below := strings.CutPrefix(target, path.Join("/", c.image.Plan.Config.WorkingDir)+"/")
	if !below {
		rel = path.Base(target)
	}
	if c.madeInStage(target) != nil || path.Ext(target) == "" || c.fileAbove(target) != "" ||
		c.build.OwnFile(func(at string) bool { return path.Base(at) == path.Base(target) }) != "" {
		return ""
	}
	files, _, err := c.build.Tracked(".")
	if err != nil {
		return ""
	}
	for _, f := range files {
		if strings.HasSuffix("/"+f, "/"+rel) {
			if only != "" {
				return ""
			}
			only = f
		}
	}
	return only
}

// declaredOutside says of the first instruction that uses an argument which has no value in its stage that it does; "" if none does.
func (p *pass) declaredOutside() string {
	plan := p.image.Plan
	for _, stage := range plan.Stages {
		for _, in := range stage.Instructions {
			if names := plan.Unset(in.Location).Outside; stage.Reached && len(names) > 0 {
				return fmt.Sprintf("%s is declared only before the first FROM, so it is empty at %s:%d: add ARG %s after the FROM.",
					names[0], in.Location.File, in.Location.Range.Start.Line, names[0])
			}
		}
	}
	return ""
}

// runsSteps reports whether anything but base images went into the image that is not known, of what reaches a place.
func (c *programCheck) runsSteps(reaches func(*dockerfile.Op) bool) bool {
	return slices.ContainsFunc(c.image.Opaque, func(id int) bool {
		op := c.image.Plan.Ops[id]
		return (op.Kind == dockerfile.OpExec || op.Kind == dockerfile.OpRemote) && reaches(op)
	})
}

// ownScript reports whether a path looks like a script of the project, and not like a program of the base image.
func (c *programCheck) ownScript(p string) bool {
	workdir := path.Join("/", c.image.Plan.Config.WorkingDir)
	return workdir != "/" && strings.HasPrefix(p, workdir+"/") && path.Ext(p) != ""
}

// counterpart gives the file, or directory, of the context that would be at a path of the image, "" where there is none. The directory
// may be missing from the image together with the file, so the nearest one that was copied leads to it; the root directory
// does so only where no base image shares it.
func (c *programCheck) counterpart(p string, known, isDir bool) string {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if dir == "/" && !known {
			break
		}
		if o, ok := c.build.Origin(c.build.Tree, dir); ok {
			at := path.Join(o, strings.TrimPrefix(p, dir))
			if info, err := c.main.FS.Lstat(at); err == nil && info.IsDir() == isDir {
				return at
			}
			return ""
		}
		if dir == "/" {
			break
		}
	}
	// Where nothing of the context is copied to the working directory, all of it is usually meant to be.
	workdir := path.Join("/", c.image.Plan.Config.WorkingDir)
	rel, below := strings.CutPrefix(p, workdir+"/")
	if info, err := c.main.FS.Lstat(rel); known && below && workdir != "/" && err == nil && info.IsDir() == isDir && c.reaches(rel) {
		return rel
	}
	return ""
}

// namesake gives the only file of the context that has the name of one of the image, "" if there is none.
func (c *programCheck) namesake(p string) string {
	near, ok := simulate.NearestInContext(c.main, path.Base(p))
	if info, err := c.main.FS.Lstat(near); !ok || path.Base(near) != path.Base(p) || err != nil || info.IsDir() {
		return ""
	}
	return near
}

// reaches reports whether the ignore file lets in a path of the context.
func (c *programCheck) reaches(contextPath string) bool {
	t, err := c.main.Explain(contextPath)
	return err == nil && t.Included
}

// ownProgram gives the file of the image that a name without a slash was meant for: in the working directory or the root or, of a script,
// anywhere; "" if nothing of the build context has the name.
func (c *programCheck) ownProgram(name, workdir string) string {
	for _, dir := range []string{workdir, "/"} {
		at := path.Join("/", dir, name)
		if _, ok := c.build.ContextPath(c.build.Tree, at); ok && c.build.Tree.Stat(at) == shell.Regular {
			return at
		}
	}
	if path.Ext(name) == "" {
		return ""
	}
	return c.build.OwnFile(func(at string) bool { return path.Base(at) == name })
}

// takesModules reports whether the image takes modules of Python out of another stage: what an installation puts beside them is not among
// them.
func (c *programCheck) takesModules() bool {
	return slices.ContainsFunc(c.image.Plan.Ops, func(op *dockerfile.Op) bool {
		return slices.ContainsFunc(op.File, func(a dockerfile.FileAction) bool {
			cp, ok := a.Change.(dockerfile.Copy)
			return ok && a.Source >= 0 && strings.HasSuffix(path.Clean(cp.Src), "/site-packages")
		})
	})
}

// mayInstall reports whether an operation may bring a program that its base image lacks: a step that does not so much as name it, and
// installs nothing, does not.
func (c *programCheck) mayInstall(op *dockerfile.Op, name string) bool {
	text := op.Location.Text
	return op.Kind != dockerfile.OpExec || c.build.Script(op).Missed || strings.Contains(text, name) ||
		slices.ContainsFunc(c.build.Script(op).Calls, func(call *command.Call) bool {
			return command.Is(call.Base, command.Installer) || call.Footprint().Unknown
		})
}

// reportNotInPath reports a program that the image starts by its name, where no directory of PATH has it: one of the build context, or
// any where all that lies there is known.
func (c *programCheck) reportNotInPath() {
	base := need.BaseOf(c.image.Plan, c.image.Plan.Result)
	for _, r := range c.runs() {
		_, name := executed(append(slices.Clone(r.Entrypoint.Args), r.Cmd.Args...), r.Workdir, r.Env)
		list, set := view.Lookup(r.Env, "PATH")
		if name == "" || !set || c.subject.Policy.Require.EntrypointExists || path.Ext(name) == ".wasm" { // a runtime of WebAssembly looks in the root directory
			continue
		}
		home := c.installsAtHome()
		open, lacked := false, base != nil && bases.Lacks(base.Image.Ref, name) && (home != nil || c.takesModules())
		found := slices.ContainsFunc(strings.Split(list, ":"), func(dir string) bool {
			at := path.Join("/", dir, name)
			for _, id := range c.image.Tree.HeldBy(at).Ops() {
				if home != nil && id == home.ID && !strings.Contains(at, "/.local/") {
					continue
				}
				if id < 0 || c.image.Plan.Ops[id].Kind != dockerfile.OpImage {
					open = open || !lacked || id < 0 || c.mayInstall(c.image.Plan.Ops[id], name)
				} else if id == base.ID && lacked {
					continue
				} else if !bases.Bare(c.image.Plan.Ops[id].Image.Ref) {
					return true // it may have a program of that name
				}
			}
			n, _, err := c.image.Tree.Stat(at)
			return err == nil && !n.IsDir() || r.Mounted(at)
		})
		if found {
			continue
		}
		own := c.ownProgram(name, r.Workdir)
		left := !slices.ContainsFunc(strings.Split(list, ":"), func(dir string) bool { return !c.leftBehind(path.Join("/", dir, name)) })
		if own == "" && !left && (open || !need.BaseKnown(c.image) && !lacked) {
			continue
		}
		origin := r.Entrypoint.Origin
		if len(r.Entrypoint.Args) == 0 {
			origin = r.Cmd.Origin
		}
		at := c.startPlace(origin)
		f := finding.Finding{
			Rule: finding.EntrypointNotInImage, ImagePath: own, Subject: finding.Position{File: at.File, Line: at.Line}, Assumptions: c.assumptions(c.image.Opaque),
			Summary: fmt.Sprintf("the image starts %s, which is in no directory of PATH", name),
			Detail:  fmt.Sprintf("It is at %s; a name without a slash is searched only in PATH (%s).", own, list),
		}
		f.Hint.Program = name
		if f.Hint.Found = own; own == "" {
			f.Detail = fmt.Sprintf("A name without a slash is searched only in PATH (%s), and everything that the image has there is known.", list)
			if home != nil {
				l := home.Location
				f.Related = append(f.Related, instruction(finding.RoleSets, l))
				f.Hint.Programs = c.homePrograms(home.Exec.User)
				f.Detail = fmt.Sprintf("%s:%d installs as %s, who cannot write to the system's directories: pip then installs into .local of the home directory, and PATH is %s.",
					l.File, l.Range.Start.Line, home.Exec.User, list)
			}
		}
		if open {
			f.Severity = finding.Warning
			f.Detail += " Not certain: a step may add one."
		}
		c.add(f)
		return
	}
}
