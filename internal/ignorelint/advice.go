package ignorelint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/secrets"
)

// unused says that a line matches nothing.
func unused(line *dockerctx.Line) string {
	return strings.TrimSpace(line.Text) + " matches nothing in this context"
}

// repeats gives the line that an idle one repeats, nil if there is none: the same pattern, or one that matches at any depth. Of a line
// that matches nothing here it is said only if no line of the other sign stands between them: that could make a difference elsewhere.
func (l *linter) repeats(line *dockerctx.Line) *dockerctx.Line {
	for _, dir := range []int{-1, 1} {
		for i := line.Number - 1 + dir; i >= 0 && i < len(l.ignore.Lines); i += dir {
			other := &l.ignore.Lines[i]
			if other.Kind != dockerctx.LinePattern {
				continue
			}
			if other.Negated != line.Negated {
				if l.facts[line.Number] == nil {
					break
				}
				continue
			}
			if same := other.Pattern == line.Pattern; same && dir < 0 || !same && bare(other) == "**/"+bare(line) {
				return other
			}
		}
	}
	return nil
}

// bare gives the pattern of a line without its sign.
func bare(line *dockerctx.Line) string { return strings.TrimPrefix(line.Pattern, "!") }

// comment reports a line that nothing matches because of what was meant as a comment. Only a # in the first column begins one. It is
// not removed with the lines that do nothing: somebody wrote it to be read.
func (l *linter) comment(line *dockerctx.Line) (bool, error) {
	text := strings.TrimSpace(line.Text)
	pattern, after, inline := cutComment(text)
	detail, title, instead := "", "", ""
	switch {
	case strings.HasPrefix(text, "#"):
		detail, title, instead = "A comment must begin in the first column: this line is a pattern.", "start the comment in the first column", text
	case strings.HasPrefix(text, "//"):
		detail, title = "// does not start a comment, only # in the first column does: this line is a pattern.", "make it a comment"
		instead = "# " + strings.TrimSpace(strings.TrimLeft(text, "/"))
	case strings.HasPrefix(text, ";"), strings.HasPrefix(text, "/*"), strings.HasPrefix(text, "<!--"):
		detail, title = "Only # in the first column starts a comment: this line is a pattern.", "make it a comment"
		instead = "# " + strings.Trim(text, ";/*<!-> ")
	case inline:
		detail = fmt.Sprintf("A # starts a comment only in the first column: this whole line is one pattern, and does not exclude %s.", pattern)
		title, instead = "put the comment on a line of its own", "# "+strings.TrimSpace(strings.TrimLeft(after, "#/"))+"\n"+pattern
	default:
		return false, nil
	}
	l.add(line, finding.IgnorePatternUnused, finding.Warning, unused(line), detail)
	return true, l.replace(line, title, instead)
}

// cutComment parts a line before a # or // that stands behind a blank.
func cutComment(text string) (pattern, comment string, ok bool) {
	for _, sign := range []string{" #", "\t#", " //", "\t//"} {
		if before, after, found := strings.Cut(text, sign); found && strings.TrimSpace(before) != "" {
			return strings.TrimSpace(before), after, true
		}
	}
	return text, "", false
}

// replace offers another text for the line of the last finding, with what it changes.
func (l *linter) replace(line *dockerctx.Line, title, text string) error {
	var lines []string
	for _, x := range l.ignore.Lines {
		if x.Number == line.Number {
			lines = append(lines, text)
		} else {
			lines = append(lines, x.Text)
		}
	}
	ignore, err := dockerctx.ParseIgnoreFile(l.ignore.Name, []byte(strings.Join(lines, "\n")))
	if err != nil || !l.trial() || !l.walk() {
		return nil // nothing is offered that was not tried
	}
	c, err := dockerctx.New(l.fsys, ignore)
	if err != nil {
		return nil
	}
	var gained form
	if err := l.gain(c, &gained); err != nil {
		return err
	}
	was, err := countFiles(l.context)
	if err != nil {
		return err
	}
	now, err := countFiles(c)
	if err != nil {
		return err
	}
	f := &l.result.Findings[len(l.result.Findings)-1]
	f.Fixes = append(f.Fixes, finding.Fix{
		Title: title, Edits: []edit.Edit{{File: l.ignore.Name, Line: line.Number, Remove: 1, Insert: text}},
		Adds: gained.adds, AddsCount: gained.count, AddsBytes: gained.bytes, RemovesCount: was + gained.count - now,
	})
	return nil
}

// countFiles counts what of a context reaches the builder and is no directory.
func countFiles(c *dockerctx.Context) (n int, err error) {
	err = c.Tree().Walk(func(e dockerctx.Entry) error {
		if !e.Mode.IsDir() {
			n++
		}
		return nil
	})
	return n, err
}

