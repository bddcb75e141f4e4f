package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Makes implements need.Ways: whether a step may make modules.
func (c *programs) Makes(op *dockerfile.Op, ignored, installs bool) bool {
	return need.PutsSources(c.Build, op, ignored) || installs && slices.ContainsFunc(c.Script(op).Calls, func(call *command.Call) bool {
		return slices.ContainsFunc(manifest.Installs(call), func(in manifest.Install) bool { return in.Dir != "" || in.Unknown })
	})
}

// sources are the extensions of what extension modules are compiled from, and what describes them.
var sources = []string{".pyx", ".pxd", ".pyi", ".c", ".cc", ".cpp", ".cxx", ".rs", ".f90", ".f", ".m", ".mypyc"}

// Made implements need.Ways: a compiled module, one that a source of its name lies beside, a version file, or what protoc writes.
func (c *programs) Made(p string) bool {
	base := path.Base(p)
	stem, _, _ := strings.Cut(base, ".")
	if strings.HasSuffix(base, ".so") || strings.HasSuffix(base, ".pyd") || view.GeneratedName(stem) {
		return true
	}
	return c.compiledFrom(path.Dir(p), stem)
}

// compiledFrom reports whether a directory of the context holds a source from which a module of that name is compiled.
func (c *programs) compiledFrom(dir, name string) bool {
	entries := c.Repo.Entries(path.Join("/", dir))
	return slices.ContainsFunc(sources, func(ext string) bool { return entries[name+ext] == view.RegularFile })
}

// generated reports whether a module has a name that builds give to files they make, or is one that git ignores.
func (c *programs) generated(m imports.Missing) bool {
	name := m.Module[strings.LastIndexByte(m.Module, '.')+1:]
	if view.GeneratedName(name) {
		return true
	}
	var paths []string
	for _, d := range m.Parent.Path {
		o, ok := c.Origin(d.Tree, d.Dir)
		if ok && c.compiledFrom(o, name) {
			return true
		}
		if ok {
			paths = append(paths, path.Join(o, name+".py"), path.Join(o, name, "__init__.py"))
		}
	}
	return c.Ignored(paths)
}
