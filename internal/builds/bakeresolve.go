package builds

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// resolvedTarget is a target with all that it inherits.
type resolvedTarget struct {
	name                                string
	at                                  hcl.Range
	context, dockerfile, inline, target string
	platforms                           []string
	call                                string
	args, contexts                      map[string]string
	// rooted tells that context and dockerfile are relative to the root: they come from a Compose file.
	rooted bool
}

// effective are the attributes of a target after it inherited, in the order in which they count.
type effective struct {
	attrs map[string][]*bakeAttr
	// composed is the Compose image that counts where no attribute does.
	composed *Build
}

// merge adds what another target has. Targets that inherit each from the one before, twice, double it each time.
func (e *effective) merge(o *effective, m *meter) error {
	for k, list := range o.attrs {
		if err := m.budget.Steps(int64(len(e.attrs[k]) + len(list))); err != nil {
			return err
		}
		e.attrs[k] = append(slices.Clone(e.attrs[k]), list...)
	}
	if o.composed != nil {
		e.composed = o.composed
	}
	return nil
}

// inherit gives the attributes of a target: of those that it inherits from, in order, then its own. A target that inherits
// from itself through others ends there, as in Bake. seen holds those that are done, nil while they are not.
func (b *bakery) inherit(name string, seen map[string]*effective) (*effective, hcl.Diagnostics) {
	if e, ok := seen[name]; ok {
		return e, nil
	}
	seen[name] = nil
	t := b.targets[name]
	leave, err := b.meter.budget.Enter()
	defer leave()
	if err != nil {
		return nil, b.meter.exceeded(t.at, err)
	}
	if t.problem.HasErrors() {
		return nil, t.problem
	}
	out := &effective{attrs: map[string][]*bakeAttr{}}
	for _, a := range t.attrs["inherits"] {
		v, diags := b.value(a.expr, a.local)
		if diags.HasErrors() {
			return nil, diags
		}
		names, known := texts(v)
		if !known {
			return nil, b.unknown("What it inherits is", a.expr, a.expr.Range())
		}
		for _, parent := range names {
			if b.targets[parent] == nil {
				return nil, failure(a.expr.Range(), "Unknown target", fmt.Sprintf("there is no target %q to inherit from", parent))
			}
			e, diags := b.inherit(parent, seen)
			if diags.HasErrors() {
				return nil, diags
			}
			if e == nil {
				continue
			}
			if err := out.merge(e, b.meter); err != nil {
				return nil, b.meter.exceeded(t.at, err)
			}
		}
	}
	if err := out.merge(&effective{t.attrs, t.composed}, b.meter); err != nil {
		return nil, b.meter.exceeded(t.at, err)
	}
	seen[name] = out
	return out, nil
}

// resolveTarget evaluates a target.
func (b *bakery) resolveTarget(name string) (resolvedTarget, hcl.Diagnostics) {
	out := resolvedTarget{name: name, at: b.targets[name].at, args: map[string]string{}, contexts: map[string]string{}}
	e, diags := b.inherit(name, map[string]*effective{})
	if diags.HasErrors() {
		return out, diags
	}
	if c := e.composed; c != nil {
		out.context, out.dockerfile, out.inline, out.target, out.rooted = c.Context, c.Dockerfile, c.Inline, c.Target, true
		maps.Copy(out.args, c.Args)
		maps.Copy(out.contexts, c.Contexts)
		if c.Platform != "" {
			out.platforms = []string{c.Platform}
		}
		if len(e.attrs["context"])+len(e.attrs["dockerfile"]) > 0 {
			// Bake knows the Dockerfile of a service by its path in the context.
			if rel, ok := strings.CutPrefix(out.dockerfile, strings.TrimPrefix(out.context+"/", "./")); ok {
				out.dockerfile = rel
			}
			out.rooted = false
		}
	}
	for key, to := range map[string]*string{
		"context": &out.context, "dockerfile": &out.dockerfile, "dockerfile-inline": &out.inline, "target": &out.target, "call": &out.call,
	} {
		v, a, diags := b.last(e.attrs[key])
		if diags.HasErrors() {
			return out, diags
		}
		s, known := text(v)
		if !known {
			return out, b.unknown("The "+key+" is", a.expr, a.expr.Range())
		}
		if !v.IsNull() {
			*to = s
		}
	}
	v, _, diags := b.last(e.attrs["platforms"])
	if diags.HasErrors() {
		return out, diags
	}
	if !v.IsNull() {
		out.platforms, _ = texts(v)
	}
	for _, a := range e.attrs["args"] {
		if diags := b.arguments(a, out.args); diags.HasErrors() {
			return out, diags
		}
	}
	for _, a := range e.attrs["contexts"] {
		v, diags := b.value(a.expr, a.local)
		if diags.HasErrors() {
			return out, diags
		}
		if !v.IsWhollyKnown() || !v.IsNull() && !v.CanIterateElements() {
			return out, b.unknown("A context is", a.expr, a.expr.Range())
		}
		if !v.IsNull() {
			for k, v := range v.AsValueMap() {
				out.contexts[k], _ = text(v)
			}
		}
	}
	maps.DeleteFunc(out.contexts, func(_, v string) bool { return v == "" })
	return out, nil
}