// nearMiss reports an exception that matches nothing where something that is kept out has nearly its name, or its name in another
// directory.
func (l *linter) nearMiss(line *dockerctx.Line) (bool, error) {
	named := strings.Trim(bare(line), "/")
	if !line.Negated || strings.ContainsAny(named, `*?[\`) {
		return false, nil
	}
	meant, ok := "", false
	if i := slices.IndexFunc(l.excluded, func(p string) bool { return strings.EqualFold(p, named) }); i >= 0 {
		meant, ok = l.excluded[i], true
	}
	if !ok && l.conventional(line) {
		return false, nil
	}
	if !ok {
		meant, ok = suggest.Search(named, l.excluded, true)
	}
	if !ok {
		var same []string
		for _, p := range l.excluded {
			if path.Base(p) == path.Base(named) {
				same = append(same, p)
			}
		}
		if len(same) != 1 {
			return false, nil
		}
		meant = same[0]
	}
	t, err := l.context.Explain(meant)
	if err != nil || t.Decisive == nil {
		return false, nil
	}
	text := "!" + meant
	l.add(line, finding.IgnorePatternUnused, finding.Warning, unused(line),
		fmt.Sprintf("Did you mean %s? It exists, but line %d (%s) excludes it.", text, t.Decisive.Number, strings.TrimSpace(t.Decisive.Text)),
		l.place(finding.RoleExcludes, t.Decisive, meant))
	return true, l.replace(line, "name what exists", text)
}

// rootOnly reports a bare name that keeps out what has it at the root, and not what has it further down. It is a warning where nothing at
// the root has it, where it is the name of what tools leave behind or of secrets, and where git's own ignore file has the line, too, of
// which it means any depth there; else it is a note, for the root may be meant.
func (l *linter) rootOnly(line *dockerctx.Line) bool {
	name := line.Pattern
	text := strings.TrimSpace(line.Text)
	if name == "" || strings.ContainsAny(name, "/") || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.Contains(name, "**") || name == "*" || name == "." {
		return false
	}
	if !l.walk() {
		return false
	}
	if l.out == nil {
		l.out = map[string]bool{}
		for _, p := range l.excluded {
			l.out[p] = true
		}
	}
	litter := slices.Contains(litterNames, name)
	root := false
	var deeper []string
	for _, p := range l.paths {
		if ok, _ := path.Match(name, path.Base(p)); !ok {
			continue
		}
		root = root || !strings.Contains(p, "/")
		if strings.Contains(p, "/") && !l.out[p] {
			deeper = append(deeper, p)
		}
	}
	copied := slices.Contains(l.gitLines(), strings.TrimSuffix(text, "/"))
	plain := litter || copied || !root && slices.ContainsFunc(deeper, func(p string) bool { return l.dirs[p] }) || slices.ContainsFunc(deeper, secrets.LooksLike)
	// A single file of that name is none of the root's: README.md, package.json.
	many := strings.ContainsAny(name, "*?[") || slices.ContainsFunc(deeper, func(p string) bool { return l.dirs[p] })
	if len(deeper) == 0 || !plain && !(root && many) {
		return false
	}
	more := ""
	if len(deeper) > 1 {
		more = fmt.Sprintf(" and %d more", len(deeper)-1)
	}
	severity := finding.Warning
	if !plain {
		severity = finding.Note
	}
	reaches := "reaches"
	if more != "" {
		reaches = "reach"
	}
	l.add(line, finding.IgnorePatternRootOnly, severity,
		fmt.Sprintf("%s matches only at the root of the context; %s%s %s the builder", text, deeper[0], more, reaches),
		fmt.Sprintf("Unlike in .gitignore, a name without a slash matches only at the root. Write **/%s for any depth, or /%s to show that the root is meant.",
			strings.TrimSuffix(text, "/"), strings.TrimSuffix(text, "/")))
	return true
}

// gitLines gives the lines of the context's .gitignore, without the slashes at their ends.
func (l *linter) gitLines() []string {
	if l.git == nil {
		l.git = []string{}
		data, err := dockerctx.ReadFile(l.fsys, ".gitignore", maxGitIgnore)
		if err == nil && len(data) < maxGitIgnore {
			for line := range strings.Lines(string(data)) {
				l.git = append(l.git, strings.TrimSuffix(strings.TrimSpace(line), "/"))
			}
		}
	}
	return l.git
}

// maxGitIgnore bounds the .gitignore that is read, in bytes.
const maxGitIgnore = 1 << 20
