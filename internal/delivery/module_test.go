package delivery

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// proxied gives the environment in which go finds this repository as release v1.2.3, and everything that it needs in the
// cache of modules, without the network.
//
// What `go install` takes is a zip file of the repository, made under rules of its own: no two names may differ by case
// only, for one. A proxy of one module is all that is needed to try it.
func proxied(t *testing.T) []string {
	t.Helper()
	dir, _ := snapshot(t)
	proxy := t.TempDir()
	m := module.Version{Path: "github.com/ctxaudit/ctxaudit", Version: "v1.2.3"}
	at := filepath.Join(proxy, m.Path, "@v")
	write(t, filepath.Join(at, "list"), m.Version+"\n")
	write(t, filepath.Join(at, m.Version+".info"), fmt.Sprintf(`{"Version":%q,"Time":"2026-01-02T03:04:05Z"}`, m.Version))
	write(t, filepath.Join(at, m.Version+".mod"), read(t, filepath.Join(dir, "go.mod")))
	f, err := os.Create(filepath.Join(at, m.Version+".zip"))
	require.NoError(t, err)
	require.NoError(t, zip.CreateFromVCS(f, m, dir, "HEAD", ""))
	require.NoError(t, f.Close())

	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	require.NoError(t, err)
	downloads := filepath.Join(strings.TrimSpace(string(out)), "cache/download")
	modules := t.TempDir()
	t.Cleanup(func() {
		clean := exec.Command("go", "clean", "-modcache")
		clean.Env = append(os.Environ(), "GOMODCACHE="+modules)
		_ = clean.Run() // what is in it cannot be written to
	})
	return []string{
		"GOPROXY=file://" + proxy + ",file://" + downloads, "GOSUMDB=off", "GOMODCACHE=" + modules,
		// As the rest is built, so that what depends on no version of ours comes from the cache.
		"GOFLAGS=-trimpath", "CGO_ENABLED=0",
	}
}

// The first line of the README, and the action doing the same.
func TestGoInstall(t *testing.T) {
	env := proxied(t)
	bins := t.TempDir()
	cmd := exec.Command("go", "install", "github.com/ctxaudit/ctxaudit/cmd/ctxaudit@latest")
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), env...), "GOBIN="+bins)
	code, log := run(t, cmd)
	require.Zero(t, code, log)
	code, log = run(t, exec.Command(filepath.Join(bins, "ctxaudit"), "version"))
	assert.Zero(t, code)
	assert.True(t, strings.HasPrefix(log, "ctxaudit v1.2.3, BuildKit "), log)

	j := runAction(t, example(t, "repaired"), map[string]string{"install": "go", "version": "v1.2.3"}, env...)
	require.Zero(t, j.code, j.log)
	assert.Equal(t, "0", j.outputs["exit-code"])
	assert.FileExists(t, filepath.Join(j.path, "ctxaudit"))
}
