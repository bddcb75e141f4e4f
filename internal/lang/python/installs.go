package python

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/steps"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// installedDirs gives what RUN steps make importable by installing packages of this repository: the directories that
// hold them, as they are when the step runs.
func (c *programs) installedDirs() []lang.SearchDir {
	if c.installed != nil {
		return *c.installed
	}
	var out []lang.SearchDir
	for _, op := range c.Image.Plan.Ops {
		if op.Kind != dockerfile.OpExec {
			continue
		}
		tree, ok := c.Before(op)
		if !ok {
			continue
		}
		for _, call := range c.Script(op).Calls {
			if buildsWheel(call) && call.S.Dir != "" {
				c.installsProject(tree, call.S.Dir)
				for _, dir := range c.packageDirs(tree, call.S.Dir) {
					out = append(out, lang.SearchDir{Tree: tree, Dir: dir, Note: op.Location.Text})
				}
			}
			for _, in := range manifest.Installs(call) {
				tree, in := c.mounted(op, tree, in)
				out = append(out, c.installedIn(op, tree, in)...)
			}
		}
	}
	c.installed = &out
	return out
}

// mounted gives the tree of what is mounted, with an install in it, for one that copies what is mounted while the step runs.
func (c *programs) mounted(op *dockerfile.Op, tree view.Image, in manifest.Install) (view.Image, manifest.Install) {
	if in.Editable || in.Dir == "" {
		return tree, in
	}
	seen, dir, ok := c.Image.Seen(op, in.Dir)
	if !ok || seen == tree.Tree {
		return tree, in
	}
	if rel, below := strings.CutPrefix(in.Requirements, in.Dir+"/"); below {
		in.Requirements = path.Join(dir, rel)
	}
	in.Dir = dir
	return view.Image{Files: steps.Files{Tree: seen}}, in
}

// installedIn gives the directories that one install of a step makes importable. tree is what the step finds.
func (c *programs) installedIn(op *dockerfile.Op, tree view.Image, in manifest.Install) []lang.SearchDir {
	if in.Unknown {
		c.pathSteps = append(c.pathSteps, op.Location)
	}
	var out []lang.SearchDir
	listed := c.installedBy(tree, in)
	for _, dir := range c.installs(tree, in) {
		if listed != nil {
			c.listed = append(c.listed, listing{op, listed})
			out = append(out, lang.SearchDir{Tree: listed, Dir: dir, Note: op.Location.Text})
			continue
		}
		// An editable install leads to the directory as it is in the image that is started; others copy what is there.
		if in.Editable {
			c.editable = append(c.editable, editable{op, tree, dir})
		} else {
			out = append(out, lang.SearchDir{Tree: tree, Dir: dir, Note: op.Location.Text})
		}
		out = append(out, lang.SearchDir{Tree: c.Tree, Dir: dir, Note: op.Location.Text})
	}
	return out
}

// editable is an install after which a directory is searched where it lies.
type editable struct {
	step *dockerfile.Op
	tree view.Image // as the step finds it
	dir  string
}

// lost says why a missing module is not found that an install leads to, and what would repair it.
func (c *programs) lost(module, source string) (why string, add finding.Hint) {
	top, _, _ := strings.Cut(module, ".")
	for _, e := range c.editable {
		if _, there := c.Tree.Entries(e.dir)[top]; !there && imports.Find([]lang.SearchDir{{Tree: e.tree, Dir: e.dir}}, top) != nil {
			l := e.step.Location
			return fmt.Sprintf("%s:%d installs it as editable: the installation points to %s, which the image lacks.", l.File, l.Range.Start.Line, path.Join(e.dir, top)), add
		}
	}
	for _, l := range c.listed {
		rel, err := filepath.Rel(l.project.Dir, source)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		at, by, rel := l.step.Location, l.project.Packages[0], filepath.ToSlash(rel)
		switch {
		case !l.holds(rel, view.Directory):
			if files := c.Repo.Entries(source); len(files) > 0 && files["__init__.py"] == 0 {
				add.Marker = path.Join(source, "__init__.py")
			}
			return fmt.Sprintf("%s:%d installs only what %s:%d lists, and %s is not listed.", at.File, at.Range.Start.Line, by.File, by.Line, module), add
		case l.Stat(path.Join(l.dir, rel)) == shell.Absent:
			add.Before = at.Range.Start.Line
			return fmt.Sprintf("%s:%d installs the project before %s is copied.", at.File, at.Range.Start.Line, path.Join(l.dir, rel)), add
		}
	}
	return "", add
}

// listing is an install of the packages and modules that a manifest lists.
type listing struct {
	step *dockerfile.Op
	*installed
}

