package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// reportFault reports what a program asks for and nothing has.
func (c *programCheck) reportFault(fault lang.Fault, programs lang.Programs) {
	ask := fault.Asks[0]
	f := finding.Finding{Module: fault.Module, Subject: ask.At, Way: trail(ask)}
	for _, a := range fault.Asks {
		f.Related = append(f.Related, a.Place())
	}
	switch fault.Kind {
	case lang.NoName:
		c.lacksName(&f, fault, programs)
	case lang.NoModule:
		f.Rule, f.Severity = finding.ImportNotFound, c.nowhere(fault, programs)
		f.Summary = fault.Module + " is neither in the image nor in the repository"
		f.Detail = fmt.Sprintf("%s The package %s exists and has no such module.", way(ask), fault.Parent)
		file := strings.ReplaceAll(fault.Module, ".", "/") + ".py"
		if near, ok := simulate.NearestInContext(c.main, file); fault.Parent == "" {
			f.Summary = fmt.Sprintf("%s does not exist: the search path has %s", fault.Module, fault.Name)
			f.Detail = way(ask) + " Linux file names are case-sensitive. Not certain: an installed package may have that name."
		} else if fault.Name != "" {
			f.Summary = fmt.Sprintf("%s does not exist: the package %s has %s", fault.Module, fault.Parent, fault.Name)
			f.Detail += " Linux file names are case-sensitive."
		} else if ok && path.Base(near) == path.Base(file) {
			f.Summary = fmt.Sprintf("%s does not exist in the package %s", fault.Module, fault.Parent)
			f.Detail += fmt.Sprintf(" The repository has %s.", near)
		}
	case lang.NotFetched:
		f.Rule, f.Severity = finding.ImportNotFound, finding.Warning
		f.Summary = fmt.Sprintf("%s is missing here: the submodule %s was not fetched", fault.Module, fault.Name)
		f.Detail = way(ask) + " Fetch it with git submodule update --init, or in CI with actions/checkout and submodules: true."
	case lang.Misplaced: // It is a warning: a tool may run a file under another name.
		f.Rule, f.Severity, f.About = finding.ImportNotFound, finding.Warning, finding.About{Site: ask.At.File}
		f.Summary = fmt.Sprintf("the relative import of %s resolves nowhere", fault.Module)
		f.Detail = way(ask) + " " + fault.Detail
	case lang.NoProgram: // So that nobody takes silence for a pass.
		f.Rule, f.Related = finding.EntrypointUnknown, nil
		if fault.Own {
			f.Rule, f.Severity = finding.EntrypointNotInImage, c.nowhere(fault, programs)
			f.Hint.Asked, f.Hint.Instead = fault.Module, fault.Name
		}
		f.Summary = fault.Module + ", which the image starts, is neither in the image nor in the repository"
		if f.Detail = fault.Detail; fault.Source != "" {
			f.Summary = fault.Module + ", which the image starts, is not in it"
			f.ContextPath, f.ImagePath = fault.Source, fault.File+".py"
			if path.Base(fault.Source) == "__init__.py" {
				f.ContextPath, f.ImagePath = path.Dir(fault.Source), fault.File
			}
			f.Hint.Wants = []string{f.ImagePath}
		}
	case lang.Moved:
		f.Related, f.Hint = append(f.Related, fault.By...), fault.Add
		f.Rule, f.ImagePath, f.Severity = finding.EntrypointNotRunnable, fault.File, finding.Error
		f.Summary = fmt.Sprintf("the image starts %s, whose interpreter %s is not in the image", fault.File, fault.Name)
		f.Detail = fmt.Sprintf("A virtual environment works only where it was created: its programs name their interpreter by absolute path. "+
			"Copy it to %s, or start the program with python -m and the interpreter of the copy.", path.Dir(path.Dir(fault.Name)))
	case lang.OtherVersion:
		f.Related, f.Hint = append(f.Related, fault.By...), fault.Add
		f.Rule, f.ImagePath, f.Severity = finding.ImportNotReachable, fault.File, finding.Error
		f.Summary = fmt.Sprintf("packages installed in %s are not found: the image has Python %s", fault.File, fault.Name)
		f.Detail = "Each minor version of Python searches its own directory. Install with the version that the image has."
	case lang.NotInstalled:
		made := c.installedIn(fault.File, fault.Module)
		if made == nil {
			return // who installs it is not known
		}
		f.Rule, f.ImagePath, f.Severity = finding.ImportNotInImage, fault.File, finding.Error
		manifest := simulate.Shown(c.main.Dir, fault.Source)
		f.Summary = fmt.Sprintf("%s, a dependency of %s, is not in the image", fault.Module, manifest)
		if n := len(fault.Exports); n > 1 {
			f.Summary = fmt.Sprintf("%s and %d more dependencies of %s are not in the image", fault.Module, n-1, manifest)
		}
		f.Detail = fmt.Sprintf("%s Stage %s installs its packages in %s, and no COPY brings that directory.", way(ask), made.stage, made.at)
		f.Related = append(f.Related, instruction(finding.RoleMakes, made.by))
		f.Hint.Made, f.Hint.MadeIn = made.at, made.stage
	case lang.OfOtherUser:
		f.Related, f.Hint = append(f.Related, fault.By...), fault.Add
		f.Rule, f.ImagePath, f.Severity = finding.ImportNotReachable, fault.File, finding.Error
		f.Summary = fmt.Sprintf("packages installed in %s are not found: the image runs as %s, whose home directory is another one", fault.File, cmp.Or(fault.Name, "root"))
		f.Detail = "pip install --user installs into the home directory of the user that runs it; Python searches that of the user that runs the program. " +
			"Install without --user, into a virtual environment, or as the user of the image."
	case lang.NotPackaged:
		f.Related = append(f.Related, fault.By...)
		f.Rule, f.ContextPath, f.ImagePath, f.Severity = finding.DataFileNotInImage, fault.Source, fault.File, finding.Error
		f.Summary = fmt.Sprintf("the program reads %s at startup, and its package is installed without it", fault.Source)
		f.Detail = fmt.Sprintf("%s %s:%d installs the project: setuptools includes files that are not modules only if package_data names them, or "+
			"MANIFEST.in with include_package_data.", way(ask), fault.By[0].File, fault.By[0].Line)
	case lang.StillLoading:
		f.Rule, f.About = finding.ImportCycle, finding.About{Site: ask.At.File, Name: fault.Name}
		f.Related = append(f.Related, fault.Pending.Place())
		f.Summary = fmt.Sprintf("circular import: %s is asked for %s before it defines it", fault.Module, fault.Name)
		f.Detail = fmt.Sprintf("It is still at %s:%d, and defines %s only below.", fault.Pending.At.File, fault.Pending.At.Line, fault.Name)
	}
	c.add(f)
}

