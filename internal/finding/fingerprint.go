package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// About is what a finding is about, besides its module and paths: what tells it from others of its rule wherever lines move
// and however it is worded. A rule fills what it needs for that, and no more.
type About struct {
	// Site is the file that is at fault, where the same thing may be right in another one.
	Site string
	// Name is a name of a module.
	Name string
	// Variable is a variable of the environment.
	Variable string
	// Text is a pattern, an instruction or a command as it is written, on one line.
	Text string
}

// Identity names what a finding of an image is about, apart from the lines it stands at, which edits move, and from its
// sentences.
func (f Finding) Identity() string {
	return strings.Join([]string{f.Rule, f.Module, f.ContextPath, f.ImagePath, f.About.Site, f.About.Name, f.About.Variable, f.About.Text}, "\x00")
}

// Fingerprints gives each finding of an image a name that stays as long as the finding is about the same thing: lines
// may move, counts and words may change and other findings may come and go. Findings that are alike in all of that are told
// apart by their order.
func Fingerprints(r ImageReport) []string {
	seen := map[string]int{}
	out := make([]string, len(r.Findings))
	for i, f := range r.Findings {
		key := r.Name + "\x00" + f.Identity()
		seen[key]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}