// buildsWheel reports whether a command builds a distribution of the project it runs in; what is built is taken to be
// installed somewhere.
func buildsWheel(c *command.Call) bool {
	words := c.Words()
	if len(words) > 1 && command.IsPython(path.Base(words[0])) {
		if words[1] == "-m" && len(words) > 2 {
			words = words[2:]
			if words[0] == "build" {
				return true
			}
		} else {
			words = words[1:]
		}
	}
	if len(words) < 2 {
		return false
	}
	switch path.Base(words[0]) {
	case "setup.py":
		return slices.Contains(words, "bdist_wheel") || slices.Contains(words, "sdist") || slices.Contains(words, "build")
	case "pip", "pip3":
		return words[1] == "wheel"
	case "poetry", "uv", "hatch", "flit", "pdm", "pyproject-build":
		return words[1] == "build"
	}
	return false
}

// installs gives the directories that one command makes importable.
func (c *programs) installs(tree view.Image, in manifest.Install) []string {
	var out []string
	if in.Dir != "" && c.installable(tree, in) {
		c.installsProject(tree, in.Dir)
		out = c.packageDirs(tree, in.Dir)
	}
	if in.Workspace && in.Dir != "" {
		for _, dir := range c.alongWith(tree, in) {
			c.installsProject(tree, dir)
			out = append(out, c.packageDirs(tree, dir)...)
		}
	}
	if in.Requirements == "" {
		return out
	}
	// A requirements file may name directories beside it.
	file, ok := c.Origin(tree, in.Requirements)
	if !ok {
		return out
	}
	p, err := manifest.Requirements(c.Repo, file)
	if err != nil {
		return out
	}
	for _, l := range p.Local {
		if rel, err := filepath.Rel(path.Dir(file), l.Path); err == nil && l.Path != "" {
			dir := path.Join(path.Dir(in.Requirements), rel)
			c.installsProject(tree, dir)
			out = append(out, c.packageDirs(tree, dir)...)
		}
	}
	return out
}

// alongWith gives the projects of the repository that are installed along with one: what its sources name, directories and members of its
// workspace, and what those name.
func (c *programs) alongWith(tree view.Image, in manifest.Install) (dirs []string) {
	root, ok := c.Origin(tree, in.Dir)
	if !ok {
		return nil
	}
	var members []*manifest.Project
	done := map[string]bool{root: true}
	for queue := []string{root}; len(queue) > 0; queue = queue[1:] {
		project, err := c.project(queue[0])
		if err != nil {
			continue
		}
		wanted := map[string]bool{}
		for _, l := range project.Local {
			switch member, err := c.project(l.Path); {
			case l.Path == "":
				wanted[l.Name] = true
			case l.Name != "" && !done[l.Path]:
				queue, done[l.Path] = append(queue, l.Path), true
			case l.Name == "" && err == nil:
				members = append(members, member)
			}
		}
		for _, m := range members {
			if name, _ := manifest.Normalise(m.Name); !done[m.Dir] && (wanted[name] || in.Members == "*" || in.Members != "" && in.Members == m.Name) {
				queue, done[m.Dir] = append(queue, m.Dir), true
			}
		}
		if rel, err := filepath.Rel(root, queue[0]); err == nil && queue[0] != root {
			dirs = append(dirs, path.Join(in.Dir, filepath.ToSlash(rel)))
		}
	}
	return dirs
}

// installable reports whether a tool installs the project in a directory, and not only what it depends on. What has no manifest
// that is known may be one.
func (c *programs) installable(tree view.Image, in manifest.Install) bool {
	o, ok := c.Origin(tree, in.Dir)
	if !ok {
		return true
	}
	project, err := c.project(o)
	return err != nil || project.Installs(in.Tool)
}

// installsProject notes that a step installs the project in a directory.
func (c *programs) installsProject(tree view.Image, dir string) {
	o, ok := c.Origin(tree, dir)
	if c.installsOther = c.installsOther || !ok; ok && !slices.Contains(c.installedProjects, o) {
		c.installedProjects = append(c.installedProjects, o)
	}
}

// packageDirs gives the directories that the packages of a project lie in.
func (c *programs) packageDirs(tree view.Image, dir string) []string {
	out := []string{dir, path.Join(dir, "src")}
	o, ok := c.Origin(tree, dir)
	if !ok {
		return out
	}
	project, err := c.project(o)
	if err != nil {
		return out
	}
	for _, root := range project.Packages {
		if rel, ok := root.SearchDir(); ok && !slices.Contains(out, path.Join(dir, rel)) {
			out = append(out, path.Join(dir, rel))
		}
	}
	return out
}
