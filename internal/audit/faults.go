package audit

import (
	"fmt"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// reportFault reports what a program asks for and nothing has.
func (c *programCheck) reportFault(fault lang.Fault, programs lang.Programs) {
	ask := fault.Asks[0]
	f := finding.Finding{Module: fault.Module, Subject: ask.At}
	for _, a := range fault.Asks {
		f.Related = append(f.Related, a.Place())
	}
	switch fault.Kind {
	case lang.NoName:
		c.lacksName(&f, fault, programs)
	case lang.NoModule:
		f.Rule, f.Severity = finding.ImportNotFound, finding.Warning
		f.Summary = fault.Module + " exists neither in the image nor in the repository"
		f.Detail = fmt.Sprintf("%s The package %s is there, and has no module of that name.", way(ask), fault.Parent)
	case lang.Misplaced: // It is a warning: a tool may run a file under another name.
		f.Rule, f.Severity, f.About = finding.ImportNotFound, finding.Warning, finding.About{Site: ask.At.File}
		f.Summary = fmt.Sprintf("the relative import of %s leads nowhere", fault.Module)
		f.Detail = way(ask) + " " + fault.Detail
	case lang.NoProgram: // So that nobody takes silence for a pass.
		f.Rule, f.Related = finding.EntrypointUnknown, nil
		f.Summary = fault.Module + ", which the image starts, was found neither in the image nor in the repository"
		f.Detail = fault.Detail
	case lang.StillLoading:
		f.Rule, f.About = finding.ImportCycle, finding.About{Site: ask.At.File, Name: fault.Name}
		f.Related = append(f.Related, fault.Pending.Place())
		f.Summary = fmt.Sprintf("%s is asked for %s while it is still being imported", fault.Module, fault.Name)
		f.Detail = fmt.Sprintf("It has got as far as %s:%d, and binds %s only below.", fault.Pending.At.File, fault.Pending.At.Line, fault.Name)
	}
	c.add(f)
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
		detail = append(detail, fmt.Sprintf("It is not proved: the step %q may add it.", step))
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
