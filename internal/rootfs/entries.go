package rootfs

import "maps"

// entries are what a directory holds, by name. A build changes a directory at every step and keeps each state of it, so a
// copy shares the bulk and has what differs to itself: changes holds at most some sqrt(n) names, nil for one that was taken
// away. What n steps put into one directory takes n*sqrt(n) then, and not n*n.
type entries struct {
	base    map[string]*Node // shared once there is a copy; never changed then
	changes map[string]*Node
	count   int
	shared  bool
}

func newEntries(children []Child) entries {
	base := make(map[string]*Node, len(children))
	for _, c := range children {
		base[c.Name] = c.Node
	}
	return entries{base: base, count: len(base)}
}

func (e *entries) get(name string) *Node {
	if len(e.changes) > 0 {
		if n, ok := e.changes[name]; ok {
			return n
		}
	}
	return e.base[name]
}

// set puts an entry, or takes one away if it is nil, and reports whether the names are others now.
func (e *entries) set(name string, n *Node) (changed bool) {
	old := e.get(name)
	if old == nil && n != nil {
		e.count++
	} else if old != nil && n == nil {
		e.count--
	}
	if e.shared {
		if e.changes == nil {
			e.changes = map[string]*Node{}
		}
		e.changes[name] = n
	} else if n != nil {
		e.base[name] = n
	} else {
		delete(e.base, name)
	}
	return (old == nil) != (n == nil)
}

// fewChanges is how many names a copy has to itself whatever the directory's size.
const fewChanges = 16

// copy gives entries that change on their own.
func (e *entries) copy() entries {
	if n := len(e.changes); len(e.base) <= fewChanges || n > fewChanges && n*n > len(e.base) {
		base := make(map[string]*Node, e.count)
		e.each(func(name string, n *Node) { base[name] = n })
		return entries{base: base, count: e.count}
	}
	e.shared = true
	return entries{base: e.base, changes: maps.Clone(e.changes), count: e.count, shared: true}
}

func (e *entries) each(fn func(name string, n *Node)) {
	for name, n := range e.base {
		if _, ok := e.changes[name]; !ok {
			fn(name, n)
		}
	}
	for name, n := range e.changes {
		if n != nil {
			fn(name, n)
		}
	}
}
