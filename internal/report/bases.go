package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Base is a base image that was fetched.
type Base struct {
	Ref      string `json:"ref"`
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	// Pulled is when, as in 2026-11-28T10:00:00Z.
	Pulled  string `json:"pulled"`
	Entries int    `json:"entries"`
	Size    int64  `json:"size"` // bytes of what is kept
}

// Bases lists base images, one a line.
func Bases(out io.Writer, list []Base) error {
	w := bufio.NewWriter(out)
	ref, platform := 0, 0
	for _, b := range list {
		ref, platform = max(ref, len(Name(b.Ref))), max(platform, len(Name(b.Platform)))
	}
	for _, b := range list {
		fmt.Fprintf(w, "%.10s  %-*s  %-*s  %s  %s, %s\n", Name(b.Pulled), ref, Name(b.Ref), platform, Name(b.Platform), Name(b.Digest), count(b.Entries, "path"), finding.Size(b.Size))
	}
	return w.Flush()
}
