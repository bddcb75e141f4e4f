package dockerfile

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Variables that are made of variables can double with every line, and BuildKit expands them whatever that takes; it also
// goes through all that a stage did before for each instruction. No deadline helps against memory running out or a call that
// does not look at it, so it is reckoned beforehand how long values can become and what following will cost at most. A value
// above maxValue could not be passed to a process anyway (Linux takes 128 KiB).
const (
	maxValue     = 1 << 20    // bytes in a variable
	maxExpansion = 1 << 30    // bytes in all expansions together
	maxPorts     = 8 << 20    // ports of all EXPOSE instructions together; a range has up to 65536
	maxChain     = 10_000_000 // pairs of an instruction with one before it that changed the file system or a setting
	maxSettings  = 50_000_000 // pairs of an assignment with a variable that is there already
	maxInherited = 2_000_000  // variables of all stages together
	maxSettled   = 500_000    // assignments behind each other: BuildKit goes through them recursively
	maxSuggested = 3_000_000  // pairs of a variable that nobody sets with one that could be meant
)

var variableName = lazyre.New(`\$\{?([A-Za-z_][A-Za-z_0-9]*)`)

// growth holds, for every variable, a bound for the length of its value.
type growth map[string]int

// bound is how long a text can become by expansion.
func (g growth) bound(text string) int {
	n := len(text)
	for _, m := range variableName().FindAllStringSubmatch(text, -1) {
		n = min(n+g[m[1]], maxExpansion)
	}
	return n
}

func (g growth) set(key, value string) bool {
	g[key] = max(g[key], g.bound(value))
	return g[key] <= maxValue
}

// reckoning is what following a Dockerfile will cost.
type reckoning struct {
	outline                    *outline
	given                      growth      // the arguments before the first FROM, and those of the request
	stages                     []*reckoned // those that have a name
	longest, ports             int
	chain, settings, inherited *budget.Budget
}

// reckoned is what a stage leaves to those that are built on it.
type reckoned struct {
	growth
	changes  int64 // instructions that changed something
	settings int64 // assignments
}

// checkGrowth refuses to follow a Dockerfile that could fill the memory or take minutes.
func (o *outline) checkGrowth(req *request, target ocispecs.Platform) error {
	r := &reckoning{
		outline: o, given: growth{}, stages: make([]*reckoned, len(o.stages)),
		chain: budget.New(budget.Limits{Steps: maxChain}), settings: budget.New(budget.Limits{Steps: maxSettings}),
		inherited: budget.New(budget.Limits{Steps: maxInherited}),
	}
	for k, v := range req.opt.BuildArgs {
		r.given[k] = len(v)
	}
	for _, cmd := range o.args {
		for _, a := range cmd.Args {
			if a.Value != nil && !r.given.set(a.Key, *a.Value) {
				return r.long(o.at(cmd.Location()), a.Key)
			}
		}
	}
	o.bases(req, o.globals(req, target))
	for i := range o.stages {
		if err := r.stage(i); err != nil {
			return err
		}
	}
	if dollars := bytes.Count(o.src.data, []byte("$")); dollars*r.longest > maxExpansion {
		return r.beyond(Location{}, "variables that can expand beyond %d bytes", maxExpansion)
	}
	return r.suggestions()
}

func (r *reckoning) beyond(at Location, format string, args ...any) error {
	return &budget.Beyond{File: r.outline.src.name, Line: at.Range.Start.Line, What: fmt.Sprintf(format, args...)}
}

func (r *reckoning) long(at Location, key string) error {
	return r.beyond(at, "a value of %s that can grow beyond %d bytes", key, maxValue)
}

// stage reckons one stage.
func (r *reckoning) stage(i int) error {
	from := r.outline.info[i].Location
	s := &reckoned{growth: maps.Clone(r.given)}
	if b := r.outline.info[i].BaseStage; b >= 0 && r.stages[b] != nil {
		base := r.stages[b]
		for k, n := range base.growth {
			s.growth[k] = max(s.growth[k], n)
		}
		s.changes = base.changes
		// What the image of the base sets is set again.
		s.settings = base.settings + int64(len(base.growth))
	}
	if r.inherited.Steps(int64(len(s.growth))) != nil {
		return r.beyond(from, "so many variables that stages inherit")
	}
	for _, cmd := range r.outline.commands(i, nil) {
		if err := r.instruction(s, cmd); err != nil {
			return err
		}
	}
	for _, n := range s.growth {
		r.longest = max(r.longest, n)
	}
	if r.outline.stages[i].Name != "" {
		r.stages[i] = s
	}
	return nil
}

// instruction reckons one instruction of a stage.
func (r *reckoning) instruction(s *reckoned, cmd placed) error {
	set := func(key, value string) error {
		if !s.set(key, value) {
			return r.long(cmd.at, key)
		}
		s.settings++
		if r.settings.Steps(int64(len(s.growth))) != nil || s.settings > maxSettled {
			return r.beyond(cmd.at, "so many settings one after the other")
		}
		return nil
	}
	switch c := cmd.Command.(type) {
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			if err := set(kv.Key, kv.Value); err != nil {
				return err
			}
		}
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			if a.Value != nil {
				if err := set(a.Key, *a.Value); err != nil {
					return err
				}
			} else if _, ok := r.given[a.Key]; ok {
				s.settings++
			}
		}
	case *instructions.ExposeCommand:
		for _, word := range c.Ports {
			ranges := strings.Count(word, "-")
			if strings.Contains(word, "$") {
				ranges += (s.bound(word)-len(word))/len("0-9 ") + 1
			}
			if r.ports += ranges * 65536; r.ports > maxPorts {
				return r.beyond(cmd.at, "EXPOSE of more than %d ports", maxPorts)
			}
		}
	}
	switch cmd.Command.(type) {
	case *instructions.RunCommand, *instructions.CopyCommand, *instructions.AddCommand, *instructions.EnvCommand, *instructions.ArgCommand,
		*instructions.WorkdirCommand, *instructions.UserCommand:
		s.changes++
	}
	if r.chain.Steps(s.changes) != nil {
		return r.beyond(cmd.at, "so many instructions one after the other")
	}
	return nil
}

// suggestions reckons what the front end does to suggest a name for each variable that nobody sets.
func (r *reckoning) suggestions() error {
	names := map[string]bool{}
	for k := range r.given {
		names[k] = true
	}
	for _, st := range r.outline.stages {
		for _, cmd := range st.Commands {
			switch c := cmd.(type) {
			case *instructions.EnvCommand:
				for _, kv := range c.Env {
					names[kv.Key] = true
				}
			case *instructions.ArgCommand:
				for _, a := range c.Args {
					names[a.Key] = true
				}
			}
		}
	}
	unset := 0
	for _, m := range variableName().FindAllSubmatch(r.outline.src.data, -1) {
		if !names[string(m[1])] {
			unset++
		}
	}
	if unset*len(names) > maxSuggested {
		return r.beyond(Location{}, "so many variables that nobody sets")
	}
	return nil
}
