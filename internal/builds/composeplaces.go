package builds

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// located finds the line that an error of a YAML library, or of the loader, is about.
var located = lazyre.New(`(?:line |:)(\d+)(?::\d+)?`)

// interpolating finds the element that an error of the interpolation is about.
var interpolating = lazyre.New(`error while interpolating ([\w.\[\]-]+): (.*)`)

// absent finds the file that the library misses.
var absent = lazyre.New(`(?:open|stat|read) (\S+): (?:no such file or directory|is a directory)`)

// composeFiles are Compose files that are read together.
type composeFiles struct {
	stage *stage
	group []string
	data  map[string][]byte
}

// note makes one clear message of an error: the file, its line where that is known, and what is wrong. It gives none for files
// that build nothing: layers of settings, that only hold where others set variables, are no matter of ours.
func (c composeFiles) note(err error) []Note {
	var cost *costlyError
	if errors.As(err, &cost) {
		return []Note{{File: cost.File, Line: cost.Line, Text: "the Compose file cannot be read: " + cost.Err.Error()}}
	}
	text := oneLine(c.stage.plain(err.Error()))
	n := Note{File: c.group[len(c.group)-1], Text: text}
	for _, f := range c.group {
		if strings.Contains(err.Error(), path.Base(f)) {
			n.File = f
		}
	}
	if m := interpolating().FindStringSubmatch(err.Error()); m != nil {
		// The first of several.
		n.Text = m[1] + ": " + oneLine(m[2])
		if !c.build() {
			return nil
		}
		for _, f := range c.group {
			if line := c.lineAt(f, strings.Split(m[1], ".")); line > 0 {
				n.File, n.Line = f, line
			}
		}
	} else if m := absent().FindStringSubmatch(text); m != nil {
		n.Text = m[1] + " is no file of the repository"
	} else if m := located().FindStringSubmatch(text); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
	}
	n.Text = "the Compose file cannot be read: " + n.Text
	return []Note{n}
}

// tree parses a file; nil if that is no YAML.
func (c composeFiles) tree(file string) *ast.File {
	tree, err := parser.ParseBytes(c.data[file], 0)
	if err != nil {
		return nil
	}
	return tree
}

// build reports whether the files build images, as far as they can be parsed.
func (c composeFiles) build() bool {
	for _, f := range c.group {
		tree := c.tree(f)
		if tree == nil {
			return true
		}
		for _, doc := range tree.Docs {
			if childEntry(doc.Body, "include") != nil {
				return true
			}
			for _, service := range children(child(doc.Body, "services")) {
				if _, alias := service.Value.(*ast.AliasNode); alias || childEntry(service.Value, "build") != nil ||
					childEntry(service.Value, "extends") != nil || childEntry(service.Value, "<<") != nil {
					return true
				}
			}
		}
	}
	return false
}

// lineAt gives the line of an element of a file by its path, or of the nearest one around it; 0 if the file has nothing of it.
func (c composeFiles) lineAt(file string, keys []string) (line int) {
	tree := c.tree(file)
	if tree == nil {
		return 0
	}
	for _, doc := range tree.Docs {
		at := doc.Body
		for _, key := range keys {
			e := childEntry(at, key)
			if e == nil {
				break
			}
			at, line = e.Value, e.Key.GetToken().Position.Line
		}
	}
	return line
}

// places knows the lines of the services of a group of files; the last file that builds a service counts.
type places struct {
	first string
	at    map[string]Note
	trees map[string]*ast.File // what could be parsed, by file
	order []string
}

func newPlaces(c composeFiles) *places {
	p := &places{first: c.group[0], at: map[string]Note{}, trees: map[string]*ast.File{}, order: c.group}
	for _, f := range c.group {
		tree := c.tree(f)
		if tree == nil {
			continue
		}
		p.trees[f] = tree
		for _, doc := range tree.Docs {
			built, named := services(doc.Body)
			for name, line := range built {
				p.at[name] = Note{File: f, Line: line}
			}
			for name, line := range named {
				if _, ok := p.at[name]; !ok {
					p.at[name] = Note{File: f, Line: line}
				}
			}
		}
	}
	return p
}

// services gives the lines of the build sections of a document, by service, and those of services whose build section stands
// elsewhere: they extend or merge another one.
func services(body ast.Node) (built, named map[string]int) {
	built, named = map[string]int{}, map[string]int{}
	for _, service := range children(child(body, "services")) {
		name := service.Key.GetToken()
		if build := childEntry(service.Value, "build"); build != nil {
			built[name.Value] = build.Key.GetToken().Position.Line
		} else {
			named[name.Value] = name.Position.Line
		}
	}
	return built, named
}

func children(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	case *ast.AnchorNode:
		return children(m.Value)
	}
	return nil
}

func childEntry(n ast.Node, key string) *ast.MappingValueNode {
	for _, v := range children(n) {
		if v.Key.GetToken() != nil && v.Key.GetToken().Value == key {
			return v
		}
	}
	return nil
}

func child(n ast.Node, key string) ast.Node {
	if v := childEntry(n, key); v != nil {
		return v.Value
	}
	return nil
}

// text gives the first place of a scalar that is wanted; line 0 if there is none.
func (p *places) text(wanted func(string) bool) (file string, line int) {
	for _, f := range p.order {
		tree := p.trees[f]
		if tree == nil || len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
			continue
		}
		t := tree.Docs[0].Body.GetToken()
		for t.Prev != nil {
			t = t.Prev
		}
		for ; t != nil; t = t.Next {
			if wanted(t.Value) {
				return f, t.Position.Line
			}
		}
	}
	return "", 0
}

func (p *places) service(name string) (string, int) {
	if at, ok := p.at[name]; ok {
		return at.File, at.Line
	}
	// It comes by include or extends from a file that was not named.
	return p.first, 0
}
