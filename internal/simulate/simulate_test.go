package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// files makes a directory from a map of names to contents; a name that ends in a slash is a directory.
func files(t testing.TB, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range tree {
		p := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			require.NoError(t, os.MkdirAll(p, 0o755))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(content), 0o644))
	}
	return dir
}

func build(t testing.TB, dir string) *Image {
	t.Helper()
	m, err := Build(context.Background(), dockerfile.Options{Context: dir})
	require.NoError(t, err)
	return m
}

// list gives "path" for each entry, with "/" behind a directory and "?" behind what is unknown.
func list(t testing.TB, tree *rootfs.Tree) []string {
	t.Helper()
	out := []string{}
	require.NoError(t, tree.Walk(func(p string, n *rootfs.Node) error {
		switch n.Kind {
		case rootfs.KindDir:
			p += "/"
		case rootfs.KindUnknown:
			p += "?"
		}
		out = append(out, p)
		return nil
	}))
	return out
}

func TestBeforeGivesTheTreeThatAnInstructionFinds(t *testing.T) {
	dir := files(t, map[string]string{
		"Dockerfile": "FROM scratch\nCOPY a /app/\nRUN make\nCOPY b /app/\n",
		"a":          "1", "b": "22",
	})
	m := build(t, dir)
	var run, second *dockerfile.Op
	for _, op := range m.Plan.Ops {
		switch {
		case op.Kind == dockerfile.OpExec:
			run = op
		case op.Kind == dockerfile.OpFile && op.Location.Range.Start.Line == 4:
			second = op
		}
	}
	require.NotNil(t, run)
	require.NotNil(t, second)
	assert.Equal(t, []string{"/app/", "/app/a"}, list(t, m.Before(run.ID).Tree))
	stubs := []string{"/dev/", "/proc/", "/sys/"} // a step leaves them
	assert.Equal(t, append([]string{"/app/", "/app/a"}, stubs...), list(t, m.Before(second.ID).Tree))
	assert.Equal(t, append([]string{"/app/", "/app/a", "/app/b"}, stubs...), list(t, m.Tree))
	assert.Equal(t, []int{run.ID}, m.Opaque)
	assert.True(t, m.Tree.MayHold("/anything"), "a RUN step may have made it")
	assert.False(t, m.Before(run.ID).Tree.MayHold("/anything"))
}

func TestUnknownBase(t *testing.T) {
	dir := files(t, map[string]string{
		"Dockerfile": strings.Join([]string{
			"FROM debian:12 AS tools",
			"RUN make",
			"FROM python:3.12",
			"COPY tool /usr/local/bin",                      // a directory of every base image
			"COPY --from=tools /out/server /srv/server",     // made by the RUN
			"COPY --from=tools /out/assets/ /srv/assets/",   // so is this
			"COPY --chown=app:staff tool /home/app/",        // a user of the base image
			"COPY --from=tools --chmod=700 /x/*.so /lib64/", // a pattern nobody can resolve
			"WORKDIR /srv",
		}, "\n"),
		"tool": "x",
	})
	m := build(t, dir)
	known := []string{}
	require.NoError(t, m.Tree.Walk(func(p string, n *rootfs.Node) error {
		if n.Op < 0 || m.Plan.Ops[n.Op].Kind != dockerfile.OpImage {
			known = append(known, fmt.Sprintf("%s %s", p, n.Kind))
		}
		return nil
	}))
	assert.Equal(t, []string{
		"/home/app dir", "/home/app/tool file", "/lib64 dir", "/srv/assets dir", "/srv/server unknown", "/usr/local/bin/tool file",
	}, known)
	n, err := m.Tree.Lstat("/home/app/tool")
	require.NoError(t, err)
	assert.Equal(t, "app", n.Owner.User)
	assert.Equal(t, "staff", n.Owner.Group)
	assert.True(t, m.Tree.MayHold("/lib64/libx.so"))
	assert.True(t, m.Tree.MayHold("/etc/passwd"), "files under an unknown base are unknown, never absent")
}

