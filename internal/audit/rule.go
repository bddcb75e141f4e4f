// Package audit checks a predicted image against what is required of it.
//
// A check is a [Rule]: a value with a name, a text and a function. What it finds are [finding.Finding] values, data without
// prose joined to it; how they are shown is the renderer's business. A rule returns an error only when it could not
// run.
package audit

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Rule is one check.
type Rule struct {
	Name string
	// Title says in one line what it reports.
	Title string
	// Severity is what a finding has unless the rule is less sure.
	Severity finding.Severity
	// run is nil for a rule that another one reports for.
	run func(*pass) error
}

// Rules gives every rule, in the order in which they run.
func Rules() []Rule { return rules }

var rules []Rule

func init() { // a literal would refer to itself: what a rule adds is looked up here
	rules = []Rule{
		{finding.BuildFails, "BuildKit refuses the Dockerfile, the ignore file or a source.", finding.Error, nil},
		{finding.BuildNotFound, "A build refers to a Dockerfile, context or target that does not exist.", finding.Error, nil},
		{finding.StepInputMissing, "A build step needs a file of the repository that its stage lacks at that point.", finding.Error, checkSteps},
		{finding.WorkspaceMemberMissing, "A build step needs another package of the repository that its stage lacks at that point.", finding.Error, nil},
		{finding.ImportNotInStage, "A build step compiles code that imports a file which the stage lacks.", finding.Error, nil},
		{finding.ModuleNotInImage, "A required module directory is missing from the image, or incomplete.", finding.Error, checkModules},
		{finding.PathNotInImage, "A required path is missing from the image.", finding.Error, checkPaths},
		{finding.PathForbidden, "A forbidden path is in the image.", finding.Error, checkForbidden},
		{finding.EnvMissing, "A required environment variable is missing.", finding.Error, checkEnv},
		{finding.EnvMismatch, "An environment variable has the wrong value.", finding.Error, nil},
		{finding.SearchPathEntryMissing, "A search path contains a directory that the image lacks.", finding.Error, nil},
		{finding.WorkdirMismatch, "The image has the wrong working directory.", finding.Error, checkWorkdir},
		{finding.UserMismatch, "The image runs as the wrong user.", finding.Error, checkUser},
		{finding.EntrypointNotInImage, "The image lacks the program or script that it starts.", finding.Error, checkEntrypoint},
		{finding.EntrypointNotRunnable, "The program that the image or a step starts exists, but cannot run.", finding.Error, checkRunnable},
		{finding.EntrypointUnknown, "Could not determine what the image starts.", finding.Note, nil},
		{finding.DataFileNotInImage, "The image lacks a file that the program reads at startup.", finding.Error, nil},
		{finding.ImportNotInImage, "An import that the image needs resolves in the repository but not in the image.", finding.Error, checkPrograms},
		{finding.ImportNotReachable, "A module is in the image but not on the search path.", finding.Error, nil},
		{finding.MountHidesImage, "A mount hides files of the image that the program needs.", finding.Error, nil},
		{finding.ImportNotFound, "An import of first-party code resolves nowhere.", finding.Error, nil},
		{finding.ImportCycle, "A circular import asks for a name before it is defined.", finding.Note, nil},
		{finding.NameNotExported, "A name is imported from a module that does not define it.", finding.Error, nil},
		{finding.RequiredUntracked, "A needed file exists here, but a clean checkout (as in CI) lacks it.", finding.Error, checkTracked},
		{finding.UntrackedInImage, "A file that git does not track is copied into the image.", finding.Warning, checkStray},
		{finding.SecretInImage, "A file that looks like a secret is copied into the image.", finding.Warning, checkSecrets},
		{finding.UnreadIgnoreFile, "The build does not read an ignore file that looks meant for it.", finding.Warning, checkUnread},
		{finding.ContextTooLarge, "The build context is larger than the policy allows.", finding.Error, checkContextSize},
		{finding.RequiredNotUploaded, "A needed file is not uploaded to the service that builds the image.", finding.Warning, checkUploaded},
		{finding.SuppressionInvalid, "A suppression gives no reason, or names no rule.", finding.Error, nil},
		{finding.SuppressionExpired, "A suppression has expired.", finding.Warning, nil},
		{finding.SuppressionUnused, "A suppression matches no finding.", finding.Warning, nil},
		// These are reported by ignore lint.
		{finding.IgnorePatternUnused, "A line of the ignore file matches nothing in this context.", finding.Warning, nil},
		{finding.IgnorePatternRedundant, "A line of the ignore file has no effect.", finding.Warning, nil},
		{finding.IgnoreNegationIneffective, "A negation has no effect, although what it names is excluded.", finding.Warning, nil},
		{finding.IgnorePatternRootOnly, "A pattern matches at the root only, and the same name exists deeper.", finding.Warning, nil},
		{finding.IgnoreSlowNegation, "A negation makes BuildKit read excluded directories.", finding.Warning, nil},
		{finding.IgnoreSecretReincluded, "A negation re-includes a file that looks like a secret.", finding.Warning, nil},
	}
}

