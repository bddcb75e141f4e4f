package conformance

import (
	"fmt"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Claims holds what a predicted image says of a directory against what is there: what is called certain must be there as it is, and what
// is there must be predicted, or be where a step may have put something. It gives what is wrong, and whether all of it was certain.
func Claims(image *simulate.Image, built Listing, dir string) (wrong []string, exact bool, err error) {
	real, said := map[string]Entry{}, map[string]bool{}
	for _, e := range built {
		if simulate.Within(e.Path, dir) {
			real[e.Path] = e
		}
	}
	exact = true
	err = image.Tree.Walk(func(p string, n *rootfs.Node) error {
		if !simulate.Within(p, dir) || n.Kind == rootfs.KindUnknown {
			return nil
		}
		said[p] = true
		if !certain(image.Tree, p, n) {
			exact = false
			return nil
		}
		is, claim := real[p], entryOfNode(p, n)
		if n.Kind == rootfs.KindFile && n.Content == nil { // nobody knows how long it is
			exact, claim.Size = false, is.Size
		}
		if is != claim {
			wrong = append(wrong, fmt.Sprintf("- %s\n+ %s", is, claim))
		}
		return nil
	})
	for p, e := range real {
		if said[p] {
			continue
		}
		if exact = false; !image.Tree.MayHold(p) {
			wrong = append(wrong, fmt.Sprintf("- %s: no step may have put it there", e))
		}
	}
	return wrong, exact, err
}

// certain reports whether a prediction says that an entry is there as it is.
func certain(t *rootfs.Tree, p string, n *rootfs.Node) bool {
	for dir := p; dir != "/"; dir = path.Dir(dir) {
		if d, err := t.Lstat(dir); err == nil && d.Unsure {
			return false
		}
	}
	return n.Owner.Known() && len(t.HeldBy(p).All()) == 0
}

// RealStep is a RUN step that is built for real.
type RealStep struct {
	User   string // "" for root
	Script string
}

// stepsDockerfile builds each step in a stage of its own, which begins with the same files, and puts the directories that they leave
// beside each other: /0, /1 and so on.
func stepsDockerfile(steps []RealStep) string {
	var b strings.Builder
	b.WriteString("FROM scratch AS base\nCOPY bin /bin/\nENV D=d\n")
	for i, s := range steps {
		fmt.Fprintf(&b, "FROM base AS s%d\nCOPY %sw /w/\nWORKDIR /w\n", i, map[bool]string{true: "", false: "--chown=1000:1000 "}[s.User == ""])
		if s.User != "" {
			fmt.Fprintf(&b, "USER %s\n", s.User)
		}
		fmt.Fprintf(&b, "RUN %s\n", s.Script)
	}
	b.WriteString("FROM scratch\n")
	for i := range steps {
		fmt.Fprintf(&b, "COPY --from=s%d /w /%d\n", i, i)
	}
	return b.String()
}
