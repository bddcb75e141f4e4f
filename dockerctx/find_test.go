package dockerctx

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFindIgnoreFile(t *testing.T) {
	for _, tt := range []struct {
		name       string
		entries    []string
		data       map[string]string
		dockerfile string
		want       string // the first pattern, or "-" for an empty file, or "" for none
		shown      string
	}{
		{name: "none", dockerfile: "Dockerfile"},
		{name: "at the root", data: map[string]string{".dockerignore": "root"}, dockerfile: "d/Dockerfile", want: "root", shown: ".dockerignore"},
		{name: "the specific one replaces it", data: map[string]string{".dockerignore": "root", "d/x.dockerignore": "own"}, dockerfile: "d/x", want: "own", shown: "d/x.dockerignore"},
		{name: "even if it is empty", data: map[string]string{".dockerignore": "root", "Dockerfile.dockerignore": ""}, dockerfile: "Dockerfile", want: "-", shown: "Dockerfile.dockerignore"},
		{name: "a plain one beside the Dockerfile does not count", data: map[string]string{"d/.dockerignore": "no"}, dockerfile: "d/Dockerfile"},
		{name: "a directory is passed over", entries: []string{"Dockerfile.dockerignore/"}, data: map[string]string{".dockerignore": "root"}, dockerfile: "Dockerfile", want: "root", shown: ".dockerignore"},
		{name: "two directories", entries: []string{"Dockerfile.dockerignore/", ".dockerignore/x"}, dockerfile: "Dockerfile"},
		{name: "a link", entries: []string{".dockerignore -> a/b"}, data: map[string]string{"a/b": "linked"}, dockerfile: "Dockerfile", want: "linked", shown: ".dockerignore"},
		{name: "links on the way", entries: []string{"Dockerfile.dockerignore -> l/b", "l -> a"}, data: map[string]string{"a/b": "linked"}, dockerfile: "Dockerfile", want: "linked", shown: "Dockerfile.dockerignore"},
		{name: "a link that is clamped", entries: []string{".dockerignore -> ../../b"}, data: map[string]string{"b": "linked"}, dockerfile: "Dockerfile", want: "linked", shown: ".dockerignore"},
		{name: "an absolute link", entries: []string{".dockerignore -> /b"}, data: map[string]string{"b": "linked"}, dockerfile: "Dockerfile", want: "linked", shown: ".dockerignore"},
		{name: "a dangling link", entries: []string{"Dockerfile.dockerignore -> b"}, data: map[string]string{".dockerignore": "root"}, dockerfile: "Dockerfile", want: "root", shown: ".dockerignore"},
		{name: "a loop", entries: []string{".dockerignore -> b", "b -> .dockerignore"}, dockerfile: "Dockerfile"},
		{name: "a link through the same link twice is not transferred", entries: []string{".dockerignore -> l/x", "l -> d", "d/x -> /l/y"}, data: map[string]string{"d/y": "lost"}, dockerfile: "Dockerfile"},
		{name: "the name of a lower-case Dockerfile does not count", data: map[string]string{"dockerfile.dockerignore": "no"}, dockerfile: "Dockerfile"},
		{name: "no Dockerfile", data: map[string]string{".dockerignore": "root"}, want: "root", shown: ".dockerignore"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemFS(tt.entries...)
			for p, data := range tt.data {
				m.add(p, &memNode{mode: 0o644, data: data})
			}
			file, err := FindIgnoreFile(m, m, tt.dockerfile)
			require.NoError(t, err)
			if tt.want == "" {
				require.Nil(t, file)
				return
			}
			require.NotNil(t, file)
			assert.Equal(t, tt.shown, file.Name)
			if tt.want == "-" {
				assert.Nil(t, file.Patterns())
				return
			}
			assert.Equal(t, []string{tt.want}, file.Patterns())
		})
	}
}

func TestFindIgnoreFileErrors(t *testing.T) {
	full := strings.Repeat(strings.Repeat("a", 1023)+"\n", maxIgnoreFile/1024)
	m := newMemFS()
	m.add(".dockerignore", &memNode{mode: 0o644, data: full + "b"})
	_, err := FindIgnoreFile(m, nil, "")
	var ie *IgnoreError
	require.ErrorAs(t, err, &ie)
	assert.ErrorContains(t, err, ".dockerignore: file exceeds")

	m.nodes[".dockerignore"].data = full
	_, err = FindIgnoreFile(m, nil, "")
	require.NoError(t, err, "the limit itself is allowed")

	m.nodes[".dockerignore"].data = "a\n" + strings.Repeat("b", maxLine)
	_, err = FindIgnoreFile(m, nil, "")
	require.ErrorAs(t, err, &ie)
	assert.Equal(t, 2, ie.Line)

	m.nodes[".dockerignore"].readErr = fs.ErrPermission
	_, err = FindIgnoreFile(m, nil, "")
	assert.ErrorIs(t, err, fs.ErrPermission, "an unreadable one is not taken for an empty one")

	_, err = FindIgnoreFile(m, m, "../Dockerfile")
	assert.ErrorContains(t, err, "out of the context")
	_, err = FindIgnoreFile(m, m, "Docker[file")
	assert.ErrorContains(t, err, "no valid pattern")
}

func TestFindIgnoreFileOnDisk(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "ctx/sub/Dockerfile.dockerignore"), "own")
	writeFile(t, filepath.Join(dir, "ctx/.dockerignore"), "root")
	writeFile(t, filepath.Join(dir, "else/Dockerfile.dockerignore"), "else")
	open := func(name string) FS {
		fsys, err := DirFS(filepath.Join(dir, name))
		require.NoError(t, err)
		return fsys
	}
	file, err := FindIgnoreFile(open("ctx"), open("ctx/sub"), "Dockerfile")
	require.NoError(t, err)
	assert.Equal(t, "sub/Dockerfile.dockerignore", file.Name)
	file, err = FindIgnoreFile(open("ctx"), open("else"), "Dockerfile")
	require.NoError(t, err)
	assert.Equal(t, "Dockerfile.dockerignore", file.Name)
	assert.Equal(t, []string{"else"}, file.Patterns())

	require.NoError(t, os.Remove(filepath.Join(dir, "ctx/.dockerignore")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "ctx/.dockerignore"), 0o600))
	file, err = FindIgnoreFile(open("ctx"), nil, "")
	require.NoError(t, err)
	assert.Nil(t, file, "a FIFO is passed over")
}
