// Package account tells who somebody is in a file system, by its /etc/passwd and /etc/group, and what that user may do with its entries:
// what surely, what surely not, and what nobody knows. A step asks what it surely may, an audit what the start surely may not.
package account

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// unknown is a number that is not known.
const unknown = -1

// User is whom a step or a container runs as, as far as a file system tells.
type User struct {
	// Name is how the user was asked for, "" for a number.
	Name     string
	uid, gid int64 // or unknown
	// groups are others that the user is in; open tells that there may be more of them.
	groups []uint32
	open   bool
	// apart tells that the user is surely not in root's group, unless gid or groups say so.
	apart bool
}

// Of gives the user that a USER instruction asks for, as BuildKit finds it (executor/oci/user.go): "" is root, a number need not be in
// /etc/passwd, and its group is then root's. It is an error that there surely is no such user or group.
func Of(spec string, t *rootfs.Tree) (User, error) {
	name, group, grouped := strings.Cut(spec, ":")
	u, err := find(name, t)
	if err == nil && grouped {
		u.groups, u.open = nil, false
		u.gid, err = groupOf(group, t)
	}
	return u, err
}

// find gives a user with the groups that it has where none is asked for.
func find(name string, t *rootfs.Tree) (User, error) {
	if name == "" || name == "root" { // of every base image
		return User{}, nil
	}
	u, field := User{Name: name, uid: unknown, gid: unknown, open: true}, 0
	uid, err := strconv.ParseUint(name, 10, 32)
	if err == nil {
		u.Name, u.uid, field = "", int64(uid), 2
	}
	line, known, err := Lookup(t, "/etc/passwd", field, name)
	switch {
	case err != nil:
	case line != nil:
		u.uid, u.gid = int64(ParseID(line[2])), int64(ParseID(line[3]))
		u.groups, u.open = joined(t, line[0])
	case field == 2 && (known || u.uid == 0):
		u.gid, u.open = 0, false
	case known:
		return u, fmt.Errorf("unable to find user %s: no matching entries in passwd file", name)
	}
	return u, nil
}

// groupOf gives the number of a group.
func groupOf(name string, t *rootfs.Tree) (int64, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return int64(n), nil
	}
	if name == "root" { // of every base image, too
		return 0, nil
	}
	line, known, err := Lookup(t, "/etc/group", 0, name)
	switch {
	case line != nil && err == nil:
		return int64(ParseID(line[2])), nil
	case known && err == nil:
		return unknown, fmt.Errorf("unable to find group %s: no matching entries in group file", name)
	}
	return unknown, nil
}

// Root reports whether nothing is refused to the user.
func (u User) Root() bool { return u.uid == 0 }

// Apart gives the user as one who is in root's group only where that is known.
func (u User) Apart() User {
	u.apart = true
	return u
}

// Owner is whom what the user makes belongs to: by names where numbers are not known, as those of `--chown` are.
func (u User) Owner() rootfs.Owner {
	o := rootfs.Owner{UID: uint32(max(u.uid, 0)), GID: uint32(max(u.gid, 0))}
	if u.uid == unknown {
		o.User = u.Name
	}
	if u.gid == unknown {
		if o.Group = u.Name; o.Group == "" {
			o.Group = strconv.FormatInt(u.uid, 10)
		}
	}
	return o
}

// Answer says whether something is so.
type Answer uint8

// The answers.
const (
	Unknown Answer = iota
	Yes
	No
)

func answer(is bool) Answer {
	if is {
		return Yes
	}
	return No
}

// Right is what somebody may do with an entry, as the permission bits of others have it.
type Right uint16

// The rights. Of a directory, to write is to make and remove what is in it, which takes Pass, too.
const (
	Pass  Right = 0o1 // to execute a file, to pass through a directory
	Write Right = 0o2
	Read  Right = 0o4
)

// May tells whether the user has some rights on an entry.
func (u User) May(n *rootfs.Node, need Right) Answer {
	switch {
	case u.Root():
		return Yes
	case n.Unsure:
		return Unknown
	}
	grants := func(shift int) bool { return Right(n.Perm>>shift)&need == need }
	var yes, no bool
	note := func(grants bool) { yes, no = yes || grants, no || !grants }
	owns, member := u.Owns(n), u.member(n)
	if owns != No {
		note(grants(6))
	}
	if owns != Yes && member != No {
		note(grants(3))
	}
	if owns != Yes && member != Yes {
		note(grants(0))
	}
	switch {
	case yes && no:
		return Unknown
	case yes:
		return Yes
	}
	return No
}

// MayChange tells whether the user may make and remove entries of a directory, or change a file.
func (u User) MayChange(n *rootfs.Node) Answer {
	if !n.IsDir() {
		return u.May(n, Write)
	}
	if n.Perm&rootfs.Sticky != 0 && !u.Root() && u.Owns(n) != Yes {
		return Unknown // what others made there is theirs
	}
	return u.May(n, Write|Pass)
}

// Owns tells whether an entry belongs to the user. A name that is not root's is not root's number.
func (u User) Owns(n *rootfs.Node) Answer {
	o := n.Owner
	switch {
	case o.User != "" && o.User == u.Name:
		return Yes
	case o.User != "":
		return Unknown
	case u.uid == unknown && o.UID != 0:
		return Unknown
	}
	return answer(int64(o.UID) == u.uid)
}

// member tells whether the user is in the group of an entry.
func (u User) member(n *rootfs.Node) Answer {
	gid := n.Owner.GID
	switch {
	case n.Owner.Group != "":
		return Unknown
	case int64(gid) == u.gid || slices.Contains(u.groups, gid):
		return Yes
	case gid == 0 && u.apart:
		return No
	case u.gid == unknown || u.open:
		return Unknown
	}
	return No
}

// Bar gives the entry at or above a path, which is resolved, that surely keeps the user from having some rights on what is there: the
// nearest directory to the root that is not passed, or the entry itself. It gives "" if none does.
func (u User) Bar(t *rootfs.Tree, p string, need Right) (at string, n *rootfs.Node) {
	if n, err := t.Lstat(p); err == nil && p != "/" && u.May(n, need) == No {
		at = p
	}
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if n, err := t.Lstat(dir); err == nil && u.May(n, Pass) == No {
			at = dir
		}
	}
	if at != "" {
		n, _ = t.Lstat(at)
	}
	return at, n
}
