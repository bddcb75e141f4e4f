package project

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Images are the images that a repository builds.
type Images struct {
	Subjects []audit.Subject
	// Absent are those that cannot be built because what they are built from does not exist. They are audited, and nothing else can
	// be asked of them.
	Absent []audit.Subject
	// Notices are what its files say and could not be followed.
	Notices []finding.Notice
}

// NoDockerfileError says that discovery found nothing.
type NoDockerfileError struct{ Root string }

func (e *NoDockerfileError) Error() string {
	return fmt.Sprintf("no Dockerfile in %s or below; name one with -f", e.Root)
}

// Discover finds the images of a repository that has no configuration, each once. What a Compose file, a Bake file, a
// workflow or a build service says that it builds comes first, in the order of [builds.Kinds]; then every Dockerfile that
// none of them names, with the context in which its sources resolve.
//
// Compose and Skaffold describe how developers build: of a Dockerfile that only they name the default target is an image
// too, as `docker build` makes it, if it builds.
func Discover(ctx context.Context, state State, root string) (Images, error) {
	d := newDiscovery(ctx, state, root)
	files, err := state.Directory(root)
	if err != nil {
		return d.Images, err
	}
	found, err := Files(files, func(dirs []string) map[string]bool { return state.Ignored(root, dirs) },
		func(name string) bool {
			return IsDockerfile(path.Base(name)) || builds.IsSource(name) || builds.IsHint(name)
		})
	if err != nil {
		return d.Images, fmt.Errorf("looking for Dockerfiles: %w", err)
	}
	var dockerfiles, sources, hints []string
	for _, name := range found {
		switch {
		case builds.IsSource(name):
			sources = append(sources, name)
		case IsDockerfile(path.Base(name)):
			dockerfiles = append(dockerfiles, name)
		default:
			hints = append(hints, name)
		}
	}
	d.scripts = slices.Concat(hints, slices.DeleteFunc(slices.Clone(sources), func(name string) bool { return !builds.IsWorkflow(name) }), []string{"package.json"})
	if err := d.fromSources(sources); err != nil {
		return d.Images, err
	}
	if slices.ContainsFunc(dockerfiles, func(df string) bool { return d.named[df] == nil }) {
		d.readHints(hints[:min(len(hints), maxConfigs)])
	}
	for _, df := range dockerfiles {
		if err := d.fromDockerfile(df); err != nil {
			return d.Images, err
		}
	}
	contexts := map[string]bool{}
	for _, s := range d.Subjects {
		contexts[filepath.Clean(s.Options.Context)] = true
	}
	for i := range d.Subjects {
		d.Subjects[i].Contexts, d.Subjects[i].Elsewhere = contexts, d.elsewhere
	}
	if len(d.Subjects) == 0 {
		return d.Images, &NoDockerfileError{Root: root}
	}
	return d.Images, nil
}

// discovery is one search for images.
type discovery struct {
	Images
	ctx   context.Context
	state State
	root  string
	taken map[string]bool   // names of images
	named map[string]*named // Dockerfiles that sources name, relative to the root
	hints map[string][]builds.Build
	// elsewhere are the mounts of services whose image no source builds.
	elsewhere []program.Mount
	// sources is what read the sources.
	sources *builds.Reader
	// scripts are the Makefiles and scripts.
	scripts []string
	// fetches are the states of the files that are fetched from git, with git's own directory and without.
	fetches map[bool]State
	// staged are Dockerfiles that a release tool builds in a context that it makes, with the file that says so.
	staged map[string]string
	// predicted are the builds that were predicted, by request.
	predicted map[string]prediction
	order     []*described
}

func newDiscovery(ctx context.Context, state State, root string) *discovery {
	return &discovery{
		ctx: ctx, state: state, root: root, taken: map[string]bool{}, named: map[string]*named{}, predicted: map[string]prediction{},
		staged: map[string]string{}, fetches: map[bool]State{},
	}
}

// described is an image that a source describes.
type described struct {
	key       string
	byDefault bool // it is the default target
	works     bool // it would build
	lacking   bool // it fails for want of an argument
	subject   audit.Subject
}

