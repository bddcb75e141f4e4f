package builds

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/containerd/platforms"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// Values are evaluated when something asks for them, as in Bake, where the order in which things stand in files does not
// matter. A variable without a default is unknown: whoever builds must give it, and what depends on it is unknown, too.
// The environment is not asked, so that two people get the same.

// localPlatform is the platform for which images are built here.
var localPlatform = platforms.Format(platforms.Normalize(platforms.Platform{OS: "linux", Architecture: runtime.GOARCH}))

func newBakery(m *meter) *bakery {
	b := &bakery{
		meter: m, attrs: map[string]*hcl.Attribute{}, variables: map[string]*hcl.Block{}, functions: map[string]*hcl.Block{},
		busy: map[string]bool{}, groups: map[string]*bakeGroup{}, targets: map[string]*bakeTarget{}, referred: map[string]map[string]cty.Value{},
		given: map[string]word{},
		scope: &hcl.EvalContext{
			Functions: m.functions(),
			Variables: map[string]cty.Value{
				"BAKE_CMD_CONTEXT": cty.StringVal("cwd://."), "BAKE_LOCAL_PLATFORM": cty.StringVal(localPlatform),
			},
		},
	}
	m.unset = b.isUnset
	return b
}

// value evaluates an expression. local is where the variables of a matrix are, nil if there are none.
func (b *bakery) value(expr hcl.Expression, local *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if local == nil {
		local = b.scope
	}
	leave, err := b.meter.budget.Enter()
	defer leave()
	e := b.meter.of(expr)
	if err == nil {
		err = b.meter.budget.Steps(int64(len(e.variables)))
	}
	switch {
	case err != nil:
		return cty.DynamicVal, b.meter.exceeded(expr.Range(), err)
	case e.problem.HasErrors():
		return cty.DynamicVal, e.problem
	}
	if diags := b.resolveAll(e.variables, local.Variables); diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	v, diags := e.wrapped.Value(local)
	if err := b.meter.charge(v); err != nil {
		return cty.DynamicVal, b.meter.exceeded(expr.Range(), err)
	}
	return v, diags
}

// resolveAll makes what an expression names known to it, but for names that are bound already. A name that nobody defines is
// left to the evaluation, which may not come by it.
func (b *bakery) resolveAll(variables []hcl.Traversal, bound map[string]cty.Value) hcl.Diagnostics {
	for _, t := range variables {
		name := t.RootName()
		if name == "target" {
			if diags := b.refer(t); diags.HasErrors() {
				return diags
			}
			continue
		}
		if _, ok := bound[name]; ok {
			continue
		}
		if diags := b.resolve(name); diags.HasErrors() {
			return diags
		}
	}
	return nil
}

// resolve evaluates a variable or an attribute of the top level.
func (b *bakery) resolve(name string) hcl.Diagnostics {
	if _, ok := b.scope.Variables[name]; ok {
		return nil
	}
	attr, block := b.attrs[name], b.variables[name]
	if attr == nil && block == nil {
		return nil
	}
	at := func() hcl.Range {
		if attr != nil {
			return attr.Range
		}
		return block.DefRange
	}
	if b.busy[name] {
		return failure(at(), "Cycle", fmt.Sprintf("the value of %s depends on itself", name))
	}
	b.busy[name] = true
	defer delete(b.busy, name)
	var v cty.Value
	var diags hcl.Diagnostics
	if attr != nil {
		v, diags = b.value(attr.Expr, nil)
	} else {
		v, diags = b.variable(block)
	}
	if diags.HasErrors() {
		return diags
	}
	b.scope.Variables[name] = v
	return nil
}

var variableSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "default"}, {Name: "type"}}}

// variable evaluates the default of a variable.
func (b *bakery) variable(block *hcl.Block) (cty.Value, hcl.Diagnostics) {
	content, _, diags := block.Body.PartialContent(variableSchema)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	typ := cty.DynamicPseudoType
	if a := content.Attributes["type"]; a != nil {
		if typ, diags = typeexpr.TypeConstraint(a.Expr); diags.HasErrors() {
			return cty.DynamicVal, diags
		}
	}
	a := content.Attributes["default"]
	w, given := b.given[block.Labels[0]]
	if a == nil && !given || given && !w.known() {
		return cty.UnknownVal(typ), nil
	}
	if a == nil {
		return fromOutside(w, typ), nil
	}
	v, diags := b.value(a.Expr, nil)
	if diags.HasErrors() {
		return v, diags
	}
	out, err := convert.Convert(v, typ)
	if err != nil {
		return v, failure(a.Range, "Invalid default", err.Error())
	}
	if given {
		return fromOutside(w, out.Type()), nil
	}
	return out, nil
}

