package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Declarations is what all manifests of a repository say.
type Declarations struct {
	Projects     []*Project // directories with manifests, without Packages
	Dependencies []Dependency
	Local        []Local
	Errors       []Error

	providers map[string]Match // by import name, the best one
	local     map[string]bool
}

// fixtures are directories whose projects are not the repository's own.
var fixtures = map[string]bool{"test": true, "tests": true, "testdata": true, "fixtures": true, "examples": true, "example": true}

// Declared reads the manifests of the whole repository. Its directories are listed in parallel. With an error the
// declarations are empty, and usable.
func Declared(f Files) (*Declarations, error) {
	r := newReader(f)
	d := &Declarations{providers: map[string]Match{}, local: map[string]bool{}}
	for _, found := range withManifests(f) {
		err := found.err
		var p *project
		if err == nil {
			p, err = r.project(found.dir)
		}
		switch {
		case err != nil && found.dir == ".":
			return d, fmt.Errorf("reading manifests: %w", err)
		case err != nil:
			d.Errors = append(d.Errors, Error{File: found.dir, Message: err.Error()})
		case p.Buildable || p.Name != "" || len(p.Dependencies)+len(p.Local)+len(p.Scripts)+len(p.Errors) > 0:
			d.Projects = append(d.Projects, p.Project)
		}
	}
	for _, p := range d.Projects {
		d.Dependencies = append(d.Dependencies, p.Dependencies...)
		d.Local = append(d.Local, p.Local...)
		d.Errors = append(d.Errors, p.Errors...)
		if normal, ok := Normalise(p.Name); ok && !inFixtures(p.Dir) {
			d.local[normal] = true
		}
	}
	for _, l := range d.Local {
		d.local[l.Name] = true
	}
	for _, dep := range d.Dependencies {
		if !d.local[dep.Name] {
			d.provide(dep)
		}
	}
	return d, nil
}

// Clone gives declarations to which more can be added.
func (d *Declarations) Clone() *Declarations {
	out := *d
	out.Dependencies, out.providers = slices.Clip(d.Dependencies), maps.Clone(d.providers)
	return &out
}

func inFixtures(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if fixtures[part] {
			return true
		}
	}
	return false
}

// Match says which declared distribution provides an import name.
type Match struct {
	Dependency
	Weak bool // only by a habit of naming: python-x, django-x, x-python, types-x
}

// Add declares one more distribution, such as one that a RUN step installs by its name.
func (d *Declarations) Add(dep Dependency) {
	normal, ok := Normalise(dep.Name)
	if !ok || d.local[normal] {
		return
	}
	dep.Name = normal
	d.Dependencies = append(d.Dependencies, dep)
	d.provide(dep)
}

// ImportDeclared tells whether a declared distribution provides an import name, which may be dotted: then a namespace
// that several distributions share is told apart. Distributions of this repository do not count.
func (d *Declarations) ImportDeclared(importName string) (Match, bool) {
	name := strings.ToLower(importName)
	for prefix := name; ; {
		if m, ok := d.providers[prefix]; ok && (prefix == name || !m.namespace(prefix)) {
			return m, true
		}
		i := strings.LastIndexByte(prefix, '.')
		if i < 0 {
			return Match{}, false
		}
		prefix = prefix[:i]
	}
}

// namespace reports whether the name is only the beginning of what the distribution provides.
func (m Match) namespace(name string) bool {
	imports, listed := distributions()[m.Name]
	if !listed {
		return strings.Contains(m.Written, ".") && !m.Weak && strings.HasPrefix(strings.ToLower(m.Written), name+".")
	}
	for _, i := range imports {
		if strings.EqualFold(i, name) {
			return false
		}
	}
	return true
}

// provide records what a distribution makes importable.
func (d *Declarations) provide(dep Dependency) {
	add := func(name string, weak bool) {
		name = strings.ToLower(name)
		old, ok := d.providers[name]
		m := Match{Dependency: dep, Weak: weak}
		// What provides the name itself goes before what provides something below it.
		better := !ok || old.namespace(name) && !m.namespace(name)
		if ok && old.namespace(name) == m.namespace(name) {
			better = old.Weak && !weak || old.Weak == weak && dep.Origin < old.Origin
		}
		if better {
			d.providers[name] = m
		}
	}
	if imports, ok := distributions()[dep.Name]; ok {
		for _, name := range imports {
			for ; name != ""; name = name[:max(strings.LastIndexByte(name, '.'), 0)] {
				add(name, false)
			}
		}
	}
	// The table does not replace the rule: a distribution may provide more than it lists.
	add(strings.ReplaceAll(dep.Name, "-", "_"), false)
	if strings.Contains(dep.Written, ".") {
		for name := dep.Written; name != ""; name = name[:max(strings.LastIndexByte(name, '.'), 0)] {
			add(name, false)
		}
	}
	add(strings.ReplaceAll(dep.Name, "-", ""), true)
	add(strings.ReplaceAll(dep.Name, "-", "."), true)
	for _, affix := range []string{"python-", "python3-", "py-", "django-", "types-", "py"} {
		if rest, ok := strings.CutPrefix(dep.Name, affix); ok && len(rest) > 2 {
			add(strings.ReplaceAll(rest, "-", "_"), true)
		}
	}
	for _, affix := range []string{"-python", "-python3", "-py", "-stubs"} {
		if rest, ok := strings.CutSuffix(dep.Name, affix); ok && rest != "" {
			add(strings.ReplaceAll(rest, "-", "_"), true)
		}
	}
}