// FindRule gives a rule by its name.
func FindRule(name string) (Rule, bool) {
	for _, r := range Rules() {
		if strings.EqualFold(r.Name, name) {
			return r, true
		}
	}
	return Rule{}, false
}

//go:embed rules/*.md
var docs embed.FS

// Doc gives the rule's page, in Markdown.
func (r Rule) Doc() string {
	text, err := docs.ReadFile("rules/" + r.Name + ".md")
	if err != nil {
		panic("rule without a page: " + r.Name)
	}
	return string(text) + fmt.Sprintf(silence, r.Name)
}

// silence is how every page ends.
const silence = `
To suppress one, put a comment on the line before it (in the Dockerfile, the ignore file or the Python file) or an entry
into .ctxaudit.yaml; to change what all of them count as, give the rule a severity there:

` + "```yaml" + `
# ctxaudit: ignore=%[1]s -- why
suppress:
  - {rule: %[1]s, path: some/path, reason: why, expires: 2030-01-31}
severities: {%[1]s: note}
` + "```\n"

var camelCase = lazyre.New(`^([A-Z][a-z]+)+$`)

// Validate tells what is wrong with a list of rules.
func Validate(rules []Rule) error {
	var errs []error
	seen := map[string]bool{}
	for _, r := range rules {
		if !camelCase().MatchString(r.Name) {
			errs = append(errs, fmt.Errorf("%q is not a name in CamelCase", r.Name))
		}
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf("%s is there twice", r.Name))
		}
		seen[r.Name] = true
		if r.Title == "" || !r.Severity.Known() {
			errs = append(errs, fmt.Errorf("%s lacks a title or a severity", r.Name))
		}
		if text, err := docs.ReadFile("rules/" + r.Name + ".md"); err != nil || !strings.HasPrefix(string(text), "# "+r.Name+"\n") {
			errs = append(errs, fmt.Errorf("%s lacks its page", r.Name))
		}
	}
	return errors.Join(errs...)
}

// Subject is an image with what is required of it.
type Subject struct {
	Name    string
	Options dockerfile.Options
	Policy  *policy.Image
	// PolicyFile is where the policy stands, nil if it comes from flags.
	PolicyFile *policy.File
	// Tracked gives the files below a directory of the context that git tracks, relative to the context, or ok false
	// where there is no git. nil: there is no git.
	Tracked func(contextDir, dir string) (files []string, ok bool, err error)
	// GitIgnored gives those of some paths, relative to the context, that git ignores. nil: there is no git.
	GitIgnored func(contextDir string, paths []string) map[string]bool
	// GitProgram reports whether git has a file as an executable one; tracked is false if it does not track it. nil: there is no git.
	GitProgram func(contextDir, file string) (program, tracked bool)
	// GitMatched is GitIgnored that counts what git tracks, too.
	GitMatched func(contextDir string, paths []string) map[string]bool
	// Clean is what git knows about a clean checkout. nil: there is no git, or this is one.
	Clean Clean
	// Image is the prediction if it was made already, else nil.
	Image *simulate.Image
	// Sound is another prediction of the image, of the same directories, all of whose transfer is known to work: only what
	// differs from it is verified. nil: all is.
	Sound *simulate.Image
	// Facts are what other audits of the same repository found out; nil: nothing is known.
	Facts *view.Facts
	// Sendable tells to take it for granted that all of the transfer works, and to read only what the answer is about.
	Sendable bool
	// Verbose asks for notes that are of interest only to those who ask.
	Verbose bool
	// Discovered tells that nobody named this image: its Dockerfile was found. Why says how its context was chosen, Guessed
	// that none of those tried works.
	Discovered bool
	Why        string
	Guessed    bool
	// StagedBy is a release tool's configuration that says that the tool builds it, in a context that it makes; "" for none.
	StagedBy string
	// Unnamed tells that the repository says what it builds, and that this is not among it.
	Unnamed bool
	// Sources are the places that say that it is built, the most explicit first. Starts are the ways in which they start it;
	// none: as the image says itself.
	Sources []finding.Source
	Starts  []Start
	// Prepared tells that what runs before the build, where it is built, may make files that it needs.
	Prepared bool
	// Elsewhere are the mounts of services whose image nothing in the repository builds by its name: it may be this one.
	Elsewhere []program.Mount
	// Contexts are the directories that other images have as their contexts.
	Contexts map[string]bool
	// FromDisk tells that its files are those of the disk that git tracks: the build fetches them from git. What is needed and not
	// among them is looked for on the disk.
	FromDisk bool
	// NotFound tells that it cannot be built because what it is built from does not exist; nil if it does.
	NotFound *NotFound
	// builtInStage tells that a stage compiles the project itself: what it lacks was not made before.
	builtInStage bool
	// Upload is what is sent to a build service that builds the image, nil if none does.
	Upload *Upload
}

