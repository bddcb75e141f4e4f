package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// siteRules find things in a line of a program: the same module may be at fault in one file and not in another.
var siteRules = map[string]bool{NameNotExported: true, ImportCycle: true, ImportNotFound: true}

// Fingerprints gives each finding of an image a name that stays as long as the finding is about the same thing: lines
// may move, counts may change and other findings may come and go. Findings that are alike in all of that are told apart
// by their order.
func Fingerprints(r ImageReport) []string {
	seen := map[string]int{}
	out := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		key := f.identity(r.Name)
		seen[key]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}

// Identity names a finding of an image apart from the lines it stands at, which edits move.
func (f Finding) Identity() string { return f.identity("") }

var digits = lazyre.New(`[0-9]+`)

// identity is what a finding is about, without where it stands.
func (f Finding) identity(image string) string {
	parts := []string{image, f.Rule, f.Module, f.ContextPath, f.ImagePath}
	if f.Module+f.ContextPath+f.ImagePath == "" || siteRules[f.Rule] {
		// What stands in brackets or after a colon says how much or why.
		about, _, _ := strings.Cut(f.Summary, " (")
		about, _, _ = strings.Cut(about, ": ")
		parts = append(parts, f.Subject.File, digits().ReplaceAllString(about, "0"))
	}
	return strings.Join(parts, "\x00")
}
