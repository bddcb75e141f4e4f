// Package ignorelint tells what the lines of an ignore file do to one build context: which do nothing, say again what
// another one says, or do not do what they seem to.
//
// Nothing is read off the patterns. A line is without effect if the same entries reach the builder when it is taken out:
// that is tried, alone and together with all others that are reported, so that they can be removed in any number. A form
// that is offered instead of an ineffective one has been tried too.
//
// Everything is said of the tree as it is: a line that matches nothing today may be meant for what comes tomorrow. So the
// findings are warnings at most, and lines that name what a clean checkout lacks (.git, node_modules, what git ignores) are
// passed over.
package ignorelint

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/secrets"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Result is what was found.
type Result struct {
	Findings []finding.Finding
	// Removable are the lines that can be taken out, all together, without any effect on this context; ascending.
	Removable []int
	// Untried are how many lines were not taken out, because that would have taken too long: of them less is known.
	Untried int
}

// Options says what is known around a context.
type Options struct {
	// GitIgnored gives those of some paths, relative to the context, that git ignores; nil where there is no git.
	GitIgnored func(paths []string) map[string]bool
}

// Lint looks at every line of a context's ignore file. Without one there is nothing to find.
func Lint(c *simulate.Context, opt Options) (*Result, error) {
	l := &linter{ignore: c.Ignore, opt: opt, facts: map[int]*fact{}, dirs: map[string]bool{}, tried: budget.New(budget.Limits{Steps: maxCompiled}), walked: budget.New(budget.Limits{Steps: maxWalked})}
	if c.Ignore == nil {
		return &Result{}, nil
	}
	l.fsys = newCache(c.FS)
	var err error
	if l.context, err = dockerctx.New(l.fsys, c.Ignore); err != nil {
		return nil, err
	}
	if err := l.survey("."); err != nil {
		return nil, err
	}
	if err := l.run(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.result.Findings, func(a, b finding.Finding) int { return a.Subject.Line - b.Subject.Line })
	return &l.result, nil
}

// fact is what was seen of one line.
type fact struct {
	matched  string // the first path that it matches, "" if none
	changes  bool   // it excludes or re-includes something at the point where it is asked
	notRead  bool   // all that it matches lies in directories that are not entered
	brings   string // the first file that it re-includes and that looks like a secret
	decides  string // the first path about which it has the last word, "" if none
	stepOver *dockerctx.Step
}

type linter struct {
	fsys    *cache
	ignore  *dockerctx.IgnoreFile
	context *dockerctx.Context
	opt     Options

	facts         map[int]*fact
	paths         []string // every path of the tree that is looked at
	excluded      []string // those that do not reach the builder
	lost          []string // those of them that are no directories
	dirs          map[string]bool
	result        Result
	tried, walked *budget.Budget  // see maxCompiled and maxWalked
	out           map[string]bool // the paths that are excluded

	gitIgnored map[int]bool // lines that name what git ignores
	git        []string     // the lines of .gitignore, nil if it was not read yet
}

// The bounds: of the paths that lines are asked about; of the lines that are compiled anew to try what would be without one of
// them, and of the paths that are gone through for that. They count and do not time, so that the same input gives the same
// answer everywhere.
const (
	maxPaths    = 300_000
	maxCompiled = 200_000
	maxWalked   = 20_000_000
)

// trial counts the compilation of all lines, and reports whether there is to be one more.
func (l *linter) trial() bool { return l.tried.Steps(int64(len(l.ignore.Lines))) == nil }

// walk counts that all paths are gone through, and reports whether they are to be once more.
func (l *linter) walk() bool { return l.walked.Steps(int64(len(l.paths))) == nil }

