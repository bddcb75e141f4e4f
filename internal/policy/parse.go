package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/moby/buildkit/util/suggest"

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

// maxFileSize bounds a configuration file, in bytes, and maxTokens its tokens: the parser calls itself for each entry of a
// mapping.
const (
	maxFileSize = 1 << 20
	maxTokens   = 40_000
)

// affordable fails for a file that would cost more than a configuration may: it lies in the repository that is audited.
func affordable(name string, data []byte) error {
	fail := func(line int, err error) error {
		return &Error{File: name, Line: line, Message: "configuration is not read: " + err.Error()}
	}
	if len(data) > maxFileSize {
		return fail(0, &budget.Exceeded{Kind: "bytes", Limit: maxFileSize})
	}
	var at *safeyaml.Error
	err := safeyaml.Check(data, budget.New(budget.Limits{}))
	switch {
	case errors.As(err, &at):
		return fail(at.Line, at.Err)
	case err != nil && structural(data) > maxTokens/10:
		// The other parser says better what is wrong with a file, but would not come to an end with every one.
		return fail(0, err)
	}
	if tokens := lexer.Tokenize(string(data)); len(tokens) > maxTokens {
		return fail(tokens[maxTokens].Position.Line, &budget.Exceeded{Kind: "steps", Limit: maxTokens})
	}
	return nil
}

// structural counts the characters that may nest something in a text of YAML.
func structural(data []byte) (n int) {
	for _, c := range data {
		if strings.IndexByte("[{-?:!&", c) >= 0 {
			n++
		}
	}
	return n
}

// Parse reads a configuration file. Its errors are [Error] values, joined when there are several.
func Parse(name string, data []byte) (*File, error) {
	fail := func(line, col int, format string, args ...any) error {
		return &Error{File: name, Line: line, Column: col, Message: fmt.Sprintf(format, args...)}
	}
	if err := affordable(name, data); err != nil {
		return nil, err
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlError(name, err)
	}
	f := &File{Name: name, lines: map[string]int{}, text: strings.Split(string(data), "\n")}
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(f); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fail(0, 0, "configuration is empty; name at least one image under \"images\"")
		}
		return nil, yamlError(name, err)
	}
	f.Name = name
	if len(tree.Docs) > 1 {
		return nil, fail(tree.Docs[1].GetToken().Position.Line, 0, "one document only")
	}
	for _, d := range tree.Docs {
		recordLines(f.lines, "", d.Body)
	}
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
func recordLines(lines map[string]int, at string, n ast.Node) {
	if n == nil {
		return
	}
	if _, ok := lines[at]; !ok {
		lines[at] = n.GetToken().Position.Line
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			recordLines(lines, at, v)
		}
	case *ast.MappingValueNode:
		key := at + "\x00" + n.Key.GetToken().Value
		lines[key] = n.Key.GetToken().Position.Line
		recordLines(lines, key, n.Value)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			recordLines(lines, fmt.Sprintf("%s\x00%d", at, i), v)
		}
	}
}

var unknownField = lazyre.New(`unknown field "(.*)"`)

// yamlError gives an error of the YAML library its place in the file, and an unknown key the one that was probably
// meant.
func yamlError(name string, err error) error {
	e := &Error{File: name, Message: err.Error()}
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return e
	}
	e.Message = ye.GetMessage()
	if t := ye.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
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
func (m *Module) UnmarshalYAML(decode func(any) error) error {
	var s string
	if decode(&s) == nil {
		*m = Module{Path: s}
		return nil
	}
	type plain Module
	return decode((*plain)(m))
}

// UnmarshalYAML reads what a setting must be like: its value alone, or a mapping.
func (e *Env) UnmarshalYAML(decode func(any) error) error {
	var s string
	if decode(&s) == nil {
		*e = Env{Equals: &s}
		return nil
	}
	type plain Env
	return decode((*plain)(e))
}
