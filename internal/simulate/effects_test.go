package simulate

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// A run with another seed makes other scripts.
var seed = flag.Uint64("seed", 1, "seed of the random scripts")

// scripts makes random scripts of the commands whose effects are known, over few names, so that they meet.
type scripts struct{ *rand.Rand }

func (r scripts) pick(list ...string) string { return list[r.IntN(len(list))] }

func (r scripts) path() string {
	return r.pick("a", "b", "c", "d", "d/x", "d/y", "d/e", "d/e/z", "new", "new/x", "./a", "d/", "link", "link/x", "e", "$D/x", ".")
}

func (r scripts) command(depth int) string {
	p := func() string { return r.path() }
	file := func() string { return strings.TrimSuffix(p(), "/") }
	switch n := r.IntN(22); {
	case n < 2:
		return "mkdir " + r.pick("", "-p ", "-p ", "-m 700 ") + p()
	case n < 5:
		return "cp " + r.pick("", "-r ", "-a ", "-p ", "-R ") + r.pick(p(), p()+" "+p(), "d/.") + " " + p()
	case n < 7:
		return "mv " + r.pick("", "-f ", "-T ") + r.pick(p(), p()+" "+p()) + " " + p()
	case n < 9:
		return "rm " + r.pick("", "-f ", "-rf ", "-r ") + p()
	case n < 11:
		return "ln -s" + r.pick("", "f", "fn") + " " + r.pick("a", "d", "d/x", "../a", "none") + " " + p()
	case n < 12:
		return "touch " + file()
	case n < 14:
		return r.pick("echo one", "printf 'two\\n'", "printf %s three", "ls") + r.pick(" > ", " >> ") + file()
	case n < 15:
		return "echo tee | tee " + r.pick("", "-a ") + file()
	case n < 16:
		return "chmod " + r.pick("+x ", "600 ", "u+w,g-r ", "-R 755 ") + p()
	case n < 17:
		return "install " + r.pick("", "-m 644 ", "-D ", "-d ") + p() + " " + p()
	case n < 18:
		return "rmdir " + p()
	case n < 19:
		return "cd " + r.pick("d", "d/e", "..", "new", ".")
	case depth > 2:
		return "true"
	case n < 20:
		return "if [ " + r.pick("-e", "-f", "-d") + " " + p() + " ]; then " + r.command(depth+1) + "; else " + r.command(depth+1) + "; fi"
	case n < 21:
		return "(" + r.command(depth+1) + "; " + r.command(depth+1) + ")"
	default:
		return "for D in d new; do " + r.command(depth+1) + "; done"
	}
}

func (r scripts) script() string {
	out := r.command(0)
	for range r.IntN(6) {
		out += r.pick("; ", " && ", " && ", " || ") + r.command(0)
	}
	return out
}

// facts tells of an entry what is compared.
func facts(kind rootfs.Kind, perm uint16, size int64, link string) string {
	switch kind {
	case rootfs.KindSymlink:
		return "link " + link
	case rootfs.KindDir:
		return fmt.Sprintf("dir %04o", perm)
	}
	return fmt.Sprintf("%s %04o %d", kind, perm, size)
}

// TestEffectsAgainstShell runs random scripts in a real shell and as a RUN: what is called certain must be there as it is, and
// what is there must be known, or be where the step may have put something.
func TestEffectsAgainstShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	t.Logf("seed %d", *seed)
	r := scripts{rand.New(rand.NewPCG(*seed, 1))}
	content := map[string]string{"a": "aa", "b": "b\n", "d/x": "x", "d/e/z": "zz", "d/e/f/g": "g"}
	ran, exact, entries := 0, 0, 0
	for range 400 {
		script := r.script()
		dir := filepath.Join(t.TempDir(), "w")
		context := files(t, content)
		require.NoError(t, os.CopyFS(dir, os.DirFS(context)))
		require.NoError(t, os.Chmod(filepath.Join(dir, "b"), 0o600))
		require.NoError(t, os.Chmod(filepath.Join(context, "b"), 0o600))
		require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if d.IsDir() {
				return os.Chmod(p, 0o755)
			}
			return err
		}))
		cmd := exec.Command(sh, "-c", "umask 022; "+script)
		cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "D=d"}
		if cmd.Run() != nil {
			continue // there would be no image
		}
		ran++
		require.NoError(t, os.WriteFile(filepath.Join(context, "Dockerfile"), []byte("FROM scratch\nCOPY . "+dir+"/\nWORKDIR "+dir+"\nENV D=d\nRUN "+script+"\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(context, ".dockerignore"), []byte("Dockerfile\n.dockerignore\n"), 0o644))
		m, err := Build(t.Context(), dockerfile.Options{Context: context})
		require.NoError(t, err, script)
		real := map[string]string{}
		require.NoError(t, filepath.Walk(dir, func(p string, fi fs.FileInfo, err error) error {
			require.NoError(t, err)
			link, _ := os.Readlink(p)
			size := fi.Size()
			if fi.IsDir() {
				size = 0
			}
			real[p] = facts(rootfs.KindOf(fi.Mode()), rootfs.PermOf(fi.Mode()), size, link)
			return nil
		}))
		certain := map[string]bool{}
		require.NoError(t, m.Tree.List(func(p string, n *rootfs.Node) error {
			if n.Kind == rootfs.KindUnknown || !Within(p, dir) || p == dir {
				return nil
			}
			certain[p] = true
			for dir := p; dir != "/"; dir = filepath.Dir(dir) {
				if d, err := m.Tree.Lstat(dir); err == nil && d.Unsure {
					return nil
				}
			}
			if len(m.Tree.HeldBy(p).All()) == 0 {
				is, size := real[p], n.Size
				if n.Kind == rootfs.KindFile && n.Content == nil { // nobody knows how long it is
					is, size = strings.TrimRight(is, "0123456789")+"0", 0
				}
				assert.Equal(t, is, facts(n.Kind, n.Perm, size, n.Link), "%s\n%s", script, strings.TrimPrefix(p, dir))
			}
			return nil
		}))
		whole := true
		for p := range real {
			if !certain[p] && p != dir {
				whole = false
				assert.True(t, m.Tree.MayHold(p), "%s\n%s is there, and no step may have put it there", script, strings.TrimPrefix(p, dir))
			}
		}
		entries += len(certain)
		if whole {
			exact++
		}
		if t.Failed() {
			t.Log(slices.Sorted(func(yield func(string) bool) {
				for p, f := range real {
					if !yield(strings.TrimPrefix(p, dir) + " " + f) {
						return
					}
				}
			}))
			return
		}
	}
	t.Logf("%d scripts ran, %d of them are known to the last entry, %d entries", ran, exact, entries)
	assert.Greater(t, ran, 100)
	assert.Greater(t, exact, ran/2)
}
