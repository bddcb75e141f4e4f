package modules

import (
	"context"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Reach tells how surely something is reached, as need.Reach does, with the same values.
type Reach uint8

// The kinds of reach.
const (
	Typing Reach = iota + 1
	Guarded
	Lazy
	Conditional
	Startup
)

// Mode is what follows the imports: of that it depends which of them count.
type Mode uint8

// The modes.
const (
	Run    Mode = iota // the program is run from its sources
	Bundle             // it is made into one file
	Check              // a compiler looks at all of its files
)

// reach gives how an import is reached within its file.
func (m Mode) reach(i syntax.Import) Reach {
	typing := i.Kind == syntax.Type || i.Flags&syntax.Unsure != 0
	switch {
	case m == Check:
		if i.Kind == syntax.Effect || i.Kind == syntax.Require || i.Flags&syntax.Ignored != 0 {
			return Guarded
		}
		return Startup
	case typing:
		return Typing
	case i.Flags&syntax.Guarded != 0 || m == Bundle && i.Flags&syntax.Ignored != 0:
		return Guarded
	case m == Bundle && (i.Kind == syntax.Require && i.Flags&syntax.Conditional != 0 || i.Kind == syntax.Dynamic && i.Flags&syntax.Conditional != 0):
		return Conditional // a condition that is known when it is built leaves it out
	case m == Bundle:
		return Startup
	case i.Flags&syntax.Lazy != 0:
		return Lazy
	case i.Flags&syntax.Conditional != 0:
		return Conditional
	}
	return Startup
}

// Node is a file that is reached.
type Node struct {
	File  string
	Reach Reach
	// From is the node that asks for it at Import; nil for an entry.
	From   *Node
	Import syntax.Import
	// Source is what it holds, nil for what is no source or not known.
	Source *syntax.File
	// Imports counts its imports that lead to files.
	Imports int
}

// Way gives the nodes from the entry to this one.
func (n *Node) Way() (out []*Node) {
	for ; n != nil; n = n.From {
		out = append([]*Node{n}, out...)
	}
	return out
}

// Lack is an import that leads to nothing in the tree.
type Lack struct {
	From   *Node
	Import syntax.Import
	Target Target
	// Reach is that of the whole way.
	Reach Reach
}

// Graph is what is reached.
type Graph struct {
	Nodes []*Node // the surest first
	Lacks []Lack
	// ByFile are the nodes by their files.
	ByFile map[string]*Node
	// Asked are the imports that lead to a file, by that.
	Asked map[string][]Lack
	// Cut tells that there were too many.
	Cut bool
}

// Workdir gives the working directory of a program that is started in one; "" if one of its files changes it.
func (g *Graph) Workdir(dir string) string {
	if slices.ContainsFunc(g.Nodes, func(n *Node) bool { return n.Source != nil && n.Source.ChangesDir }) {
		return ""
	}
	return dir
}

// Config says what is followed.
type Config struct {
	Files    shell.Files
	Resolver *Resolver
	Mode     Mode
	Entries  []string
	Context  context.Context
	// Named tells that names of packages that the tree does not have are lacking, too.
	Named bool
	// Else gives the file that an import leads to of which the resolver does not find any, "" if there is none. nil: there is none.
	Else func(from *Node, i syntax.Import, t Target) string
}

// maxNodes bounds the files that are followed.
const maxNodes = 50000

// Follow follows imports from entries on. Those that are reached most surely come first, so that each file is followed once.
func Follow(c Config) *Graph {
	g := &Graph{ByFile: map[string]*Node{}, Asked: map[string][]Lack{}}
	var queues [Startup + 1][]*Node
	push := func(n *Node) { queues[n.Reach] = append(queues[n.Reach], n) }
	for _, e := range c.Entries {
		push(&Node{File: e, Reach: Startup})
	}
	for reach := Startup; reach > Typing; {
		if len(queues[reach]) == 0 {
			reach--
			continue
		}
		n := queues[reach][0]
		queues[reach] = queues[reach][1:]
		if g.ByFile[n.File] != nil {
			continue
		}
		if len(g.Nodes) >= maxNodes || c.Context != nil && c.Context.Err() != nil {
			g.Cut = true
			break
		}
		g.ByFile[n.File] = n
		g.Nodes = append(g.Nodes, n)
		c.follow(g, n, push)
	}
	return g
}

// follow looks up the imports of a file.
func (c *Config) follow(g *Graph, n *Node, push func(*Node)) {
	named := n.From == nil && path.Ext(n.File) == "" // what is started need have no ending
	if !named && !syntax.IsSource(n.File) && !syntax.IsComponent(n.File) || c.Mode != Check && syntax.IsDeclaration(n.File) {
		return
	}
	if n.Source = sources.File(c.Files, n.File); n.Source == nil {
		return
	}
	for _, i := range n.Source.Imports {
		reach := min(n.Reach, c.Mode.reach(i))
		if reach <= Typing {
			continue
		}
		t := c.Resolver.Resolve(n.File, i.Spec)
		if t.Kind != Found && c.Else != nil {
			if file := c.Else(n, i, t); file != "" {
				t.Kind, t.File = Found, file
			}
		}
		switch {
		case t.Kind == Found:
			n.Imports++
			g.Asked[t.File] = append(g.Asked[t.File], Lack{n, i, t, reach})
			if g.ByFile[t.File] == nil && Own(t.File) {
				push(&Node{File: t.File, Reach: reach, From: n, Import: i})
			}
		case (t.Kind == Missing || c.Named || c.Else != nil) && !n.Source.Broken:
			g.Lacks = append(g.Lacks, Lack{n, i, t, reach})
		}
	}
}

// Own reports whether a file may be the project's own.
func Own(file string) bool {
	for dir := path.Dir(file); len(dir) > 1; dir = path.Dir(dir) {
		if path.Base(dir) == "node_modules" {
			return false
		}
	}
	return true
}
