package dockerctx

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Effect is what a line did to the path that it was asked about.
type Effect int

// The effects.
const (
	EffectNone       Effect = iota // nothing
	EffectExcludes                 // from here on the path is excluded
	EffectReincludes               // from here on the path is no longer excluded
)

// String gives "no effect", "excludes" or "re-includes".
func (e Effect) String() string {
	switch e {
	case EffectNone:
		return "no effect"
	case EffectExcludes:
		return "excludes"
	case EffectReincludes:
		return "re-includes"
	}
	return fmt.Sprintf("Effect(%d)", int(e))
}

// Step is one line of the ignore file that matches the path or one of its
// parents, and what came of it.
type Step struct {
	Line   *Line
	Path   string // what was asked about: a parent of the path, or the path
	Effect Effect
	Reason Reason

	// Origin is, for an inherited match, the parent that the line itself
	// matched.
	Origin string

	// Same is the first earlier line with the same pattern, if there is one.
	Same *Line
}

// Trail is the decision about one path, and how it came about.
type Trail struct {
	Path     string
	Included bool   // it reaches the builder (if it exists)
	Reason   Reason // why, in one word
	Steps    []Step // in the order of evaluation

	// Decisive is the line that had the last word: nil if none matched.
	Decisive *Line

	// PrunedAt is the excluded directory, above the path, that BuildKit does
	// not enter: no later line can bring anything in it back.
	PrunedAt string

	// CarriedBy is, for an excluded directory that is transferred all the same,
	// the first entry in it that is transferred for its own sake.
	CarriedBy string

	// Redundant are the lines that repeat the pattern of an earlier one, match
	// on this trail, and change nothing in it.
	Redundant []*Line
}

// Explain tells how BuildKit decides about a path, existing or not. For an
// existing one Included is what [Tree.Lstat] says; one that does not exist is
// judged as if it were a file. "." is always included.
//
// The error is an [*IgnoreError] if a malformed pattern is evaluated on the way.
func (c *Context) Explain(path string) (*Trail, error) {
	clean, err := cleanPath(path)
	if err != nil {
		return nil, fmt.Errorf("explaining %q: %w", path, err)
	}
	trail := &Trail{Path: clean, Included: true, Reason: NoLineMatches}
	if clean == "." || c.exclude == nil {
		return trail, nil
	}
	e := explainer{c: c, m: c.exclude, trail: trail, origin: map[int]string{}}
	if err := e.run(clean); err != nil {
		return nil, c.blame(err)
	}
	if err := e.carried(clean); err != nil {
		return nil, err
	}
	e.findRedundant()
	return trail, nil
}

// explainer goes down a path level by level, as the walk does. Each level is
// decided by the very code of the walk, which reports what it recorded; the
// lines that match besides are those that it had no reason to ask.
type explainer struct {
	c      *Context
	m      *matcher
	trail  *Trail
	origin map[int]string // rule → the level at which it matched by itself
}

func (e *explainer) run(full string) error {
	var parent matched
	for end := range levels(full) {
		level := full[:end]
		v, err := e.m.decideAll(level, parent)
		if err != nil {
			return err
		}
		recorded := map[int]bool{} // rule → inherited
		for _, i := range v.matched {
			recorded[int(i)] = slices.Contains(parent, i)
		}
		e.level(level, level == full, recorded, v)
		parent = v.matched
		e.conclude(v, level == full)
		if v.matches && level != full && !e.m.enters(level) {
			e.prune(level, full)
			return nil
		}
	}
	return nil
}

// levels yields the ends of the parents of a path, outermost first, and of the
// path.
func levels(full string) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range len(full) {
			if full[i] == '/' && !yield(i) {
				return
			}
		}
		yield(len(full))
	}
}

// level adds the steps of one level. What a parent inherits is told only of the
// path itself, or every line would be repeated for every parent below it.
func (e *explainer) level(level string, last bool, recorded map[int]bool, v verdict) {
	excluded := false
	for i, r := range e.m.rules {
		inherited, counts := recorded[i]
		step := Step{Line: r.line, Path: level, Same: e.same(i)}
		switch {
		case counts:
			flips := excluded == r.negated
			excluded = !r.negated
			step.Reason = Matches
			if inherited {
				step.Reason = Inherited
				step.Origin = e.origin[i]
				if !last {
					continue
				}
			} else {
				e.origin[i] = level
			}
			switch {
			case flips && r.negated:
				step.Effect = EffectReincludes
			case flips:
				step.Effect = EffectExcludes
			case r.negated:
				step.Reason = NotExcludedYet
			default:
				step.Reason = AlreadyExcluded
			}
		default:
			if ok, err := r.matches(level); err != nil || !ok {
				continue
			}
			step.Reason = AlreadyExcluded
			if r.negated {
				step.Reason = NotExcludedYet
			}
		}
		e.add(step)
	}
}

