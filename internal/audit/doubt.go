package audit

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// doubt gives the reason why a package that the image lacks, as far as it is known, may be there all the same, "" if there
// is none. It is silent where people's images are known to get the package in another way than from the context.
//
// The core is left alone: what the ignore file keeps out, git tracks and no step names is nowhere else.
func (c *importCheck) doubt(g *missingGroup, check *moduleCheck, rule string) (reason string, silent bool, err error) {
	if check.removed != nil {
		return "", false, nil // it was there, and surely is no more
	}
	top := g.missing[0].Parent == nil && !strings.Contains(g.module, ".")
	if _, ok := c.installedElsewhere(g.repo); ok && top {
		return "", true, nil
	}
	base := foreignBase(c.image)
	ignored := len(check.reach.Ignored) > 0
	if rule == finding.ImportNotReachable {
		if place := c.steered(); top && place != "" {
			return fmt.Sprintf("It is not proved: %s changes the search path in a way that cannot be told.", place), false, nil
		}
		if top && base != nil && path.Clean("/"+c.image.Plan.Config.WorkingDir) == "/" {
			return "", true, nil // its working directory is the base image's, and very likely the one with the code
		}
		if top && base != nil {
			return fmt.Sprintf("It is not proved: what the base image %s puts on the search path is not known.", baseName(base)), false, nil
		}
	} else if !ignored && top {
		if base != nil {
			return fmt.Sprintf("It is not proved: the base image %s may hold it.", baseName(base)), false, nil
		}
		if g.entry != nil && !c.holdsPython() {
			return "Nothing that this Dockerfile copies is Python: the code is probably mounted when the container is started.", false, nil
		}
	}
	if step := c.stepOn(g.repo, g.module, c.wants(g)); step != "" {
		return fmt.Sprintf("It is not proved: the step %q names it, and may make it.", step), false, nil
	}
	if from := g.missing[0].From; from != nil && g.allIn(from.Module.File) {
		if step := c.stepEdits(from.Module.File); step != "" {
			return fmt.Sprintf("It is not proved: the step %q may change the file that imports it.", step), false, nil
		}
	}
	if place := c.writtenAtStart(c.wants(g)); place != "" {
		return fmt.Sprintf("It is not proved: %s may write it when the container starts.", place), false, nil
	}
	tracked, git, err := c.tracked(check.dir)
	if err != nil {
		return "", false, err
	}
	made := c.madeByBuilds(g.repo)
	// What git tracks no step makes, unless it is the kind of file that builds make; what the ignore file keeps out no step
	// moves.
	if ignored && tracked && !made {
		return "", false, nil
	}
	if step := c.mayMakeModules(ignored, made || git && !tracked); step != "" {
		return fmt.Sprintf("It is not proved: the step %q may make it, or move it there.", step), git && !tracked, nil
	}
	return "", false, nil
}

// writtenAtStart gives the place of an entry script that writes one of some files of the image, "" if none does.
func (c *importCheck) writtenAtStart(at []string) string {
	for _, p := range at {
		if o, ok := c.written[p]; ok {
			return fmt.Sprintf("%s:%d", o.File, o.Line)
		}
	}
	return ""
}

// allIn reports whether every import of a group stands in one file.
func (g *missingGroup) allIn(file string) bool {
	return !slices.ContainsFunc(g.missing, func(m imports.Missing) bool { return m.Site.File != file })
}

// holdsPython reports whether any Python file of the context is in the image.
func (c *importCheck) holdsPython() bool {
	found := false
	_ = c.image.Tree.Scan(func(at string, n *rootfs.Node) error {
		if n.Kind == rootfs.KindFile && strings.HasSuffix(at, ".py") {
			if _, found = c.image.Origin(n); found {
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}

// sources are the extensions of what extension modules are compiled from, and what describes them.
var sources = []string{".pyx", ".pxd", ".pyi", ".c", ".cc", ".cpp", ".cxx", ".rs", ".f90", ".f", ".m", ".mypyc"}

// madeByBuilds reports whether a path of the context is of the kind that builds make: a compiled module, one that a source
// of its name lies beside, a version file, or what protoc writes.
func (c *importCheck) madeByBuilds(p string) bool {
	base := path.Base(p)
	stem, _, _ := strings.Cut(base, ".")
	if strings.HasSuffix(base, ".so") || strings.HasSuffix(base, ".pyd") || generatedName(stem) {
		return true
	}
	return c.compiledFrom(path.Dir(p), stem)
}

// compiledFrom reports whether a directory of the context holds a source from which a module of that name is compiled.
func (c *importCheck) compiledFrom(dir, name string) bool {
	entries := c.repo.Entries(path.Join("/", dir))
	return slices.ContainsFunc(sources, func(ext string) bool { return entries[name+ext] == lang.RegularFile })
}

// generatedName reports whether a module has a name that builds give to files they make.
func generatedName(name string) bool {
	return strings.HasSuffix(name, "_pb2") || strings.HasSuffix(name, "_pb2_grpc") ||
		slices.Contains([]string{"_version", "version", "__version__", "_about", "_build_info"}, name)
}
