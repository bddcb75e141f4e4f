package delivery

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// root is the repository.
var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// tool gives the path of a program of somebody else. Where it is not installed the test is skipped, but not in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CTXAUDIT_JUDGES") == "require" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return p
}

// program builds ctxaudit once, into a directory of its own, and gives that.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ctxaudit-delivery-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, "./cmd/ctxaudit")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building ctxaudit: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := program(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// bin gives the directory with the built program.
func bin(t *testing.T) string {
	t.Helper()
	dir, err := program()
	require.NoError(t, err)
	return dir
}

// example writes a part of the example that replays an outage: "broken" or "repaired".
func example(t *testing.T, part string) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join(root, "testdata/outage.txtar"))
	require.NoError(t, err)
	dir := t.TempDir()
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, part+"/"); ok {
			write(t, filepath.Join(dir, name), string(f.Data))
		}
	}
	return dir
}

func write(t *testing.T, name, data string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(data), 0o644))
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// run runs a command and gives its exit code and what it printed.
func run(t *testing.T, cmd *exec.Cmd) (code int, out string) {
	t.Helper()
	data, err := cmd.CombinedOutput()
	require.NotNil(t, cmd.ProcessState, "%v", err)
	return cmd.ProcessState.ExitCode(), string(data)
}

// git runs git in a directory, with a configuration that is the same everywhere.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"}, args...)...)
	code, out := run(t, cmd)
	require.Zero(t, code, "git %q: %s", args, out)
	return strings.TrimSpace(out)
}

// releases makes a directory that looks as the releases on GitHub do, with one release for this machine, and gives its
// URL.
func releases(t *testing.T) (dir, url string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the archives for Windows are zip files")
	}
	dir = t.TempDir()
	name := fmt.Sprintf("ctxaudit_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	binary, err := os.ReadFile(filepath.Join(bin(t), "ctxaudit"))
	require.NoError(t, err)
	for _, where := range []string{"latest/download", "download/v1.2.3"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, where), 0o755))
		f, err := os.Create(filepath.Join(dir, where, name))
		require.NoError(t, err)
		zw := gzip.NewWriter(f)
		tw := tar.NewWriter(zw)
		require.NoError(t, tw.WriteHeader(&tar.Header{Name: "ctxaudit", Mode: 0o755, Size: int64(len(binary))}))
		_, err = tw.Write(binary)
		require.NoError(t, err)
		require.NoError(t, tw.Close())
		require.NoError(t, zw.Close())
		require.NoError(t, f.Close())
		sum := sha256.Sum256([]byte(read(t, f.Name())))
		write(t, filepath.Join(dir, where, "checksums.txt"), fmt.Sprintf("%064d  ctxaudit_plan9_%s.tar.gz\n%x  %s\n", 0, runtime.GOARCH, sum, name))
	}
	return dir, "file://" + filepath.ToSlash(dir)
}
