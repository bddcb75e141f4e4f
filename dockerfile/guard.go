package dockerfile

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/system"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// guard finds the git repositories over ssh that the ADD instructions of a Dockerfile name, and gives the text in which
// others stand for them ([standIns]). Their names may be made of variables, so the instructions of all stages are followed
// in order, each stage from what the one below it left.
type guard struct {
	outline   *outline // parsed for this: following it expands it
	images    *images
	globals   variables
	buildArgs map[string]string
	target    ocispecs.Platform
	ins       *standIns
	lex       *shell.Lex

	copied int  // settings that were copied from stage to stage
	dated  bool // a stage may be looked at for the date of its source
	edits  map[int]map[string]string
	// triggers are those of images, as they are to be written.
	triggers map[string]string
}

// maxCopied bounds the settings that stages inherit, all together.
const maxCopied = 3_000_000

// mayNameSSH tells whether an ADD could name a repository over ssh at all: as it is written, or once it is expanded.
func (o *outline) mayNameSSH() bool {
	for _, st := range o.stages {
		for _, cmd := range st.Commands {
			switch c := cmd.(type) {
			case *instructions.AddCommand:
				for _, word := range c.SourcePaths {
					if strings.ContainsAny(word, "$@'\"\\`") || strings.Contains(strings.ToLower(word), "ssh") {
						return true
					}
				}
			case *instructions.OnbuildCommand:
				if strings.Contains(strings.ToLower(c.Expression), "add") {
					return true
				}
			}
		}
	}
	return false
}

// guarded gives the text to hand to BuildKit.
func (c *compilation) guarded(ctx context.Context, data []byte) ([]byte, error) {
	if c.outline == nil || !c.outline.mayNameSSH() && c.images.resolver == nil {
		return data, nil
	}
	text := data
	// Where the text is written differently from what is thought of here, what was found is found again.
	for range 2 {
		o, err := parseOutline(newSource(c.src.name, text))
		if err != nil {
			return text, nil // BuildKit refuses it before it converts anything
		}
		g := &guard{
			outline: o, images: c.images, buildArgs: maps.Clone(c.req.opt.BuildArgs), target: c.target, ins: &c.req.standIns, lex: shell.NewLex(o.escape),
			edits: map[int]map[string]string{}, triggers: map[string]string{},
		}
		g.globals = o.globals(c.req, c.target)
		g.settleEpoch()
		o.link(c.req, g.globals)
		if err := g.run(ctx, c.req); err != nil {
			return nil, err
		}
		maps.Copy(c.images.triggers, g.triggers)
		if len(g.edits) == 0 {
			return text, nil
		}
		text = o.replaceSources(g.edits)
	}
	return nil, &budget.Beyond{File: c.src.name, What: "an ADD of a git repository over ssh that is written like this"}
}

// settleEpoch gives SOURCE_DATE_EPOCH the value that the front end gives it: a number, or none, since nothing here tells
// the date of a source (toDispatchState).
func (g *guard) settleEpoch() {
	const name = "SOURCE_DATE_EPOCH"
	for _, m := range []map[string]string{g.buildArgs, g.globals} {
		if v, ok := m[name]; ok {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				m[name] = strconv.FormatInt(n, 10)
			} else {
				g.dated = true
				delete(m, name)
			}
		}
	}
}

// run follows all stages.
func (g *guard) run(ctx context.Context, req *request) error {
	left := make([]*tracer, len(g.outline.stages)) // what stages that others are built on leave, while there are such
	users := make([]int, len(g.outline.stages))
	for _, info := range g.outline.info {
		if info.BaseStage >= 0 {
			users[info.BaseStage]++
		}
	}
	for i, st := range g.outline.stages {
		if req.hasBuildContext(st.Name) {
			continue // what stands in for it sets nothing that is known
		}
		var t *tracer
		var triggers []string
		if b := g.outline.info[i].BaseStage; b >= 0 {
			t = g.tracer(left[b])
			if users[b]--; users[b] == 0 {
				left[b] = nil
			}
		} else {
			t = g.tracer(nil)
			var err error
			if triggers, err = g.base(ctx, t, i); err != nil {
				return err
			}
		}
		epoch := variables{}
		if g.dated {
			epoch = maps.Clone(g.globals)
		}
		if g.copied += len(t.env) + len(t.config) + len(epoch); g.copied > maxCopied {
			return &budget.Beyond{File: g.outline.src.name, Line: g.outline.info[i].Location.Range.Start.Line, What: "so many variables that stages inherit"}
		}
		if users[i] > 0 {
			left[i] = t
		}
		for _, cmd := range g.outline.commands(i, triggers) {
			g.look(cmd, t, epoch)
		}
	}
	return nil
}

