package builds

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decide replaces the conditions of an expression that ask for a variable which nobody sets, as in
// `FILE != "" ? FILE : "Dockerfile"`, by the branch that Bake takes: there such a variable is "", or null if it has a type.
// In a text it stays unknown, for there somebody must set it.
func (b *bakery) decide(e *metered, local *hcl.EvalContext) hclsyntax.Expression {
	for _, t := range e.variables {
		if v, ok := b.scope.Variables[t.RootName()]; ok && b.isUnset(t.RootName(), v) {
			return b.meter.wrap(b.branch(e.native, local))
		}
	}
	return e.wrapped
}

// isUnset reports whether a name is that of a variable which has no value from anywhere.
func (b *bakery) isUnset(name string, v cty.Value) bool {
	_, given := b.given[name]
	return b.variables[name] != nil && !given && !v.IsKnown()
}

// branch makes a copy of an expression with its conditions decided.
func (b *bakery) branch(expr hclsyntax.Expression, local *hcl.EvalContext) hclsyntax.Expression {
	if b.meter.budget.Steps(1) != nil {
		return expr // nothing is evaluated any more
	}
	all := func(list []hclsyntax.Expression) []hclsyntax.Expression {
		out := make([]hclsyntax.Expression, len(list))
		for i, e := range list {
			out[i] = b.branch(e, local)
		}
		return out
	}
	switch e := expr.(type) {
	case *hclsyntax.ConditionalExpr:
		switch yes, known := b.condition(e.Condition, local); {
		case known && yes:
			return b.branch(e.TrueResult, local)
		case known:
			return b.branch(e.FalseResult, local)
		}
	case *hclsyntax.ParenthesesExpr:
		return b.branch(e.Expression, local)
	case *hclsyntax.TemplateWrapExpr:
		return &hclsyntax.TemplateWrapExpr{Wrapped: b.branch(e.Wrapped, local), SrcRange: e.SrcRange}
	case *hclsyntax.TemplateExpr:
		return &hclsyntax.TemplateExpr{Parts: all(e.Parts), SrcRange: e.SrcRange}
	case *hclsyntax.TupleConsExpr:
		return &hclsyntax.TupleConsExpr{Exprs: all(e.Exprs), SrcRange: e.SrcRange, OpenRange: e.OpenRange}
	case *hclsyntax.FunctionCallExpr:
		c := *e
		c.Args = all(e.Args)
		return &c
	case *hclsyntax.ObjectConsExpr:
		c := *e
		c.Items = make([]hclsyntax.ObjectConsItem, len(e.Items))
		for i, item := range e.Items {
			c.Items[i] = hclsyntax.ObjectConsItem{KeyExpr: item.KeyExpr, ValueExpr: b.branch(item.ValueExpr, local)}
		}
		return &c
	}
	return expr
}

// condition evaluates a condition as Bake does, where a variable that nobody sets is empty.
func (b *bakery) condition(expr hclsyntax.Expression, local *hcl.EvalContext) (yes, known bool) {
	scope := local.NewChild()
	scope.Variables = map[string]cty.Value{}
	e := b.meter.of(expr)
	for _, t := range e.variables {
		v, ok := b.scope.Variables[t.RootName()]
		switch {
		case !ok || !b.isUnset(t.RootName(), v):
		case v.Type() == cty.DynamicPseudoType:
			scope.Variables[t.RootName()] = cty.StringVal("")
		default:
			scope.Variables[t.RootName()] = cty.NullVal(v.Type())
		}
	}
	v, diags := e.wrapped.Value(scope)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool {
		return false, false
	}
	return v.True(), true
}
