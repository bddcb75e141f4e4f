package dockerctx

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
)

// BenchmarkWalk lists 50,000 files under an ignore file of 200 lines.
func BenchmarkWalk(b *testing.B) {
	dir := b.TempDir()
	for i := range 1000 {
		sub := filepath.Join(dir, fmt.Sprintf("src%d/pkg%d/mod%d", i%10, i%100, i))
		require.NoError(b, os.MkdirAll(sub, 0o755))
		for j := range 50 {
			name := fmt.Sprintf("file%d.%s", j, []string{"go", "py", "tmp", "log"}[j%4])
			require.NoError(b, os.WriteFile(filepath.Join(sub, name), nil, 0o644))
		}
	}
	lines := []string{"**/*.tmp", "src3", "!src3/pkg13/**", "**/file1?.log"}
	for i := range 196 {
		lines = append(lines, []string{"node_modules%d", "**/cache%d", "*.bak%d", "src%d/build/*.o"}[i%4])
		lines[len(lines)-1] = fmt.Sprintf(lines[len(lines)-1], i)
	}
	file, err := ParseIgnoreFile("x", []byte(strings.Join(lines, "\n")))
	require.NoError(b, err)

	b.Run("fsutil", func(b *testing.B) {
		for b.Loop() {
			source, err := fsutil.NewFS(dir)
			require.NoError(b, err)
			source, err = fsutil.NewFilterFS(source, &fsutil.FilterOpt{ExcludePatterns: file.Patterns()})
			require.NoError(b, err)
			n := 0
			require.NoError(b, source.Walk(context.Background(), "/", func(string, fs.DirEntry, error) error { n++; return nil }))
			b.ReportMetric(float64(n), "entries")
		}
	})
	for name, walk := range map[string]func(*Tree, func(Entry) error) error{"types": (*Tree).WalkTypes, "sizes": (*Tree).Walk} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fsys, err := DirFS(dir)
				require.NoError(b, err)
				c, err := New(fsys, file)
				require.NoError(b, err)
				n := 0
				require.NoError(b, walk(c.Tree(), func(Entry) error { n++; return nil }))
				b.ReportMetric(float64(n), "entries")
			}
		})
	}
}

// BenchmarkMatcher decides about one path under lists of different length, with the index and without.
func BenchmarkMatcher(b *testing.B) {
	for _, lines := range []int{20, 200, 5000} {
		var patterns []string
		for i := range lines {
			patterns = append(patterns, fmt.Sprintf([]string{"**/*.ext%d", "dir%d/**/*.o", "build%d", "**/*.{a%d,ts}x", "**/tmp%d*"}[i%5], i))
		}
		m, err := newMatcher(append(patterns, "!**/keep/*.js"), nil, true, nil)
		require.NoError(b, err)
		src := m.index.enter(m.index.root, &place{dir: ".", name: []byte("src")})
		b.Run(fmt.Sprint("indexed/", lines), func(b *testing.B) {
			var j judgement
			name := []byte("main.js")
			for b.Loop() {
				_, _ = m.decideIn(&j, src, &place{dir: "src", name: name}, nil)
			}
		})
		b.Run(fmt.Sprint("all/", lines), func(b *testing.B) {
			for b.Loop() {
				_, _ = m.decideAll("src/main.js", nil)
			}
		})
	}
}

// BenchmarkNew compiles an ignore file.
func BenchmarkNew(b *testing.B) {
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, []string{"**/*.ext%d\n", "dir%d/**/*.o\n", "build%d\n"}[i%3], i)
	}
	file, err := ParseIgnoreFile("x", []byte(text.String()))
	require.NoError(b, err)
	for b.Loop() {
		_, err := New(newMemFS(), file)
		require.NoError(b, err)
	}
}
