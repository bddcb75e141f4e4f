package project

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/containerd/platforms"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// add makes an image of what a source describes, or joins it to the same one of a source that is more explicit.
func (d *discovery) add(b builds.Build) error {
	if b.Staged {
		d.staged[b.Dockerfile] = d.shown(b.File)
		return nil
	}
	opt, problem := d.options(b)
	if problem != nil {
		d.name(opt, b)
		d.refuse(b, opt, problem)
		return nil
	}
	if df, err := filepath.Rel(d.root, opt.Dockerfile); err == nil {
		b.Name = nameOf(b, df)
	}
	state := d.state
	if b.Fetched {
		state, opt.Fetched = d.fetched(b), true
		opt.Open = state.Open
		if p := d.untracked(state, opt); p != nil {
			d.name(opt, b)
			d.refuse(b, opt, p)
			return nil
		}
	}
	img := &described{subject: state.discovered(b.Name, opt)}
	if b.Fetched {
		img.subject.FromDisk, img.subject.Clean = d.state.onDisk(), d.state.Clean
	}
	image, err := d.predict(opt)
	if d.ctx.Err() != nil {
		return d.ctx.Err()
	}
	if message, ok := noTarget(err); ok {
		d.name(opt, b)
		d.refuse(b, opt, d.missingAs("target", opt.Dockerfile, message))
		return nil
	}
	if img.works = err == nil; img.works {
		img.byDefault = image.Plan.TargetStage == len(image.Plan.Stages)-1
		if len(d.predicted) <= maxPredicted {
			img.subject.Image = image
		}
	}
	if !img.works && lacksSource(err) {
		img.subject.StagedBy = d.filledBy(b.Context)
	}
	n := d.name(opt, b)
	n.byDefault = n.byDefault || img.byDefault
	img.key = keyOf(opt, image, err)
	var refused *dockerfile.Error
	img.lacking = errors.As(err, &refused) && len(refused.Unset.Args) > 0
	source := finding.Source{Kind: b.Kind, File: d.shown(b.File), Line: b.Line}
	img.subject.Sources, img.subject.Prepared = []finding.Source{source}, b.Prepared
	img.subject.Starts = []audit.Start{d.start(b)}
	if b.Upload != "" {
		if img.subject.Upload, err = d.upload(filepath.Join(d.root, filepath.FromSlash(b.Upload)), finding.Position{File: source.File, Line: source.Line}); err != nil {
			d.notice(b.File, b.Line, "what is uploaded for %s is not known: %v", b.Name, err)
		}
	}
	for _, have := range d.order {
		if have.key == img.key {
			have.join(img.subject)
			return nil
		}
	}
	d.order = append(d.order, img)
	return nil
}

// start gives how a source starts an image.
func (d *discovery) start(b builds.Build) audit.Start {
	mounts := make([]program.Mount, len(b.Mounts))
	for i, m := range b.Mounts {
		if m.Line > 0 {
			mounts[i].File, mounts[i].Line = d.shown(m.File), m.Line
		}
		if mounts[i].At = m.At; !filepath.IsAbs(filepath.FromSlash(m.From)) && filepath.IsLocal(filepath.FromSlash(m.From)) {
			mounts[i].From = filepath.Join(d.root, filepath.FromSlash(m.From))
		}
	}
	return audit.Start{
		Entrypoint: b.Start.Entrypoint, Command: b.Start.Command, Workdir: b.Start.WorkingDir, Env: b.Start.Env, Health: b.Start.Health,
		Mounts: mounts, At: finding.Position{File: d.shown(b.File), Line: b.Line},
	}
}

// prediction is what came of a request.
type prediction struct {
	image *simulate.Image
	err   error
}

// maxPredicted is how many predictions are kept until their images are audited. With more, an image is predicted again then, so
// that what is held does not grow with their number.
const maxPredicted = 32

// predict predicts a build, each request once: several sources describe the same one.
func (d *discovery) predict(opt dockerfile.Options) (*simulate.Image, error) {
	key := fmt.Sprintf("%t %q %q %q %q %q %q", opt.Fetched, opt.Context, opt.Dockerfile, opt.Target, opt.Platform, opt.BuildArgs, opt.BuildContexts)
	if r, ok := opt.Stdin.(*overlay.Reader); ok {
		key += r.String()
	}
	if have, ok := d.predicted[key]; ok && (have.image != nil || have.err != nil) {
		return have.image, have.err
	}
	image, err := simulate.Build(d.ctx, opt)
	d.predicted[key] = prediction{image, err}
	if len(d.predicted) > maxPredicted {
		d.predicted[key] = prediction{err: err}
	}
	return image, err
}

