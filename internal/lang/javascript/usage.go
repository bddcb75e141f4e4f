package javascript

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Usage implements lang.Programs: who imports a file, or something in a directory.
func (c *programs) Usage(contextPath string) lang.Usage {
	var u lang.Usage
	for _, f := range c.graphs {
		for _, n := range f.graph.Nodes {
			if o := c.origin(n.File); o == "" || !simulate.Within(o, contextPath) {
				continue
			}
			u.Module = cmp.Or(u.Module, contextPath)
			for _, l := range f.graph.Asked[n.File] {
				l.Reach = min(l.Reach, l.From.Reach)
				u.Asks = append(u.Asks, c.ask(f, l))
			}
		}
	}
	for _, g := range c.groups {
		if simulate.Within(g.source, contextPath) || simulate.Within(contextPath, g.source) {
			u.Module = cmp.Or(u.Module, g.source)
			u.Asks = append(u.Asks, g.asks...)
		}
	}
	return u
}

// Locate implements lang.Programs: a path as a program at the root of the build context, or one that is started, would write it.
func (c *programs) Locate(name string, started []lang.Entry) (contextPath string, ok bool) {
	if c.repo == nil {
		return "", false
	}
	from := []string{"/_"}
	for _, e := range started {
		if o := c.origin(e.Path); o != "" {
			from = append(from, "/"+o)
		}
	}
	for _, f := range from {
		if t := c.repo.Resolve(f, name); t.Kind == modules.Found && modules.Own(t.File) {
			return view.InContext(t.File), true
		}
	}
	return "", false
}

// builtin are modules that Node.js brings.
const builtin = ` assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain events fs http http2 https
	inspector module net os path perf_hooks process punycode querystring readline repl stream string_decoder sys timers tls trace_events tty url util v8 vm
	wasi worker_threads zlib `

// Provider implements lang.Programs: Node.js, or a dependency that the nearest package.json declares.
func (c *programs) Provider(module string) (sentence string, declared *finding.Place) {
	name, sub, _ := strings.Cut(module, "/")
	if strings.HasPrefix(module, "@") {
		scope, _, _ := strings.Cut(sub, "/")
		name += "/" + scope
	}
	if strings.HasPrefix(name, "node:") || c.repo != nil && slices.Contains(strings.Fields(builtin), name) && c.repo.JSON("/package.json") != nil {
		return name + " is part of Node.js", nil
	}
	if c.repo == nil || strings.Contains(name, ".") && !strings.HasSuffix(name, ".js") {
		return "", nil
	}
	file, n := c.declares(name)
	if n == nil {
		return "", nil
	}
	place := &finding.Place{Role: finding.RoleRequires, File: simulate.Shown(c.Main.Dir, view.InContext(file)), Line: n.At(), Text: fmt.Sprintf("%q: %q", name, n.Text)}
	return name + " is part of the dependency of that name, which a step of the build must install", place
}

// declares gives the package.json that declares a dependency: of the directories of what is started, or at the root.
func (c *programs) declares(name string) (file string, n *document.Node) {
	dirs := []string{"/"}
	for _, f := range c.graphs {
		if o := c.origin(f.entry.Path); o != "" {
			for dir := path.Dir("/" + o); dir != "/"; dir = path.Dir(dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	for _, dir := range dirs {
		file := path.Join(dir, "package.json")
		for _, kind := range []string{"dependencies", "optionalDependencies", "peerDependencies", "devDependencies"} {
			if n := c.repo.JSON(file).Get(kind, name); n.Is() {
				return file, n
			}
		}
	}
	return "", nil
}
