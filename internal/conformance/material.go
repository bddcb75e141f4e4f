package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// A maker makes what a directive asks for in a case's directory.
type maker struct {
	usage string // the arguments, one word each
	args  int
	make  func(dir string, args []string) error
}

// makers are the directives that make something. A path is one of the
// context, or of @NAME beside it.
var makers = map[string]maker{
	"write": {"PATH CONTENT", 2, func(dir string, args []string) error {
		return writeFile(place(dir, args[0]), []byte(args[1]))
	}},
	"mkdir": {"PATH", 1, func(dir string, args []string) error {
		return os.MkdirAll(place(dir, args[0]), 0o755)
	}},
	"symlink": {"PATH -> TARGET", 3, func(dir string, args []string) error {
		return inParent(place(dir, args[0]), func(path string) error { return os.Symlink(args[2], path) })
	}},
	"hardlink": {"PATH -> PATH", 3, func(dir string, args []string) error {
		return inParent(place(dir, args[0]), func(path string) error { return os.Link(place(dir, args[2]), path) })
	}},
	"fifo": {"PATH", 1, func(dir string, args []string) error {
		return inParent(place(dir, args[0]), func(path string) error { return unix.Mkfifo(path, 0o644) })
	}},
	"socket": {"PATH", 1, func(dir string, args []string) error {
		return inParent(place(dir, args[0]), func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o644, 0) })
	}},
	"chmod": {"MODE PATH", 2, func(dir string, args []string) error {
		mode, err := strconv.ParseUint(args[0], 8, 12)
		if err != nil {
			return err
		}
		return unix.Chmod(place(dir, args[1]), uint32(mode)) // os.Chmod has other set-id bits
	}},
	"chown": {"UID:GID PATH", 2, func(dir string, args []string) error {
		var uid, gid int
		if _, err := fmt.Sscanf(args[0], "%d:%d", &uid, &gid); err != nil {
			return err
		}
		return os.Lchown(place(dir, args[1]), uid, gid)
	}},
	"crlf": {"PATH", 1, func(dir string, args []string) error {
		data, err := os.ReadFile(place(dir, args[0]))
		if err != nil {
			return err
		}
		return os.WriteFile(place(dir, args[0]), bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), 0o644)
	}},
	"truncate": {"PATH SIZE", 2, func(dir string, args []string) error {
		size, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		return os.Truncate(place(dir, args[0]), size)
	}},
	"many": {"COUNT PATH", 2, func(dir string, args []string) error {
		count, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		for i := range count {
			if err := writeFile(place(dir, args[1]+strconv.Itoa(i)), nil); err != nil {
				return err
			}
		}
		return nil
	}},
	"program": {"PATH", 1, func(dir string, args []string) error {
		program, err := trueProgram()
		if err != nil {
			return err
		}
		path := place(dir, args[0])
		if err := writeFile(path, program); err != nil {
			return err
		}
		return os.Chmod(path, 0o755)
	}},
}

// check refuses a step that nobody knows or that has other arguments.
func (s Step) check() error {
	m, ok := makers[s[0]]
	if !ok {
		return fmt.Errorf("unknown directive %q", s[0])
	}
	if len(s)-1 != m.args || m.args == 3 && s[2] != "->" {
		return fmt.Errorf("%s wants %s", s[0], m.usage)
	}
	return nil
}

func (s Step) apply(dir string) error {
	return makers[s[0]].make(dir, s[1:])
}

// inParent calls a function for a path after making the directories above it.
func inParent(path string, f func(string) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return f(path)
}