// pass is one run of the rules over an image.
type pass struct {
	ctx     context.Context
	subject Subject
	image   *simulate.Image
	main    *simulate.Context // the main context; nil if nothing of it is used or it is remote
	report  *finding.ImageReport
	build   *view.Build
	needs   need.Ledger
	// started is what each way of starting the image runs, once it was asked.
	started []program.Result
	// untracked is what of that git does not track.
	untracked []string
}

func newPass(ctx context.Context, s Subject, m *simulate.Image, main *simulate.Context, r *finding.ImageReport) *pass {
	p := &pass{ctx: ctx, subject: s, image: m, main: main, report: r, build: view.NewBuild(ctx, m, main, s.Facts)}
	p.build.Git, p.build.Prior = view.Git{Tracked: s.Tracked, Ignored: s.GitIgnored, Program: s.GitProgram}, s.Sound
	return p
}

// Run predicts an image and checks it. A build that would fail is a finding; an error means that the audit could not
// run.
func Run(ctx context.Context, s Subject) (finding.ImageReport, *simulate.Image, error) {
	r := finding.ImageReport{
		Name: s.Name, Context: filepath.ToSlash(s.Options.Context), Dockerfile: s.Options.Dockerfile, Target: s.Options.Target,
		ContextReason: s.Why, Sources: s.Sources, Findings: []finding.Finding{}, Passed: []finding.Passed{}, Assumptions: []finding.Assumption{},
	}
	if s.Facts == nil {
		s.Facts = view.NewFacts()
	}
	if s.NotFound != nil {
		r.Findings = append(r.Findings, s.NotFound.finding(s.Sources[0]))
		return r, nil, nil
	}
	image, err := s.Image, error(nil)
	if image == nil {
		image, err = simulate.BuildAfter(ctx, s.Options, s.Sound)
	}
	if err == nil && !s.Sendable {
		err = verify(ctx, image, s.Sound)
	}
	if f, ok := buildFailure(err); ok {
		s.judgeVariables(&f, unsetOf(image, err))
		if ofContext(err) {
			f.Detail = strings.TrimSpace(f.Detail + " " + s.aboveContext(f))
		}
		if image != nil {
			describe(&r, image.Plan)
		}
		r.Dockerfile = cmp.Or(r.Dockerfile, f.Subject.File)
		if err := s.failsBefore(ctx, image, err, &r); err != nil || len(r.Findings) > 0 {
			return r, nil, err
		}
		if by, itself := buildsItself(image, err); itself && builtPath(f.ContextPath) {
			s.builtInStage = true
			f.Related = append(f.Related, instruction(finding.RoleReads, by))
			f.Detail = strings.TrimSpace(fmt.Sprintf("%s %s:%d builds the project, and creates nothing there.", f.Detail, by.File, by.Range.Start.Line))
		}
		r.Findings = append(r.Findings, s.judge(f, ofContext(err)))
		return r, nil, nil
	}
	if err != nil {
		return r, nil, err
	}
	describe(&r, image.Plan)
	main, err := image.MainContext(s.Options.Context)
	if err != nil {
		return r, nil, err
	}
	if main != nil && main.Ignore != nil {
		r.IgnoreFile = main.Ignore.Name
	}
	p := newPass(ctx, s, image, main, &r)
	r.Assumptions = append(p.assumptions(image.Opaque), Bases(image)...)
	for _, rule := range Rules() {
		if rule.run == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return r, nil, err
		}
		if err := rule.run(p); err != nil {
			if f, ok := buildFailure(err); ok {
				r.Findings = append(r.Findings, f)
				break
			}
			return r, nil, fmt.Errorf("checking %s: %w", rule.Name, err)
		}
	}
	slices.SortStableFunc(r.Findings, finding.Compare)
	return r, image, nil
}

func describe(r *finding.ImageReport, plan *dockerfile.Plan) {
	r.Dockerfile = plan.Dockerfile.Name
	r.IgnoreFile = plan.IgnoreName
}

