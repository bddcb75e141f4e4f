// Package imagediff tells what a change does to images: the files that enter and leave them, the settings that change, and
// the findings that appear and disappear. Both states were predicted and audited; nothing is built.
package imagediff

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Status says in one word what became of an image.
type Status string

// The states.
const (
	Same    Status = "same"    // nothing changes
	Changed Status = "changed" // something does
	Added   Status = "added"   // there was no such image
	Removed Status = "removed" // there is none any more
	Fails   Status = "fails"   // the build fails in one of the states, so that files cannot be compared
)

// Diff is what a change does.
type Diff struct {
	Version int     `json:"version"`
	Base    string  `json:"base"`
	Head    string  `json:"head"`
	Images  []Image `json:"images"`
}

// Image is what becomes of one image.
type Image struct {
	Name       string `json:"name"`
	Dockerfile string `json:"dockerfile"`
	Status     Status `json:"status"`
	// Left and Entered are the files that leave and enter the image, by directory; Changed are those that stay with another
	// size, type or target, and those that the program needs with another content. What the program needs comes first.
	Left    []Group  `json:"left"`
	Entered []Group  `json:"entered"`
	Changed []Change `json:"changed"`
	// Resized counts those with another size, type or target.
	Resized int `json:"resized"`
	// Settings are those of the image's configuration that change.
	Settings []Setting `json:"settings"`
	// New and Gone are the findings that appear and disappear.
	New  []finding.Finding `json:"new"`
	Gone []finding.Finding `json:"gone"`
}

// Group is a directory of which everything enters or leaves, or a single file.
type Group struct {
	// Path is in the image. Dir tells of a directory.
	Path string `json:"path"`
	Dir  bool   `json:"dir"`
	// ContextPath is where it comes from, "" if it does not come from the main context.
	ContextPath string `json:"contextPath,omitempty"`
	Files       int    `json:"files"`
	Bytes       int64  `json:"bytes"`
	// Reason says why it leaves, Place is the line that does it, if one does.
	Reason string         `json:"reason,omitempty"`
	Place  *finding.Place `json:"place,omitempty"`
	// Imports counts the places that import it and break.
	Imports int `json:"imports,omitempty"`
	// Needed counts the files that the program reads in the state that has them.
	Needed int `json:"needed,omitempty"`
}

// Change is a file of both states.
type Change struct {
	Path   string `json:"path"`
	Before int64  `json:"before"` // bytes
	After  int64  `json:"after"`
	// Needed tells that the program reads it.
	Needed bool `json:"needed,omitempty"`
}

