package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// compilation is one run of the front end.
//
// It does what frontend/dockerfile/builder.Build does, through the same two packages and the same gateway client, but for
// three things that builder.Build keeps to itself: it converts in an errgroup, where a panic ends the process; it caches
// the answers about images, which hides from them that a conversion has no end; and it reports lints as one line of text.
// A test holds the definition and the configuration against builder.Build's.
type compilation struct {
	req     *request
	images  *images
	gateway *gateway
	ui      *dockerui.Client
	src     *source
	outline *outline
	target  ocispecs.Platform
	syntax  *Assumption

	mu    sync.Mutex // the front end resolves images, and then warns, in several goroutines
	lints []lint
}

// lint is a warning with BuildKit's ranges.
type lint struct {
	rule, description, url, message string
	ranges                          []parser.Range
}

func (r *request) compile(ctx context.Context) (*Plan, error) {
	c := &compilation{req: r, images: newImages(r.opt.Images)}
	converted, def, err := c.convert(ctx)
	if err != nil {
		return nil, err
	}
	return c.plan(converted, def)
}

// convert runs the front end.
func (c *compilation) convert(ctx context.Context) (*dockerfile2llb.Result, *pb.Definition, error) {
	entry, err := c.read(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	if c.detectSyntax(entry.Data) {
		// An image of a front end starts afresh, and reads the files again over the gateway.
		if entry, err = c.read(ctx, true); err != nil {
			return nil, nil, err
		}
	}

	opt := dockerfile2llb.ConvertOpt{
		Config:       c.ui.Config,
		Client:       c.ui,
		SourceMap:    entry.SourceMap,
		MetaResolver: c.gateway,
		Warn:         c.warn,
	}
	opt.BuildArgs = maps.Clone(opt.BuildArgs)
	if len(c.ui.TargetPlatforms) > 0 {
		opt.TargetPlatform = &c.ui.TargetPlatforms[0]
	}
	data, err := c.guarded(ctx, entry.Data)
	if err != nil {
		return nil, nil, err
	}
	converted, err := dockerfile2llb.Dockerfile2LLB(ctx, data, opt)
	if err != nil {
		return nil, nil, c.refusal(err)
	}
	def, err := converted.State.Marshal(ctx)
	if err != nil {
		return nil, nil, c.refusal(err)
	}
	return converted, def.ToPB(), nil
}

// read lets dockerui find the Dockerfile and its ignore file.
func (c *compilation) read(ctx context.Context, asImage bool) (*dockerui.Source, error) {
	c.gateway = newGateway(c.req, c.images)
	c.gateway.forward = asImage
	ui, err := dockerui.NewClient(c.gateway)
	if err != nil {
		return nil, &Error{Message: err.Error(), Err: err}
	}
	c.ui = ui
	c.target = c.req.platform
	if len(ui.TargetPlatforms) > 0 {
		c.target = ui.TargetPlatforms[0]
	}
	entry, err := ui.ReadEntrypoint(ctx, "Dockerfile")
	if err != nil {
		if failure := c.gateway.failure(); failure != nil {
			return nil, failure
		}
		return nil, c.unread(err)
	}
	if c.gateway.wasRead(localDockerfile, strings.ToLower(c.req.filename)) && !c.gateway.wasRead(localDockerfile, c.req.filename) {
		c.req.display = path.Join(path.Dir(c.req.display), strings.ToLower(c.req.filename))
	}
	if err := checkNesting(c.req.display, entry.Data); err != nil {
		return nil, err
	}
	c.src = newSource(c.req.display, entry.Data)
	// What the parser refuses here, the front end refuses below, in the words that people know.
	c.outline, _ = parseOutline(c.src)
	c.images.limit = extraResolutions
	if c.outline != nil {
		c.images.limit += len(c.outline.byLine)
		if err := c.outline.checkGrowth(c.req, c.target); err != nil {
			return nil, err
		}
	}
	return entry, nil
}

// detectSyntax tells whether BuildKit would hand the Dockerfile to a front end that runs as an image
// (builder.Build's forwardGateway).
func (c *compilation) detectSyntax(data []byte) bool {
	ref, at := "", Location{File: c.src.name}
	if arg, ok := c.req.opt.BuildArgs["BUILDKIT_SYNTAX"]; ok {
		ref, _, _ = strings.Cut(strings.TrimSpace(arg), " ")
	} else if image, _, ranges, ok := parser.DetectSyntax(data); ok {
		ref = image
		first, last := bounds(ranges)
		at = Location{File: c.src.name, Range: c.src.lineRange(first, last), Stage: -1}
		at.Text = c.src.folded(at.Range)
	} else {
		return false
	}
	if !isDockerfileFrontend(ref) {
		c.syntax = &Assumption{
			Kind: AssumedFrontend, Location: at, Text: ref,
			Meaning: fmt.Sprintf("that the front end %s treats this Dockerfile as BuildKit's own does", ref),
		}
	}
	return true
}

// isDockerfileFrontend tells whether an image is a release of the front end that is built in here.
func isDockerfileFrontend(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return false
	}
	switch reference.FamiliarName(named) {
	case "docker/dockerfile", "docker/dockerfile-upstream":
		return true
	}
	return false
}