// add reports a finding. A malformed one is a mistake of the rule.
func (p *pass) add(f finding.Finding) {
	r, ok := FindRule(f.Rule)
	if !ok || f.Summary == "" {
		panic(fmt.Sprintf("malformed finding: %+v", f))
	}
	if f.Severity == "" {
		f.Severity = r.Severity
	}
	f.Related = finding.SortPlaces(append([]finding.Place{}, f.Related...))
	if f.Assumptions == nil {
		f.Assumptions = []finding.Assumption{}
	}
	if f.Fixes == nil {
		f.Fixes = []finding.Fix{}
	}
	p.report.Findings = append(p.report.Findings, f)
}

// passed records a requirement that holds.
func (p *pass) passed(requirement string, evidence ...finding.Place) {
	p.report.Passed = append(p.report.Passed, finding.Passed{Requirement: requirement, Evidence: finding.SortPlaces(append([]finding.Place{}, evidence...))})
}

// required gives the line of the configuration that asks for something; none if flags do.
func (p *pass) required(at ...any) []finding.Place {
	f := p.subject.PolicyFile
	if f == nil {
		return nil
	}
	line := f.Line(append([]any{"images", p.subject.Name}, at...)...)
	if line == 0 {
		return nil
	}
	return []finding.Place{{Role: finding.RoleRequires, File: f.Name, Line: line, Text: f.Text(line)}}
}

// instruction gives an instruction's place.
func instruction(role finding.Role, l dockerfile.Location) finding.Place {
	text := l.Text
	if l.Trigger != "" {
		text = l.Trigger + " (by " + l.Text + ")"
	}
	if role == finding.RoleCopies {
		role = finding.Brings(text)
	}
	return finding.Place{Role: role, File: l.File, Line: l.Range.Start.Line, Text: text}
}

// position gives where an instruction is.
func position(l dockerfile.Location) finding.Position { return finding.At(l.File, l.Range) }

// last gives the last instruction of the target stage: the place to which something must be added.
func (p *pass) last() finding.Position {
	stages := p.image.Plan.Stages
	if i := p.image.Plan.TargetStage; i >= 0 && i < len(stages) {
		s := stages[i]
		if n := len(s.Instructions); n > 0 {
			return position(s.Instructions[n-1].Location)
		}
		return position(s.Location)
	}
	return finding.Position{File: p.image.Plan.Dockerfile.Name}
}

// ignoreLine gives a line of the main context's ignore file.
func (p *pass) ignoreLine(role finding.Role, l *dockerctx.Line, note string) finding.Place {
	return ignoreLineOf(p.main, role, l, note)
}

func ignoreLineOf(c *simulate.Context, role finding.Role, l *dockerctx.Line, note string) finding.Place {
	return finding.Place{Role: role, File: c.Ignore.Name, Line: l.Number, Text: strings.TrimSpace(l.Text), Note: note}
}

func (p *pass) assumptions(ops []int) []finding.Assumption { return Assumptions(p.image, ops) }

// Bases says of the base images whose files are known which image each is taken to be.
func Bases(m *simulate.Image) (out []finding.Assumption) {
	for _, op := range m.Plan.Ops {
		if about, ok := m.KnownBase(op.ID); ok {
			out = append(out, finding.Assumption{
				Kind: finding.AssumedBase, File: op.Location.File, Line: op.Location.Range.Start.Line, Text: op.Location.Text,
				Meaning: fmt.Sprintf("the image %s is %s", op.Image.Ref, about),
			})
		}
	}
	return out
}

// Assumptions says what operations whose effect is unknown are taken not to do.
func Assumptions(m *simulate.Image, ops []int) []finding.Assumption {
	out := []finding.Assumption{}
	for _, id := range ops {
		op := m.Plan.Ops[id]
		if script := m.Script(op); script != nil && script.Exact {
			continue
		}
		a := finding.Assumption{File: op.Location.File, Line: op.Location.Range.Start.Line, Text: op.Location.Text}
		switch op.Kind {
		case dockerfile.OpExec:
			a.Kind, a.Meaning = "run", "this step does not remove or change the listed files, and adds none that are missing"
		case dockerfile.OpImage:
			a.Kind = "base-image"
			a.Meaning = fmt.Sprintf("the image %s, whose files are unknown here, has nothing relevant", op.Image.Ref)
		default:
			a.Kind, a.Meaning = "remote", "what is downloaded is unknown here"
		}
		out = append(out, a)
	}
	for _, t := range m.AsDirectories() {
		l := m.Plan.Ops[t.Op].Location
		out = append(out, finding.Assumption{
			Kind: "directory", File: l.File, Line: l.Range.Start.Line, Text: l.Text,
			Meaning: fmt.Sprintf("%s already is a directory when this instruction copies into it", t.Path),
		})
	}
	return out
}
