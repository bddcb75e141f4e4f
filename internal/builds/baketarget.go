package builds

import (
	"cmp"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// bakeTarget is a target as its blocks say, before it inherits.
type bakeTarget struct {
	name string
	at   hcl.Range // of the last block
	// attrs are its attributes, of every block, in the order of the blocks.
	attrs map[string][]*bakeAttr
	// problem says why it could not be read at all.
	problem hcl.Diagnostics
	// composed is the image of a Compose file that it begins with.
	composed *Build
}

// bakeAttr is an attribute, and where the variables of a matrix are that it may name.
type bakeAttr struct {
	expr  hcl.Expression
	local *hcl.EvalContext
}

// targetSchema are the attributes that matter. When a target inherits or is defined again, inherits, args and contexts are
// merged; of the others, the last that is not null counts (Target.Merge of buildx).
var targetSchema = schemaOf("name", "matrix", "inherits", "context", "dockerfile", "dockerfile-inline", "target", "platforms", "call", "args", "contexts")

func schemaOf(names ...string) *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, n := range names {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: n})
	}
	return s
}

// targetSize is what a target counts for in bytes, with the values of a matrix.
const targetSize = 2 << 10

// maxMatrix is how many targets one block may make.
const maxMatrix = 256

// addTarget adds what a block says of a target, or of one for each combination of its matrix.
func (b *bakery) addTarget(block *hcl.Block) {
	b.meter.start()
	label := block.Labels[0]
	names, diags := b.extendTargets(label, block)
	if diags.HasErrors() {
		t := b.target(label)
		t.at, t.problem = block.DefRange, diags
		return
	}
	if len(names) > 1 || len(names) == 1 && names[0] != label {
		b.groups[label] = &bakeGroup{names: names, at: block.DefRange}
	}
}

// extendTargets adds what a block says to the targets that it makes, and gives their names.
func (b *bakery) extendTargets(label string, block *hcl.Block) (names []string, diags hcl.Diagnostics) {
	content, _, diags := block.Body.PartialContent(targetSchema)
	if diags.HasErrors() {
		return nil, diags
	}
	scopes := []*hcl.EvalContext{nil}
	if matrix := content.Attributes["matrix"]; matrix != nil {
		if scopes, diags = b.matrix(matrix); diags.HasErrors() {
			return nil, diags
		}
	}
	for _, local := range scopes {
		name := label
		if a := content.Attributes["name"]; a != nil && local != nil {
			v, diags := b.value(a.Expr, local)
			if diags.HasErrors() {
				return nil, diags
			}
			var known bool
			if name, known = text(v); !known {
				return nil, b.unknown("The name is", a.Expr, a.Range)
			}
		}
		t := b.target(name)
		t.at = block.DefRange
		for key, a := range content.Attributes {
			t.attrs[key] = append(t.attrs[key], &bakeAttr{a.Expr, local})
		}
		names = append(names, name)
	}
	return names, nil
}

// matrix gives a scope for each combination of the values of a matrix.
func (b *bakery) matrix(a *hcl.Attribute) ([]*hcl.EvalContext, hcl.Diagnostics) {
	v, diags := b.value(a.Expr, nil)
	if diags.HasErrors() {
		return nil, diags
	}
	if !v.IsWhollyKnown() {
		return nil, b.unknown("The matrix is", a.Expr, a.Range)
	}
	if v.IsNull() || !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return nil, failure(a.Range, "Invalid matrix", "it must be a map of lists")
	}
	combinations := []map[string]cty.Value{{}}
	axes := v.AsValueMap()
	for _, name := range sortedKeys(axes) {
		if !axes[name].CanIterateElements() {
			return nil, failure(a.Range, "Invalid matrix", name+" must be a list")
		}
		if len(combinations)*axes[name].LengthInt() > maxMatrix {
			return nil, failure(a.Range, "Invalid matrix", fmt.Sprintf("it has more than %d combinations", maxMatrix))
		}
		combinations = multiply(combinations, name, slices.Collect(elementsOf(axes[name])))
	}
	var out []*hcl.EvalContext
	for _, c := range combinations {
		local := b.scope.NewChild()
		local.Variables = c
		out = append(out, local)
	}
	return out, nil
}

// target gives a target to be filled in.
func (b *bakery) target(name string) *bakeTarget {
	t := b.targets[name]
	if t == nil {
		_ = b.meter.whole.Bytes(targetSize) // the next evaluation fails
		t = &bakeTarget{name: name, attrs: map[string][]*bakeAttr{}}
		b.targets[name] = t
		b.order = append(b.order, name)
	}
	return t
}

// addComposed adds a target for the image of a Compose file.
func (b *bakery) addComposed(c Build) {
	b.target(strings.Map(targetRune, c.Name)).composed = &c
}