// Setting is a part of the configuration; nil is "not set".
type Setting struct {
	Name   string  `json:"name"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// State is an image in one of the two states, as it was audited.
type State struct {
	Report  finding.ImageReport
	context string          // its main context
	image   *simulate.Image // nil if the build fails
	files   map[string]simulate.File
}

// Take takes down what a prediction holds; nil is one of a build that fails. context is the main context.
func Take(context string, image *simulate.Image) (*State, error) {
	s := &State{context: context, image: image}
	var err error
	if image != nil {
		s.files, err = image.Files()
	}
	return s, err
}

// Compare tells what becomes of an image. Either state is nil if there is no such image in it, but not both.
func Compare(name string, before, after *State) (Image, error) {
	img := Image{Name: name, Left: []Group{}, Entered: []Group{}, Changed: []Change{}, Settings: []Setting{}, New: []finding.Finding{}, Gone: []finding.Finding{}}
	switch {
	case before == nil:
		img.Status, img.Dockerfile, img.New = Added, after.Report.Dockerfile, after.Report.Findings
		img.Entered = after.groups(nil)
		return img, nil
	case after == nil:
		img.Status, img.Dockerfile, img.Gone = Removed, before.Report.Dockerfile, before.Report.Findings
		img.Left = before.groups(nil)
		return img, nil
	}
	img.Dockerfile = after.Report.Dockerfile
	img.New, img.Gone = missing(after.Report.Findings, before.Report.Findings), missing(before.Report.Findings, after.Report.Findings)
	if before.image == nil || after.image == nil {
		img.Status = Fails
		if before.image == nil && after.image == nil && len(img.New)+len(img.Gone) == 0 {
			img.Status = Same
		}
		return img, nil
	}
	img.Left, img.Entered = before.groups(after.files), after.groups(before.files)
	var err error
	if img.Changed, img.Resized, err = changes(before, after); err != nil {
		return img, err
	}
	img.Settings = settings(before.image, after.image)
	if err := after.reasons(img.Left, img.New); err != nil {
		return img, err
	}
	neededFirst(img.Left, func(g Group) bool { return g.Imports > 0 })
	for i := range img.Entered {
		after.brought(&img.Entered[i])
	}
	img.Status = Same
	if len(img.Left)+len(img.Entered)+len(img.Changed)+len(img.Settings)+len(img.New)+len(img.Gone) > 0 {
		img.Status = Changed
	}
	return img, nil
}

// missing gives the findings of one list that the other lacks.
func missing(list, other []finding.Finding) []finding.Finding {
	have := map[string]bool{}
	for _, f := range other {
		have[f.Identity()] = true
	}
	out := []finding.Finding{}
	for _, f := range list {
		if !have[f.Identity()] {
			out = append(out, f)
		}
	}
	return out
}

// groups gives the files of one state that another lacks, joined at the topmost directory that the other lacks too.
func (s *State) groups(other map[string]simulate.File) []Group {
	files, needs := s.files, s.needs()
	dirs := map[string]bool{"/": true}
	for p := range other {
		for dir := path.Dir(p); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	found := map[string]*Group{}
	for _, p := range slices.Sorted(maps.Keys(files)) {
		if _, ok := other[p]; ok {
			continue
		}
		top, context := p, files[p].Context
		for dir := path.Dir(p); !dirs[dir]; dir = path.Dir(dir) {
			// Only as long as the names are those of the context does the directory come from there.
			if context != "" && path.Base(context) == path.Base(top) {
				context = path.Dir(context)
			} else {
				context = ""
			}
			top = dir
		}
		g := found[top]
		if g == nil {
			g = &Group{Path: top, Dir: top != p, ContextPath: context}
			found[top] = g
		}
		if g.ContextPath != context {
			g.ContextPath = ""
		}
		g.Files++
		if needs(p) {
			g.Needed++
		}
		g.Bytes += files[p].Size
	}
	out := []Group{}
	for _, top := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[top])
	}
	// The most files first; single files in one directory stay together by their names.
	slices.SortStableFunc(out, func(a, b Group) int { return -cmp.Compare(a.Files, b.Files) })
	neededFirst(out, func(g Group) bool { return g.Needed > 0 })
	return out
}

// reasons says of what left why it did, and how many imports of it break.
func (s *State) reasons(left []Group, found []finding.Finding) error {
	main, err := s.image.MainContext(s.context)
	if err != nil {
		return err
	}
	for i := range left {
		g := &left[i]
		for _, f := range found {
			if f.ContextPath == "" || g.ContextPath == "" || !simulate.Within(f.ContextPath, g.ContextPath) && !simulate.Within(g.ContextPath, f.ContextPath) {
				continue
			}
			for _, p := range f.Related {
				if p.Role == finding.RoleImports {
					g.Imports++
				}
			}
		}
		if g.ContextPath == "" || main == nil {
			continue
		}
		if _, err := main.FS.Lstat(g.ContextPath); err != nil {
			g.Reason = "no longer in the repository"
			continue
		}
		files, err := simulate.FilesBelow(main.FS, g.ContextPath)
		if err != nil || len(files) == 0 {
			return err
		}
		t, err := main.Explain(files[0])
		if err != nil {
			return err
		}
		switch {
		case t.Included:
			g.Reason = "no longer copied"
		case t.Decisive != nil:
			g.Reason = "excluded by the ignore file"
			g.Place = &finding.Place{Role: finding.RoleExcludes, File: main.Ignore.Name, Line: t.Decisive.Number, Text: strings.TrimSpace(t.Decisive.Text)}
		}
	}
	return nil
}

// brought names the instruction that brings a group into the image.
func (s *State) brought(g *Group) {
	n, _, err := s.image.Tree.Stat(g.Path)
	if err != nil {
		return
	}
	for _, step := range s.image.Provenance(n) {
		if l := step.Op.Location; !l.IsZero() {
			g.Place = &finding.Place{Role: finding.RoleCopies, File: l.File, Line: l.Range.Start.Line, Text: l.Text}
			return
		}
	}
}

// settings compares the configuration of two images.
func settings(before, after *simulate.Image) []Setting {
	out := []Setting{}
	add := func(name string, was, is string, wasSet, isSet bool) {
		if was == is && wasSet == isSet {
			return
		}
		s := Setting{Name: name}
		if wasSet {
			s.Before = &was
		}
		if isSet {
			s.After = &is
		}
		out = append(out, s)
	}
	a, b := before.Plan.Config, after.Plan.Config
	list := func(words []string) string { return strings.Join(words, " ") }
	add("WORKDIR", a.WorkingDir, b.WorkingDir, a.WorkingDir != "", b.WorkingDir != "")
	add("USER", a.User, b.User, a.User != "", b.User != "")
	add("ENTRYPOINT", list(a.Entrypoint), list(b.Entrypoint), a.Entrypoint != nil, b.Entrypoint != nil)
	add("CMD", list(a.Cmd), list(b.Cmd), a.Cmd != nil, b.Cmd != nil)
	was, is := environment(a.Env), environment(b.Env)
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range is {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, xok := was[name]
		y, yok := is[name]
		add("ENV "+name, x, y, xok, yok)
	}
	return out
}

func environment(env []string) map[string]string {
	out := map[string]string{}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		out[name] = value
	}
	return out
}
