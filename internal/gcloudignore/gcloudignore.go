// Package gcloudignore knows what `gcloud builds submit` uploads of a directory, before any build sees it: what .gcloudignore
// lets through, or, where there is none, what .gitignore does.
//
// The syntax is that of .gitignore with "#!include:FILE" (gcloud topic gcloudignore). Only the files at the top count. No
// library was taken: those that there are stand on regular expressions that differ from git's matching in known cases; this
// one is held against git itself, and takes the globs of a package that is in use here already.
package gcloudignore

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// The names of the files.
const (
	Name    = ".gcloudignore"
	gitName = ".gitignore"
)

// maxSize is how large an ignore file may be.
const maxSize = 1 << 20

// Line is a line of an ignore file. Its File is "" if gcloud itself adds it.
type Line struct {
	File   string
	Number int
	Text   string

	glob     string
	base     bool // it is matched with the last name of a path only
	negated  bool
	dirsOnly bool
}

// Rules are the lines that hold for a directory.
type Rules struct{ lines []*Line }

// For reads the rules that hold for the upload of a directory; nil if everything is uploaded.
func For(dir dockerctx.FS) (*Rules, error) {
	data, ok, err := read(dir, Name)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return Parse(Name, data, func(name string) ([]byte, bool, error) { return read(dir, name) })
	}
	// gcloud makes one up for a repository (gcloudignore, GetFileChooserForDir).
	git, ok, err := read(dir, gitName)
	if err != nil {
		return nil, err
	}
	if _, err := dir.Lstat(".git"); err != nil && !ok {
		return nil, nil
	}
	r := &Rules{}
	for _, text := range []string{Name, ".git", gitName} {
		r.lines = append(r.lines, parseLine(text))
	}
	included, err := Parse(gitName, git, nil)
	if err != nil {
		return nil, err
	}
	r.lines = append(r.lines, included.lines...)
	return r, nil
}

func read(dir dockerctx.FS, name string) (data []byte, ok bool, err error) {
	if info, err := dir.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return nil, false, nil
	}
	data, err = dockerctx.ReadFile(dir, name, maxSize)
	if err != nil {
		return nil, false, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, true, nil
}

// Parse reads an ignore file. include reads another file that it includes; nil if it may not include any, as one that is
// included itself.
func Parse(name string, data []byte, include func(name string) ([]byte, bool, error)) (*Rules, error) {
	r := &Rules{}
	number := 0
	for text := range strings.Lines(string(data)) {
		number++
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		if other, ok := strings.CutPrefix(text, "#!include:"); ok && include != nil {
			other = path.Clean(strings.TrimSpace(other))
			content, ok, err := include(other)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue // gcloud would refuse; what is uploaded then is nobody's matter
			}
			included, err := Parse(other, content, nil)
			if err != nil {
				return nil, err
			}
			r.lines = append(r.lines, included.lines...)
			continue
		}
		if l := parseLine(text); l != nil {
			l.File, l.Number = name, number
			r.lines = append(r.lines, l)
		}
	}
	return r, nil
}

// parseLine reads one line; nil if it says nothing.
func parseLine(text string) *Line {
	l := &Line{Text: text}
	p := trimSpaces(text)
	if p == "" || p[0] == '#' {
		return nil
	}
	if p[0] == '!' {
		l.negated, p = true, p[1:]
	}
	if strings.HasSuffix(p, "/") {
		l.dirsOnly, p = true, strings.TrimSuffix(p, "/")
	}
	if p == "" || strings.HasSuffix(p, "/") {
		return nil // no path ends with a slash
	}
	l.base = !strings.Contains(p, "/")
	p = strings.TrimPrefix(p, "/")
	// Everything below a directory, and not the directory itself.
	if below, ok := strings.CutSuffix(p, "/**"); ok {
		p = below + "/**/*"
	}
	l.glob = braces.Replace(p)
	return l
}

// braces are letters in an ignore file.
var braces = strings.NewReplacer(`\{`, `\{`, `\}`, `\}`, "{", `\{`, "}", `\}`)

// trimSpaces removes the spaces at the end that no backslash keeps.
func trimSpaces(s string) string {
	for strings.HasSuffix(s, " ") {
		backslashes := 0
		for i := len(s) - 2; i >= 0 && s[i] == '\\'; i-- {
			backslashes++
		}
		if backslashes%2 == 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// matches reports whether a line names a path.
func (l *Line) matches(name string, dir bool) bool {
	if l.dirsOnly && !dir {
		return false
	}
	if l.base {
		name = path.Base(name)
	}
	ok, err := doublestar.Match(l.glob, name)
	return ok && err == nil // a pattern that is none matches nothing, as in git
}

// Withheld gives the line that keeps a path from being uploaded, slash-separated and relative to the directory; nil if it is
// uploaded. What is below a directory that is kept out stays out.
func (r *Rules) Withheld(name string, dir bool) *Line {
	if name = path.Clean(name); r == nil || name == "." {
		return nil
	}
	parts := strings.Split(name, "/")
	for i := range parts {
		at := strings.Join(parts[:i+1], "/")
		var last *Line
		for _, l := range r.lines {
			if l.matches(at, dir || i < len(parts)-1) {
				last = l
			}
		}
		if last != nil && !last.negated {
			return last
		}
	}
	return nil
}

// Directory gives a directory as it is uploaded. root is its own path in what is uploaded, "." for all of it.
func (r *Rules) Directory(base dockerctx.FS, root string) dockerctx.FS {
	if r == nil {
		return base
	}
	return &uploaded{base, r, root}
}

// uploaded is a directory of which only what is uploaded is seen.
type uploaded struct {
	base dockerctx.FS
	r    *Rules
	root string
}

func (u *uploaded) check(op, name string) error {
	dir := false
	if info, err := u.base.Lstat(name); err == nil {
		dir = info.IsDir()
	}
	if u.r.Withheld(path.Join(u.root, name), dir) != nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// ReadDir implements dockerctx.FS.
func (u *uploaded) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := u.check("readdir", name); err != nil {
		return nil, err
	}
	entries, err := u.base.ReadDir(name)
	return slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool {
		return u.r.Withheld(path.Join(u.root, name, e.Name()), e.IsDir()) != nil
	}), err
}

// Lstat implements dockerctx.FS.
func (u *uploaded) Lstat(name string) (fs.FileInfo, error) {
	if err := u.check("lstat", name); err != nil {
		return nil, err
	}
	return u.base.Lstat(name)
}

// ReadLink implements dockerctx.FS.
func (u *uploaded) ReadLink(name string) (string, error) {
	if err := u.check("readlink", name); err != nil {
		return "", err
	}
	return u.base.ReadLink(name)
}

// Open implements dockerctx.FS.
func (u *uploaded) Open(name string) (io.ReadCloser, error) {
	if err := u.check("open", name); err != nil {
		return nil, err
	}
	return u.base.Open(name)
}
