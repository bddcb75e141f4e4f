package rootfs

import "strings"

// Compare walks through what two directories hold, in the order of names: fn is handed what each has at a path, nil for nothing.
// Where it says so, directories are entered, also those that stand against nothing or against what is no directory.
func Compare(prefix string, x, y *Node, fn func(p string, x, y *Node) (enter bool, err error)) error {
	was, err := glance(x)
	if err != nil {
		return err
	}
	now, err := glance(y)
	if err != nil {
		return err
	}
	for len(was)+len(now) > 0 {
		order := 0
		switch {
		case len(was) == 0:
			order = 1
		case len(now) == 0:
			order = -1
		default:
			order = strings.Compare(was[0].Name, now[0].Name)
		}
		var a, b *Node
		var name string
		if order <= 0 {
			name, a, was = was[0].Name, was[0].Node, was[1:]
		}
		if order >= 0 {
			name, b, now = now[0].Name, now[0].Node, now[1:]
		}
		p := prefix + "/" + name
		enter, err := fn(p, a, b)
		if err == nil && enter {
			err = Compare(p, a, b, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// glance gives what is in a directory; nothing of what is none.
func glance(n *Node) ([]Child, error) {
	if n == nil {
		return nil, nil
	}
	return n.Glance()
}
