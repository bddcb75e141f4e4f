package mutate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// repositories names directories of further repositories, parted by blanks: they are broken too, and what is not said of them is told.
const repositories = "CTXAUDIT_MUTATE"

// What is broken in a repository of our own is an error that names it, and is repaired to the image as it was. Lines "harmless: " of an archive
// tell of what neither the build nor the start fails.
func TestOwn(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 15)
	all := tally{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			require.NoError(t, err)
			t.Chdir(t.TempDir())
			require.NoError(t, unpack(archive))
			outcomes := breakAll(t, ".", maxMutations)
			require.NotEmpty(t, outcomes, "nothing is broken")
			for _, o := range outcomes {
				all.count(o)
				want := "error, repaired, equal"
				if strings.Contains(string(archive.Comment), fmt.Sprintf("harmless: %s: %s\n", o.kind, o.what)) {
					want = "unsaid" // neither the build nor the start fails of it
				}
				assert.Equal(t, want, o.String(), "%s: %s: %s", o.kind, o.what, o.told)
				assert.Empty(t, o.wrong, "%s: %s", o.kind, o.what)
			}
		})
	}
	t.Log(all)
}

// Of other repositories the rates are told, and each mutation of which nothing is said.
func TestOthers(t *testing.T) {
	all := tally{}
	for _, root := range strings.Fields(os.Getenv(repositories)) {
		list, err := os.ReadDir(root)
		require.NoError(t, err)
		for _, e := range list {
			dir := filepath.Join(root, e.Name())
			t.Run(e.Name(), func(t *testing.T) {
				t.Chdir(dir)
				for _, o := range breakAll(t, ".", 1) {
					if all.count(o); o.String() != "error, repaired, equal" || len(o.wrong) > 0 {
						t.Logf("%s: %s: %s: %s: %s: %s", o, o.language, o.image, o.kind, o.what, o.told)
						for _, w := range o.wrong {
							t.Logf("besides: %s: %s: %s", o.kind, o.what, w)
						}
					}
				}
			})
		}
	}
	t.Log(all)
}

func unpack(archive *txtar.Archive) error {
	for _, f := range archive.Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(f.Name, ".sh") {
			mode = 0o755
		}
		if err := os.WriteFile(f.Name, f.Data, mode); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-q", "-m", "clean"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %v: %s", args, out)
		}
	}
	return nil
}

// outcome is what is said of a mutation.
type outcome struct {
	mutation
	severity finding.Severity // of the worst that names it, "" if nothing does
	told     string
	repaired bool
	equal    bool
	// movable tells that edits can undo it.
	movable bool
	// language is that of the image, wrong are errors that name something else.
	language, image string
	wrong           []string
}

func (o outcome) String() string {
	switch {
	case o.severity == "":
		return "unsaid"
	case o.severity != finding.Error:
		return string(o.severity)
	case !o.movable:
		return "error, repaired, equal"
	case !o.repaired:
		return "error, not repaired"
	case !o.equal:
		return "error, repaired, not equal"
	}
	return "error, repaired, equal"
}

// tally counts outcomes by kind.
type tally map[string]map[string]int

func (t tally) count(o outcome) {
	kind := o.language + ": " + o.kind
	if t[kind] == nil {
		t[kind] = map[string]int{}
	}
	t[kind][o.String()]++
	if len(o.wrong) > 0 {
		t[kind]["something else is named"]++
	}
}

func (t tally) String() string {
	var out strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&out, "\n%s:", kind)
		for _, is := range slices.Sorted(maps.Keys(t[kind])) {
			fmt.Fprintf(&out, " %s %d;", is, t[kind][is])
		}
	}
	return out.String()
}

// maxStartup bounds the files of an image that are taken away, maxImages the images of a repository, maxMutations those of an image.
const maxStartup, maxImages, maxMutations = 6, 2, 1000

// breakAll breaks the images of a repository whose programs are followed and whose audit is clean. Of each kind so many are repaired, too.
func breakAll(t *testing.T, dir string, mended int) (out []outcome) {
	w := project.NewWorld(t.Context(), dir, false)
	defer w.Close()
	found, err := w.Disk("no").Images(t.Context(), project.Asked{Options: dockerfile.Options{Context: dir}})
	if err != nil {
		return nil
	}
	images := 0
	for _, s := range found.Subjects {
		b, err := clean(t.Context(), s)
		require.NoError(t, err)
		if b == nil {
			continue
		}
		if images++; images > maxImages {
			break
		}
		startup, err := b.startup(maxStartup)
		require.NoError(t, err)
		repaired := map[string]int{}
		for _, m := range b.mutations(startup) {
			repaired[m.kind]++
			o, ok, err := b.try(t.Context(), m, startup, repaired[m.kind] <= mended)
			require.NoError(t, err)
			if ok {
				out = append(out, o)
			}
		}
	}
	return out
}

