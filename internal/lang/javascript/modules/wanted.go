package modules

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Wanted gives the file of a repository that a file of another tree means by a name, and where it would be in that tree. origin is where
// the file that asks stands in the repository. source is "" if the repository has none.
func Wanted(repo *Resolver, from, origin, spec string) (source, at string) {
	t := repo.Resolve(origin, spec)
	if t.Kind != Found || !Own(t.File) {
		return "", ""
	}
	if !t.Named {
		return t.File, path.Join(path.Dir(from), relative(path.Dir(origin), t.File))
	}
	root, dir, ok := common(from, origin)
	rel, below := strings.CutPrefix(t.File, strings.TrimSuffix(dir, "/")+"/")
	if !ok || !below {
		return "", ""
	}
	return t.File, path.Join(root, rel)
}

// Package gives the directory of the package that a file is of.
func (r *Resolver) Package(file string) string {
	_, at := r.manifest(path.Dir(file))
	return at
}

// NameOf gives the name of the package that a name begins with.
func NameOf(spec string) string {
	name, sub, _ := strings.Cut(spec, "/")
	if strings.HasPrefix(spec, "@") {
		scoped, _, _ := strings.Cut(sub, "/")
		name += "/" + scoped
	}
	return name
}

// Topmost gives the highest directory that is missing, of a file that is missing and its source, as long as both have the same name.
func Topmost(source, at string, missing func(dir string) bool) (string, string) {
	for {
		dir, from := path.Dir(at), path.Dir(source)
		if dir == "/" || from == "/" || path.Base(dir) != path.Base(from) || !missing(dir) {
			return source, at
		}
		at, source = dir, from
	}
}

// common gives the directories above two paths below which they are the same. ok is false if not even their names are.
func common(a, b string) (aDir, bDir string, ok bool) {
	for a != "/" && b != "/" && path.Base(a) == path.Base(b) {
		a, b, ok = path.Dir(a), path.Dir(b), true
	}
	return a, b, ok
}

// relative gives the way from a directory to a path.
func relative(dir, p string) string {
	up := ""
	for dir != "/" && !strings.HasPrefix(p, dir+"/") {
		dir, up = path.Dir(dir), path.Join(up, "..")
	}
	return path.Join(up, strings.TrimPrefix(p, strings.TrimSuffix(dir, "/")+"/"))
}

// Absent reports whether surely nothing is at a path.
func (r *Resolver) Absent(p string) bool { return r.stat(p) == shell.Absent }
