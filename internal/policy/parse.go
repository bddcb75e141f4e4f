package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/util/suggest"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// Error is one thing that is wrong with a configuration file.
type Error struct {
	File    string
	Line    int // 0 if unknown
	Column  int // in bytes from 1; 0 if unknown
	Message string
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	default:
		return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	}
}

// maxNodes bounds the nodes of a configuration file, which lies in the repository that is audited: the decoder holds each key of a
// mapping against the others.
const maxNodes = 20_000

// Parse reads a configuration file. Its errors are [Error] values, joined when there are several.
func Parse(name string, data []byte) (*File, error) {
	fail := func(line, col int, format string, args ...any) error {
		return &Error{File: name, Line: line, Column: col, Message: fmt.Sprintf(format, args...)}
	}
	docs, err := safeyaml.Parse(data, budget.New(budget.Limits{Steps: maxNodes}))
	var beyond *safeyaml.Error
	switch {
	case errors.As(err, &beyond):
		return nil, fail(beyond.Line, 0, "configuration is not read: %v", beyond.Err)
	case err != nil:
		return nil, yamlError(name, err)
	case len(docs) == 0:
		return nil, fail(0, 0, "configuration is empty; name at least one image under \"images\"")
	case len(docs) > 1:
		return nil, fail(docs[1].Line, 0, "one document only")
	}
	f := &File{Name: name, lines: map[string]int{}, text: strings.Split(string(data), "\n")}
	if err := docs[0].Load(f, yaml.WithKnownFields()); err != nil {
		return nil, yamlError(name, err)
	}
	recordLines(f.lines, "", docs[0])
	var errs []error
	f.validate(func(message string, path ...any) {
		errs = append(errs, fail(f.Line(path...), 0, "%s", message))
	})
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return f, nil
}

// recordLines notes the line of every node under its path.
func recordLines(lines map[string]int, at string, n *yaml.Node) {
	if _, ok := lines[at]; !ok {
		lines[at] = n.Line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := at + "\x00" + n.Content[i].Value
			lines[key] = n.Content[i].Line
			recordLines(lines, key, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, v := range n.Content {
			recordLines(lines, fmt.Sprintf("%s\x00%d", at, i), v)
		}
	}
}

// unknownField is what the library says of a key that is none, placed where it tells the place of a mistake in the syntax.
var (
	unknownField = lazyre.New(`^field (.*) not found in type `)
	placed       = lazyre.New(`line (\d+)(?:, column (\d+))?`)
)

// yamlError gives an error of the YAML library its place in the file, and an unknown key the one that was probably
// meant.
func yamlError(name string, err error) error {
	e := &Error{File: name, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	var wrong *yaml.LoadErrors
	if errors.As(err, &wrong) && len(wrong.Errors) > 0 {
		first := wrong.Errors[0]
		e.Line, e.Column, e.Message = first.Line, first.Column, first.Err.Error()
	} else if m := placed().FindStringSubmatch(e.Message); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Column, _ = strconv.Atoi(m[2])
	}
	if m := unknownField().FindStringSubmatch(e.Message); m != nil {
		e.Message = fmt.Sprintf("unknown key %q", m[1])
		if near, ok := suggest.Search(m[1], knownKeys(), true); ok {
			e.Message += fmt.Sprintf("; did you mean %q?", near)
		} else {
			e.Message += "; known are " + strings.Join(knownKeys(), ", ")
		}
	}
	return e
}

// knownKeys gives every key of the format.
func knownKeys() []string {
	var keys []string
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if key != "" && key != "-" {
				keys = append(keys, key)
				visit(t.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[File]())
	slices.Sort(keys)
	return slices.Compact(keys)
}

// UnmarshalYAML reads a module: its path alone, or a mapping.
func (m *Module) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Load(&m.Path)
	}
	type plain Module
	return n.Load((*plain)(m), yaml.WithKnownFields())
}

// UnmarshalYAML reads a build context: its path alone, or a mapping.
func (c *Context) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Load(&c.Path)
	}
	type plain Context
	return n.Load((*plain)(c), yaml.WithKnownFields())
}

// UnmarshalYAML reads what a setting must be like: its value alone, or a mapping.
func (e *Env) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Load(&e.Equals)
	}
	type plain Env
	return n.Load((*plain)(e), yaml.WithKnownFields())
}
