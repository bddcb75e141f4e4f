package account

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// maxFile bounds what is read of /etc/passwd and /etc/group, in bytes (solver/llbsolver/ops/user_linux.go).
const maxFile = 10 << 20

// Lookup finds the first line of a user file, /etc/passwd or /etc/group, that has a value in a field, and gives at least four fields of
// it: those that a line lacks are empty. known is false where the file, or a change of it, cannot be seen.
func Lookup(t *rootfs.Tree, file string, field int, value string) (fields []string, known bool, err error) {
	known, err = lines(t, file, func(f []string) bool {
		if len(f) > field && f[field] == value {
			fields = append(f, "", "", "")
		}
		return fields == nil
	})
	return fields, known || fields != nil, err
}

// lines gives the fields of each line of a user file, until more returns false. known tells that all lines are known.
func lines(t *rootfs.Tree, file string, more func(fields []string) bool) (known bool, err error) {
	n, at, err := t.Stat(file)
	if err != nil {
		if errors.Is(err, rootfs.ErrTooManyLinks) {
			return false, err
		}
		return !t.MayHold(at) && !t.MayHold(file), nil
	}
	if n.Kind == rootfs.KindUnknown {
		return false, nil
	}
	r, err := n.Open()
	if errors.Is(err, fs.ErrInvalid) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	sc := bufio.NewScanner(io.LimitReader(r, maxFile))
	for sc.Scan() {
		if !more(strings.Split(strings.TrimSpace(sc.Text()), ":")) {
			break
		}
	}
	return !n.Unsure && !t.MayHold(at), sc.Err()
}

// ParseID reads an id of a user file; what is no number is 0 there (moby/sys/user parses leniently).
func ParseID(s string) uint32 {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id < 0 || id > math.MaxUint32 {
		return 0
	}
	return uint32(id)
}

// joined gives the groups that have a user in their list. open tells that there may be others.
func joined(t *rootfs.Tree, name string) (groups []uint32, open bool) {
	known, err := lines(t, "/etc/group", func(f []string) bool {
		if len(f) > 3 && slices.Contains(strings.Split(f[3], ","), name) {
			groups = append(groups, ParseID(f[2]))
		}
		return true
	})
	return groups, !known || err != nil
}
