package builds

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// This file evaluates the expressions of GitHub workflows, ${{ ... }}, as far as files tell their values: the matrix, literal
// environment variables, inputs that a caller gives. Everything else is unknown, and so is what depends on it.

// value is the value of an expression: nil for null, a string, float64, bool, node (of a mapping or a sequence), or unset.
type value any

// unset is a value that is not known.
type unset struct{}

// expressions evaluates the expressions of one place.
type expressions struct {
	// names gives the value of a name such as matrix.os; ok is false if it is not known.
	names func(path []string) (v value, ok bool)
	// parsed are those that were parsed already, nil to keep none.
	parsed map[string]hclsyntax.Expression
	budget *budget.Budget
}

// interpolate replaces the expressions of a text. What is not known becomes unknownPart.
func (x expressions) interpolate(text string) word {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${{")
		out.WriteString(before)
		if !ok {
			return word(out.String())
		}
		expr, after, ok := cutExpression(rest)
		if !ok {
			out.WriteString(unknownPart)
			return word(out.String())
		}
		w := textOf(x.evaluate(expr))
		// What exceeds the budget is not known.
		if x.budget.Steps(1) != nil || x.budget.Bytes(int64(len(w))) != nil {
			return unknownPart
		}
		out.WriteString(string(w))
		text = after
	}
}

// cutExpression cuts at the "}}" that ends an expression, not at one in a string.
func cutExpression(s string) (expr, after string, ok bool) {
	quoted := false
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case !quoted && s[i] == '}' && s[i+1] == '}':
			return s[:i], s[i+2:], true
		}
	}
	return "", "", false
}

// textOf gives a value as it stands in a text.
func textOf(v value) word {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return word(v)
	case bool:
		return word(strconv.FormatBool(v))
	case float64:
		return word(strconv.FormatFloat(v, 'f', -1, 64))
	}
	return unknownPart
}

// truth tells whether a value counts as true; known is false if that cannot be told.
func truth(v value) (yes, known bool) {
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case float64:
		return v != 0, true
	case string:
		if !word(v).known() {
			return strings.Trim(v, unknownPart) != "", strings.Trim(v, unknownPart) != ""
		}
		return v != "", true
	case node:
		return true, true
	}
	return false, false
}

// scalar gives the value of a YAML scalar.
func scalar(n node) value {
	s := n.resolved()
	if s.Node == nil {
		return nil
	}
	switch s.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return s.Value == "true" || s.Value == "True" || s.Value == "TRUE"
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(s.Value, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == s.Value {
			return f
		}
	}
	if s.isMap() || s.isList() {
		return s
	}
	return s.Value
}

// evaluate gives the value of an expression.
func (x expressions) evaluate(text string) value {
	e, ok := x.parsed[text]
	if !ok {
		e = x.parse(text)
		if x.parsed != nil {
			x.parsed[text] = e
		}
	}
	if e == nil {
		return unset{}
	}
	return x.of(e)
}