func TestNamesResolveInTheImage(t *testing.T) {
	dir := files(t, map[string]string{
		"Dockerfile": "FROM scratch\nCOPY passwd group /etc/\nCOPY --chown=app:staff a /1\nCOPY --chown=app a /2\nCOPY --chown=nobody a /3\n",
		"passwd":     "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n", "group": "staff:x:50:\n", "a": "",
	})
	m := build(t, dir)
	for p, want := range map[string]rootfs.Owner{"/1": {UID: 1000, GID: 50}, "/2": {UID: 1000, GID: 1001}, "/3": {}} {
		n, err := m.Tree.Lstat(p)
		require.NoError(t, err)
		assert.Equal(t, want, n.Owner, p)
	}
}

func TestAFileThatArrivesEmpty(t *testing.T) {
	// BuildKit's walk and its sender ask the ignore file in two ways.
	dir := files(t, map[string]string{
		"Dockerfile": "FROM scratch\nCOPY . /c/\n", ".dockerignore": "a\n!a/b\na\n", "a/b": "content",
	})
	m := build(t, dir)
	n, err := m.Tree.Lstat("/c/a/b")
	require.NoError(t, err)
	assert.Zero(t, n.Size)
	r, err := n.Open()
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Empty(t, data)
}

func TestContentCanBeRead(t *testing.T) {
	dir := files(t, map[string]string{
		"Dockerfile": "FROM scratch AS a\nCOPY f /x/\nCOPY <<EOF /h\nhello\nEOF\nFROM scratch\nCOPY --from=a / /\n", "f": "from the context",
	})
	m := build(t, dir)
	for p, want := range map[string]string{"/x/f": "from the context", "/h": "hello\n"} {
		n, err := m.Tree.Lstat(p)
		require.NoError(t, err)
		r, err := n.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, want, string(data))
		assert.EqualValues(t, len(want), n.Size)
	}
}

func TestErrorsNameWhatWouldHelp(t *testing.T) {
	for name, c := range map[string]struct {
		tree    map[string]string
		line    int
		message string
		hint    string
	}{
		"kept out by a line": {
			map[string]string{"Dockerfile": "FROM scratch\nCOPY build/x /\n", ".dockerignore": "# c\nbuild\n", "build/x": ""},
			2, `"/build/x": not found`, "build/x exists, but .dockerignore:2 (build) excludes it from the context",
		},
		"misspelt": {
			map[string]string{"Dockerfile": "FROM scratch\nCOPY src/mian.go /\n", "src/main.go": ""},
			2, `"/src/mian.go": not found`, "did you mean src/main.go?",
		},
		"relative to the parent directory": {
			map[string]string{"Dockerfile": "FROM scratch\nCOPY backend/app /\n", "app/x": ""},
			2, `"/backend/app": not found`, "it has app: sources are relative to the context",
		},
		"in a stage": {
			map[string]string{"Dockerfile": "FROM scratch AS b\nCOPY x /out/server\nFROM scratch\nCOPY --from=b /out/sever /\n", "x": ""},
			4, `"/out/sever": not found`, "did you mean /out/server?",
		},
		"bind mount": {
			map[string]string{"Dockerfile": "FROM alpine\nRUN --mount=type=bind,source=x.txt,target=/x cat /x\n", ".dockerignore": "*.txt\n", "x.txt": ""},
			2, `"/x.txt": not found`, "x.txt exists, but .dockerignore:1 (*.txt) excludes it from the context",
		},
		"directory over a file": {
			map[string]string{"Dockerfile": "FROM scratch\nCOPY f /d/x\nCOPY d /d\n", "f": "", "d/x/y": ""},
			3, "cannot copy to non-directory: /d/x", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Build(context.Background(), dockerfile.Options{Context: files(t, c.tree)})
			var be *BuildError
			require.ErrorAs(t, err, &be)
			assert.Equal(t, c.line, be.Location.Range.Start.Line)
			assert.Contains(t, be.Message, c.message)
			if c.hint != "" {
				require.NotEmpty(t, be.Hints)
				assert.Contains(t, be.Hints[0].Text, c.hint)
			}
		})
	}
}

// countingFS counts the directories that are read.
type countingFS struct {
	dockerctx.FS
	reads atomic.Int64
}

