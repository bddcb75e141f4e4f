package ignorelint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// ineffective reports a negation that brings nothing back although something that it names, or that lies in what it names,
// is kept out.
func (l *linter) ineffective(line *dockerctx.Line) (bool, error) {
	named := strings.TrimPrefix(line.Pattern, "!")
	if named == "" || strings.ContainsAny(named, `*?[\`) {
		return false, nil
	}
	var kept []string
	for _, p := range l.lost {
		if simulate.Within(p, named) {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		return false, nil
	}
	meant, example := l.meant(named, kept)
	t, err := l.context.Explain(example)
	if err != nil || t.Decisive == nil {
		return false, err
	}
	winner := t.Decisive
	text := strings.TrimSpace(line.Text)
	detail := fmt.Sprintf("%s:%d (%s) excludes %s. ", l.ignore.Name, winner.Number, strings.TrimSpace(winner.Text), meant)
	switch {
	case winner.Number > line.Number:
		detail += "It comes later, and the last matching line decides."
	default:
		detail += fmt.Sprintf("%s itself is not excluded at that point, so there is nothing to re-include, and BuildKit does not apply the line to what is below.", named)
	}
	form, works, err := l.workingForm(line, t, named, example)
	if err != nil {
		return true, err
	}
	if works {
		detail += fmt.Sprintf(" Use %s.", form.describe)
	}
	l.add(line, finding.IgnoreNegationIneffective, finding.Warning,
		fmt.Sprintf("%s has no effect, although %s is excluded", text, meant), detail,
		l.place(finding.RoleNoEffect, line, ""), l.place(finding.RoleExcludes, winner, meant))
	if works {
		f := &l.result.Findings[len(l.result.Findings)-1]
		f.Fixes = append(f.Fixes, finding.Fix{Title: form.describe, Edits: form.edits, Adds: form.adds, AddsCount: form.count, AddsBytes: form.bytes})
	}
	return true, nil
}

// meant gives what a negation was meant for of what it names and is kept out: the first directory that is kept out as a whole and is
// none of those that tools leave behind, or else the first such file; and a file of it as an example.
func (l *linter) meant(named string, kept []string) (what, example string) {
	litter := func(p string) bool {
		return slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool {
			return slices.ContainsFunc(litterNames, func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok })
		})
	}
	for _, p := range l.excluded {
		if !l.dirs[p] || !simulate.Within(p, named) || litter(strings.TrimPrefix(p, named)) {
			continue
		}
		if i := slices.IndexFunc(kept, func(f string) bool { return simulate.Within(f, p) }); i >= 0 {
			return p, kept[i]
		}
	}
	for _, p := range kept {
		if !litter(strings.TrimPrefix(p, named)) {
			return p, p
		}
	}
	return kept[0], kept[0]
}

// form is another way to write a negation, with what it brings.
type form struct {
	describe string
	edits    []edit.Edit
	adds     []string
	count    int
	bytes    int64
}

// workingForm tries other forms of a negation and gives the first that brings back an example: with all that lies below, in
// its place; then behind the last line that excludes anything on the way to the example, as it is and with all below.
func (l *linter) workingForm(line *dockerctx.Line, t *dockerctx.Trail, named, example string) (form, bool, error) {
	last := 0
	for _, s := range t.Steps {
		if !s.Line.Negated {
			last = max(last, s.Line.Number)
		}
	}
	for _, try := range []struct {
		pattern string
		behind  int
	}{{"!" + named + "/**", 0}, {"!" + named, last}, {"!" + named + "/**", last}} {
		if try.behind > 0 && try.behind < line.Number {
			continue
		}
		if !l.trial() {
			break
		}
		var c *dockerctx.Context
		var err error
		f := form{}
		if try.behind > 0 {
			f.describe = fmt.Sprintf("%s after line %d", try.pattern, try.behind)
			f.edits = []edit.Edit{{File: l.ignore.Name, Line: line.Number, Remove: 1}, {File: l.ignore.Name, Line: try.behind, Insert: try.pattern}}
			c, err = l.inserted(line.Number, try.behind, try.pattern)
		} else {
			f.describe = fmt.Sprintf("%s instead", try.pattern)
			f.edits = []edit.Edit{{File: l.ignore.Name, Line: line.Number, Remove: 1, Insert: try.pattern}}
			c, err = l.changed(func(x *dockerctx.Line) {
				if x.Number == line.Number {
					x.Pattern = try.pattern
				}
			})
		}
		if err != nil {
			return form{}, false, err
		}
		trail, err := c.Explain(example)
		if err != nil {
			return form{}, false, err
		}
		if trail.Included {
			err = l.gain(c, &f)
			return f, true, err
		}
	}
	return form{}, false, nil
}

// inserted gives the context with a line taken out and a pattern put behind another line.
func (l *linter) inserted(out, behind int, pattern string) (*dockerctx.Context, error) {
	var text []string
	for _, x := range l.ignore.Lines {
		if x.Number != out {
			text = append(text, x.Text)
		}
		if x.Number == behind {
			text = append(text, pattern)
		}
	}
	ignore, err := dockerctx.ParseIgnoreFile(l.ignore.Name, []byte(strings.Join(text, "\n")))
	if err != nil {
		return nil, err
	}
	return dockerctx.New(l.fsys, ignore)
}

// maxAdds bounds the files that a form lists.
const maxAdds = 20

// gain counts the files that reach the builder in another context and not in this one.
func (l *linter) gain(c *dockerctx.Context, f *form) error {
	have := map[string]bool{}
	if err := l.context.Tree().Walk(func(e dockerctx.Entry) error { have[e.Path] = true; return nil }); err != nil {
		return err
	}
	err := c.Tree().Walk(func(e dockerctx.Entry) error {
		if !e.Mode.IsDir() && !have[e.Path] {
			f.count++
			f.bytes += e.Size
			f.adds = append(f.adds, e.Path)
		}
		return nil
	})
	slices.Sort(f.adds)
	f.adds = f.adds[:min(len(f.adds), maxAdds)]
	return err
}

// slow reports negations because of which BuildKit reads directories that it could leave alone.
func (l *linter) slow() error {
	var guilty []*dockerctx.Line
	for i := range l.ignore.Lines {
		if line := &l.ignore.Lines[i]; line.Negated && line.Kind == dockerctx.LinePattern && wildcardBefore(strings.TrimPrefix(line.Pattern, "!")) {
			guilty = append(guilty, line)
		}
	}
	if len(guilty) == 0 {
		return nil
	}
	reads := func(c *dockerctx.Context) (int, error) {
		clear(l.fsys.read)
		err := c.Tree().Walk(func(dockerctx.Entry) error { return nil })
		return len(l.fsys.read), err
	}
	fresh, err := l.without(nil)
	if err != nil {
		return err
	}
	now, err := reads(fresh)
	if err != nil {
		return err
	}
	lines := map[int]bool{}
	for _, g := range guilty {
		lines[g.Number] = true
	}
	faster, err := l.without(lines)
	if err != nil {
		return err
	}
	then, err := reads(faster)
	if err != nil || then >= now {
		return err
	}
	for _, g := range guilty {
		more := ""
		if len(guilty) > 1 {
			more = fmt.Sprintf(" (with the %d other negations of this kind)", len(guilty)-1)
		}
		l.add(g, finding.IgnoreSlowNegation, finding.Warning,
			fmt.Sprintf("%s makes BuildKit read %d excluded directories", strings.TrimSpace(g.Text), now-then),
			fmt.Sprintf("A negation with a wildcard before its end%s makes BuildKit enter every excluded directory: it reads %d directories instead of %d. Name a directory in the negation to avoid that.", more, now, then))
	}
	return nil
}

// wildcardBefore reports whether a pattern has a wildcard that is not a glob at its end: fsutil then enters every directory
// (onlyPrefixIncludes and onlyPrefixExcludeExceptions in filter.go).
func wildcardBefore(pattern string) bool {
	rest := strings.TrimSuffix(strings.TrimSuffix(pattern, "/**"), "/*")
	return strings.ContainsAny(rest, `*?[\^`)
}
