package cases

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// says lays out the predicted image and runs what a case runs there: it must say what the case says, or no more where that was repaired.
func (c *aCase) says(t *testing.T, broken bool) {
	if len(c.runs) == 0 {
		return
	}
	opt := dockerfile.Options{Context: c.context(), BuildArgs: map[string]string{}, BuildContexts: map[string]string{}}
	for _, file := range c.request["file"] {
		opt.Dockerfile = file
	}
	for name, to := range map[string]map[string]string{"build-arg": opt.BuildArgs, "build-context": opt.BuildContexts} {
		for _, pair := range c.request[name] {
			name, value, _ := strings.Cut(pair, "=")
			to[name] = value
		}
	}
	image, err := simulate.Build(t.Context(), opt)
	require.NoError(t, err)
	root := t.TempDir()
	require.NoError(t, image.Tree.Scan(func(p string, n *rootfs.Node) error { return layOut(root, p, n) }))
	for _, r := range c.runs {
		if r.was && !broken {
			continue
		}
		out := r.output(t, root, image)
		if broken {
			assert.Contains(t, strings.ToLower(out), strings.ToLower(r.says), "%s %s", r.kind, r.args)
		} else {
			assert.NotContains(t, strings.ToLower(out), strings.ToLower(r.says), "%s %s", r.kind, r.args)
		}
	}
}

// output gives what a command prints in the image, by whose paths it names files.
func (r run) output(t *testing.T, root string, image *simulate.Image) string {
	words := append([]string{r.kind}, shellWords(r.args)...)
	if r.kind == "python" {
		words[0] = "python3"
	} else {
		words = words[1:]
	}
	for i, w := range words {
		if i > 0 && strings.HasPrefix(w, "/") || i == 0 && r.kind == "exec" && strings.HasPrefix(w, "/") {
			words[i] = filepath.Join(root, w)
		}
	}
	program, err := exec.LookPath(words[0])
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	require.NoError(t, err)
	cmd := exec.Command(program, words[1:]...)
	cmd.Dir = filepath.Join(root, image.Plan.Config.WorkingDir)
	require.NoError(t, os.MkdirAll(cmd.Dir, 0o755))
	for _, pair := range image.Plan.Config.Env {
		if list, ok := strings.CutPrefix(pair, "PYTHONPATH="); ok {
			var dirs []string
			for dir := range strings.SplitSeq(list, ":") {
				dirs = append(dirs, filepath.Join(root, dir))
			}
			cmd.Env = append(cmd.Env, "PYTHONPATH="+strings.Join(dirs, ":"))
		}
	}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		out = append(out, err.Error()...)
	}
	return string(out)
}

// shellWords cuts a command at blanks, but for those in single quotes.
func shellWords(text string) (words []string) {
	for i, part := range strings.Split(text, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// layOut writes an entry of an image below a directory. What an absolute link leads to lies there, too.
func layOut(root, p string, n *rootfs.Node) error {
	at := filepath.Join(root, p)
	switch n.Kind {
	case rootfs.KindDir:
		return os.MkdirAll(at, 0o755)
	case rootfs.KindSymlink:
		return os.Symlink(n.Link, at)
	case rootfs.KindFile:
		from, err := n.Open()
		if err != nil {
			return nil // it is only known to be there
		}
		defer from.Close()
		data, err := io.ReadAll(from)
		if err != nil {
			return err
		}
		return os.WriteFile(at, data, os.FileMode(n.Perm)|0o600)
	}
	return nil
}
