package dockerfile

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
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
	maxSuggested = 3_000_000  // pairs of a variable that perhaps nobody sets with one that could be meant
)

// growth holds, for every variable, a bound for the length of its value.
type growth map[string]int

// replacing finds expansions that replace each match in a value: there may be as many as it is long.
var replacing = lazyre.New(`\$\{\w+//`)

// bound is how long a word can become by expansion.
func (r *reckoning) bound(g growth, word string) int {
	if !strings.Contains(word, "$") {
		return len(word)
	}
	once := len(word)
	// A word that the lexer refuses stops the build.
	_, _, _ = r.lex.ProcessWord(word, lookup(func(name string) (string, bool) {
		once = min(once+g[name], maxExpansion)
		return "x", true
	}))
	n := once
	for range replacing().FindAllString(word, -1) {
		n = min(n*once, maxExpansion)
	}
	return n
}

func (r *reckoning) set(g growth, key, value string) bool {
	g[key] = max(g[key], r.bound(g, value))
	return g[key] <= maxValue
}

// reckoning is what following a Dockerfile will cost.
type reckoning struct {
	outline                    *outline
	given                      growth      // the arguments before the first FROM, and those of the request
	stages                     []*reckoned // those that have a name
	lex                        *shell.Lex
	expanded, ports            int // bytes of all expansions
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
		outline: o, given: growth{}, lex: shell.NewLex(o.escape), stages: make([]*reckoned, len(o.stages)),
		chain: budget.New(budget.Limits{Steps: maxChain}), settings: budget.New(budget.Limits{Steps: maxSettings}),
		inherited: budget.New(budget.Limits{Steps: maxInherited}),
	}
	for k, v := range req.opt.BuildArgs {
		r.given[k] = len(v)
	}
	for _, cmd := range o.args {
		for _, a := range cmd.Args {
			if a.Value != nil && !r.set(r.given, a.Key, *a.Value) {
				return r.long(o.at(cmd.Location()), a.Key)
			}
		}
	}
	o.bases(req, o.globals(req, target))
	for i := range o.stages {
		r.expands(r.given, words(&o.stages[i]))
		if err := r.stage(i); err != nil {
			return err
		}
	}
	if r.expanded > maxExpansion {
		return r.beyond(Location{}, "variables that can expand beyond %d bytes", maxExpansion)
	}
	return r.suggestions()
}

// expands counts the expansion of words.
func (r *reckoning) expands(g growth, words []string) {
	for _, word := range words {
		r.expanded = min(r.expanded+r.bound(g, word), maxExpansion+1)
	}
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
	if r.outline.stages[i].Name != "" {
		r.stages[i] = s
	}
	return nil
}

// instruction reckons one instruction of a stage.
func (r *reckoning) instruction(s *reckoned, cmd placed) error {
	set := func(key, value string) error {
		if !r.set(s.growth, key, value) {
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
				ranges += (r.bound(s.growth, word)-len(word))/len("0-9 ") + 1
			}
			if r.ports += ranges * 65536; r.ports > maxPorts {
				return r.beyond(cmd.at, "EXPOSE of more than %d ports", maxPorts)
			}
		}
	}
	r.expands(s.growth, words(cmd.Command))
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
	if bytes.Count(r.outline.src.data, []byte("$"))*len(names) > maxSuggested {
		return r.beyond(Location{}, "so many variables that nobody sets")
	}
	return nil
}
