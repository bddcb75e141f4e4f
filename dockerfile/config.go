package dockerfile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/system"
)

// tracer follows the instructions of a chain of stages as dockerfile2llb's dispatch functions execute them, remembering
// which one set what. It expands variables with BuildKit's own lexer, so that it knows keys such as "ENV $NAME=1".
type tracer struct {
	outline   *outline
	globals   variables
	buildArgs map[string]string
	env       variables // ENV and ARG, as later instructions see them
	config    variables // ENV alone, as the image gets it
	from      ConfigSources
}

// traceConfig tells where the settings of a configuration come from. Base is the configuration of the image below the
// chain, if it is known.
func (o *outline) traceConfig(target int, globals variables, req *request, base *Config, final *Config, os string) ConfigSources {
	t := &tracer{
		outline: o, globals: globals, buildArgs: req.opt.BuildArgs, env: variables{}, config: variables{},
		from: ConfigSources{
			Env: map[string]Location{}, Labels: map[string]Location{},
			ExposedPorts: map[string]Location{}, Volumes: map[string]Location{},
		},
	}
	var triggers []string
	if base != nil {
		for _, kv := range base.Env {
			k, v, _ := strings.Cut(kv, "=")
			t.env[k], t.config[k] = v, v
		}
		triggers = base.OnBuild
	}
	if _, ok := t.env["PATH"]; !ok && os != "windows" {
		t.env["PATH"] = system.DefaultPathEnv(os)
	}
	for _, stage := range o.chain(target, req) {
		cmdSet := false
		for _, cmd := range o.commands(stage, triggers) {
			t.execute(cmd, &cmdSet)
		}
		triggers = nil
	}
	t.keep(final)
	return t.from
}

// chain gives the stages that a stage is built on, the lowest first. A stage that a named context stands in for ends it
// and executes nothing.
func (o *outline) chain(target int, req *request) []int {
	var stages []int
	for i := target; i >= 0; i = o.info[i].BaseStage {
		if req.hasBuildContext(o.stages[i].Name) {
			break
		}
		stages = append(stages, i)
	}
	slices.Reverse(stages)
	return stages
}

func (t *tracer) execute(cmd placed, cmdSet *bool) {
	lex := shell.NewLex(t.outline.escape)
	expand := func(word string) (string, error) {
		s, _, err := lex.ProcessWord(word, t.env)
		return s, err
	}
	if !expanded(cmd, expand) {
		return
	}
	t.assign(cmd, expand)
	switch c := cmd.Command.(type) {
	case *instructions.EnvCommand:
		ranges := t.outline.pairs(cmd, len(c.Env))
		for i, kv := range c.Env {
			t.from.Env[kv.Key] = ranges[i]
		}
	case *instructions.LabelCommand:
		ranges := t.outline.pairs(cmd, len(c.Labels))
		for i, kv := range c.Labels {
			t.from.Labels[kv.Key] = ranges[i]
		}
	case *instructions.WorkdirCommand:
		t.from.WorkingDir = cmd.at
	case *instructions.UserCommand:
		t.from.User = cmd.at
	case *instructions.CmdCommand:
		t.from.Cmd, *cmdSet = cmd.at, true
	case *instructions.EntrypointCommand:
		t.from.Entrypoint = cmd.at
		if !*cmdSet { // dispatchEntrypoint forgets a CMD that this stage has not set
			t.from.Cmd = Location{}
		}
	case *instructions.ShellCommand:
		t.from.Shell = cmd.at
	case *instructions.StopSignalCommand:
		t.from.StopSignal = cmd.at
	case *instructions.HealthCheckCommand:
		t.from.Healthcheck = cmd.at
	case *instructions.VolumeCommand:
		for _, v := range c.Volumes {
			t.from.Volumes[v] = cmd.at
		}
	case *instructions.ExposeCommand:
		for _, p := range c.Ports {
			words, err := lex.ProcessWords(p, t.env)
			if err != nil {
				return
			}
			for _, word := range words {
				t.expose(word, cmd.at)
			}
		}
	}
}

// pairs narrows the place of an ENV or LABEL to each of its pairs. A name and a value without "=", and a trigger, stand for
// themselves.
func (o *outline) pairs(cmd placed, n int) []Location {
	out := slices.Repeat([]Location{cmd.at}, n)
	if cmd.at.Trigger != "" || cmd.at.Range.Start.Line == 0 {
		return out
	}
	args := written{o.src, cmd.line, o.escape}.syntax().Args
	if len(args) != n {
		return out
	}
	for i, w := range args {
		out[i].Range = w.Range
	}
	return out
}

// expanded expands the variables of an instruction in place; ARG does that by itself.
func expanded(cmd placed, expand func(string) (string, error)) bool {
	ex, ok := cmd.Command.(instructions.SupportsSingleWordExpansion)
	_, isArg := cmd.Command.(*instructions.ArgCommand)
	return !ok || isArg || ex.Expand(expand) == nil
}

// assign gives variables the values of an ENV that was expanded, or of an ARG.
func (t *tracer) assign(cmd placed, expand func(string) (string, error)) {
	switch c := cmd.Command.(type) {
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			t.env[kv.Key], t.config[kv.Key] = kv.Value, kv.Value
		}
	case *instructions.ArgCommand:
		t.arg(c, expand)
	}
}

// arg follows dispatchArg: a build argument wins over the default, which wins over the argument before the first FROM.
func (t *tracer) arg(c *instructions.ArgCommand, expand func(string) (string, error)) {
	for _, a := range c.Args {
		if a.Key == "BUILDKIT_SBOM_SCAN_CONTEXT" || a.Key == "BUILDKIT_SBOM_SCAN_STAGE" {
			continue // nonEnvArgs: they are no variables
		}
		if v, ok := t.buildArgs[a.Key]; ok {
			t.env[a.Key] = v
		} else if a.Value != nil {
			v, err := expand(*a.Value)
			if err != nil {
				return
			}
			t.env[a.Key] = v
		} else if v, ok := t.globals[a.Key]; ok {
			t.env[a.Key] = v
		}
	}
}

// expose notes the ports of one word of EXPOSE, [ip:][host:]port[-port][/protocol] (convert_expose.go).
func (t *tracer) expose(word string, at Location) {
	word, proto, _ := strings.Cut(word[strings.LastIndexByte(word, ':')+1:], "/")
	if proto == "" {
		proto = "tcp"
	}
	first, last, isRange := strings.Cut(word, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || to > 65535 {
		return
	}
	for port := from; port <= to; port++ {
		t.from.ExposedPorts[strconv.Itoa(port)+"/"+strings.ToLower(proto)] = at
	}
}

// keep drops the sources of what is not in the final configuration, and of environment settings whose value turned out
// otherwise: no source is better than a wrong one.
func (t *tracer) keep(final *Config) {
	values := variables{}
	for _, kv := range final.Env {
		k, v, _ := strings.Cut(kv, "=")
		values[k] = v
	}
	maps.DeleteFunc(t.from.Env, func(k string, _ Location) bool {
		v, ok := values[k]
		return !ok || v != t.config[k]
	})
	keepThose(t.from.Labels, final.Labels)
	keepThose(t.from.ExposedPorts, final.ExposedPorts)
	keepThose(t.from.Volumes, final.Volumes)
}

func keepThose[V any](from map[string]Location, final map[string]V) {
	maps.DeleteFunc(from, func(k string, _ Location) bool {
		_, ok := final[k]
		return !ok
	})
}
