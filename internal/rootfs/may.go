package rootfs

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// May says that an operation may have put more into a directory than is known.
type May struct {
	Op int32
	// Below is the path below the directory at or below which it may have done so; "" for all of the directory. Its names may be
	// patterns as path.Match has them, and `**` stands for any directories that are there.
	Below string
}

// Mays are such operations; nil for none. They are not changed once they are made.
type Mays struct {
	list []May
	// unlikely are operations that may have put something anywhere below, though nobody would expect it; sorted.
	unlikely []int32
}

// maxMays bounds the paths of one operation in one directory. Beyond, it may have put anything into all of it.
const maxMays = 64

// maxEntries bounds what is kept of all operations in one directory. Beyond, [AnyOp] may have put anything into all of it.
const maxEntries = 256

// AnyOp stands for every operation, where there are too many to be told apart.
const AnyOp = -2

// MayBe gives Mays of one operation. The paths are those below a directory; none for all of it.
func MayBe(op int32, below ...string) *Mays {
	if len(below) == 0 {
		below = []string{""}
	}
	var list []May
	for _, b := range below {
		list = append(list, May{op, strings.Trim(b, "/")})
	}
	return mays(list)
}

// mays gives a sorted set in which no path lies below another one of the same operation.
func mays(list []May) *Mays {
	if len(list) == 0 {
		return nil
	}
	if slices.ContainsFunc(list, func(m May) bool { return m.Op == AnyOp && m.Below == "" }) {
		return &Mays{list: []May{{Op: AnyOp}}}
	}
	slices.SortFunc(list, func(a, b May) int { return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Below, b.Below)) })
	out := list[:0:0]
	first := 0 // of the operation
	for _, m := range list {
		if len(out) == 0 || out[len(out)-1].Op != m.Op {
			first = len(out)
		}
		if slices.ContainsFunc(out[first:], func(o May) bool { return o.covers(m) }) {
			continue
		}
		if out = append(out, m); len(out)-first > maxMays {
			out = append(out[:first], May{Op: m.Op})
		}
	}
	if len(out) > maxEntries {
		return &Mays{list: []May{{Op: AnyOp}}}
	}
	return &Mays{list: out}
}

// covers reports whether a path adds nothing to another one: it lies below that. Of directories that must be there a pattern tells
// less than a path that makes them.
func (m May) covers(o May) bool {
	return m.Below == o.Below || slices.Contains(after(o.Below, m.Below), "") && (!strings.HasPrefix(m.Below, "**/") || strings.HasPrefix(o.Below, "**/"))
}

// after gives what is left of a pattern behind a relative path: "" if the path is what it means, or lies below that; none if the path
// leads elsewhere.
func after(p, pattern string) []string {
	name, rest, _ := strings.Cut(p, "/")
	first, behind, _ := strings.Cut(pattern, "/")
	switch {
	case pattern == "":
		return []string{""}
	case p == "":
		return []string{pattern}
	case first == "**":
		return append(after(rest, pattern), after(p, behind)...)
	case first == name:
		return after(rest, behind)
	case !strings.ContainsAny(first, `*?[\\`):
		return nil
	}
	if ok, err := path.Match(first, name); ok || err != nil {
		return after(rest, behind)
	}
	return nil
}

// Covers reports whether a path is what an absolute pattern means, or lies below that.
func Covers(pattern, p string) bool {
	return slices.Contains(after(strings.Trim(p, "/"), strings.Trim(pattern, "/")), "")
}

// All gives the operations with their paths, sorted.
func (m *Mays) All() []May {
	if m == nil {
		return nil
	}
	return m.list
}

// Ops gives the operations, sorted, each once; [AnyOp] may be among them.
func (m *Mays) Ops() []int {
	var out []int
	for _, o := range m.All() {
		if len(out) == 0 || out[len(out)-1] != int(o.Op) {
			out = append(out, int(o.Op))
		}
	}
	return out
}

