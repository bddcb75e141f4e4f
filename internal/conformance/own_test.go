package conformance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The image of ctxaudit itself: the binary and nothing else. Its build stage starts from an image of a registry; what that
// stage would leave comes from a directory that takes its name.
func TestOwnImage(t *testing.T) {
	d := daemon(t)
	stage := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(stage, "out/ctxaudit"), "./cmd/ctxaudit")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := Request{Context: "../..", Dockerfile: "../../docker/Dockerfile", BuildContexts: map[string]string{"build": stage}, BuildArgs: map[string]string{"VERSION": "v1.2.3"}}
	built, err := d.Build(ctx, r)
	require.NoError(t, err)
	require.Nil(t, built.Failure)
	predicted, err := predictInTime(ctx, r)
	require.NoError(t, err)
	assert.Empty(t, Diff(built, predicted))

	var files []string
	for _, e := range built.Listing {
		if e.Type != TypeDir {
			files = append(files, e.Path)
		}
	}
	assert.Equal(t, []string{"/usr/local/bin/ctxaudit"}, files)
	assert.Equal(t, "65534:65534", built.Config.User)
	assert.Equal(t, []string{"/usr/local/bin/ctxaudit"}, built.Config.Entrypoint)
}
