package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Version 1 told many findings apart by their sentences, which every release words anew. So an entry whose fingerprint is of no use is
// taken for a finding of its image and rule that is about something that the sentence names. The next release does not read version 1.

// sentencePrints gives the findings of an image the fingerprints that the entries of version 1 have: each entry is that of one finding, "" is that of none.
func (b *Baseline) sentencePrints(r finding.ImageReport) []string {
	rest := slices.Clone(b.Findings)
	out := make([]string, len(r.Findings))
	take := func(i int, is func(k Known) bool) {
		if at := slices.IndexFunc(rest, is); out[i] == "" && at >= 0 {
			out[i] = rest[at].Fingerprint
			rest = slices.Delete(rest, at, at+1)
		}
	}
	for i, f := range r.Findings {
		sum := sha256.Sum256([]byte(strings.Join([]string{r.Name, f.Rule, f.Module, f.ContextPath, f.ImagePath}, "\x00") + "\x001"))
		take(i, func(k Known) bool { return k.Fingerprint == hex.EncodeToString(sum[:16]) })
	}
	for i, f := range r.Findings {
		take(i, func(k Known) bool { return k.Image == r.Name && k.Rule == f.Rule && k.names(f) })
	}
	return out
}

// names reports whether the sentence of an entry names what a finding is about, where that is known.
func (k Known) names(f finding.Finding) bool {
	about := []string{f.Module, f.ContextPath, f.ImagePath, f.About.Name, f.About.Variable}
	about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
	return len(about) == 0 || slices.ContainsFunc(about, func(s string) bool { return strings.Contains(k.Summary, s) })
}
