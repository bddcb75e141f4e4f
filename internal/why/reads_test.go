package why_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// counting counts the directories that are read.
type counting struct {
	dockerctx.FS
	mu   *sync.Mutex
	read map[string]int
}

func (c counting) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	c.read[name]++
	c.mu.Unlock()
	return c.FS.ReadDir(name)
}

// To answer for one path, only the directories on its way are read, however many there are beside them.
func TestWhyReadsOnlyWhatMatters(t *testing.T) {
	reads := func(areas int, target string) map[string]int {
		dir := t.TempDir()
		for i := range areas {
			for j := range 5 {
				d := filepath.Join(dir, fmt.Sprintf("area%d/mod%d/deep", i, j))
				require.NoError(t, os.MkdirAll(d, 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(d, "file.txt"), []byte("x"), 0o644))
			}
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch AS a\nCOPY . /src/\nFROM scratch\nCOPY --from=a /src /app\n"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte("**/*.log\narea1/mod4\n"), 0o644))
		c := counting{mu: &sync.Mutex{}, read: map[string]int{}}
		opt := dockerfile.Options{Context: dir, Open: func(p string) (dockerctx.FS, error) {
			under, err := dockerctx.DirFS(p)
			return counting{under, c.mu, c.read}, err
		}}
		m, err := simulate.Build(t.Context(), opt)
		require.NoError(t, err)
		e := &why.Explainer{Image: m, Subject: audit.Subject{Name: "image", Options: opt}}
		e.Main, err = m.MainContext(dir)
		require.NoError(t, err)
		a, err := e.Explain(t.Context(), target)
		require.NoError(t, err)
		assert.Equal(t, why.InImage, a.Verdict)
		return c.read
	}
	few, many := reads(3, "area1/mod2/deep/file.txt"), reads(60, "area1/mod2/deep/file.txt")
	assert.Equal(t, few, many, "what is read does not depend on what lies beside")
	assert.LessOrEqual(t, len(many), 5, "the way to the file and no more: %v", many)
	image := reads(60, "/app/area1/mod2/deep/file.txt")
	assert.LessOrEqual(t, len(image), 5, "the way to the file and no more: %v", image)
}
