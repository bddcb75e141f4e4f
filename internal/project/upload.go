package project

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/gcloudignore"
)

// upload gives what `gcloud builds submit` sends of a directory; nil if that is everything.
func (d *discovery) upload(dir string, at finding.Position) (*audit.Upload, error) {
	base, err := d.state.Directory(dir)
	if err != nil {
		return nil, err
	}
	rules, err := gcloudignore.For(base)
	if rules == nil || err != nil {
		return nil, err
	}
	// inside gives the path of a directory in what is uploaded.
	inside := func(name string) (string, bool) {
		rel, err := filepath.Rel(absolute(dir), absolute(name))
		return filepath.ToSlash(rel), err == nil && (rel == "." || filepath.IsLocal(rel))
	}
	open := d.state.Directory
	return &audit.Upload{
		At: at, Command: "gcloud builds submit",
		Open: func(name string) (dockerctx.FS, error) {
			rel, ok := inside(name)
			if !ok || rules.Withheld(rel, true) != nil {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			base, err := open(name)
			if err != nil {
				return nil, err
			}
			return rules.Directory(base, rel), nil
		},
		Withheld: func(contextDir, name string, isDir bool) *finding.Place {
			rel, ok := inside(contextDir)
			if !ok {
				return nil
			}
			l := rules.Withheld(path.Join(rel, name), isDir)
			if l == nil {
				return nil
			}
			place := &finding.Place{Role: finding.RoleWithholds, Line: l.Number, Text: strings.TrimSpace(l.Text)}
			if l.File != "" {
				place.File = filepath.ToSlash(filepath.Join(dir, filepath.FromSlash(l.File)))
			}
			return place
		},
	}, nil
}