// tracer starts a stage on another one: what that set by ENV holds again, also where an ARG hid it (dispatchStages).
func (g *guard) tracer(base *tracer) *tracer {
	t := &tracer{outline: g.outline, globals: g.globals, buildArgs: g.buildArgs, env: variables{}, config: variables{}}
	if base != nil {
		maps.Copy(t.env, base.env)
		maps.Copy(t.config, base.config)
		maps.Copy(t.env, t.config)
	}
	return t
}

// base gives a stage what its image sets, and the triggers of that.
func (g *guard) base(ctx context.Context, t *tracer, stage int) (triggers []string, err error) {
	info := g.outline.info[stage]
	platform := g.target
	if v := info.Platform; v != "" && info.Base != "scratch" {
		if v, _, err := g.lex.ProcessWord(v, g.globals); err == nil {
			if p, err := platforms.Parse(v); err == nil {
				platform = p
			}
		}
	}
	if ref, err := reference.ParseNormalizedNamed(info.Base); err == nil && g.images.resolver != nil {
		data, _, err := g.images.ask(ctx, reference.TagNameOnly(ref).String(), platforms.FormatAll(platforms.Normalize(platform)))
		if err != nil {
			return nil, err
		}
		var image struct{ Config Config }
		if len(data) > 0 && json.Unmarshal(data, &image) == nil {
			for _, kv := range image.Config.Env {
				k, v, _ := strings.Cut(kv, "=")
				t.env[k], t.config[k] = v, v
			}
			triggers = image.Config.OnBuild
		}
	}
	if _, ok := t.config["PATH"]; !ok && platform.OS != "windows" {
		path := system.DefaultPathEnv(platform.OS)
		t.env["PATH"], t.config["PATH"] = path, path
	}
	return triggers, nil
}

// look follows one instruction. The sources of an ADD are held against what they expand to, in the stage and where the
// front end looks for a date (sourceDateEpochAddSource).
func (g *guard) look(cmd placed, t *tracer, epoch variables) {
	in := func(env variables) func(string) (string, error) {
		return func(word string) (string, error) {
			s, _, err := g.lex.ProcessWord(word, env)
			return s, err
		}
	}
	switch c := cmd.Command.(type) {
	case *instructions.EnvCommand:
		if expanded(cmd, in(t.env)) {
			t.assign(cmd, nil)
		}
	case *instructions.ArgCommand:
		t.assign(cmd, in(t.env))
		if g.dated {
			(&tracer{buildArgs: g.buildArgs, env: epoch}).assign(cmd, in(epoch))
		}
	case *instructions.AddCommand:
		for _, word := range c.SourcePaths {
			for _, env := range []variables{t.env, epoch} {
				if ref, err := in(env)(word); err == nil {
					if given, ok := g.ins.of(ref); ok {
						g.replace(cmd, word, given)
						break
					}
				}
			}
		}
	}
}

func (g *guard) replace(cmd placed, word, given string) {
	if cmd.written != "" {
		text := cmd.written
		if done, ok := g.triggers[text]; ok {
			text = done
		}
		o := &outline{src: newSource("", []byte(text)), escape: '\\'}
		g.triggers[cmd.written] = string(o.replaceSources(map[int]map[string]string{1: {word: given}}))
		return
	}
	if g.edits[cmd.line] == nil {
		g.edits[cmd.line] = map[string]string{}
	}
	g.edits[cmd.line][word] = given
}
