package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// reads gives the files that the programs read when they start and that are not there.
func (c *programs) reads() (out []lang.Read) {
	seen := map[string]bool{}
	for _, f := range c.graphs {
		if f.entry.start.Conditional || f.entry.start.Tolerated {
			continue
		}
		for _, r := range f.graph.Reads {
			if fault, ok := c.notPackaged(r); ok {
				c.leftOut[fault.Source] = fault
				continue
			}
			at, source := c.readAt(f, r)
			if at == "" || seen[at] || f.entry.start.Run.Mounted(at) || c.Tree.Stat(at) == shell.Regular || c.Tree.Stat(at) == shell.Directory {
				continue
			}
			seen[at] = true
			reach := need.Startup
			if r.Later {
				reach = need.Lazy
			}
			ask := c.ask(imports.Missing{Site: r.Site, From: r.From, Reach: reach})
			out = append(out, lang.Read{At: at, Source: source, Dir: r.Dir, Ask: ask})
		}
	}
	return out
}

// notPackaged tells of a file that lies beside a module that a step installs, whether the installation leaves it out.
func (c *programs) notPackaged(r imports.Read) (fault lang.Fault, ok bool) {
	of := r.From.Module
	if r.Of != nil {
		of = r.Of
	}
	tree, listed := of.Tree.(*installed)
	if !r.OfFile || !listed || r.Later {
		return fault, false
	}
	at := of.File
	for range r.Ups {
		at = path.Dir(at)
	}
	at = path.Join(at, r.Path)
	rel, within := strings.CutPrefix(at, strings.TrimSuffix(tree.dir, "/")+"/")
	if !within || tree.Image.Stat(at) != shell.Regular || strings.HasSuffix(at, ".py") || !manifest.LeavesOut(c.Repo, tree.project, rel) {
		return fault, false
	}
	source, own := c.ContextPath(tree.Image, at)
	i := slices.IndexFunc(c.listed, func(l listing) bool { return l.installed == tree })
	if !own || i < 0 {
		return fault, false
	}
	installed := ""
	if version := c.pythonOf(c.Image.Plan.Result); version != "" {
		up := strings.Count(r.From.Module.Name, ".") + 1 // from the directory that is searched
		if r.From.Module.IsPackage() {
			up++
		}
		root := r.From.Module.File
		for range up {
			root = path.Dir(root)
		}
		installed = path.Join("/usr/local/lib/python"+version+"/site-packages", strings.TrimPrefix(at, root))
	}
	return lang.Fault{
		Kind: lang.NotPackaged, Source: source, File: installed, Asks: []need.Ask{c.ask(imports.Missing{Site: r.Site, From: r.From, Reach: need.Startup})},
		By: []finding.Place{by(c.listed[i].step)[0]},
	}, true
}

// readAt gives where in the image a module looks for a file and, where that is told by its own place, which file of the build context
// would be there.
func (c *programs) readAt(f followed, r imports.Read) (at, source string) {
	if !r.OfFile {
		if path.IsAbs(r.Path) {
			return path.Clean(r.Path), ""
		}
		if f.graph.ChangesDir || f.entry.start.Workdir == "" {
			return "", ""
		}
		return path.Join(f.entry.start.Workdir, r.Path), ""
	}
	of := r.From.Module
	if r.Of != nil {
		of = r.Of
	}
	if of.Tree != view.Tree(c.Tree) {
		return "", "" // it is installed from another stage, and what lies beside it there is a matter of its package
	}
	at = of.File
	source, own := c.ContextPath(of.Tree, at)
	for range r.Ups {
		at, source, own = path.Dir(at), path.Dir(source), own && source != "."
	}
	if at = path.Join(at, r.Path); !own {
		return at, ""
	}
	return at, path.Join(source, r.Path)
}

// hides gives the modules that programs need when they start and over which something is mounted then.
func (c *programs) hides() (out []lang.Hide) {
	out = append(out, c.hiddenStarts...)
	for _, f := range c.graphs {
		run := f.entry.start.Run
		if len(run.Mounts) == 0 || f.entry.start.Conditional || f.entry.start.Tolerated {
			continue
		}
		for _, name := range f.graph.Keys() {
			n := f.graph.Nodes[name]
			if n.Reach < need.Startup || n.Module.File == "" || n.Module.Tree != view.Tree(c.Tree) || !run.Mounted(n.Module.File) {
				continue
			}
			ask := c.ask(imports.Missing{Site: n.Site, From: n.From, Reach: need.Startup})
			out = append(out, lang.Hide{At: n.Module.File, Mount: over(run, n.Module.File), Run: run, Ask: ask})
		}
	}
	return out
}
