package builder

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// docker makes a docker that runs a script, the only program in PATH.
func docker(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	t.Setenv("PATH", dir)
	t.Setenv("BUILDKIT_HOST", "")
}

// A builder that does not end ends with the context, or when nobody reads on.
func TestEnds(t *testing.T) {
	docker(t, "while :; do echo archive; done")
	opt := dockerfile.Options{Context: t.TempDir()}
	enough := errors.New("enough")
	some := func(_ string, r io.Reader) error { _, err := io.CopyN(io.Discard, r, 100); return err }
	require.ErrorIs(t, Build(t.Context(), opt, io.Discard, func(name string, r io.Reader) error { return errors.Join(some(name, r), enough) }), enough)

	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, Build(ctx, opt, io.Discard, func(name string, r io.Reader) error {
		err := some(name, r)
		cancel()
		_, _ = io.Copy(io.Discard, r)
		return err
	}), context.Canceled)
}

// A builder that fails fails the build although it wrote an archive.
func TestFails(t *testing.T) {
	docker(t, "echo archive; exit 3")
	all := func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }
	require.EqualError(t, Build(t.Context(), dockerfile.Options{Context: t.TempDir()}, io.Discard, all), "docker buildx fails: exit status 3")
	t.Setenv("PATH", t.TempDir())
	require.ErrorIs(t, Build(t.Context(), dockerfile.Options{}, io.Discard, all), ErrNone)
	docker(t, "echo archive") // the builder of a repository is not asked
	require.ErrorIs(t, Build(t.Context(), dockerfile.Options{Context: os.Getenv("PATH")}, io.Discard, all), ErrNone)
}

// Nothing is left of a Dockerfile that is no file.
func TestInline(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	docker(t, "while read -r line; do echo \"$line\"; done < ${4#--file=}")
	var got []byte
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "FROM scratch\n"); w.Close() }()
	require.NoError(t, Build(t.Context(), dockerfile.Options{Context: t.TempDir(), Dockerfile: "-", Stdin: r}, io.Discard, func(_ string, r io.Reader) (err error) {
		got, err = io.ReadAll(r)
		return err
	}))
	assert.Equal(t, "FROM scratch\n", string(got))
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	assert.Empty(t, left)
}
