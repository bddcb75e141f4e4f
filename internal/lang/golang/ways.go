package golang

import (
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// A Go program searches no modules when it runs: of what other languages are asked, it answers that there is nothing.

// Command implements lang.Programs.
func (*programs) Command(string) (string, bool) { return "", false }

// Usage implements lang.Programs.
func (*programs) Usage(string) lang.Usage { return lang.Usage{} }

// Locate implements lang.Programs.
func (*programs) Locate(string, []lang.Entry) (string, bool) { return "", false }

// Provider implements lang.Programs.
func (*programs) Provider(string) (string, *finding.Place) { return "", nil }

// Unreached implements lang.Programs.
func (*programs) Unreached(*need.Need, string) (advice, searchDir string, searched bool) {
	return "", "", false
}

// Err implements lang.Programs.
func (*programs) Err() error { return nil }

// Elsewhere implements need.Ways.
func (*programs) Elsewhere(*need.Need) (dockerfile.Location, bool) {
	return dockerfile.Location{}, false
}

// Steered implements need.Ways.
func (*programs) Steered() string { return "" }

// Made implements need.Ways.
func (*programs) Made(string) bool { return false }

// Makes implements need.Ways.
func (c *programs) Makes(op *dockerfile.Op, ignored, _ bool) bool {
	return need.PutsSources(c.Build, op, ignored)
}

// OwnSource implements need.Ways.
func (*programs) OwnSource(path string) bool { return Language.Source(path) }