// named is what sources say of a Dockerfile.
type named struct {
	context string // of the most explicit source
	// byDefault tells that a source builds the default target, or that what sources say is all that counts.
	byDefault bool
}

// discovered gives an image that nobody configured.
func (s State) discovered(name string, opt dockerfile.Options) audit.Subject {
	out := s.Subject(name, opt, &policy.Image{})
	out.Discovered = true
	return out
}

// fromSources adds the images that files of the repository describe.
func (d *discovery) fromSources(files []string) error {
	d.sources = d.reader()
	found, notes := d.sources.Builds(d.ctx, files)
	for _, n := range notes {
		d.notice(n.File, n.Line, "%s", n.Text)
	}
	for _, b := range found {
		if err := d.add(b); err != nil {
			return err
		}
	}
	for _, s := range d.sources.Untied(found) {
		d.elsewhere = append(d.elsewhere, d.start(s).Mounts...)
	}
	d.settle()
	return nil
}

// settle takes the images that sources describe.
func (d *discovery) settle() {
	d.order = withArguments(d.order)
	for _, img := range d.order {
		img.settleStarts()
		d.take(img.subject)
	}
}

// reader reads files of the repository.
func (d *discovery) reader() *builds.Reader {
	return &builds.Reader{
		Scripts: d.scripts,
		Avoid:   d.state.world.top(),
		Read: func(name string) ([]byte, error) {
			data, err := d.state.read(filepath.Join(d.root, filepath.FromSlash(name)), maxConfig)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", name, underlying(err))
			}
			return data, nil
		},
		Exists: func(name string) bool { return d.state.Exists(filepath.Join(d.root, filepath.FromSlash(name))) },
	}
}

// notice tells of something that could not be followed.
func (d *discovery) notice(file string, line int, format string, args ...any) {
	d.Notices = append(d.Notices, finding.Notice{File: d.shown(file), Line: line, Text: fmt.Sprintf(format, args...)})
}

// take adds an image under a name that no other has.
func (d *discovery) take(s audit.Subject) {
	s.Name = d.freeName(s)
	d.Subjects = append(d.Subjects, s)
}

// freeName gives an image a name that no other has.
func (d *discovery) freeName(s audit.Subject) string {
	name := s.Name
	if d.taken[name] {
		place := s.Options.Dockerfile
		if len(s.Sources) > 0 {
			place = fmt.Sprintf("%s (%s)", s.Name, s.Sources[0].File)
		} else if rel, err := filepath.Rel(d.root, place); err == nil {
			place = filepath.ToSlash(rel)
		}
		name = place
		for n := 2; d.taken[name]; n++ {
			name = fmt.Sprintf("%s #%d", place, n)
		}
	}
	d.taken[name] = true
	return name
}

// fromDockerfile adds the default target of a Dockerfile that was found, unless a source builds it.
func (d *discovery) fromDockerfile(df string) error {
	n := d.named[df]
	var failing *audit.Subject
	if n == nil {
		var err error
		if n, failing, err = d.fromHints(df); err != nil {
			return err
		}
	}
	if n == nil {
		s, err := chooseContext(d.ctx, d.state, d.root, df)
		if err == nil && s.Image == nil && failing != nil {
			s = *failing // nor does it build elsewhere
		}
		s.Unnamed, s.StagedBy = len(d.order) > 0, d.staged[filepath.ToSlash(df)]
		if s.StagedBy == "" && s.Image == nil {
			s.StagedBy = d.copiedBy(df)
		}
		if err == nil {
			d.take(s)
		}
		return err
	}
	if n.byDefault {
		return nil
	}
	s := d.state.discovered(ImageName(df), dockerfile.Options{Context: n.context, Dockerfile: filepath.Join(d.root, df)})
	image, err := simulate.Build(d.ctx, s.Options)
	if err != nil {
		return d.ctx.Err() // it needs what only its sources give it
	}
	s.Image, s.Why = image, "as its other targets are built"
	d.take(s)
	return nil
}