// nowhere gives how bad it is that a module is nowhere: it surely ends the start where the package that was searched is the project's, the
// import happens whatever happens, and nothing can have put the module there.
func (c *programCheck) nowhere(fault lang.Fault, programs lang.Programs) finding.Severity {
	ask := fault.Asks[0]
	at := []string{fault.File + ".py", fault.File}
	// What is nowhere cannot be moved, and what a project's own build makes git ignores.
	_, git, err := c.build.Tracked(".")
	makes := err != nil || need.StepMakes(c.build, need.Reaching(c.build, at), programs, true, !git) != ""
	open := func(p string) bool {
		return slices.ContainsFunc(c.build.Image.Tree.HeldBy(p).Ops(), func(id int) bool {
			// What is installed lies in a directory of the project no more than an official image has that directory.
			switch {
			case id < 0 || c.image.Plan.Ops[id].Kind == dockerfile.OpRemote:
				return true
			case c.image.Plan.Ops[id].Kind == dockerfile.OpExec:
				return makes
			}
			return need.ForeignBase(c.image) != nil
		})
	}
	if !fault.Own || ask.Reach < need.Startup || ask.Branch || slices.ContainsFunc(at, open) || c.writtenAtStart(at) != "" || c.mountedAtStart(at) ||
		fault.Source != "" && !c.alone(at) {
		return finding.Warning
	}
	return finding.Error
}

// lacksName reports a name that a module does not export.
func (c *programCheck) lacksName(f *finding.Finding, fault lang.Fault, programs lang.Programs) {
	f.Rule, f.Severity, f.About, f.Hint = finding.NameNotExported, finding.Error, finding.About{Name: fault.Name}, fault.Add
	f.Summary = fmt.Sprintf("%s does not export %s (%s)", fault.Module, fault.Name, count(len(fault.Asks), "import"))
	detail := []string{way(fault.Asks[0])}
	switch {
	case fault.Detail != "":
		detail = append(detail, fault.Detail)
	case len(fault.Exports) > 0:
		detail = append(detail, fmt.Sprintf("It exports %s.", someOf(fault.Exports, 12)))
	default:
		detail = append(detail, "It exports nothing.")
	}
	step := need.StepEdits(c.build, fault.File)
	if step == "" && fault.Package {
		step = need.StepMakes(c.build, need.Reaching(c.build, []string{path.Join(path.Dir(fault.File), fault.Name)}), programs, true, false) // it may be a submodule
	}
	switch {
	case fault.Asks[0].Reach < need.Startup && !fault.Asks[0].Literal:
		f.Severity = finding.Warning
	case step != "":
		f.Severity = finding.Warning
		detail = append(detail, fmt.Sprintf("Not certain: the step %q may add it.", step))
	}
	f.Detail = strings.Join(detail, " ")
}

// someOf lists names, the first few.
func someOf(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