// Join gives the operations of both.
func (m *Mays) Join(o *Mays) *Mays {
	switch {
	case m == nil:
		return o
	case o == nil || m == o:
		return m
	}
	return mays(slices.Concat(m.list, o.list)).with(m.unlikely, o.unlikely)
}

// with adds operations of which it is unlikely.
func (m *Mays) with(unlikely ...[]int32) *Mays {
	all := slices.Concat(unlikely...)
	if len(all) == 0 {
		return m
	}
	if m == nil {
		m = &Mays{}
	}
	slices.Sort(all)
	m.unlikely = slices.Compact(all)
	return m
}

// Same reports whether two sets are equal.
func (m *Mays) Same(o *Mays) bool {
	return m == o || m != nil && o != nil && slices.Equal(m.list, o.list) && slices.Equal(m.unlikely, o.unlikely)
}

// at gives what may lie at or below a path of the directory, by the paths below that.
func (m *Mays) at(p string, to []May) []May {
	for _, o := range m.All() {
		for _, below := range after(p, o.Below) {
			to = append(to, May{o.Op, below})
		}
	}
	return to
}

// has reports whether something may lie at a path of the directory, a directory on the way to something else included.
func (m *Mays) has(p string) bool {
	return m != nil && slices.ContainsFunc(m.list, func(o May) bool {
		return slices.ContainsFunc(after(p, o.Below), func(below string) bool { return !strings.HasPrefix(below, "**/") })
	})
}

// HeldBy gives the operations that may have put something at a path, or below it, though Lstat finds nothing there: those of each
// directory on the way. Links are not followed.
func (t *Tree) HeldBy(p string) *Mays {
	p = absolute(p)
	if t.erased(p) {
		return nil
	}
	n, rest := t.root, p[1:]
	held, unlikely := n.May.at(rest, nil), n.May.could()
	there := true
	for name := range components(p) {
		if n.Kind == KindUnknown {
			break
		}
		c, err := n.Child(name)
		if there = err == nil && c != nil; !there {
			break
		}
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, name), "/")
		n = c
		held, unlikely = n.May.at(rest, held), append(unlikely, n.May.could()...)
	}
	if !there { // nobody searches the directories of what is not there
		held = slices.DeleteFunc(held, func(m May) bool { return strings.HasPrefix(m.Below, "**/") })
	}
	return mays(held).with(unlikely)
}

// MarkUnlikely notes that an operation may put something anywhere, though nobody would expect it: see [Tree.CouldHold].
func (t *Tree) MarkUnlikely(op int32) error {
	return t.SetAttr("/", func(a *Attr) { a.May = a.May.Join(&Mays{unlikely: []int32{op}}) })
}

// CouldHold is [Tree.MayHold] with what is unlikely.
func (t *Tree) CouldHold(p string) bool {
	return t.MayHold(p) || len(t.HeldBy(p).could()) > 0
}

// could gives the operations of which it is unlikely.
func (m *Mays) could() []int32 {
	if m == nil {
		return nil
	}
	return slices.Clip(m.unlikely)
}

// Mark notes that an operation may put something at a path, or below it. Links on the way to it are not followed.
func (t *Tree) Mark(p string, op int32) error {
	p = absolute(p)
	t.mayMake(p)
	dir, below := p, ""
	for {
		n, err := t.Lstat(dir)
		if err == nil && n.IsDir() {
			break
		}
		below = path.Join(path.Base(dir), below)
		dir = path.Dir(dir)
	}
	return t.SetAttr(dir, func(a *Attr) { a.May = a.May.Join(MayBe(op, below)) })
}

// Under gives the same operations, of which it is known that they put things of that name, a pattern, into a directory.
func (m *Mays) Under(name string) *Mays {
	var list []May
	for _, op := range m.Ops() {
		list = append(list, May{Op: int32(op), Below: name})
	}
	return mays(list)
}

// Anywhere gives the same operations, of which nothing is known of the paths.
func (m *Mays) Anywhere() *Mays {
	var list []May
	for _, op := range m.Ops() {
		list = append(list, May{Op: int32(op)})
	}
	return mays(list)
}
