package cli

import (
	"io/fs"

	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/project"
)

// What the command line names may lie anywhere. Only if it is named in a repository, no link of the repository may lead out
// of it: whoever says reports/new.sarif does not know that reports has become a link.

// readNamed reads a file that the command line names.
func (a *app) readNamed(name string, limit int64) ([]byte, error) {
	if !a.outside && project.LeadsOut(name) {
		return nil, &project.OutsideError{Name: name}
	}
	return files.Read(name, limit)
}

// writeNamed writes one.
func (a *app) writeNamed(name string, data []byte) error {
	if err := a.mayWrite(name); err != nil {
		return err
	}
	return files.Write(name, data)
}

// appendNamed adds to one.
func (a *app) appendNamed(name string, data []byte) error {
	if err := a.mayWrite(name); err != nil {
		return err
	}
	return files.Append(name, data)
}

func (a *app) mayWrite(name string) error {
	if fi, err := files.Lstat(name); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return files.ErrLink // wherever it leads
	}
	if !a.outside && project.LeadsOut(name) {
		return &project.OutsideError{Name: name}
	}
	return nil
}
