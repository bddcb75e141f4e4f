package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// Fix searches the edits that repair findings of images: those that choose takes, which is asked for each that counts, in the order
// in which they are shown, from 1. The notices say what could not be followed, also beside an error.
func (e *Engine) Fix(ctx context.Context, a project.Asked, choose func(number int, f finding.Finding) bool) (*why.Mended, []finding.Notice, error) {
	found, err := e.World.Disk("auto").Images(ctx, a)
	if err != nil {
		return nil, found.Notices, err
	}
	e.at("searching repairs")
	settle := func(images []finding.ImageReport) error { return e.Suppress(images, found.Subjects, false) }
	m, err := why.Mend(ctx, found.Subjects, settle, choose)
	return m, found.Notices, err
}

// Write replaces files by what they are to be, each in one step. It changes none if one of them is not any more what it was when
// it was read.
func (e *Engine) Write(changes []why.Change) error {
	for _, c := range changes {
		if c.Path == "" {
			return errors.New("a Dockerfile that was read from standard input cannot be changed")
		}
		now, err := e.World.Read(c.Path, dockerfile.MaxSize)
		switch {
		case errors.Is(err, fs.ErrNotExist) && len(c.Before) == 0:
		case err != nil:
			return fmt.Errorf("reading %s again: %w", c.Name, err)
		case !bytes.Equal(now, c.Before):
			return fmt.Errorf("%s has changed since it was read; nothing was written", c.Name)
		}
	}
	for _, c := range changes {
		if err := e.World.Write(c.Path, c.After); err != nil {
			return fmt.Errorf("writing %s: %w", c.Name, err)
		}
	}
	return nil
}
