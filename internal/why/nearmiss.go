package why

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxMisses bounds the instructions that are shown because they came close.
const maxMisses = 3

// miss is an instruction that does not take a path, with how close it came.
type miss struct {
	sentence string
	at       dockerfile.Location
	shared   int // elements of the path that a source has too
}

// nearMisses tells of the instructions that came closest to copying a path of the context, and why they do not.
func (e *Explainer) nearMisses(a *Answer, p string) {
	var misses []miss
	plan := e.Image.Plan
	for _, s := range plan.Stages {
		for _, in := range s.Instructions {
			c, ok := copyOf(in)
			if !ok {
				continue
			}
			sources, from := c.sources, c.from()
			m := miss{at: in.Location, shared: -1}
			for _, src := range sources {
				if sentence, shared := missed(src, p); shared > m.shared {
					m.sentence, m.shared = sentence, shared
				}
			}
			switch {
			case !s.Reached:
				m.sentence = "is in a stage that the image does not use"
			case from != "":
				m.sentence, m.shared = e.missedFrom(from, p, sources), m.shared-1
			case m.shared >= 0 && c.excludes() && takes(sources, p):
				m.sentence = "would copy it without its --exclude"
			case s.Index != plan.TargetStage && takes(sources, p):
				m.sentence = "copies it into a stage from which the image does not copy it"
			}
			if m.sentence != "" {
				misses = append(misses, m)
			}
		}
	}
	slices.SortStableFunc(misses, func(a, b miss) int { return -cmp.Compare(a.shared, b.shared) })
	for _, m := range misses[:min(len(misses), maxMisses)] {
		a.step(m.sentence, instruction(finding.RoleCopies, m.at))
	}
	if len(misses) == 0 {
		a.step("no COPY or ADD reads the build context at all", nil)
	}
}

// takes reports whether a source is the path, or a directory above it, or a pattern for one of them.
func takes(sources []string, p string) bool {
	elements := strings.Split(p, "/")
	return slices.ContainsFunc(sources, func(src string) bool {
		src = strings.TrimPrefix(path.Clean("/"+src), "/")
		n := strings.Count(src, "/") + 1
		if strings.ContainsAny(src, "*?[") && n <= len(elements) {
			ok, _ := path.Match(src, strings.Join(elements[:n], "/"))
			return ok
		}
		return src == "" || simulate.Within(p, src)
	})
}

// missed says why a source does not take a path, and how many elements they share.
func missed(src, p string) (string, int) {
	clean := strings.TrimPrefix(path.Clean("/"+src), "/")
	want, have := strings.Split(p, "/"), strings.Split(clean, "/")
	shared := 0
	for shared < len(want) && shared < len(have) && want[shared] == have[shared] {
		shared++
	}
	switch {
	case strings.ContainsAny(src, "$"):
		return fmt.Sprintf("copies %s, which expands to something else", src), shared
	case strings.ContainsAny(clean, "*?["):
		return fmt.Sprintf("copies what %s matches, and it does not match %s", src, p), shared
	case shared == len(have)-1 && len(have) == len(want):
		return fmt.Sprintf("copies %s, which is beside it", src), shared
	case shared > 0:
		return fmt.Sprintf("copies %s, another part of %s", src, strings.Join(want[:shared], "/")), shared
	default:
		return fmt.Sprintf("copies only %s of the context", src), 0
	}
}

// missedFrom says why a COPY --from does not bring a path.
func (e *Explainer) missedFrom(from, p string, sources []string) string {
	for _, s := range e.Image.Plan.Stages {
		if !strings.EqualFold(s.Name, from) && fmt.Sprint(s.Index) != from {
			continue
		}
		at := ""
		for _, op := range e.Image.Plan.Ops {
			st := e.Image.After(op.ID)
			if op.Location.Stage != s.Index || st == nil || op.Kind == dockerfile.OpLocal {
				continue
			}
			at = ""
			_ = e.Image.Locate(st.Tree, simulate.MainContext, p, func(l simulate.Located) error {
				if at == "" {
					at = l.Path
				}
				return nil
			})
		}
		if at == "" {
			return fmt.Sprintf("copies from stage %s, which lacks it, too", from)
		}
		return fmt.Sprintf("copies from stage %s, which has it at %s; this copies %s", from, at, strings.Join(sources, " "))
	}
	return ""
}