// fromOutside gives the value of a variable that the environment sets.
func fromOutside(w word, typ cty.Type) cty.Value {
	if typ == cty.DynamicPseudoType {
		typ = cty.String
	}
	v, err := convert.Convert(cty.StringVal(string(w)), typ)
	if err != nil {
		return cty.UnknownVal(typ)
	}
	return v
}

// refer evaluates what target.NAME.ATTRIBUTE names.
func (b *bakery) refer(t hcl.Traversal) hcl.Diagnostics {
	if len(t) < 3 {
		return nil
	}
	name, ok := stepName(t[1])
	if !ok {
		return nil
	}
	attribute, ok := stepName(t[2])
	target := b.targets[name]
	if !ok || target == nil {
		return nil
	}
	key := "target." + name + "." + attribute
	if b.busy[key] {
		return failure(t.SourceRange(), "Cycle", key+" depends on itself")
	}
	if _, ok := b.referred[name][attribute]; ok {
		return nil
	}
	b.busy[key] = true
	defer delete(b.busy, key)
	v := cty.NullVal(cty.DynamicPseudoType)
	if list := target.attrs[attribute]; len(list) > 0 {
		var diags hcl.Diagnostics
		if v, diags = b.value(list[len(list)-1].expr, list[len(list)-1].local); diags.HasErrors() {
			return diags
		}
	}
	if b.referred[name] == nil {
		b.referred[name] = map[string]cty.Value{}
	}
	b.referred[name][attribute] = v
	all := map[string]cty.Value{}
	for n, attributes := range b.referred {
		all[n] = cty.ObjectVal(attributes)
	}
	b.scope.Variables["target"] = cty.ObjectVal(all)
	return nil
}

func stepName(t hcl.Traverser) (string, bool) {
	switch t := t.(type) {
	case hcl.TraverseAttr:
		return t.Name, true
	case hcl.TraverseIndex:
		if t.Key.Type() == cty.String && t.Key.IsKnown() && !t.Key.IsNull() {
			return t.Key.AsString(), true
		}
	}
	return "", false
}

var functionSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "params", Required: true}, {Name: "variadic_params"}, {Name: "result", Required: true},
}}

// defineFunctions makes the functions of the files known. One that is defined wrongly fails when it is called, at its
// own place.
func (b *bakery) defineFunctions() {
	for _, name := range sortedKeys(b.functions) {
		if _, ok := bakeFunctions[name]; !ok {
			b.scope.Functions[name] = b.meter.function(name, b.function(b.functions[name]))
		}
	}
}

func (b *bakery) function(block *hcl.Block) function.Function {
	broken := func(diags hcl.Diagnostics) function.Function {
		return function.New(&function.Spec{
			VarParam: &function.Parameter{Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
			Type:     func([]cty.Value) (cty.Type, error) { return cty.DynamicPseudoType, diags },
		})
	}
	content, diags := block.Body.Content(functionSchema)
	if diags.HasErrors() {
		return broken(diags)
	}
	exprs, diags := hcl.ExprList(content.Attributes["params"].Expr)
	if diags.HasErrors() {
		return broken(diags)
	}
	spec := &function.Spec{Type: function.StaticReturnType(cty.DynamicPseudoType)}
	var params []string
	for _, e := range exprs {
		params = append(params, hcl.ExprAsKeyword(e))
		spec.Params = append(spec.Params, parameter(params[len(params)-1]))
	}
	variadic := ""
	if a := content.Attributes["variadic_params"]; a != nil {
		variadic = hcl.ExprAsKeyword(a.Expr)
		p := parameter(variadic)
		spec.VarParam = &p
	}
	result := content.Attributes["result"].Expr
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		local := b.scope.NewChild()
		local.Variables = map[string]cty.Value{}
		for i, name := range params {
			local.Variables[name] = args[i]
		}
		if variadic != "" {
			local.Variables[variadic] = cty.TupleVal(args[len(params):])
		}
		v, diags := b.value(result, local)
		if diags.HasErrors() {
			return cty.DynamicVal, errors.New(noteOf(diags).Text)
		}
		return v, nil
	}
	return function.New(spec)
}

func parameter(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}
}

func failure(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
}
