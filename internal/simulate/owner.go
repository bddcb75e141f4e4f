package simulate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// maxUserFile bounds what is read of /etc/passwd and /etc/group (solver/llbsolver/ops/user_linux.go).
const maxUserFile = 10 << 20

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
			o.UID, o.GID = parseID(fields[2]), parseID(fields[3])
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
			o.GID, o.Group = parseID(fields[2]), ""
		}
	}
	return &o, nil
}

// lookupName finds the line of a user or group: see lookupField.
func lookupName(t *rootfs.Tree, name *dockerfile.Account, file string) (fields []string, known bool, err error) {
	if t == nil {
		return nil, false, fmt.Errorf("invalid user index %d", name.Input)
	}
	return lookupField(t, file, 0, name.Name)
}

// lookupField finds the line of a user file that has a value in a field, and gives at least four fields of it: those that a line lacks are
// empty. known is false where the file, or a change of it, cannot be seen.
func lookupField(t *rootfs.Tree, file string, field int, value string) (fields []string, known bool, err error) {
	n, at, err := t.Stat(file)
	if err != nil {
		if errors.Is(err, rootfs.ErrTooManyLinks) {
			return nil, false, err
		}
		return nil, !t.MayHold(at) && !t.MayHold(file), nil
	}
	if n.Kind == rootfs.KindUnknown {
		return nil, false, nil
	}
	r, err := n.Open()
	if errors.Is(err, fs.ErrInvalid) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	sc := bufio.NewScanner(io.LimitReader(r, maxUserFile))
	for sc.Scan() {
		f := strings.Split(strings.TrimSpace(sc.Text()), ":")
		if len(f) > field && f[field] == value {
			return append(f, "", "", ""), true, nil
		}
	}
	return nil, !t.MayHold(at), sc.Err()
}

// parseID reads an id of a user file; what is no number is 0 there (moby/sys/user parses leniently).
func parseID(s string) uint32 {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id < 0 || id > math.MaxUint32 {
		return 0
	}
	return uint32(id)
}