func (c *compilation) warn(rule, description, url, message string, ranges []parser.Range) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lints = append(c.lints, lint{rule, description, url, c.req.standIns.restore(message), ranges})
}

func (c *compilation) plan(converted *dockerfile2llb.Result, def *pb.Definition) (*Plan, error) {
	o := c.outline
	if o == nil {
		return nil, errors.New("compiling: BuildKit accepted a Dockerfile that its parser refuses")
	}
	globals := o.globals(c.req, c.target)
	stage := o.link(c.req, globals)
	ops := &operations{def: def, outline: o, req: c.req, images: c.images}
	result, err := ops.build(o.info[stage].Location)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Ops:           ops.ops,
		Result:        result,
		Config:        converted.Image.Config,
		Stages:        o.info,
		Target:        o.info[stage].Name,
		TargetStage:   stage,
		Platform:      platforms.FormatAll(converted.Image.Platform),
		Warnings:      c.warnings(),
		IgnoreName:    c.ignoreName(),
		RemoteContext: c.req.remote,
		Images:        c.req.opt.Images,
		buildArgs:     c.req.opt.BuildArgs,
		usage:         &usageOnce{},
		Dockerfile:    DockerfileInfo{Name: c.req.display, Data: c.src.data, Escape: o.escape, Open: c.req.opt.Open, Fetched: c.req.opt.Fetched},
	}
	if dir, ok := c.req.dirs[localDockerfile]; ok {
		p.Dockerfile.Dir = dir
		p.Dockerfile.Path = filepath.Join(dir, path.Base(c.req.display))
	}
	var base *Config
	if converted.BaseImage != nil {
		base = &converted.BaseImage.Config
	}
	p.ConfigSources = o.traceConfig(stage, globals, c.req, base, &p.Config, converted.Image.OS)
	p.Assumptions = c.assumptions(p)
	return p, nil
}

// warnings are the lints in the order of the file, each once.
func (c *compilation) warnings() []Warning {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Warning
	for _, l := range c.lints {
		w := Warning{Rule: l.rule, Message: l.message, Description: l.description, URL: l.url, Range: c.src.rangeOf(l.ranges)}
		w.Text = c.src.folded(w.Range)
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	slices.SortStableFunc(out, func(a, b Warning) int {
		if d := a.Range.Start.Offset - b.Range.Start.Offset; d != 0 {
			return d
		}
		if d := strings.Compare(a.Rule, b.Rule); d != 0 {
			return d
		}
		return strings.Compare(a.Message, b.Message)
	})
	return out
}

// ignoreName tells which ignore file holds for the main context, as people know it: relative to the context if it lies
// inside.
func (c *compilation) ignoreName() string {
	if c.req.remote != "" {
		return ""
	}
	for _, file := range []fileRef{
		{localDockerfile, c.req.filename + ignoreSuffix},
		{localContext, dockerui.DefaultDockerignoreName},
	} {
		if c.gateway.wasRead(file.source, file.name) {
			return c.req.shownFile(file)
		}
	}
	return ""
}

// shownFile gives the name under which people know a file that the front end read.
func (r *request) shownFile(file fileRef) string {
	switch file.source {
	case localContext:
		return file.name
	case localDockerfile:
	default:
		return path.Join(filepath.ToSlash(r.dirs[file.source]), file.name)
	}
	dir, inside := filepath.Abs(r.dirs[localDockerfile])
	root, err := filepath.Abs(r.opt.Context)
	if inside == nil && err == nil {
		if rel, err := filepath.Rel(root, dir); err == nil && filepath.IsLocal(rel) {
			return path.Join(filepath.ToSlash(rel), file.name)
		}
	}
	return path.Join(path.Dir(r.display), file.name)
}

func (c *compilation) assumptions(p *Plan) []Assumption {
	var out []Assumption
	if c.syntax != nil {
		out = append(out, *c.syntax)
	}
	if p.RemoteContext != "" {
		out = append(out, Assumption{
			Kind: AssumedRemoteContext, Text: p.RemoteContext,
			Meaning: "the build context is remote: its files are unknown",
		})
	}
	for _, op := range p.Ops {
		a := Assumption{Location: op.Location, Text: op.Location.Text}
		switch {
		case op.Kind == OpImage && op.Image.Known:
			a.Kind = AssumedBaseImage
			a.Meaning = fmt.Sprintf("the files of the image %s are unknown", op.Image.Ref)
		case op.Kind == OpImage && op.Image.Partly:
			a.Kind = AssumedBaseImage
			a.Meaning = fmt.Sprintf("the files of the image %s are unknown; its configuration is that of the table of official images", op.Image.Ref)
		case op.Kind == OpImage:
			a.Kind = AssumedBaseImage
			a.Meaning = fmt.Sprintf("the files and the configuration of the image %s are unknown", op.Image.Ref)
		case op.Kind == OpRemote:
			a.Kind = AssumedRemoteSource
			a.Meaning = fmt.Sprintf("the content of %s is unknown", op.Remote.URL)
		default:
			continue
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Assumption) int {
		return a.Location.Range.Start.Offset - b.Location.Range.Start.Offset
	})
	return out
}
