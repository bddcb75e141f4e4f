package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// This file goes with the release after the one that wrote version 2: until then baselines of version 1 are read. Their
// fingerprints were cut from sentences, so a sentence that is reworded breaks them.

// siteRules name their place: the same module may be at fault in one file and not in another.
var siteRules = map[string]bool{finding.NameNotExported: true, finding.ImportCycle: true, finding.ImportNotFound: true}

var digits = lazyre.New(`[0-9]+`)

// sentencePrints gives the fingerprints of version 1.
func sentencePrints(r finding.ImageReport) []string {
	seen := map[string]int{}
	out := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		parts := []string{r.Name, f.Rule, f.Module, f.ContextPath, f.ImagePath}
		if f.Module+f.ContextPath+f.ImagePath == "" || siteRules[f.Rule] {
			// What stands in brackets or after a colon says how much or why.
			about, _, _ := strings.Cut(f.Summary, " (")
			about, _, _ = strings.Cut(about, ": ")
			parts = append(parts, f.Subject.File, digits().ReplaceAllString(about, "0"))
		}
		key := strings.Join(parts, "\x00")
		seen[key]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}
