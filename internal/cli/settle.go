package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/baseline"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// maxBaseline bounds a baseline, in bytes: it has a few hundred for each finding.
const maxBaseline = 64 << 20

// settle gives findings the severity that the configuration wants, takes out those that are suppressed, and those that the
// baseline has.
func (a *app) settle(images []finding.ImageReport, subjects []audit.Subject, f *checkFlags) error {
	if err := a.engine().Suppress(images, subjects, f.buildkitChecks); err != nil {
		return err
	}
	if f.baseline == "" {
		return nil
	}
	if f.updateBaseline {
		data, err := baseline.Take(images).Bytes()
		if err != nil {
			return err
		}
		if err := a.writeNamed(f.baseline, data); err != nil {
			return fmt.Errorf("writing baseline: %w", err)
		}
	}
	data, err := a.readNamed(f.baseline, maxBaseline)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("baseline %s does not exist; --update-baseline writes it", f.baseline)
	}
	if err != nil {
		return fmt.Errorf("reading baseline: %w", err)
	}
	b, err := baseline.Parse(f.baseline, data)
	if err != nil {
		return err
	}
	if b.Outdated() {
		a.tellf("ctxaudit: the baseline %s is one of version 1, which the next release will not read; --update-baseline rewrites it", f.baseline)
	}
	known, gone := b.Apply(images)
	if known > 0 {
		a.tellf("ctxaudit: not shown: %s of the baseline %s", findings(known), f.baseline)
	}
	if len(gone) > 0 {
		a.tellf("ctxaudit: no longer found: %s of the baseline %s; --update-baseline takes them out", findings(len(gone)), f.baseline)
	}
	return nil
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}
