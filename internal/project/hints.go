package project

import (
	"cmp"
	"errors"
	"path"
	"path/filepath"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// readHints reads Makefiles and scripts for the Dockerfiles that no source names.
func (d *discovery) readHints(files []string) {
	d.hints = map[string][]builds.Build{}
	found := d.reader().Hints(d.ctx, files)
	for _, b := range append(found, d.sources.Started(found)...) {
		df := path.Clean(b.Dockerfile)
		if b.Staged {
			d.staged[df] = cmp.Or(d.staged[df], d.shown(b.File))
			continue
		}
		d.hints[df] = append(d.hints[df], b)
	}
}

// copiesDockerfile is a line of a script that puts a Dockerfile elsewhere.
var copiesDockerfile = lazyre.New(`(?m)^[^#\n]*\b(?:cp|install|rsync|mv)\b[^#\n]*\s(?:\./)?(\S*[Dd]ockerfile[\w.-]*)\s+\S`)

// copiedBy gives a script that puts a Dockerfile into a directory that it fills for the build, "" if none does.
func (d *discovery) copiedBy(df string) string {
	for _, script := range d.scripts {
		data, err := d.sources.Read(script)
		if err != nil {
			continue
		}
		for _, m := range copiesDockerfile().FindAllStringSubmatch(string(data), -1) {
			if file := path.Clean(m[1]); file == path.Clean(df) || path.Join(path.Dir(script), file) == path.Clean(df) {
				return d.shown(script)
			}
		}
	}
	return ""
}

// filledBy gives a script that copies something into a context below the root before it is built, "" if none does.
func (d *discovery) filledBy(context string) string {
	if context = path.Clean(context); context == "." {
		return ""
	}
	for _, script := range d.scripts {
		if d.sources.Fills(script, context) {
			return d.shown(script)
		}
	}
	return ""
}

// fromHints adds the images that lines of Makefiles and scripts build from a Dockerfile, as far as they would build. It gives
// nil if none would, with the first that fails: then the lines may be for something else, and the context is looked for.
func (d *discovery) fromHints(df string) (n *named, failing *audit.Subject, err error) {
	var found []*described
	for _, b := range d.hints[df] {
		opt := dockerfile.Options{
			Context: filepath.Join(d.root, b.Context), Dockerfile: filepath.Join(d.root, df), Target: b.Target, BuildArgs: b.Args, Open: d.state.Open, Images: d.state.world.Images,
		}
		if len(b.Contexts) > 0 {
			continue // what others must prepare
		}
		image, err := simulate.Build(d.ctx, opt)
		if d.ctx.Err() != nil {
			return nil, nil, d.ctx.Err()
		}
		img := &described{subject: d.state.discovered(nameOf(b, df), opt)}
		img.subject.Prepared, img.subject.Sources = true, []finding.Source{{Kind: b.Kind, File: d.shown(b.File), Line: b.Line}}
		if err != nil {
			if failing == nil && lacksSource(err) {
				failing = &img.subject
			}
			continue
		}
		img.key, img.subject.Image = keyOf(opt, image, nil), image
		img.byDefault = image.Plan.TargetStage == len(image.Plan.Stages)-1
		img.subject.Starts = []audit.Start{d.start(b)}
		if i := slices.IndexFunc(found, func(have *described) bool { return have.key == img.key }); i >= 0 {
			found[i].join(img.subject)
			continue
		}
		found = append(found, img)
	}
	for _, img := range found {
		img.settleStarts()
		d.take(img.subject)
		if n == nil {
			n = &named{context: img.subject.Options.Context}
		}
		n.byDefault = n.byDefault || img.byDefault
	}
	return n, failing, nil
}

// lacksSource reports whether a build fails because its context does not have something that it, or a stage, would take.
func lacksSource(err error) bool {
	var be *simulate.BuildError
	return sourceMissing(err) || errors.As(err, &be) && be.Owner != nil
}

// nameOf gives a name to a build: that which its source uses, or that of its Dockerfile.
func nameOf(b builds.Build, df string) string {
	if b.Name != "" {
		return b.Name
	}
	name := ImageName(filepath.ToSlash(df))
	if b.Target != "" {
		name += " (" + b.Target + ")"
	}
	return name
}