// addGroup adds a group; another one of its name is replaced.
func (b *bakery) addGroup(block *hcl.Block) {
	b.meter.start()
	content, _, diags := block.Body.PartialContent(schemaOf("targets"))
	g := &bakeGroup{at: block.DefRange}
	if a := content.Attributes["targets"]; a != nil && !diags.HasErrors() {
		var v cty.Value
		if v, diags = b.value(a.Expr, nil); !diags.HasErrors() {
			var known bool
			if g.names, known = texts(v); !known {
				diags = b.unknown("The targets are", a.Expr, a.Range)
			}
		}
	}
	if diags.HasErrors() {
		b.fail(fmt.Sprintf("group %s is not known: ", block.Labels[0]), block.DefRange.Filename, diags)
	}
	b.groups[block.Labels[0]] = g
}

// built gives the targets that are built: those of every group, and those that no other one inherits from.
func (b *bakery) built() []string {
	grouped, inherited := map[string]bool{}, map[string]bool{}
	for _, name := range sortedKeys(b.groups) {
		for _, n := range b.members(name) {
			grouped[n] = true
		}
	}
	for _, name := range b.order {
		b.meter.start()
		for _, a := range b.targets[name].attrs["inherits"] {
			v, _ := b.value(a.expr, a.local)
			names, _ := texts(v)
			for _, n := range names {
				inherited[n] = true
			}
		}
	}
	var out []string
	for _, name := range b.order {
		own := b.targets[name].at.Filename != "" // else Compose alone describes it
		if own && (grouped[name] || !inherited[name]) {
			out = append(out, name)
		}
	}
	return out
}

// builtBy gives those of the targets that are built which a file defines.
func (b *bakery) builtBy(file string) []string {
	return slices.DeleteFunc(b.built(), func(name string) bool { return b.targets[name].at.Filename != file })
}

// members gives the targets of a group, and of the groups in it; the name itself if it is none.
func (b *bakery) members(name string) []string {
	return b.addMembers(nil, name, map[string]bool{})
}

func (b *bakery) addMembers(out []string, name string, seen map[string]bool) []string {
	g := b.groups[name]
	if g == nil {
		return append(out, name)
	}
	if seen[name] || b.meter.whole.Steps(int64(1+len(g.names))) != nil {
		return out
	}
	seen[name] = true
	for _, n := range g.names {
		before := len(out)
		if out = b.addMembers(out, n, seen); len(out) == before {
			out = append(out, n) // a group may hold the target of its own name
		}
	}
	return out
}

// text gives a string; known is false if the value is not known, and null is "".
func text(v cty.Value) (s string, known bool) {
	if !v.IsKnown() {
		return "", false
	}
	if v.IsNull() {
		return "", true
	}
	out, err := convert.Convert(v, cty.String)
	if err != nil || out.IsNull() || !out.IsKnown() {
		return "", false
	}
	return out.AsString(), true
}

// texts gives a list of strings.
func texts(v cty.Value) (list []string, known bool) {
	if !v.IsKnown() {
		return nil, false
	}
	if v.IsNull() {
		return nil, true
	}
	if !v.CanIterateElements() {
		return nil, false
	}
	known = true
	for e := range elementsOf(v) {
		s, ok := text(e)
		if !ok {
			known = false
			continue
		}
		list = append(list, s)
	}
	return list, known
}

// elementsOf gives the elements of a value that has some.
func elementsOf(v cty.Value) iter.Seq[cty.Value] {
	return func(yield func(cty.Value) bool) {
		for it := v.ElementIterator(); it.Next(); {
			if _, e := it.Element(); !yield(e) {
				return
			}
		}
	}
}

// unknown says that something is not known, because of the variables without a value that its expression uses.
func (b *bakery) unknown(what string, expr hcl.Expression, at hcl.Range) hcl.Diagnostics {
	var names []string
	for _, t := range expr.Variables() {
		name := t.RootName()
		if v, ok := b.scope.Variables[name]; ok && name != "target" && !v.IsWhollyKnown() && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	why := "its value is only known when it is built"
	switch len(names) {
	case 0:
	case 1:
		why = "the variable " + names[0] + " has no value here"
	default:
		why = "the variables " + strings.Join(names, " and ") + " have no value here"
	}
	return failure(at, what+" not known", why)
}

// bakeBase decides from which directory the paths of a Bake file count. Bake takes the one in which it is run: mostly that
// of the file, or the root. The one in which more Dockerfiles of the targets exist is taken, the file's own if both do.
func (r *Reader) bakeBase(dir string, list []resolvedTarget) string {
	best, most := dir, -1
	for base := dir; ; base = path.Dir(base) {
		n := 0
		for _, t := range list {
			if t.inline == "" && !remotePath(t.context) && r.Exists(inContext(base, t.context, cmp.Or(t.dockerfile, "Dockerfile"))) {
				n++
			}
		}
		if n > most {
			best, most = base, n
		}
		if base == "." || base == "/" {
			return best
		}
	}
}
