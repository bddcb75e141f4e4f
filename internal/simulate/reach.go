package simulate

import (
	"io/fs"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Reach tells of files of the main context whether they reach the image, and why the others do not.
type Reach struct {
	Files []string // what was asked about, sorted
	// Found gives the place in the image of every file that is there, the first in the tree's order if there are several.
	Found map[string]Located
	// Ignored are kept out by the ignore file, Uncopied are let in but no longer, or never, in the image, Emptied are in
	// the image without their content.
	Ignored, Uncopied, Emptied []string
	// Trails gives the decision of the ignore file about each file that is not in the image.
	Trails map[string]*dockerctx.Trail
}

// Whole reports whether every file reaches the image with its content.
func (r *Reach) Whole() bool { return len(r.Ignored)+len(r.Uncopied)+len(r.Emptied) == 0 }

// Missing gives the files that do not reach the image, sorted.
func (r *Reach) Missing() []string {
	out := slices.Concat(r.Ignored, r.Uncopied, r.Emptied)
	slices.Sort(out)
	return out
}

// Reach finds files of the main context in the image. dir is a directory that holds them all. at, if it is not nil,
// gives the only place in the image that counts for a file.
func (m *Image) Reach(c *Context, dir string, files []string, at func(contextPath string) string) (*Reach, error) {
	r := &Reach{Files: files, Found: map[string]Located{}, Trails: map[string]*dockerctx.Trail{}}
	err := m.Locate(m.Tree, c.Name, dir, func(l Located) error {
		if _, ok := r.Found[l.ContextPath]; !ok && (at == nil || l.Path == at(l.ContextPath)) {
			r.Found[l.ContextPath] = l
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if _, ok := r.Found[f]; ok {
			if e, err := c.Tree().Lstat(f); err == nil && e.Truncated {
				r.Emptied = append(r.Emptied, f)
			}
			continue
		}
		t, err := c.Explain(f)
		if err != nil {
			return nil, err
		}
		r.Trails[f] = t
		if t.Included {
			r.Uncopied = append(r.Uncopied, f)
		} else {
			r.Ignored = append(r.Ignored, f)
		}
	}
	return r, nil
}

// CopiedBy gives the operations that copied one of the files into some stage, in build order, with the place of the
// first file that each of them copied.
func (m *Image) CopiedBy(c *Context, dir string, files []string) ([]Copied, error) {
	var out []Copied
	for _, op := range m.Plan.Ops {
		s := m.After(op.ID)
		if op.File == nil || s == nil {
			continue
		}
		var first *Located
		err := m.Locate(s.Tree, c.Name, dir, func(l Located) error {
			if _, ok := slices.BinarySearch(files, l.ContextPath); ok && l.Node.Op == int32(op.ID) {
				first = &l
				return fs.SkipAll
			}
			return nil
		})
		if first != nil {
			out = append(out, Copied{op.ID, *first})
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Copied is an operation with an entry that it copied.
type Copied struct {
	Op    int
	Entry Located
}

// FilesBelow gives what is not a directory at or below a path of a context, sorted; nothing if it does not exist. The
// ignore file does not count.
func FilesBelow(fsys dockerctx.FS, dir string) ([]string, error) {
	fi, err := fsys.Lstat(dir)
	if err != nil {
		return nil, nil
	}
	if !fi.IsDir() {
		return []string{dir}, nil
	}
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		if !e.IsDir() {
			out = append(out, p)
			continue
		}
		below, err := FilesBelow(fsys, p)
		if err != nil {
			return nil, err
		}
		out = append(out, below...)
	}
	slices.Sort(out)
	return out, nil
}
