package builds

import (
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// Bake files are programs: they have functions, and expressions that run over lists. A meter counts in a budget what their
// evaluation does: HCL evaluates an expression by evaluating its parts, and each part is wrapped in one that counts itself and
// the size of its value. So every operation counts what it is given and what it makes, and nothing runs on once the budget is
// used up.

// What the Bake files that are read together may cost, and a target, or another part of them that is evaluated by itself. A
// step is the evaluation of an expression, or an element of its value.
var (
	bakeLimits   = budget.Limits{Steps: 2_000_000, Bytes: 128 << 20}
	targetLimits = budget.Limits{Steps: 500_000, Bytes: 32 << 20, Depth: 100}
)

// elementSize is what an element of a value counts for in bytes, besides its text.
const elementSize = 16

// maxExponent bounds the binary exponent of a number, which decides how long it is when it is written out.
const maxExponent = 4096

// meter counts the evaluation of the expressions of some files.
type meter struct {
	whole  *budget.Budget
	budget *budget.Budget // for what is being evaluated by itself
	// failed is what the evaluation ended with, nil while it has not.
	failed *hcl.Diagnostic
	known  map[hcl.Expression]*metered
	// unset reports whether a name with a value is that of a variable which has none from anywhere.
	unset func(name string, v cty.Value) bool
}

// metered is an expression as it is evaluated.
type metered struct {
	variables []hcl.Traversal
	wrapped   hclsyntax.Expression
	problem   hcl.Diagnostics
}

func newMeter(b *budget.Budget) *meter {
	return &meter{whole: b, budget: b, known: map[hcl.Expression]*metered{}}
}

// start begins with something that is evaluated by itself. What ended the one before does not end it.
func (m *meter) start() { m.budget, m.failed = m.whole.Part(targetLimits), nil }

// of gives an expression as it is evaluated. The strings of a JSON file are templates.
func (m *meter) of(expr hcl.Expression) *metered {
	e := m.known[expr]
	if e == nil {
		e = &metered{}
		var plain hclsyntax.Expression
		if plain, e.problem = native(expr); !e.problem.HasErrors() {
			e.variables = plain.Variables()
			e.wrapped = m.wrap(plain)
		}
		m.known[expr] = e
	}
	return e
}

// exceeded gives the diagnostics of an evaluation that a limit ended: always the first ones.
func (m *meter) exceeded(at hcl.Range, err error) hcl.Diagnostics {
	if m.failed == nil {
		m.failed = failure(at, "Too much", err.Error())[0]
	}
	return hcl.Diagnostics{m.failed}
}

// native gives an expression of a JSON file as one of the native syntax, which has parts that can be counted.
func native(expr hcl.Expression) (hclsyntax.Expression, hcl.Diagnostics) {
	if e, ok := expr.(hclsyntax.Expression); ok {
		return e, nil
	}
	at := expr.Range()
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		out := &hclsyntax.ObjectConsExpr{SrcRange: at, OpenRange: at}
		for _, kv := range pairs {
			key, diags := native(kv.Key)
			if diags.HasErrors() {
				return nil, diags
			}
			value, diags := native(kv.Value)
			if diags.HasErrors() {
				return nil, diags
			}
			out.Items = append(out.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: value})
		}
		return out, nil
	}
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		out := &hclsyntax.TupleConsExpr{SrcRange: at, OpenRange: at}
		for _, e := range list {
			element, diags := native(e)
			if diags.HasErrors() {
				return nil, diags
			}
			out.Exprs = append(out.Exprs, element)
		}
		return out, nil
	}
	v, diags := expr.Value(nil) // without a scope, the text itself
	if diags.HasErrors() {
		return nil, diags
	}
	if v.Type() != cty.String || v.IsNull() {
		if err := ordinary(v); err != nil {
			return nil, failure(at, "Too much", err.Error())
		}
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}, nil
	}
	start := hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1, Byte: at.Start.Byte + 1} // after the quotation mark
	text := []byte(v.AsString())
	tokens, _ := hclsyntax.LexTemplate(text, at.Filename, start)
	if at, err := shallowTokens(tokens); err != nil {
		return nil, failure(at, "Too much", err.Error())
	}
	return hclsyntax.ParseTemplate(text, at.Filename, start)
}

// counted is an expression that counts itself. It walks like one in parentheses, so that the variables in it are found.
type counted struct {
	*hclsyntax.ParenthesesExpr
	m *meter
}

