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

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/countfs"
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
				var images []*Image
				var read []map[string]int
				var counters [2]countfs.Counter
				for i, ignore := range []string{ig.before, ig.after} {
					require.NoError(t, os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(ignore), 0o644))
					m, err := Build(context.Background(), dockerfile.Options{Context: dir, Open: counters[i].Open})
					require.NoError(t, err)
					images = append(images, m)
				}
				before, after := images[0], images[1]
				require.NoError(t, after.Verify(before))
				got := map[string][2]*File{}
				require.NoError(t, Compare(before, after, []string{".dockerignore"}, func(p string, was, now *File) {
					require.NotContains(t, got, p)
					got[p] = [2]*File{was, now}
				}))
				for i := range counters {
					_, dirs := counters[i].Take()
					read = append(read, dirs)
				}
				if ig.unread != "" && i < 2 {
					for _, dirs := range read {
						for dir := range dirs {
							assert.False(t, dir != ig.unread && strings.HasPrefix(dir, ig.unread+"/"), "%s was read", dir)
						}
					}
				}
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
				assert.Equal(t, want, got)
			})
		}
	}
}