// last gives the value of the last attribute of a list that is not null, and which it is; null if there is none.
func (b *bakery) last(list []*bakeAttr) (cty.Value, *bakeAttr, hcl.Diagnostics) {
	for _, a := range slices.Backward(list) {
		v, diags := b.value(a.expr, a.local)
		if diags.HasErrors() || !v.IsKnown() || !v.IsNull() {
			return v, a, diags
		}
	}
	return cty.NullVal(cty.DynamicPseudoType), nil, nil
}

// arguments adds build arguments. One without a value, or that a variable without one makes empty, is as if it had not been
// given: who builds gives it, and an empty value would only make a build fail that does not.
func (b *bakery) arguments(a *bakeAttr, to map[string]string) hcl.Diagnostics {
	v, diags := b.value(a.expr, a.local)
	if diags.HasErrors() {
		return diags
	}
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	literal := map[string]bool{} // no variable stands in their values
	if pairs, diags := hcl.ExprMap(a.expr); !diags.HasErrors() {
		for _, kv := range pairs {
			if k, diags := b.value(kv.Key, a.local); !diags.HasErrors() && len(kv.Value.Variables()) == 0 {
				name, _ := text(k)
				literal[name] = true
			}
		}
	}
	for name, value := range v.AsValueMap() {
		s, known := text(value)
		switch {
		case value.IsNull():
		case !known, s == "" && !literal[name]:
			delete(to, name)
		default:
			to[name] = s
		}
	}
	return nil
}

// resolveTargets evaluates targets that are images; one that cannot be leaves a note.
func (b *bakery) resolveTargets(names []string) []resolvedTarget {
	var list []resolvedTarget
	failed := map[Note][]string{}
	var over *Note
	for _, name := range names {
		b.meter.start()
		t, diags := b.resolveTarget(name)
		if diags.HasErrors() && b.settled[[2]string{t.at.Filename, name}] {
			continue
		}
		if diags.HasErrors() {
			n := noteOf(diags)
			if err := b.meter.whole.Err(); err != nil {
				// One notice for all that are left.
				if over == nil {
					over = &Note{File: n.File, Line: n.Line, Text: "Too much: " + err.Error()}
				}
				n = *over
			}
			n.File = cmp.Or(n.File, t.at.Filename)
			failed[n] = append(failed[n], name)
			continue
		}
		if t.call == "" || t.call == "build" || t.call == "check" {
			list = append(list, t)
		}
	}
	for n, names := range failed {
		n.Text = fmt.Sprintf("%s not audited: %s", named(names), n.Text)
		b.note(n)
	}
	slices.SortFunc(b.notes, compareNotes)
	return list
}

// builds gives the images of targets. dir is where the files lie.
func (b *bakery) builds(r *Reader, names []string, dir string) (found []Build, notes []Note) {
	list := b.resolveTargets(names)
	base := r.bakeBase(dir, list)
	for _, t := range list {
		found = append(found, t.build(base))
	}
	return found, b.notes
}

// named joins names to the beginning of a sentence.
func named(names []string) string {
	const shown = 3
	switch n := len(names); {
	case n == 1:
		return names[0] + " is"
	case n <= shown:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " are"
	default:
		return fmt.Sprintf("%s and %d more are", strings.Join(names[:shown], ", "), n-shown)
	}
}

// build gives the image of a target. base is the directory from which paths count.
func (t resolvedTarget) build(base string) Build {
	out := Build{
		Name: t.name, Kind: "bake", File: t.at.Filename, Line: t.at.Start.Line,
		Context: under(base, cmp.Or(t.context, ".")), Inline: t.inline, Target: t.target, Args: t.args, Contexts: t.contexts,
	}
	if t.rooted {
		out.Context, out.Dockerfile = t.context, t.dockerfile
	} else if t.inline == "" && t.dockerfile != "" && !remotePath(t.context) {
		out.Dockerfile = inContext(base, t.context, t.dockerfile)
	}
	out.Platform = platform(t.platforms)
	for k, v := range out.Contexts {
		if !strings.HasPrefix(v, "target:") && !t.rooted {
			out.Contexts[k] = under(base, v)
		}
	}
	return out
}

// platform chooses one of the platforms for which an image is built: Linux where it is among them, and the commonest.
func platform(list []string) string {
	for _, prefix := range []string{"linux/amd64", "linux/arm64", "linux/", ""} {
		for _, p := range list {
			if p = strings.TrimSpace(p); strings.HasPrefix(p, prefix) && p != "" && word(p).known() {
				return p
			}
		}
	}
	return ""
}

// inContext gives the path of a Dockerfile that is named relative to its context.
func inContext(base, context, dockerfile string) string {
	if local, ok := strings.CutPrefix(dockerfile, "cwd://"); ok {
		return under(base, local)
	}
	return under(under(base, cmp.Or(context, ".")), dockerfile)
}

// under gives a path relative to the root that is named relative to a directory. What is no path stays as it is.
func under(dir, name string) string {
	name = strings.TrimPrefix(name, "cwd://")
	if remotePath(name) || path.IsAbs(name) {
		return name
	}
	return path.Join(dir, name)
}

// remotePath reports whether a context is no directory of this machine.
func remotePath(name string) bool {
	if strings.HasPrefix(name, "cwd://") {
		return false
	}
	return name == "-" || strings.Contains(name, "://") || strings.HasPrefix(name, "git@") || strings.HasPrefix(name, "github.com/") ||
		strings.HasPrefix(name, "docker-image:")
}