// Value implements hcl.Expression.
func (c *counted) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if err := c.m.budget.Steps(1); err != nil {
		return cty.DynamicVal, c.m.exceeded(c.SrcRange, err)
	}
	v, diags := c.Expression.Value(ctx)
	if err := c.m.charge(v); err != nil {
		return cty.DynamicVal, c.m.exceeded(c.SrcRange, err)
	}
	return v, diags
}

// UnwrapExpression lets package hcl see what stands there, where it does not evaluate it.
func (c *counted) UnwrapExpression() hcl.Expression { return c.Expression }

// wrap gives a copy of an expression whose parts are all counted, and itself.
func (m *meter) wrap(expr hclsyntax.Expression) hclsyntax.Expression {
	key := false
	switch e := expr.(type) {
	case nil, *hclsyntax.LiteralValueExpr, *hclsyntax.AnonSymbolExpr, *counted:
		return expr
	case *hclsyntax.ObjectConsKeyExpr:
		if hcl.ExprAsKeyword(e.Wrapped) != "" && !e.ForceNonLiteral {
			return e
		}
		key = true
	}
	// Whatever kind of expression it is: what has the type of one is a part.
	c := reflect.New(reflect.TypeOf(expr).Elem()).Elem()
	c.Set(reflect.ValueOf(expr).Elem())
	for i := range c.NumField() {
		if !c.Type().Field(i).IsExported() {
			continue
		}
		switch part := c.Field(i).Addr().Interface().(type) {
		case *hclsyntax.Expression:
			*part = m.wrap(*part)
		case *[]hclsyntax.Expression:
			*part = slices.Clone(*part)
			for i, e := range *part {
				(*part)[i] = m.wrap(e)
			}
		case *[]hclsyntax.ObjectConsItem:
			*part = slices.Clone(*part)
			for i, item := range *part {
				(*part)[i] = hclsyntax.ObjectConsItem{KeyExpr: m.wrap(item.KeyExpr), ValueExpr: m.wrap(item.ValueExpr)}
			}
		}
	}
	whole := c.Addr().Interface().(hclsyntax.Expression)
	if key {
		return whole // counted with what it wraps
	}
	if e, ok := whole.(*hclsyntax.ConditionalExpr); ok {
		whole = &decided{e, m}
	}
	return &counted{&hclsyntax.ParenthesesExpr{Expression: whole, SrcRange: expr.Range()}, m}
}

// charge counts a value.
func (m *meter) charge(v cty.Value) error {
	if err := m.budget.Steps(1); err != nil {
		return err
	}
	bytes := int64(elementSize)
	t := v.Type()
	if t == cty.String && v.IsKnown() && !v.IsNull() {
		bytes += int64(len(v.AsString()))
	}
	if err := m.budget.Bytes(bytes); err != nil {
		return err
	}
	if err := ordinary(v); err != nil {
		return err
	}
	if v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		if key.Type() == cty.String {
			if err := m.budget.Bytes(int64(len(key.AsString()))); err != nil {
				return err
			}
		}
		if err := m.charge(e); err != nil {
			return err
		}
	}
	return nil
}

// ordinary fails for a number that would be thousands of digits long.
func ordinary(v cty.Value) error {
	if v.Type() == cty.Number && v.IsKnown() && !v.IsNull() {
		if e := v.AsBigFloat().MantExp(nil); e > maxExponent || e < -maxExponent {
			return &budget.Exceeded{Kind: "bytes", Limit: maxExponent}
		}
	}
	return nil
}

// function makes a function count its arguments and its result, and what it may make of them before it does.
func (m *meter) function(name string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, a := range args {
				if err := m.charge(a); err != nil {
					return cty.DynamicPseudoType, err
				}
			}
			if err := m.grows(name, args); err != nil {
				return cty.DynamicPseudoType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err != nil {
				return v, err
			}
			return v, m.charge(v)
		},
	})
}

// functions gives the functions of Bake, metered.
func (m *meter) functions() map[string]function.Function {
	out := map[string]function.Function{}
	for name, f := range bakeFunctions {
		if slices.Contains(lazy, name) {
			out[name] = f
		} else {
			out[name] = m.function(name, f)
		}
	}
	return out
}

// lazy are the functions that take expressions and evaluate them by themselves, which counts them.
var lazy = []string{"can", "convert", "try"}
