package project

import (
	"io/fs"

	"github.com/ctxaudit/ctxaudit/internal/files"
)

// What a person names may lie anywhere. Only if it is named in a repository, no link of the repository may lead out
// of it: whoever says reports/new.sarif does not know that reports has become a link.

// ReadNamed reads a file that a person names, of no more than limit bytes.
func (w *World) ReadNamed(name string, limit int64) ([]byte, error) {
	if !w.all && LeadsOut(name) {
		return nil, &OutsideError{Name: name}
	}
	return files.Read(name, limit)
}

// WriteNamed writes one.
func (w *World) WriteNamed(name string, data []byte) error {
	if err := w.mayWrite(name); err != nil {
		return err
	}
	return files.Write(name, data)
}

// AppendNamed adds to one.
func (w *World) AppendNamed(name string, data []byte) error {
	if err := w.mayWrite(name); err != nil {
		return err
	}
	return files.Append(name, data)
}

func (w *World) mayWrite(name string) error {
	if fi, err := files.Lstat(name); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return files.ErrLink // wherever it leads
	}
	if !w.all && LeadsOut(name) {
		return &OutsideError{Name: name}
	}
	return nil
}