// survey asks about every path, also below directories that BuildKit does not enter.
func (l *linter) survey(dir string) error {
	entries, err := l.fsys.ReadDir(dir)
	if err != nil {
		if dir == "." {
			return err
		}
		return nil // what is unreadable cannot reach the builder either
	}
	for _, e := range entries {
		if len(l.paths) == maxPaths {
			return nil
		}
		p := path.Join(dir, e.Name())
		l.paths = append(l.paths, p)
		t, err := l.context.Explain(p)
		if err != nil {
			return err
		}
		if !t.Included {
			l.excluded = append(l.excluded, p)
			if !e.IsDir() {
				l.lost = append(l.lost, p)
			}
		}
		l.note(t, e.IsDir())
		if e.IsDir() {
			l.dirs[p] = true
			if err := l.survey(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// note records what the lines do at a path.
func (l *linter) note(t *dockerctx.Trail, isDir bool) {
	for _, s := range t.Steps {
		if s.Path != t.Path {
			continue
		}
		f := l.facts[s.Line.Number]
		if f == nil {
			f = &fact{matched: t.Path, notRead: true, stepOver: &s}
			l.facts[s.Line.Number] = f
		}
		if t.Decisive == s.Line && f.decides == "" {
			f.decides = t.Path
		}
		f.notRead = f.notRead && s.Reason == dockerctx.DirectoryNotRead
		f.changes = f.changes || s.Effect != dockerctx.EffectNone
		if s.Effect == dockerctx.EffectReincludes && f.brings == "" && t.Included && !isDir && secrets.LooksLike(t.Path) {
			f.brings = t.Path
		}
	}
}

func (l *linter) run() error {
	before, err := signature(l.context)
	if err != nil {
		return err
	}
	idle, err := l.idle(before)
	if err != nil {
		return err
	}
	l.askGit(idle)
	for i := range l.ignore.Lines {
		line := &l.ignore.Lines[i]
		if line.Kind != dockerctx.LinePattern {
			continue
		}
		if err := l.judge(line, idle[line.Number]); err != nil {
			return err
		}
	}
	return l.slow()
}

// idle gives the lines whose removal changes nothing, alone and together; the later ones are tried first, so that of two
// that say the same the first stays.
func (l *linter) idle(before [32]byte) (map[int]bool, error) {
	out := map[int]bool{}
	for i := range slices.Backward(l.ignore.Lines) {
		line := &l.ignore.Lines[i]
		if line.Kind != dockerctx.LinePattern {
			continue
		}
		if !line.Negated && l.facts[line.Number] == nil && len(l.paths) < maxPaths {
			// What matches no path at all decides about none. A negation may still keep directories from being passed over.
			out[line.Number] = true
			continue
		}
		if !l.trial() {
			l.result.Untried++
			continue
		}
		if effective, err := l.decisive(line); err != nil {
			return nil, err
		} else if effective {
			continue
		}
		together := maps.Clone(out)
		together[line.Number] = true
		tries := []map[int]bool{{line.Number: true}, together}
		if len(out) == 0 {
			tries = tries[:1]
		}
		same := true
		for _, lines := range tries {
			if !l.trial() || !l.walk() {
				l.result.Untried++
				same = false
				break
			}
			var err error
			if same, err = l.sameWithout(before, lines); err != nil {
				return nil, err
			}
			if !same {
				break
			}
		}
		if same {
			out = together
		}
	}
	return out, nil
}

// decisive reports whether one path shows that a line has an effect, which spares a walk of the whole context.
func (l *linter) decisive(line *dockerctx.Line) (bool, error) {
	f := l.facts[line.Number]
	if f == nil || f.decides == "" {
		return false, nil
	}
	c, err := l.without(map[int]bool{line.Number: true})
	if err != nil {
		return false, err
	}
	now, err := l.context.Explain(f.decides)
	if err != nil {
		return false, err
	}
	then, err := c.Explain(f.decides)
	return err == nil && now.Included != then.Included, err
}

func (l *linter) sameWithout(before [32]byte, lines map[int]bool) (bool, error) {
	c, err := l.without(lines)
	if err != nil {
		return false, err
	}
	after, err := signature(c)
	return err == nil && after == before, err
}

// without gives the context with lines taken out. Lines keep their numbers.
func (l *linter) without(lines map[int]bool) (*dockerctx.Context, error) {
	return l.changed(func(line *dockerctx.Line) {
		if lines[line.Number] {
			line.Kind, line.Pattern, line.Negated = dockerctx.LineComment, "", false
		}
	})
}

func (l *linter) changed(change func(*dockerctx.Line)) (*dockerctx.Context, error) {
	ignore := *l.ignore
	ignore.Lines = slices.Clone(ignore.Lines)
	for i := range ignore.Lines {
		change(&ignore.Lines[i])
	}
	return dockerctx.New(l.fsys, &ignore)
}

// signature sums up what reaches the builder.
func signature(c *dockerctx.Context) ([32]byte, error) {
	h := sha256.New()
	err := c.Tree().Walk(func(e dockerctx.Entry) error {
		fmt.Fprintf(h, "%s\x00%o\x00%t\x00", e.Path, e.Mode, e.Truncated)
		return nil
	})
	return [32]byte(h.Sum(nil)), err
}

// judge reports on one line. idle tells that its removal changes nothing.
func (l *linter) judge(line *dockerctx.Line, idle bool) error {
	f := l.facts[line.Number]
	if f != nil && f.brings != "" {
		l.add(line, finding.IgnoreSecretReincluded, finding.Warning,
			fmt.Sprintf("%s re-includes %s, which looks like a secret", line.Text, f.brings),
			"What is sent to the builder can be copied into an image, and stays in the build cache.")
	}
	if line.Negated && idle {
		done, err := l.ineffective(line)
		if done || err != nil {
			return err
		}
	}
	if idle {
		if other := l.repeats(line); other != nil {
			l.result.Removable = append(l.result.Removable, line.Number)
			l.add(line, finding.IgnorePatternRedundant, finding.Warning, fmt.Sprintf("%s has no effect", strings.TrimSpace(line.Text)),
				fmt.Sprintf("Line %d (%s) already does that.", other.Number, strings.TrimSpace(other.Text)), l.place(finding.RoleRedundant, other, ""))
			return nil
		}
	}
	if f == nil {
		for _, advice := range []func(*dockerctx.Line) (bool, error){l.comment, l.nearMiss} {
			if done, err := advice(line); done || err != nil {
				return err
			}
		}
	}
	if !line.Negated && l.rootOnly(line) || !idle || l.conventional(line) {
		return nil
	}
	switch {
	case f == nil:
		l.result.Removable = append(l.result.Removable, line.Number)
		l.add(line, finding.IgnorePatternUnused, finding.Warning, unused(line), "Without it the same files reach the builder.")
	default:
		l.result.Removable = append(l.result.Removable, line.Number)
		l.add(line, finding.IgnorePatternRedundant, finding.Warning, fmt.Sprintf("%s has no effect", strings.TrimSpace(line.Text)),
			l.instead(line, f))
	}
	return nil
}

// instead says why a line that matches something has no effect.
func (l *linter) instead(line *dockerctx.Line, f *fact) string {
	t, err := l.context.Explain(f.matched)
	if err != nil {
		return ""
	}
	out := fmt.Sprintf("It matches %s", f.matched)
	switch {
	case f.stepOver != nil && f.stepOver.Same != nil:
		return fmt.Sprintf("%s, and repeats line %d.", out, f.stepOver.Same.Number)
	case t.PrunedAt != "" && t.Decisive != nil:
		return fmt.Sprintf("%s, which is in %s: line %d (%s) excludes that, and BuildKit does not enter it.", out, t.PrunedAt, t.Decisive.Number, strings.TrimSpace(t.Decisive.Text))
	case line.Negated:
		return out + ", which is included without it."
	case t.Decisive != nil && t.Decisive != line && !t.Included:
		return fmt.Sprintf("%s, which line %d (%s) excludes.", out, t.Decisive.Number, strings.TrimSpace(t.Decisive.Text))
	case t.Decisive != nil && t.Decisive != line:
		return fmt.Sprintf("%s, but line %d (%s) decides.", out, t.Decisive.Number, strings.TrimSpace(t.Decisive.Text))
	default:
		return out + ", which is excluded without it, too."
	}
}

func (l *linter) add(line *dockerctx.Line, rule string, severity finding.Severity, summary, detail string, related ...finding.Place) {
	l.result.Findings = append(l.result.Findings, finding.Finding{
		Rule: rule, Severity: severity, Summary: summary, Detail: detail,
		Subject: finding.At(l.ignore.Name, line.Range),
		About:   finding.About{Site: l.ignore.Name, Text: strings.TrimSpace(line.Text)},
		Related: append([]finding.Place{}, related...), Assumptions: []finding.Assumption{}, Fixes: []finding.Fix{},
	})
}

func (l *linter) place(role finding.Role, line *dockerctx.Line, note string) finding.Place {
	return finding.Place{Role: role, File: l.ignore.Name, Line: line.Number, Text: strings.TrimSpace(line.Text), Note: note}
}

// litterNames are names of what tools leave behind at any depth of a tree.
var litterNames = []string{
	"__pycache__", "node_modules", "*.pyc", "*.pyo", "*.py[cod]", "*.class", "*.o", "*.log", "*.swp", "*.tmp", "*~", ".DS_Store", "Thumbs.db",
	".pytest_cache", ".mypy_cache", ".ruff_cache", ".ipynb_checkpoints", "*.egg-info", ".venv", "venv", ".terraform", ".idea", ".vscode", ".next",
}

// conventional names are in ignore files everywhere, for what a clean checkout lacks.
var conventionalNames = []string{
	".git*", ".svn", ".hg", ".bzr", "CVS", "node_modules", "bower_components", "__pycache__", "*.py[cod]", "*.pyc", "*.pyo", "*.pyd", "*$py.class",
	"venv", ".venv", "env", "ENV", ".env*", "*.env", "dist", "build", "target", "out", "bin", "obj", "tmp", "temp", "log", "logs", "*.log", "*.tmp",
	"*.bak", "*.swp", "*.swo", "*~", ".DS_Store", "**/.DS_Store", "Thumbs.db", ".idea", ".vscode", ".vs", "*.iml", "*.sublime-*", "coverage*", ".coverage*",
	"htmlcov", ".nyc_output", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox", ".cache", ".eggs", "*.egg-info", "*.egg", ".next", ".nuxt",
	".gradle", "*.class", "*.jar", "*.o", "*.so", "*.a", "*.dylib", "*.exe", "*.test", "*.out", ".terraform", "*.tfstate*", "npm-debug.log*", "yarn-*.log*",
	".yarn", ".pnpm-store", "vendor", ".bundle", "*.gem", "Dockerfile*", "*.Dockerfile", ".dockerignore", "docker-compose*", "compose*.y*ml", "Makefile",
	"*.md", "LICENSE*", "README*", "CHANGELOG*", ".editorconfig", ".github", ".gitlab*", ".circleci", ".travis.yml", "*.sqlite3", "db.sqlite3*", ".python-version",
	".ipynb_checkpoints", "*.pem", "*.key", "*.orig", "*.rej", ".devcontainer", ".husky", ".direnv", ".envrc", "results", "*.pid", "*.seed", "lib-cov", ".serverless",
	".Python", ".npm", ".bower*", "*.temp", "*.db", "*.sqlite*", ".dmypy.json", "dmypy.json", "wheels", "wheelhouse", "*.whl", "pip-wheel-metadata", ".hypothesis",
	".AppleDouble", ".LSOverride", "._*", ".storybook-out", "*.lcov", "*.tsbuildinfo", "junit.xml", "test-results", ".turbo", ".angular", ".parcel-cache", "core",
	"*.core", ".pytest*", "*.crt", "*.pfx", ".mypy*", ".artifacts", "*.prof", ".dmypy*", "celerybeat-schedule*", ".spyderproject", ".spyproject", ".ropeproject",
	"site", "docs", "doc", "test", "tests", ".buildkite", "*.local", ".eslintcache", ".stylelintcache", ".sass-cache", ".vercel", ".netlify", ".output", "instance",
}

// conventional reports whether a line names what a clean checkout lacks, so that it matches nothing there.
func (l *linter) conventional(line *dockerctx.Line) bool {
	pattern := strings.TrimPrefix(line.Pattern, "!")
	rest := strings.TrimPrefix(pattern, "**/")
	for _, suffix := range []string{"/**", "/*"} {
		rest = strings.TrimSuffix(rest, suffix)
	}
	base := path.Base(rest)
	if slices.ContainsFunc(conventionalNames, func(name string) bool {
		ok, _ := path.Match(name, base)
		return ok || name == base
	}) {
		return true
	}
	return l.gitIgnored[line.Number]
}

// askGit asks which of the lines that do nothing name what git ignores, and what is therefore not in a clean checkout. A
// wildcard stands for some name.
func (l *linter) askGit(idle map[int]bool) {
	if l.opt.GitIgnored == nil {
		return
	}
	lines := map[string][]int{}
	var paths []string
	for n := range idle {
		pattern := strings.TrimPrefix(strings.TrimPrefix(l.ignore.Lines[n-1].Pattern, "!"), "**/")
		example := strings.NewReplacer("**", "x", "*", "x", "?", "x").Replace(strings.TrimSuffix(strings.TrimSuffix(pattern, "/**"), "/*"))
		if !fs.ValidPath(example) || strings.ContainsAny(example, "\n\x00") {
			continue
		}
		for _, p := range []string{example, example + "/x"} {
			paths = append(paths, p)
			lines[p] = append(lines[p], n)
		}
	}
	slices.Sort(paths)
	l.gitIgnored = map[int]bool{}
	for p := range l.opt.GitIgnored(paths) {
		for _, n := range lines[p] {
			l.gitIgnored[n] = true
		}
	}
}