func (f *countingFS) ReadDir(name string) ([]os.DirEntry, error) {
	f.reads.Add(1)
	return f.FS.ReadDir(name)
}

func TestOnlyWhatIsNeededIsRead(t *testing.T) {
	tree := map[string]string{
		"Dockerfile":   "FROM scratch AS a\nCOPY . /src/\nFROM scratch\nCOPY --from=a /src /app/src\nCOPY --from=a /src/pkg/m /extra/m\n",
		"pkg/m/one.py": "", "pkg/m/two.py": "",
	}
	for i := range 200 {
		tree[fmt.Sprintf("other/d%d/deep/f", i)] = ""
	}
	dir := files(t, tree)
	plan, err := dockerfile.Compile(context.Background(), dockerfile.Options{Context: dir})
	require.NoError(t, err)
	disk, err := dockerctx.DirFS(dir)
	require.NoError(t, err)
	counting := &countingFS{FS: disk}
	c, err := dockerctx.New(counting, nil)
	require.NoError(t, err)
	m, err := Run(context.Background(), plan, func(*dockerfile.LocalSource) (*Context, error) {
		return &Context{Context: c, Name: MainContext, Dir: dir, FS: counting}, nil
	}, nil)
	require.NoError(t, err)

	var found []string
	require.NoError(t, m.Locate(m.Tree, MainContext, "pkg/m", func(l Located) error {
		found = append(found, l.ContextPath+" "+l.Path)
		return nil
	}))
	assert.Equal(t, []string{
		"pkg/m /app/src/pkg/m", "pkg/m/one.py /app/src/pkg/m/one.py", "pkg/m/two.py /app/src/pkg/m/two.py",
		"pkg/m /extra/m", "pkg/m/one.py /extra/m/one.py", "pkg/m/two.py /extra/m/two.py",
	}, found)
	assert.LessOrEqual(t, counting.reads.Load(), int64(4), "the root, pkg, pkg/m, and nothing of the 400 others")
}

func TestProvenanceGoesThroughStages(t *testing.T) {
	dir := files(t, map[string]string{
		"Dockerfile": "FROM scratch AS a\nCOPY src /s/\nFROM scratch AS b\nCOPY --from=a /s /t\nFROM scratch\nCOPY --from=b /t/x /final\n", "src/x": "",
	})
	m := build(t, dir)
	n, err := m.Tree.Lstat("/final")
	require.NoError(t, err)
	var got []string
	for _, s := range m.Provenance(n) {
		got = append(got, fmt.Sprintf("%s:%d %s", s.Op.Kind, s.Op.Location.Range.Start.Line, s.Node.Origin))
	}
	assert.Equal(t, []string{"file:6 ", "file:4 ", "file:2 ", "local:2 src/x"}, got)
}

func TestDeepDirectoriesAndCancellation(t *testing.T) {
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY . /c/\n"})
	at := dir
	// Made step by step: the path as a whole is longer than the kernel takes.
	old, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, os.Chdir(at))
	depth := 0
	for range 1500 {
		if os.Mkdir("d", 0o755) != nil || os.Chdir("d") != nil {
			break
		}
		depth++
	}
	require.NoError(t, os.Chdir(old))
	require.Greater(t, depth, 1000)
	m := build(t, dir)
	entries := 0
	err = m.Tree.Walk(func(string, *rootfs.Node) error { entries++; return nil })
	if err == nil {
		assert.Greater(t, entries, depth)
	} else {
		// Where the kernel refuses the path, BuildKit's walk fails too.
		assert.ErrorContains(t, err, "name too long")
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Build(ctx, dockerfile.Options{Context: dir})
	assert.True(t, errors.Is(err, context.Canceled), "%v", err)
}

// All failures are found with what [Run] has, too.
func TestFailuresCopy(t *testing.T) {
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY f /f\nCOPY none /x\nCOPY f /g\n", "f": ""})
	plan, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir})
	require.NoError(t, err)
	found := Failures(t.Context(), plan, Open(plan))
	require.Len(t, found, 1)
	require.ErrorContains(t, found[0], "Dockerfile:3")
}
