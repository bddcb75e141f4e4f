// Package manifest reads what the manifests of a Python project say: which distributions it depends on, what installing
// it makes importable, and which console scripts it declares. It also tells which local projects a command installs.
//
// It answers one question above all: is a name that a program imports the repository's own, or does a declared
// distribution or the standard library provide it? When in doubt, a name is not first-party.
//
// Manifests are read, never run. What only running setup.py could tell is left out, and marked as incomplete.
//
// Non-goals: versions, markers and resolution. A name counts as declared whatever its group, extra or marker.
package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
)

// Files is what manifests are read through. Names are slash-separated and relative to the repository's root, which
// is ".".
type Files interface {
	ReadFile(name string) ([]byte, error)  // fs.ErrNotExist when there is no such file
	ReadDir(name string) ([]string, error) // names; those of directories end in "/"
}

// Project is what the manifests of one directory say.
type Project struct {
	Dir          string
	Name         string       // of the distribution, as written; empty if none is given
	Backend      string       // build backend as declared; empty: none is, which means setuptools
	Tool         string       // poetry, pdm, uv, hatch, flit: whose table pyproject.toml has; may be empty
	Virtual      bool         // declared not to be a package (package-mode, tool.uv.package, tool.pdm.distribution)
	Buildable    bool         // there is a pyproject.toml or setup.py, so that pip can install the directory
	Dependencies []Dependency // in the order of reading
	Local        []Local      // dependencies that are directories of the repository: they are first-party
	Scripts      map[string]Script
	Packages     []PackageRoot
	Listed       bool    // Packages is all that is installed: a manifest lists or searches them
	Opaque       bool    // Packages may lack something that cannot be told without running the build
	Errors       []Error // what cannot be read; never fatal

	uvPackage bool // tool.uv.package = true
}

// Origin says how firmly a distribution is asked for.
type Origin uint8

// The origins, the firmest first.
const (
	FromManifest    Origin = iota // in a manifest
	FromConstraints               // only in a constraints file
	FromLock                      // only in a lock file
)

// Dependency is a distribution that a manifest names.
type Dependency struct {
	Name    string // normalised (PEP 503)
	Written string
	File    string
	Line    int // from 1; 0 if unknown
	Origin  Origin
}

// Local is a dependency on a directory of the repository.
type Local struct {
	Name     string // normalised; empty if it is not given
	Path     string // relative to the repository's root; empty if only the name is known
	Editable bool
	File     string
	Line     int
}

// Script is a console or gui script.
type Script struct {
	Target string // "package.module:attribute"
	File   string
	Line   int
}

// Module gives the module of the target.
func (s Script) Module() string {
	module, _, _ := strings.Cut(s.Target, ":")
	return strings.TrimSpace(module)
}

// PackageRoot is a package or module that installing the project makes importable.
type PackageRoot struct {
	Import string // dotted import name
	Path   string // directory or .py file, relative to the project's directory
	Deep   bool   // everything below the directory comes along; otherwise only its own files
	File   string // the manifest that says so, or the one that leaves it to discovery
	Line   int
}

// SearchDir gives the directory that would have to be on sys.path for the import to work from the source, as an
// editable install arranges it; ok is false where no directory would do, because the path does not end like the import.
func (r PackageRoot) SearchDir() (dir string, ok bool) {
	p := strings.TrimSuffix(r.Path, ".py")
	want := strings.ReplaceAll(r.Import, ".", "/")
	if p == want {
		return ".", true
	}
	return strings.CutSuffix(p, "/"+want)
}

// Error is something in a manifest that cannot be read.
type Error struct {
	File    string
	Line    int // 0 if unknown
	Message string
}

// Error gives place and message.
func (e Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// Read reads the manifests of one directory. Its error says only that the directory cannot be listed.
func Read(f Files, dir string) (*Project, error) {
	r := newReader(f)
	p, err := r.project(path.Clean(dir))
	if err != nil {
		return nil, err
	}
	r.packages(p)
	return p.Project, nil
}

// ReadScripts gives the scripts that the manifests of one directory declare, by name.
func ReadScripts(f Files, dir string) (map[string]Script, error) {
	p, err := newReader(f).project(path.Clean(dir))
	if err != nil {
		return nil, err
	}
	return p.Scripts, nil
}

// reader reads manifests and remembers which requirements files it has seen, so that a loop of -r ends.
type reader struct {
	files Files
	seen  map[string]bool
	dirs  map[string][]string
}

func newReader(f Files) *reader {
	return &reader{files: f, seen: map[string]bool{}, dirs: map[string][]string{}}
}

// project is a Project while it is read, with what the discovery of its packages needs.
type project struct {
	*Project
	toml  *document.Node
	setup setuptools
}

// maxManifest bounds a manifest; lock files reach some megabytes.
const maxManifest = 32 << 20

func (r *reader) project(dir string) (*project, error) {
	names, err := r.list(dir)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	p := &project{Project: &Project{Dir: dir, Scripts: map[string]Script{}}}
	inRequirements := strings.HasPrefix(path.Base(dir), "requirement")
	for _, name := range names {
		read := manifestReader(name, inRequirements)
		if read == nil {
			continue
		}
		file := path.Join(dir, name)
		data, err := r.files.ReadFile(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			p.fail(file, 0, "%v", err)
		case len(data) > maxManifest:
			p.fail(file, 0, "manifest is larger than %d MiB", maxManifest>>20)
		default:
			read(r, p, file, data)
		}
	}
	return p, nil
}

// manifestReader gives what reads a file of this name, nil if it is no manifest.
func manifestReader(name string, inRequirements bool) func(*reader, *project, string, []byte) {
	switch name {
	case "pyproject.toml":
		return (*reader).pyproject
	case "hatch.toml":
		return (*reader).hatchFile
	case "setup.cfg":
		return (*reader).setupCfg
	case "setup.py":
		return (*reader).setupPy
	case "Pipfile":
		return (*reader).pipfile
	case "Pipfile.lock":
		return (*reader).pipfileLock
	case "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml":
		return (*reader).lock
	}
	ext := path.Ext(name)
	stem := strings.ToLower(strings.TrimSuffix(name, ext))
	switch ext {
	case ".txt", ".in", ".pip":
		switch {
		case strings.Contains(stem, "constraint"):
			return (*reader).constraintsFile
		case inRequirements, strings.Contains(stem, "requirements"), strings.HasPrefix(stem, "requirement"),
			strings.HasSuffix(stem, "-req"), strings.HasPrefix(stem, "reqs"):
			return (*reader).requirementsFile
		}
	case ".yml", ".yaml":
		if strings.HasPrefix(stem, "environment") || strings.HasPrefix(stem, "conda") || strings.HasSuffix(stem, "environment") {
			return (*reader).conda
		}
	}
	return nil
}

func (p *Project) fail(file string, line int, format string, args ...any) {
	p.Errors = append(p.Errors, Error{File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}

// list gives the sorted names of a directory.
func (r *reader) list(dir string) ([]string, error) {
	if names, ok := r.dirs[dir]; ok {
		return names, nil
	}
	names, err := r.files.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names = slices.Sorted(slices.Values(names))
	r.dirs[dir] = names
	return names, nil
}

func (r *reader) isFile(name string) bool { return r.has(name, "") }
func (r *reader) isDir(name string) bool  { return name == "." || r.has(name, "/") }

func (r *reader) has(name, suffix string) bool {
	names, err := r.list(path.Dir(name))
	if err != nil {
		return false
	}
	_, found := slices.BinarySearch(names, path.Base(name)+suffix)
	return found
}