// join takes over what another source says of the same image.
func (img *described) join(s audit.Subject) {
	img.subject.Prepared = img.subject.Prepared || s.Prepared
	img.subject.Upload = cmp.Or(img.subject.Upload, s.Upload)
	for _, source := range s.Sources {
		if !slices.Contains(img.subject.Sources, source) {
			img.subject.Sources = append(img.subject.Sources, source)
		}
	}
	for _, start := range s.Starts {
		same := func(have audit.Start) bool {
			have.At = start.At
			return reflect.DeepEqual(have, start)
		}
		if !slices.ContainsFunc(img.subject.Starts, same) {
			img.subject.Starts = append(img.subject.Starts, start)
		}
	}
}

// withArguments joins images that fail for want of an argument to one of the same Dockerfile and target for which another
// source gives it, or else to the first that fails so.
func withArguments(list []*described) []*described {
	return slices.DeleteFunc(slices.Clone(list), func(img *described) bool {
		if !img.lacking {
			return false
		}
		want := img.subject.Options
		like := func(have *described) bool {
			o := have.subject.Options
			return o.Fetched == want.Fetched && o.Context == want.Context && o.Dockerfile == want.Dockerfile && strings.EqualFold(o.Target, want.Target)
		}
		i := slices.IndexFunc(list, func(have *described) bool { return have.works && like(have) })
		if i < 0 {
			i = slices.IndexFunc(list, func(have *described) bool { return have.lacking && like(have) })
		}
		if list[i] == img {
			return false
		}
		list[i].join(img.subject)
		return true
	})
}

// settleStarts decides in which ways an image is started. The default target is what somebody gets who builds without a
// source, so it must also start by itself, without anything mounted.
func (img *described) settleStarts() {
	own := func(s audit.Start) bool { return s.Entrypoint == nil && s.Command == nil && len(s.Mounts) == 0 }
	starts := img.subject.Starts
	if img.byDefault && !slices.ContainsFunc(starts, own) {
		starts = append(starts, audit.Start{})
	}
	if len(starts) == 1 && own(starts[0]) && starts[0].Workdir == "" && len(starts[0].Env) == 0 && starts[0].Health == nil {
		starts = nil
	}
	img.subject.Starts = starts
}

// releases are the kinds of sources that say all that is made of a Dockerfile. The others say how developers build.
var releases = []string{"bake", "workflow", "cloudbuild"}

// name remembers that a source names a Dockerfile.
func (d *discovery) name(opt dockerfile.Options, b builds.Build) *named {
	file := opt.Dockerfile
	if file == "" {
		file = filepath.Join(opt.Context, "Dockerfile")
	}
	df, err := filepath.Rel(d.root, file)
	if err != nil || file == "-" {
		return &named{}
	}
	df = filepath.ToSlash(df)
	n := d.named[df]
	if n == nil {
		n = &named{context: opt.Context}
		d.named[df] = n
	}
	n.byDefault = n.byDefault || slices.Contains(releases, b.Kind)
	return n
}

// keyOf identifies an image: what is said of one holds for another with the same key. image is the prediction, nil if the
// build fails with err; then it is the failing instruction that counts, and which arguments are given.
func keyOf(opt dockerfile.Options, image *simulate.Image, err error) string {
	key := []string{fmt.Sprint(opt.Fetched), filepath.Clean(opt.Context), filepath.Clean(opt.Dockerfile)}
	if r, ok := opt.Stdin.(*overlay.Reader); ok {
		key = append(key, r.String())
	}
	pairs := func(m map[string]string) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			key = append(key, k+"="+m[k])
		}
		key = append(key, "")
	}
	pairs(opt.BuildContexts)
	if image != nil {
		key = append(key, shape(image.Plan))
	} else {
		key = append(key, strings.ToLower(opt.Target), failsAt(err))
		key = append(key, slices.Sorted(maps.Keys(opt.BuildArgs))...)
	}
	return strings.Join(key, "\x00")
}

