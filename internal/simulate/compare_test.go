package simulate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/countfs"
	layers "github.com/ctxaudit/ctxaudit/internal/overlay"
)

// TestCompare holds what a comparison tells against all files of both images, and what it reads against where the ignore
// files can differ.
func TestCompare(t *testing.T) {
	tree := map[string]string{}
	for _, dir := range []string{"app/a", "app/b/c", "lib/x", "lib/y/keep", "docs"} {
		for _, name := range []string{"m.py", "n.log", "data.txt"} {
			tree[dir+"/"+name] = dir + name
		}
	}
	dir := files(t, tree)
	builds := []string{
		"FROM scratch\nCOPY . /srv/\n",
		"FROM scratch AS a\nCOPY . /src/\nFROM scratch\nCOPY --from=a /src /app\n",
		"FROM base\nCOPY . /srv/\nRUN x\nCOPY --chown=1:1 . /srv/lib\nCOPY Dockerfile /srv/lib/x/\n",
		"FROM scratch\nCOPY --exclude=**/*.txt . /srv/\nCOPY . /srv/app\n",
	}
	ignores := []struct {
		before, after string
		unread        string // a directory below which nothing differs, "" if there is none
	}{
		{"**/*.log\n", "**/*.log\n!app/a/n.log\n", "lib"},
		{"**/*.log\n!lib/y/keep\n", "**/*.log\n!lib/y/keep\napp/b\n", "lib"},
		{"docs\nlib\n!lib/y/keep\n", "docs\nlib\n!lib/y\n", "app"},
		{"app\n**/*.txt\n", "**/*.txt\napp\n", ""},
		{"", "**/*.log\n", ""},
		{"*\n!app\n!Dockerfile\n", "*\n!app\n!Dockerfile\n!lib/**/keep\n", ""},
		{"lib/x\n", "lib/x\n", "app"},
	}
	for i, text := range builds {
		for _, ig := range ignores {
			t.Run(fmt.Sprintf("%d %q", i, ig.after), func(t *testing.T) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
				var counter countfs.Counter
				base, err := counter.Open(dir)
				require.NoError(t, err)
				build := func(ignore string, prior *Image) *Image {
					open := layers.Open(func(string) (dockerctx.FS, error) { return base, nil }, layers.Files{filepath.Join(dir, ".dockerignore"): []byte(ignore)})
					m, err := BuildAfter(context.Background(), dockerfile.Options{Context: dir, Open: open}, prior)
					require.NoError(t, err)
					return m
				}
				before := build(ig.before, nil)
				require.NoError(t, before.Verify(t.Context(), nil))
				var want map[string][2]*File
				for _, prior := range []*Image{nil, before} {
					counter.Take()
					after := build(ig.after, prior)
					require.NoError(t, after.Verify(t.Context(), before))
					got := changes(t, before, after)
					_, read := counter.Take()
					if ig.unread != "" && i < 2 {
						for dir := range read {
							assert.False(t, dir != ig.unread && strings.HasPrefix(dir, ig.unread+"/"), "%s was read", dir)
						}
					}
					all := allChanges(t, before, after)
					if prior == nil {
						want = all
					}
					assert.Equal(t, want, all)
					assert.Equal(t, want, got)
				}
			})
		}
	}
}

func changes(t *testing.T, before, after *Image) map[string][2]*File {
	t.Helper()
	got := map[string][2]*File{}
	require.NoError(t, Compare(t.Context(), before, after, func(p string, was, now *File) {
		require.NotContains(t, got, p)
		got[p] = [2]*File{was, now}
	}))
	return got
}

// allChanges gives what differs among all files of two images.
func allChanges(t *testing.T, before, after *Image) map[string][2]*File {
	t.Helper()
	was, err := before.Files()
	require.NoError(t, err)
	now, err := after.Files()
	require.NoError(t, err)
	want := map[string][2]*File{}
	for p, f := range was {
		if g, ok := now[p]; !ok {
			want[p] = [2]*File{&f, nil}
		} else if f != g {
			want[p] = [2]*File{&f, &g}
		}
	}
	for p, f := range now {
		if _, ok := was[p]; !ok {
			want[p] = [2]*File{nil, &f}
		}
	}
	return want
}