// inString writes what stands in a string of GitHub as a string of HCL has it.
var inString = strings.NewReplacer("''", "'", `\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "${", "$${", "%{", "%%{")

// parse reads an expression, nil if it is none. But for its strings one of GitHub is one of HCL: the same names, operators and calls.
func (x expressions) parse(text string) hclsyntax.Expression {
	var out strings.Builder
	out.WriteByte('(') // in which lines end nothing
	for {
		before, rest, found := strings.Cut(text, "'")
		out.WriteString(before)
		if !found {
			break
		}
		end := 0
		for !strings.HasPrefix(rest[end:], "'") || strings.HasPrefix(rest[end:], "''") {
			if end >= len(rest) {
				return nil // the string does not end
			}
			end++
			if strings.HasPrefix(rest[end-1:], "''") {
				end++
			}
		}
		out.WriteString(`"` + inString.Replace(rest[:end]) + `"`)
		text = rest[end+1:]
	}
	out.WriteByte(')')
	data := []byte(out.String())
	tokens, _ := hclsyntax.LexExpression(data, "", hcl.InitialPos)
	if _, err := shallowTokens(tokens); err != nil || x.budget.Steps(int64(len(tokens))) != nil {
		return nil
	}
	e, diags := hclsyntax.ParseExpression(data, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	return e
}

// of gives the value of a part of an expression.
func (x expressions) of(expr hclsyntax.Expression) value {
	if x.budget.Steps(1) != nil {
		return unset{}
	}
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return x.of(e.Expression)
	case *hclsyntax.LiteralValueExpr:
		return literal(e.Val)
	case *hclsyntax.TemplateExpr:
		v, _ := e.Value(nil) // nothing in it is expanded
		return literal(v)
	case *hclsyntax.UnaryOpExpr:
		v := x.of(e.Val)
		if f, ok := v.(float64); ok && e.Op == hclsyntax.OpNegate {
			return -f
		}
		if yes, known := truth(v); known && e.Op == hclsyntax.OpLogicalNot {
			return !yes
		}
	case *hclsyntax.BinaryOpExpr:
		return binary(e.Op, x.of(e.LHS), x.of(e.RHS))
	case *hclsyntax.FunctionCallExpr:
		return x.call(e)
	default:
		path, ok := x.path(expr)
		switch {
		case !ok:
		case len(path) == 1 && strings.EqualFold(path[0], "true"):
			return true
		case len(path) == 1 && strings.EqualFold(path[0], "false"):
			return false
		case len(path) == 1 && strings.EqualFold(path[0], "null"):
			return nil
		default:
			if v, ok := x.names(path); ok {
				return v
			}
		}
	}
	return unset{}
}

// literal gives a value that stands in an expression.
func literal(v cty.Value) value {
	switch {
	case v.IsNull():
		return nil
	case v.Type() == cty.Bool && v.IsKnown():
		return v.True()
	case v.Type() == cty.Number && v.IsKnown():
		f, _ := v.AsBigFloat().Float64()
		return f
	case v.Type() == cty.String && v.IsKnown():
		return v.AsString()
	}
	return unset{}
}

func binary(op *hclsyntax.Operation, left, right value) value {
	yes, known := truth(left)
	switch op {
	case hclsyntax.OpLogicalOr:
		switch {
		case !known:
			return unset{}
		case yes:
			return left
		}
		return right
	case hclsyntax.OpLogicalAnd:
		rightYes, rightKnown := truth(right)
		switch {
		case known && !yes:
			return left
		case known, rightKnown && !rightYes: // either is false
			return right
		}
	case hclsyntax.OpEqual:
		return equal(left, right)
	case hclsyntax.OpNotEqual:
		if e, ok := equal(left, right).(bool); ok {
			return !e
		}
	}
	return unset{}
}

// equal compares as GitHub does: strings without regard to case.
func equal(a, b value) value {
	for _, v := range []value{a, b} {
		switch v := v.(type) {
		case unset, node:
			return unset{}
		case string:
			if !word(v).known() {
				return unset{}
			}
		}
	}
	return strings.EqualFold(string(textOf(a)), string(textOf(b)))
}

// path gives the parts of a name with its properties; ok is false where one of them is not known.
func (x expressions) path(expr hclsyntax.Expression) (path []string, ok bool) {
	var steps hcl.Traversal
	switch e := expr.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		path, ok, steps = []string{e.Traversal.RootName()}, true, e.Traversal[1:]
	case *hclsyntax.RelativeTraversalExpr:
		path, ok = x.path(e.Source)
		steps = e.Traversal
	case *hclsyntax.IndexExpr:
		path, ok = x.path(e.Collection)
		key := textOf(x.of(e.Key))
		return append(path, string(key)), ok && key.known()
	}
	for _, t := range steps {
		switch t := t.(type) {
		case hcl.TraverseAttr:
			path = append(path, t.Name)
		case hcl.TraverseIndex:
			path = append(path, string(textOf(literal(t.Key))))
		}
	}
	return path, ok
}

// call evaluates a function. Of the functions only format is of use here.
func (x expressions) call(e *hclsyntax.FunctionCallExpr) value {
	if !strings.EqualFold(e.Name, "format") || len(e.Args) == 0 {
		return unset{}
	}
	pairs := []string{"{{", "{", "}}", "}"}
	text, longest := string(textOf(x.of(e.Args[0]))), 0
	for i, a := range e.Args[1:] {
		s := string(textOf(x.of(a)))
		longest = max(longest, len(s))
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", s)
	}
	// Before it is made: each brace may stand for the longest argument.
	if x.budget.Bytes(int64(len(text)+strings.Count(text, "{")*longest)) != nil {
		return unset{}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
