package imports

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// What a function imports is needed once it is called. A program that calls `main()` where it starts, or `create_app()` of a module
// that it imports, runs the body of that function, and what the body imports is imported as surely as the call is made.

// maxHandedOn is through how many modules the name of a function is followed that each only imports.
const maxHandedOn = 5

// runOwn notes which of its own functions a module calls. They may call each other.
func (g *Graph) runOwn(n *Node, f *syntax.File) {
	if len(f.Functions) == 0 {
		return
	}
	within := map[int][]syntax.Run{} // by the function that they stand in
	for _, r := range f.Runs {
		within[r.Context.Function] = append(within[r.Context.Function], r)
	}
	handed := handlers(f)
	for _, r := range handed {
		within[r.Context.Function] = append(within[r.Context.Function], r)
	}
	queue := []int{0}
	for fn := range n.calls {
		queue = append(queue, fn)
	}
	note := func(i int, reach need.Reach) {
		if reach > need.Lazy && i > 0 && n.calls[i] < reach {
			n.note(i, reach)
			queue = append(queue, i)
		}
	}
	for i, fn := range f.Functions {
		if fn.Startup && !fn.Again {
			note(i+1, need.Startup)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, r := range within[queue[0]] {
			reach := reachOf(n, r.Context)
			if i := f.Defined[r.Callee]; i > 0 && slices.Contains(handed, r) && !f.Functions[i-1].Again {
				note(i, reach)
				continue
			}
			if class, method, _ := strings.Cut(r.Callee, "."); class == "self" && r.Context.Function > 0 {
				class, _, _ = strings.Cut(f.Functions[r.Context.Function-1].Name, ".")
				r.Callee = class + "." + method
			}
			note(callable(f, r.Callee, r.Awaited), reach)
			if f.Defined[r.Callee] == 0 { // a class, of which an object is made
				note(callable(f, r.Callee+".__init__", false), reach)
				note(callable(f, r.Callee+".setup_hook", true), reach) // discord.py's, once the bot logs in
			}
		}
	}
}

// handlers gives what an application calls when it starts because the call that makes it is given its name: those of Starlette and Litestar.
func handlers(f *syntax.File) (out []syntax.Run) {
	for i := range f.Calls {
		call := &f.Calls[i]
		if _, name, _ := cutLast(call.Callee); name != "FastAPI" && name != "Starlette" && name != "Litestar" {
			continue
		}
		for _, a := range call.Arguments {
			if a.Keyword == "lifespan" || a.Keyword == "on_startup" {
				for _, ref := range a.Refs {
					out = append(out, syntax.Run{Callee: ref.Value, Awaited: true, Context: call.Context})
				}
			}
		}
	}
	return out
}

// callable gives the place of a function whose call runs its body, counted from 1; 0 if there is none, -1 if its body need not run.
func callable(f *syntax.File, name string, awaited bool) int {
	i := f.Defined[name]
	if i == 0 {
		return 0
	}
	if fn := f.Functions[i-1]; fn.Again || fn.Decorated || fn.Generator || fn.Async && !awaited {
		return -1
	}
	return i
}

func (n *Node) note(function int, reach need.Reach) {
	if n.calls == nil {
		n.calls = map[int]need.Reach{}
	}
	n.calls[function] = reach
}

// runImported notes what the modules that were followed call of others, which are all known by then. It reports whether there was any.
func (g *Graph) runImported() bool {
	callers := g.callers
	g.callers = nil
	for _, e := range g.config.Entries {
		if n := g.Nodes[e.Module]; n != nil && len(callers) > 0 {
			g.callFirst(n, e.Calls)
		}
	}
	for _, n := range callers {
		for _, r := range g.source(n).Runs {
			if reach := reachOf(n, r.Context); reach > need.Lazy {
				g.run(n, r, min(reach, n.Reach))
			}
		}
	}
	return len(callers) > 0
}

// callFirst notes a call of the first of some functions that a module binds.
func (g *Graph) callFirst(n *Node, names []string) {
	for _, name := range names {
		if g.Exports(n).Has(name) {
			g.called(n, name, false, n.Reach, 0)
			return
		}
	}
}

// run notes a function that is called where a module is imported.
func (g *Graph) run(n *Node, r syntax.Run, reach need.Reach) {
	name, attr, dotted := strings.Cut(r.Callee, ".")
	if !dotted {
		g.called(n, name, r.Awaited, reach, 0)
		return
	}
	if m := g.boundTo(n, name); m != nil {
		g.called(m, attr, r.Awaited, reach, 0)
	}
}

// called notes that a function is called which a module defines, or imports by name.
func (g *Graph) called(n *Node, name string, awaited bool, reach need.Reach, handed int) {
	f := g.source(n)
	if f == nil || handed > maxHandedOn {
		return
	}
	if i := callable(f, name, awaited); i != 0 {
		if i > 0 && n.calls[i] < reach {
			n.note(i, reach)
			n.done = 0
			g.push(n.key(), n.Module, n.Reach, n.From, n.Site, n.Main)
		}
		return
	}
	for i := range f.Imports {
		imp := &f.Imports[i]
		if imp.Context.Flags&(syntax.InFunction|syntax.InClass) != 0 {
			continue
		}
		for _, want := range imp.Names {
			if want.Bound() != name {
				continue
			}
			if module, ok := absolute(n, imp.Level, imp.Module); ok && g.Nodes[module] != nil {
				g.called(g.Nodes[module], want.Name, awaited, reach, handed+1)
			}
			return
		}
	}
}

// boundTo gives the module that a name of a module stands for; nil if it is none that was reached.
func (g *Graph) boundTo(n *Node, name string) *Node {
	f := g.source(n)
	for i := range f.Imports {
		imp := &f.Imports[i]
		switch {
		case imp.Context.Flags&(syntax.InFunction|syntax.InClass) != 0:
		case !imp.From && imp.As == name, !imp.From && imp.As == "" && imp.Module == name:
			return g.Nodes[imp.Module]
		case imp.From:
			for _, want := range imp.Names {
				if module, ok := absolute(n, imp.Level, imp.Module); ok && want.Bound() == name {
					return g.Nodes[module+"."+want.Name]
				}
			}
		}
	}
	return nil
}