// add takes a step; of a line without effect that repeats an earlier one, the
// repetition is the better reason.
func (e *explainer) add(step Step) {
	if step.Effect == EffectNone && step.Same != nil && step.Reason != DirectoryNotRead {
		step.Reason = Repeated
	}
	e.trail.Steps = append(e.trail.Steps, step)
}

func (e *explainer) conclude(v verdict, last bool) {
	t := e.trail
	t.Included = !v.matches
	t.Decisive = nil
	if v.decided < 0 {
		t.Reason = NoLineMatches
		return
	}
	t.Decisive = e.m.rules[v.decided].line
	_, own := e.ownStep(v.decided)
	switch {
	case !v.matches:
		t.Reason = Reincluded
	case own:
		t.Reason = Excluded
	default:
		t.Reason = ParentExcluded
	}
}

// ownStep gives the step in which a rule matched the path itself.
func (e *explainer) ownStep(rule int) (string, bool) {
	at, ok := e.origin[rule]
	return at, ok && at == e.trail.Path
}

// prune adds the lines that would match below a directory that is not entered.
func (e *explainer) prune(dir, full string) {
	e.trail.PrunedAt = dir
	e.trail.Reason = DirectoryNotRead
	for end := range levels(full) {
		if end <= len(dir) {
			continue
		}
		for i, r := range e.m.rules {
			if ok, err := r.matches(full[:end]); err == nil && ok {
				e.add(Step{Line: r.line, Path: full[:end], Reason: DirectoryNotRead, Same: e.same(i)})
			}
		}
	}
}

// carried asks the tree whether an excluded directory comes along with
// something in it.
func (e *explainer) carried(full string) error {
	t := e.trail
	if t.Included || t.PrunedAt != "" || !e.m.enters(full) {
		return nil
	}
	if info, err := e.c.fsys.Lstat(full); err != nil || !info.IsDir() {
		return nil
	}
	at, err := e.c.tree.find("explain", full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for at.dir.entries[at.at].skipped {
		if at, err = e.c.tree.firstListed(at.dir.sub(at.at)); err != nil {
			return err
		}
	}
	t.Included = true
	t.Reason = Carried
	t.CarriedBy = join(at.dir.path, at.dir.name(at.at))
	return nil
}

// same gives the first earlier line with the same pattern.
func (e *explainer) same(rule int) *Line {
	if first, ok := e.c.repeats()[rule]; ok {
		return e.m.rules[first].line
	}
	return nil
}

// repeats finds the rules that repeat an earlier one: equal sign and equal
// pattern after cleaning ("/x", "x/", "./x" and "x" are one pattern).
func (c *Context) repeats() map[int]int {
	c.sameSet.Do(func() {
		first := make(map[string]int, len(c.exclude.rules))
		c.same = map[int]int{}
		for i, r := range c.exclude.rules {
			key := "+" + r.cleaned
			if r.negated {
				key = "!" + r.cleaned
			}
			if at, ok := first[key]; ok {
				c.same[i] = at
				continue
			}
			first[key] = i
		}
	})
	return c.same
}

func (e *explainer) findRedundant() {
	useful := map[*Line]bool{}
	for _, s := range e.trail.Steps {
		if s.Effect != EffectNone {
			useful[s.Line] = true
		}
	}
	seen := map[*Line]bool{}
	for _, s := range e.trail.Steps {
		if s.Same != nil && !useful[s.Line] && !seen[s.Line] {
			seen[s.Line] = true
			e.trail.Redundant = append(e.trail.Redundant, s.Line)
		}
	}
}

// String tells the trail in a few lines, for logs and tests.
func (t *Trail) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: included=%t, %s\n", t.Path, t.Included, t.Reason)
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "  %d: %s: at %s: %s: %s\n", s.Line.Number, s.Line.Pattern, s.Path, s.Effect, s.Reason)
	}
	return b.String()
}
