package conformance

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/imagetest"
	"github.com/ctxaudit/ctxaudit/internal/registry"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/verify"
)

// startDockerd starts a real docker daemon, which stores nothing after the test, and gives its host.
func startDockerd(t *testing.T) (host string) {
	t.Helper()
	if os.Getenv(requireVar) != "require" {
		t.Skipf("a docker daemon needs root: %s=require, or make conformance, starts one", requireVar)
	}
	binary, err := exec.LookPath("dockerd")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "dockerd-") // the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	host = "unix://" + filepath.Join(dir, "sock")
	output := &syncBuffer{}
	cmd := exec.Command(binary, "--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--bridge=none", "--config-file="+filepath.Join(dir, "none.json"),
		"--data-root="+filepath.Join(dir, "data"), "--exec-root="+filepath.Join(dir, "exec"), "--pidfile="+filepath.Join(dir, "pid"), "--host="+host)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "none.json"), []byte("{}"), 0o600)) // and not the one in /etc
	require.NoError(t, cmd.Start())
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
	})
	d, err := registry.NewDaemon(host, "test")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := d.Save(t.Context(), "nothing:1")
		return errors.Is(err, registry.ErrNotThere)
	}, readyTimeout, 50*time.Millisecond, "%v", output)
	return host
}

// What a docker daemon has of an image is what was put into it, and what it builds on that is what was predicted. Its own builder is asked,
// which does as BuildKit in what is asked here, because docker has no other one without buildx.
func TestDockerDaemon(t *testing.T) {
	host := startDockerd(t)
	docker := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "docker", args...)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+host, "DOCKER_BUILDKIT=0", "DOCKER_CONFIG="+t.TempDir())
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	base, err := imagetest.Image(`config {"Env": ["PATH=/tools", "AT=/srv"], "WorkingDir": "/srv/app", "User": "7"}
layer gzip
file etc/passwd 0644 0:0 "me:x:7:8::/home/me:/bin/sh\n"
file etc/group 0644 0:0 "us:x:8:\n"
dir srv 0755 0:0
dir srv/app 0750 7:8
file srv/gone 0600 0:0 x
layer plain
file srv/.wh.gone 0644 0:0
symlink srv/link 0777 0:0 app
`)
	require.NoError(t, err)
	dir := t.TempDir()
	saved := filepath.Join(dir, "base.tar")
	require.NoError(t, imagetest.Write("saved", saved, map[string]v1.Image{"example.com/base:1": base}))
	docker("load", "--input", saved)

	d, err := registry.NewDaemon(host, "test")
	require.NoError(t, err)
	ask := func(ctx context.Context, ref, platform string) (*baseimage.Index, error) {
		r, err := d.Save(ctx, ref)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return baseimage.OpenStream(ctx, r, ref, ref, platform)
	}
	platform := dockerfile.DefaultPlatform()
	had, err := ask(t.Context(), "example.com/base:1", platform)
	require.NoError(t, err)
	put, err := baseimage.Open(t.Context(), saved, "example.com/base:1", platform)
	require.NoError(t, err)
	assert.Equal(t, put.Entries, had.Entries)
	assert.JSONEq(t, string(put.Config), string(had.Config))

	context := filepath.Join(dir, "context")
	require.NoError(t, writeFile(filepath.Join(context, "main.txt"), []byte("1")))
	require.NoError(t, writeFile(filepath.Join(context, "Dockerfile"), []byte("FROM example.com/base:1\nCOPY --chown=me:us main.txt .\nCOPY main.txt $AT/link/new/\nUSER me\n")))
	docker("build", "--tag", "example.com/built:1", context)
	bases, err := baseimage.NewBases(nil)
	require.NoError(t, err)
	bases.Ask(ask)
	image, err := simulate.Build(t.Context(), dockerfile.Options{Context: context, Images: bases})
	require.NoError(t, err)
	built, err := ask(t.Context(), "example.com/built:1", platform)
	require.NoError(t, err)
	r, err := verify.Compare(image, built)
	require.NoError(t, err)
	assert.Empty(t, r.Contradicted)
	assert.Empty(t, r.Open)
	assert.Empty(t, r.Unpredicted)
	assert.Greater(t, r.Agreed, 5)
}
