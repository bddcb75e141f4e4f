package simulate

import (
	"fmt"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// owner resolves the owner that an action asks for; nil if it asks for none. trees gives the inputs of the operation.
//
// A name is looked up in the tree that the action changes (readUser in solver/llbsolver/ops/user_linux.go): a name that
// is not there is root, without a word. Only where there is no tree at all, at the first operation on scratch, it
// fails. Where the tree may hold more than is known the owner stays a name.
func resolveOwner(asked *dockerfile.Owner, tree func(input int) *rootfs.Tree) (*rootfs.Owner, error) {
	if asked == nil {
		return nil, nil
	}
	var o rootfs.Owner
	switch u := asked.User; {
	case u == nil:
	case !u.Named:
		o.UID, o.GID = u.ID, u.ID
	default:
		fields, known, err := lookupName(tree(u.Input), u, "/etc/passwd")
		if err != nil {
			return nil, err
		}
		switch {
		case !known:
			o.User = u.Name
			o.Group = u.Name
		case fields != nil:
			o.UID, o.GID = account.ParseID(fields[2]), account.ParseID(fields[3])
		}
	}
	switch g := asked.Group; {
	case g == nil:
	case !g.Named:
		o.GID, o.Group = g.ID, ""
	default:
		fields, known, err := lookupName(tree(g.Input), g, "/etc/group")
		if err != nil {
			return nil, err
		}
		switch {
		case !known:
			o.Group = g.Name
		case fields != nil:
			o.GID, o.Group = account.ParseID(fields[2]), ""
		}
	}
	return &o, nil
}

// lookupName finds the line of a user or group: see account.Lookup.
func lookupName(t *rootfs.Tree, name *dockerfile.Account, file string) (fields []string, known bool, err error) {
	if t == nil {
		return nil, false, fmt.Errorf("invalid user index %d", name.Input)
	}
	return account.Lookup(t, file, 0, name.Name)
}