// clean gives an image that is clean and whose programs are followed; nil for any other.
func clean(ctx context.Context, s audit.Subject) (*broken, error) {
	r, image, err := audit.Run(ctx, s)
	if err != nil || image == nil || slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error }) {
		return nil, err
	}
	b := &broken{subject: s, report: r, image: image}
	if b.main, err = image.MainContext(s.Options.Context); err != nil || b.main == nil {
		return nil, err
	}
	b.look()
	if r.Modules < 2 && b.language() == "" {
		return nil, nil
	}
	b.files, err = image.Files()
	return b, err
}

// try breaks an image and asks what is wrong with it; ok is false if it lacks nothing that it cannot do without.
func (b *broken) try(ctx context.Context, m mutation, startup []string, mend bool) (o outcome, ok bool, err error) {
	s := m.on(b.subject)
	r, image, err := audit.Run(ctx, s)
	if err != nil {
		return o, false, err
	}
	o = outcome{mutation: m, movable: m.files != nil, language: cmp.Or(languageOf(m.file), b.language()), image: b.report.Name}
	if len(m.things) == 0 {
		lost, err := b.lost(image)
		if err != nil || !slices.ContainsFunc(startup, func(f string) bool { return slices.Contains(lost, f) }) {
			return o, false, err
		}
		for _, f := range lost {
			o.things = append(o.things, names(f)...)
		}
	}
	known := map[string]bool{}
	for _, f := range b.report.Findings {
		known[f.Identity()] = true
	}
	for _, f := range r.Findings {
		switch {
		case known[f.Identity()]:
		case !o.named(f):
			if f.Severity == finding.Error {
				o.wrong = append(o.wrong, f.Summary)
			}
		case f.Severity.AtLeast(cmp.Or(o.severity, finding.Note)):
			o.severity, o.told = f.Severity, f.Summary
		}
	}
	if o.severity == "" {
		for _, f := range r.Findings {
			o.told += fmt.Sprintf("(%s %s)", f.Severity, f.Summary)
		}
	}
	if o.movable = o.movable && mend; o.severity != finding.Error || !o.movable {
		return o, true, nil
	}
	return o, true, b.repair(ctx, s, &o, known)
}

// named reports whether a finding names what is missing. A build that fails says what it lacks by itself.
func (o outcome) named(f finding.Finding) bool {
	text := strings.Join(append([]string{f.Module, f.ContextPath, f.ImagePath, f.Summary, f.Detail}, f.Files...), " ")
	return f.Rule == finding.BuildFails || slices.ContainsFunc(o.things, func(thing string) bool { return strings.Contains(text, thing) })
}

// lost gives the files of the context that do not lie where they lay: all where nothing is built, or where settings differ.
func (b *broken) lost(image *simulate.Image) (out []string, err error) {
	now := map[string]simulate.File{}
	if image != nil && slices.Equal(image.Plan.Config.Env, b.image.Plan.Config.Env) {
		if now, err = image.Files(); err != nil {
			return nil, err
		}
	}
	for at, f := range b.files {
		if f.Context != "" && now[at].Context != f.Context && !slices.Contains(out, f.Context) {
			out = append(out, f.Context)
		}
	}
	return out, nil
}

// repair repairs what is broken, and compares the image with what it was.
func (b *broken) repair(ctx context.Context, s audit.Subject, o *outcome, known map[string]bool) error {
	mended, err := why.Mend(ctx, []audit.Subject{s}, nil, func(_ int, f finding.Finding) bool {
		return f.Severity == finding.Error && !known[f.Identity()]
	})
	if err != nil {
		return err
	}
	files := overlay.Files{}
	for _, c := range mended.Changes {
		files[c.Path] = c.After
	}
	s.Options.Open = overlay.Open(s.Options.Open, files)
	r, image, err := audit.Run(ctx, s)
	if err != nil {
		return err
	}
	o.repaired = !slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Severity == finding.Error && !known[f.Identity()] })
	if !o.repaired || image == nil {
		return nil
	}
	now, err := image.Files()
	if err != nil {
		return err
	}
	var differ []string
	for at, f := range b.files {
		if now[at].Context != f.Context && !ofBuild(f.Context) {
			differ = append(differ, at)
		}
	}
	for at, f := range now {
		if b.files[at].Context != f.Context && !ofBuild(f.Context) {
			differ = append(differ, at)
		}
	}
	if o.equal = len(differ) == 0; !o.equal {
		slices.Sort(differ)
		o.told += fmt.Sprintf(" (%d paths differ: %s)", len(differ), strings.Join(differ[:min(3, len(differ))], ", "))
	}
	return nil
}

// ofBuild reports whether a file is there for the build: who asks for what is missing does not ask for it.
func ofBuild(contextPath string) bool {
	name := filepath.Base(contextPath)
	return strings.Contains(name, "Dockerfile") || name == ".dockerignore"
}
