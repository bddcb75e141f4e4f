package simulate

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/scripts"
)

// A run with another seed makes other scripts.
var seed = flag.Uint64("seed", 1, "seed of the random scripts")

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

// oddities are scripts in which a program does what nobody expects: install takes away what is at its destination although that is the
// way to its source, and with -D makes the directories above a directory that it then does not find; break in a function leaves no loop of
// the caller; a link that may have been taken away leads nowhere.
var oddities = []string{
	"ln -sf ../a d/x; install d/x d/ || mkdir -p d/x",
	"install -D a new/ || mkdir new",
	"install -D a new/sub/ || touch new/a",
	"install -D none new/ || touch new",
	"install -D none -t new || touch new/a",
	"f() { break && touch q; }; for D in d new; do f || continue; mv -T d/none new/x; done || ln -sfn a c",
	"test -d e | grep -q x || rm -rf d/*; rmdir d/",
	"tar -x -f t --strip-components=1 && find d/y || for D in d new; do ! grep -q x d/x && continue; rm *; done || true; cp -r d/. link",
}

// TestEffectsAgainstShell runs random scripts in a real shell and as a RUN: what is called certain must be there as it is, and
// what is there must be known, or be where the step may have put something.
func TestEffectsAgainstShell(t *testing.T) {
	for _, name := range []string{"sh", "bash"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip("there is no " + name)
		}
	}
	t.Logf("seed %d", *seed)
	r := scripts.Maker{Rand: rand.New(rand.NewPCG(*seed, 1))}
	syscall.Umask(0o022) // as runc sets it
	ran, exact, entries := 0, 0, 0
	for i := range 400 + len(oddities) {
		r.Bash = r.IntN(3) == 0
		script, sh, instruction := "", "sh", ""
		if i < len(oddities) {
			script = oddities[i]
		} else {
			script = r.Script()
		}
		if r.Bash {
			sh, instruction = "bash", "SHELL [\"/bin/bash\", \"-c\"]\n"
		}
		dir := filepath.Join(t.TempDir(), "w")
		context := files(t, scripts.Content)
		require.NoError(t, os.CopyFS(dir, os.DirFS(context)))
		require.NoError(t, os.Chmod(filepath.Join(dir, "b"), 0o600))
		require.NoError(t, os.Chmod(filepath.Join(context, "b"), 0o600))
		require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if d.IsDir() {
				return os.Chmod(p, 0o755)
			}
			return err
		}))
		cmd := exec.CommandContext(t.Context(), sh, "-c", "ulimit -t 1; ulimit -f 131072; exec "+sh+" -c \"$0\"", script) // some of them never end
		cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/bin:/bin", "D=d"}
		if cmd.Run() != nil || strings.Contains(script, "\n") {
			continue // there would be no image
		}
		ran++
		require.NoError(t, os.WriteFile(filepath.Join(context, "Dockerfile"), []byte("FROM scratch\nCOPY . "+dir+"/\nWORKDIR "+dir+"\nENV D=d\n"+instruction+"RUN "+script+"\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(context, ".dockerignore"), []byte("Dockerfile\n.dockerignore\n"), 0o644))
		m, err := Build(t.Context(), dockerfile.Options{Context: context})
		require.NoError(t, err, script)
		real, contents := map[string]string{}, map[string]string{}
		require.NoError(t, filepath.Walk(dir, func(p string, fi fs.FileInfo, err error) error {
			require.NoError(t, err)
			link, _ := os.Readlink(p)
			size := fi.Size()
			if fi.IsDir() {
				size = 0
			}
			real[p] = facts(rootfs.KindOf(fi.Mode()), rootfs.PermOf(fi.Mode()), size, link)
			if fi.Mode().IsRegular() {
				data, err := os.ReadFile(p)
				require.NoError(t, err)
				contents[p] = string(data)
			}
			return nil
		}))
		certain := map[string]bool{}
		var wrong []string
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
			if len(m.Tree.HeldBy(p).All()) > 0 {
				return nil
			}
			is, size := real[p], n.Size
			if n.Kind == rootfs.KindFile && n.Content == nil { // nobody knows how long it is
				is, size = strings.TrimRight(is, "0123456789")+"0", 0
			} else if n.Kind == rootfs.KindFile {
				data, err := inlineOf(n)
				require.NoError(t, err)
				if string(data) != contents[p] {
					wrong = append(wrong, fmt.Sprintf("%s is called %q", p, data))
				}
			}
			if said := facts(n.Kind, n.Perm, size, n.Link); is != said {
				wrong = append(wrong, fmt.Sprintf("%s is %q, and called %q", p, is, said))
			}
			return nil
		}))
		whole := true
		for p := range real {
			if !certain[p] && p != dir {
				whole = false
				if !m.Tree.MayHold(p) {
					wrong = append(wrong, p+" is there, and no step may have put it there")
				}
			}
		}
		entries += len(certain)
		if whole {
			exact++
		}
		if len(wrong) > 0 {
			t.Fatalf("%s\n%s\n%v", script, strings.ReplaceAll(strings.Join(wrong, "\n"), dir, ""), strings.ReplaceAll(fmt.Sprint(real), dir, ""))
		}
	}
	t.Logf("%d scripts ran, %d of them are known to the last entry, %d entries", ran, exact, entries)
	assert.Greater(t, ran, 100)
	assert.Greater(t, exact, ran/2)
}
