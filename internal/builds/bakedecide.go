package builds

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// decided is a condition that may ask for a variable which nobody sets, as in `FILE != "" ? FILE : "Dockerfile"`. It takes the
// branch that Bake takes: there such a variable is "", or null if it has a type. In a text it stays unknown, for there somebody
// must set it.
type decided struct {
	*hclsyntax.ConditionalExpr
	m *meter
}

// Value implements hcl.Expression.
func (d *decided) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	scope := ctx.NewChild()
	scope.Variables = map[string]cty.Value{}
	for _, t := range d.Condition.Variables() {
		v, ok := valueIn(ctx, t.RootName())
		switch {
		case !ok || !d.m.unset(t.RootName(), v):
		case v.Type() == cty.DynamicPseudoType:
			scope.Variables[t.RootName()] = cty.StringVal("")
		default:
			scope.Variables[t.RootName()] = cty.NullVal(v.Type())
		}
	}
	if len(scope.Variables) > 0 {
		if v, diags := d.Condition.Value(scope); !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.Bool {
			if v.True() {
				return d.TrueResult.Value(ctx)
			}
			return d.FalseResult.Value(ctx)
		}
	}
	return d.ConditionalExpr.Value(ctx)
}

// valueIn gives the value that a name has in a scope.
func valueIn(ctx *hcl.EvalContext, name string) (cty.Value, bool) {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[name]; ok {
			return v, true
		}
	}
	return cty.NilVal, false
}

// isUnset reports whether a name is that of a variable which has no value from anywhere.
func (b *bakery) isUnset(name string, v cty.Value) bool {
	_, given := b.given[name]
	return b.variables[name] != nil && !given && !v.IsKnown()
}
