package verify

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// settings compares the configurations. What the Dockerfile does not set a base image may set of which nothing is known.
func (c *comparison) settings() {
	want, have, from := c.image.Plan.Config, c.built.Image.Config, c.image.Plan.ConfigSources
	c.env(want.Env, have.Env)
	one := func(name string, l dockerfile.Location, a, b any) {
		c.setting(name, l, shown(a), shown(b), name == "WORKDIR" && !strings.HasPrefix(argument(l), "/"))
	}
	one("WORKDIR", from.WorkingDir, clean(want.WorkingDir), clean(have.WorkingDir))
	one("USER", from.User, want.User, have.User)
	one("ENTRYPOINT", from.Entrypoint, want.Entrypoint, have.Entrypoint)
	one("CMD", from.Cmd, want.Cmd, have.Cmd)
	one("SHELL", from.Shell, want.Shell, have.Shell)
	one("STOPSIGNAL", from.StopSignal, want.StopSignal, have.StopSignal)
	one("HEALTHCHECK", from.Healthcheck, want.Healthcheck, have.Healthcheck)
	one("ONBUILD", dockerfile.Location{}, want.OnBuild, have.OnBuild)
	for _, name := range union(want.Labels, have.Labels) {
		a, ok := want.Labels[name]
		if !ok {
			continue // who builds may add labels
		}
		c.setting("LABEL "+name, from.Labels[name], a, have.Labels[name], false)
	}
	each := func(keyword string, a, b map[string]struct{}, from map[string]dockerfile.Location) {
		for _, name := range union(a, b) {
			_, predicted := a[name]
			_, built := b[name]
			c.setting(keyword+" "+name, from[name], present(predicted), present(built), false)
		}
	}
	each("EXPOSE", want.ExposedPorts, have.ExposedPorts, from.ExposedPorts)
	each("VOLUME", want.Volumes, have.Volumes, from.Volumes)
}

func present(yes bool) string {
	if yes {
		return "set"
	}
	return ""
}

// clean makes no working directory and the root the same: a container starts there in both cases.
func clean(dir string) string { return path.Join("/", dir) }

func union[V any](a, b map[string]V) []string {
	all := slices.Concat(slices.Collect(maps.Keys(a)), slices.Collect(maps.Keys(b)))
	slices.Sort(all)
	return slices.Compact(all)
}

// argument gives what stands behind the keyword of an instruction.
func argument(l dockerfile.Location) string {
	_, rest, _ := strings.Cut(l.Text, " ")
	return strings.TrimSpace(rest)
}

func (c *comparison) env(want, have []string) {
	pairs := func(list []string) map[string]string {
		out := map[string]string{}
		for _, kv := range list {
			name, value, _ := strings.Cut(kv, "=")
			out[name] = value
		}
		return out
	}
	a, b := pairs(want), pairs(have)
	for _, name := range union(a, b) {
		l := c.image.Plan.ConfigSources.Env[name]
		// What a variable of the base image stands for is its own affair.
		c.setting("ENV "+name, l, a[name], b[name], strings.Contains(l.Text, "$"))
	}
}

// setting compares one setting. open tells that its value rests on what a base image sets.
func (c *comparison) setting(name string, l dockerfile.Location, predicted, built string, open bool) {
	if predicted == built {
		if predicted != "" {
			c.report.Agreed++
		}
		return
	}
	d := Difference{Kind: Setting, Name: name, Predicted: predicted, Built: built}
	if !l.IsZero() {
		d.Place = &finding.Place{Role: finding.RoleSets, File: l.File, Line: l.Range.Start.Line, Text: l.Text}
	}
	if l.IsZero() || open {
		if base := c.unknownBase(); base != nil {
			if l.IsZero() {
				return // it is that image's
			}
			d.By = []finding.Place{*c.place(base.ID)}
		}
	}
	c.add(d)
}

// unknownBase gives the image that the built stage starts from if its configuration is not known; nil otherwise.
func (c *comparison) unknownBase() *dockerfile.Op {
	stages := c.image.Plan.Stages
	i := c.image.Plan.TargetStage
	for i >= 0 && i < len(stages) && stages[i].BaseStage >= 0 {
		i = stages[i].BaseStage
	}
	for _, op := range c.image.Plan.Ops {
		if op.Kind == dockerfile.OpImage && op.Location.Stage == i && !op.Image.Known {
			return op
		}
	}
	return nil
}

// shown writes a value as people read it, "" for none.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		if len(v) == 0 {
			return ""
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil || b.String() == "null\n" {
		return ""
	}
	return strings.TrimSpace(b.String())
}
