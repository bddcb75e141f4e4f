package tools

import (
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// uvChosen gives what is installed because it is asked for: the packages that are worked on, with the extras and groups that options name.
func (r *reader) uvChosen(p pyProject, lock uvLocks, roots []string) (chosen []uvNeed) {
	o := r.options
	extras, alone := shell.Texts(o.All("--extra")), o.Has("--only-group", "--only-dev")
	own := lock.packages[p.name()]
	if alone || slices.Contains(roots, p.name()) { // else it is another package whose groups count
		for _, group := range r.uvGroups(p, own) {
			chosen = append(chosen, own.groups[group]...)
		}
	}
	if alone {
		return chosen
	}
	without := shell.Texts(o.All("--no-extra"))
	for _, name := range roots {
		n := uvNeed{name: name, extras: extras}
		if o.Has("--all-extras") {
			n.extras = sortedKeys(lock.packages[name].extras)
		}
		n.extras = slices.DeleteFunc(slices.Clone(n.extras), func(extra string) bool { return slices.Contains(without, extra) })
		chosen = append(chosen, n)
	}
	return chosen
}

// uvGroups gives the groups of a project that are installed: those that are by default, and those that options name.
func (r *reader) uvGroups(p pyProject, own uvPackage) (groups []string) {
	o := r.options
	if only := o.All("--only-group"); len(only) > 0 || o.Has("--only-dev") {
		groups = shell.Texts(only)
		if o.Has("--only-dev") {
			groups = append(groups, "dev")
		}
	} else {
		groups = append([]string{}, shell.Texts(o.All("--group"))...)
		defaults := p.doc.Get("tool", "uv", "default-groups")
		switch {
		case o.Has("--all-groups") || defaults.Is() && defaults.Text == "all":
			groups = sortedKeys(own.groups)
		case o.Has("--no-default-groups"):
		case defaults != nil:
			groups = append(groups, p.doc.Texts("tool", "uv", "default-groups")...)
		default:
			groups = append(groups, "dev")
		}
		if r.on("--no-dev", "UV_NO_DEV") {
			groups = slices.DeleteFunc(groups, func(name string) bool { return name == "dev" })
		}
	}
	without := shell.Texts(o.All("--no-group"))
	for i := range groups {
		groups[i] = pyName(groups[i])
	}
	return slices.DeleteFunc(groups, func(name string) bool { return slices.Contains(without, name) })
}
