package rootfs

import (
	"errors"
	"io/fs"
)

// List is [Tree.Walk] for large trees. Its order is that of whole paths, so that "/a-b" comes before "/a/b" and nothing needs
// sorting, and it remembers no more than [Tree.Scan] does. fn may return fs.SkipAll, and not fs.SkipDir.
func (t *Tree) List(fn func(p string, n *Node) error) error {
	err := listNode("", t.root, fn)
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

func listNode(prefix string, n *Node, fn func(p string, n *Node) error) error {
	children, err := n.Glance()
	if err != nil {
		return err
	}
	// What lies in "a" comes where "a/" would stand among the names: open are the directories that were handed over and
	// not gone into yet, each a prefix of the next one's name.
	var open []Child
	enter := func() error {
		last := open[len(open)-1]
		open = open[:len(open)-1]
		return listNode(prefix+"/"+last.Name, last.Node, fn)
	}
	for i := range children {
		c := children[i]
		for len(open) > 0 && !staysOpen(open[len(open)-1].Name, c.Name) {
			if err := enter(); err != nil {
				return err
			}
		}
		if err := fn(prefix+"/"+c.Name, c.Node); err != nil {
			return err
		}
		if c.Node.IsDir() {
			open = append(open, c)
		} else {
			// A large directory need not keep what is done with.
			children[i].Node = nil
		}
	}
	for len(open) > 0 {
		if err := enter(); err != nil {
			return err
		}
	}
	return nil
}

// staysOpen reports whether a name comes before what lies in a directory of a smaller name.
func staysOpen(dir, name string) bool {
	return len(name) > len(dir) && name[:len(dir)] == dir && name[len(dir)] < '/'
}
