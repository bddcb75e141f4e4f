package project

import (
	"path"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFiles(t *testing.T) {
	root := fstest.MapFS{}
	for _, name := range []string{
		"Dockerfile", "Dockerfile.dev", "Dockerfile.dockerignore", "services/api/Dockerfile", "docker/web.Dockerfile",
		"Containerfile", "node_modules/x/Dockerfile", "build/Dockerfile", "Dockerfiles.txt", "docs/Dockerfile.md",
		"a/b/c/d/e/f/g/h/i/Dockerfile", "dockerfile.go",
	} {
		root[name] = &fstest.MapFile{}
	}
	got, err := Files(root, func(dirs []string) map[string]bool { return map[string]bool{"build": true} }, func(name string) bool { return IsDockerfile(path.Base(name)) })
	require.NoError(t, err)
	assert.Equal(t, []string{"Containerfile", "Dockerfile", "Dockerfile.dev", "docker/web.Dockerfile", "services/api/Dockerfile"}, got)
}

func TestContexts(t *testing.T) {
	assert.Equal(t, []string{"."}, Contexts("Dockerfile"))
	assert.Equal(t, []string{".", "services/api", "services"}, Contexts("services/api/Dockerfile"))
}

func TestImageName(t *testing.T) {
	for in, want := range map[string]string{
		"Dockerfile": "image", "Dockerfile.dev": "dev", "web.Dockerfile": "web", "services/api/Dockerfile": "services/api",
		"docker/web.Dockerfile": "docker/web", "docker/Dockerfile.web": "docker/web",
	} {
		assert.Equal(t, want, ImageName(in), in)
	}
}
