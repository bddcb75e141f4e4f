package builds

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// reading gives a reader of the files of an archive, and the names of those that are sources.
func reading(t testing.TB, archive string) (r *Reader, sources []string) {
	t.Helper()
	files := map[string][]byte{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		files[f.Name] = f.Data
		if IsSource(f.Name) {
			sources = append(sources, f.Name)
		}
	}
	return inMemory(files), sources
}

// inMemory gives a reader of files that are nowhere on the disk.
func inMemory(files map[string][]byte) *Reader {
	return &Reader{
		Read: func(name string) ([]byte, error) {
			data, ok := files[path.Clean(name)]
			if !ok {
				return nil, fmt.Errorf("reading %s: %w", name, fs.ErrNotExist)
			}
			return data, nil
		},
		Exists: func(name string) bool {
			name = path.Clean(name)
			_, ok := files[name]
			ok = ok || name == "."
			for f := range files {
				ok = ok || strings.HasPrefix(f, name+"/")
			}
			return ok
		},
	}
}

// show writes builds and notes as tests compare them: one line each.
func show(found []Build, notes []Note) string {
	var out strings.Builder
	for _, b := range found {
		fmt.Fprintf(&out, "%s %s:%d %s: %s", b.Kind, b.File, b.Line, cmp.Or(b.Name, "-"), b.Context)
		if b.Fetched {
			out.WriteString(" fetched")
		}
		if b.Inline != "" {
			fmt.Fprintf(&out, " inline %q", b.Inline)
		}
		for _, kv := range [][2]string{{"file", b.Dockerfile}, {"target", b.Target}, {"platform", b.Platform}, {"upload", b.Upload}} {
			if kv[1] != "" {
				fmt.Fprintf(&out, " %s=%s", kv[0], kv[1])
			}
		}
		for _, k := range slices.Sorted(maps.Keys(b.Args)) {
			fmt.Fprintf(&out, " %s:%s", k, b.Args[k])
		}
		for _, k := range slices.Sorted(maps.Keys(b.Contexts)) {
			fmt.Fprintf(&out, " +%s:%s", k, b.Contexts[k])
		}
		out.WriteString("\n")
	}
	for _, n := range notes {
		fmt.Fprintf(&out, "note %s:%d %s\n", n.File, n.Line, n.Text)
	}
	return out.String()
}

// runTable runs the archives of a directory: each holds the files of a repository, and in "want" what its sources say.
func runTable(t *testing.T, pattern string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			archive := txtar.Parse(data)
			i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			require.GreaterOrEqual(t, i, 0, "the archive says what it wants")
			want := string(archive.Files[i].Data)
			r, sources := reading(t, string(data))
			got := show(r.Builds(t.Context(), sources))
			if os.Getenv("UPDATE") != "" && got != want {
				archive.Files[i].Data = []byte(got)
				require.NoError(t, os.WriteFile(name, txtar.Format(archive), 0o644))
				return
			}
			require.Equal(t, want, got)
		})
	}
}
