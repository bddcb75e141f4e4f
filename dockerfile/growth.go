package dockerfile

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Variables that are made of variables can double with every line, and BuildKit expands them whatever that takes. No
// deadline helps against memory running out, so it is reckoned beforehand how long values can become at most. A value
// above maxValue could not be passed to a process anyway (Linux takes 128 KiB).
const (
	maxValue     = 1 << 20 // bytes in a variable
	maxExpansion = 1 << 30 // bytes in all expansions together
	maxPorts     = 8 << 20 // ports of all EXPOSE instructions together; a range has up to 65536
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

// checkGrowth refuses a Dockerfile whose variables could fill the memory.
func (o *outline) checkGrowth(buildArgs map[string]string) *Error {
	refuse := func(at Location, key string) *Error {
		return &Error{File: o.src.name, Range: at.Range, Message: fmt.Sprintf("the value of %s can grow beyond %d bytes", key, maxValue)}
	}
	longest, ports := 0, 0
	given := growth{}
	for k, v := range buildArgs {
		given[k] = len(v)
	}
	for _, cmd := range o.args {
		for _, a := range cmd.Args {
			if a.Value != nil && !given.set(a.Key, *a.Value) {
				return refuse(o.at(cmd.Location()), a.Key)
			}
		}
	}
	byName := map[string]growth{}
	for i, st := range o.stages {
		g := maps.Clone(given)
		for name, base := range byName {
			if name == st.BaseName || strings.Contains(st.BaseName, "$") {
				for k, n := range base {
					g[k] = max(g[k], n)
				}
			}
		}
		for _, cmd := range o.commands(i, nil) {
			switch c := cmd.Command.(type) {
			case *instructions.EnvCommand:
				for _, kv := range c.Env {
					if !g.set(kv.Key, kv.Value) {
						return refuse(cmd.at, kv.Key)
					}
				}
			case *instructions.ExposeCommand:
				for _, word := range c.Ports {
					ranges := strings.Count(word, "-")
					if strings.Contains(word, "$") {
						ranges += (g.bound(word)-len(word))/len("0-9 ") + 1
					}
					if ports += ranges * 65536; ports > maxPorts {
						return &Error{File: o.src.name, Range: cmd.at.Range, Message: fmt.Sprintf("EXPOSE can name more than %d ports", maxPorts)}
					}
				}
			case *instructions.ArgCommand:
				for _, a := range c.Args {
					if a.Value != nil && !g.set(a.Key, *a.Value) {
						return refuse(cmd.at, a.Key)
					}
				}
			}
		}
		for _, n := range g {
			longest = max(longest, n)
		}
		if st.Name != "" {
			byName[strings.ToLower(st.Name)] = g
		}
	}
	if dollars := bytes.Count(o.src.data, []byte("$")); dollars*longest > maxExpansion {
		return &Error{File: o.src.name, Message: fmt.Sprintf("the variables can expand beyond %d bytes", maxExpansion)}
	}
	return nil
}