// failsAt gives the place at which a build fails, or what it says if that is none.
func failsAt(err error) string {
	var be *simulate.BuildError
	var de *dockerfile.Error
	switch {
	case errors.As(err, &be) && !be.Location.IsZero():
		return fmt.Sprintf("%s:%d", be.Location.File, be.Location.Range.Start.Line)
	case errors.As(err, &de) && de.Range.Start.Line > 0:
		return fmt.Sprintf("%s:%d", de.File, de.Range.Start.Line)
	case err != nil:
		return err.Error()
	}
	return ""
}

// options gives the request of a build, or says why it cannot be followed here.
func (d *discovery) options(b builds.Build) (opt dockerfile.Options, p *problem) {
	at := func(p string) string {
		if p = filepath.FromSlash(p); filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(d.root, p)
	}
	remote := func(p string) bool { return IsRemote(p) || strings.Contains(p, "://") }
	opt = dockerfile.Options{Target: b.Target, BuildArgs: b.Args, Open: d.state.Open, Images: d.state.world.Images}
	if remote(b.Context) || b.Context == "-" {
		return opt, &problem{text: fmt.Sprintf("its build context %s is not a directory", b.Context)}
	}
	opt.Context = at(b.Context)
	switch {
	case b.Inline != "":
		opt.Dockerfile, opt.Stdin = "-", overlay.NewReader([]byte(b.Inline))
		opt.StdinName = fmt.Sprintf("%s (the Dockerfile of %s)", d.shown(b.File), b.Name)
	case remote(b.Dockerfile) || b.Dockerfile == "-":
		return opt, &problem{text: fmt.Sprintf("its Dockerfile %s is not a file", b.Dockerfile)}
	case b.Dockerfile != "":
		opt.Dockerfile = at(b.Dockerfile)
	}
	if !d.state.world.Inside(opt.Context) {
		return opt, &problem{text: fmt.Sprintf("its build context %v", &OutsideError{b.Context})}
	}
	if err := d.state.CheckContext(opt.Context); err != nil {
		text := strings.ReplaceAll(err.Error(), opt.Context, filepath.ToSlash(opt.Context))
		if !errors.Is(err, fs.ErrNotExist) {
			return opt, &problem{text: text}
		}
		return opt, d.missingAs("build context", opt.Context, text)
	}
	file := cmp.Or(opt.Dockerfile, filepath.Join(opt.Context, "Dockerfile"))
	// As buildx does, whoever names it.
	if lower := filepath.Join(filepath.Dir(file), "dockerfile"); filepath.Base(file) == "Dockerfile" && !d.state.Exists(file) && d.state.Exists(lower) {
		file = lower
	}
	switch {
	case file == "-":
	case !d.state.world.Inside(file):
		return opt, &problem{text: fmt.Sprintf("its Dockerfile %v", &OutsideError{file})}
	case !d.state.Exists(file):
		return opt, d.missingAs("Dockerfile", file, fmt.Sprintf("its Dockerfile %s does not exist", filepath.ToSlash(file)))
	}
	if file != "-" {
		opt.Dockerfile = file
	}
	if _, err := platforms.Parse(b.Platform); b.Platform != "" && err == nil {
		opt.Platform = b.Platform
	}
	for name, value := range b.Contexts {
		switch kind, rest, ok := strings.Cut(value, ":"); {
		case ok && (kind == "target" || kind == "service"):
			// The image that another target makes is a base image whose files are not known here.
			value = "docker-image://" + strings.Trim(strings.ToLower(rest), "_-")
		case strings.Contains(value, "://") || IsRemote(value):
		default:
			value = at(value)
			if err := d.state.CheckContext(value); err != nil || !d.state.world.Inside(value) {
				return opt, &problem{text: fmt.Sprintf("its build context %s is no directory of the repository: %s", name, filepath.ToSlash(value))}
			}
		}
		if opt.BuildContexts == nil {
			opt.BuildContexts = map[string]string{}
		}
		opt.BuildContexts[name] = value
	}
	return opt, nil
}

func absolute(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

// shown gives the name by which people know a file of the root.
func (d *discovery) shown(file string) string { return filepath.ToSlash(filepath.Join(d.root, file)) }
