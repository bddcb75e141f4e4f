package python

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// installed shows of a file system what installing a project copies out of it: the packages and modules that its manifest lists.
type installed struct {
	view.Image
	dir     string
	project *manifest.Project
	repo    manifest.Files
}

// Entries implements view.Tree.
func (d *installed) Entries(dir string) map[string]view.EntryKind {
	all := d.Image.Entries(dir)
	rel, ok := strings.CutPrefix(dir+"/", strings.TrimSuffix(d.dir, "/")+"/")
	if !ok || all == nil {
		return all
	}
	out := map[string]view.EntryKind{}
	for name, kind := range all {
		if d.holds(path.Join(rel, name), kind) {
			out[name] = kind
		}
	}
	return out
}

// holds reports whether an entry of a project's directory is installed, or leads to what is.
func (d *installed) holds(rel string, kind view.EntryKind) bool {
	for _, root := range d.project.Packages {
		at := path.Clean(root.Path)
		switch {
		case rel == at, strings.HasPrefix(at, rel+"/"), at == ".":
			return true
		case path.Dir(rel) == at && kind != view.Directory, root.Deep && strings.HasPrefix(rel, at+"/"):
			return true
		case strings.HasPrefix(rel, at+"/") && manifest.TakesAsData(d.repo, d.project, path.Join(rel, "__init__.py")):
			return true
		}
	}
	return false
}

// installedBy gives what installing the project in a directory copies; nil if no manifest lists that.
func (c *programs) installedBy(tree view.Image, in manifest.Install) *installed {
	o, ok := c.Origin(tree, in.Dir)
	if !ok || in.Dir == "" || in.Editable {
		return nil
	}
	project, err := c.project(o)
	if err != nil || !project.Listed || len(project.Packages) == 0 {
		return nil
	}
	return &installed{tree, in.Dir, project, c.Repo}
}
