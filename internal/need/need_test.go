package need_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// ways are those of a language in which every step may make what it reaches.
type ways struct{ steered string }

func (ways) Elsewhere(*need.Need) (l dockerfile.Location, _ bool) { return l, false }
func (w ways) Steered() string                                    { return w.steered }
func (ways) Made(p string) bool                                   { return strings.HasSuffix(p, ".gen") }
func (ways) Makes(*dockerfile.Op, bool, bool) bool                { return true }
func (ways) OwnSource(string) bool                                { return true }

func predict(t *testing.T, files map[string]string, tracked ...string) *view.Build {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	m, err := simulate.Build(t.Context(), dockerfile.Options{Context: dir})
	require.NoError(t, err)
	main, err := m.MainContext(dir)
	require.NoError(t, err)
	b := view.NewBuild(context.Background(), m, main, view.NewFacts())
	b.Git.Tracked = func(_, below string) (out []string, _ bool, _ error) {
		for _, f := range tracked {
			if simulate.Within(f, below) {
				out = append(out, f)
			}
		}
		return out, true, nil
	}
	return b
}

func TestDoubt(t *testing.T) {
	const head = "WORKDIR /app\nCOPY main.js ./\n"
	nobody := func([]string) string { return "" }
	nowhere := func([]string) bool { return false }
	tests := []struct {
		name, dockerfile, ignore string
		need                     need.Need
		written                  func([]string) string
		mounted                  func([]string) bool
		unreached, alone         bool
		want                     need.Doubt
	}{
		{name: "not copied", dockerfile: "FROM node\n" + head},
		{name: "kept out", dockerfile: "FROM node\n" + head + "COPY . .\n", ignore: "lib"},
		{name: "a step that installs packages", dockerfile: "FROM node\n" + head + "RUN npm ci\n"},
		{name: "a step in another directory", dockerfile: "FROM node\n" + head + "RUN cd /src && make\n"},
		{name: "a step that may do anything", dockerfile: "FROM node\n" + head + "RUN make\n", want: need.Doubt{Kind: need.MadeByStep, By: "RUN make"}},
		{name: "what git tracks and the ignore file keeps out no step makes", dockerfile: "FROM node\n" + head + "RUN make\n", ignore: "lib"},
		{name: "but one that names it", dockerfile: "FROM node\n" + head + "RUN make lib/x.js\n", ignore: "lib", want: need.Doubt{Kind: need.NamedByStep, By: "RUN make lib/x.js"}},
		{name: "removed again", dockerfile: "FROM node\n" + head + "COPY lib lib\nRUN rm -r lib\n"},
		{name: "an unknown base", dockerfile: "FROM example.org/own\n" + head, need: need.Need{Top: true}, want: need.Doubt{Kind: need.HeldByBase, By: "example.org/own:latest"}},
		{name: "an unknown base holds no part of a package", dockerfile: "FROM example.org/own\n" + head},
		{name: "a search path", dockerfile: "FROM node\n" + head + "COPY lib /elsewhere\n", need: need.Need{Top: true, Ways: ways{"x.py:1"}}, unreached: true, want: need.Doubt{Kind: need.Steered, By: "x.py:1"}},
		{name: "a start script", dockerfile: "FROM node\n" + head, written: func([]string) string { return "start.sh:2" }, want: need.Doubt{Kind: need.WrittenAtStart, By: "start.sh:2"}},
		{name: "a mount", dockerfile: "FROM node\n" + head, need: need.Need{Top: true, Started: true}, mounted: func([]string) bool { return true }, want: need.Doubt{Kind: need.MountedOver}},
		{name: "nothing is copied", dockerfile: "FROM node\n", need: need.Need{Top: true, Started: true}, want: need.Doubt{Kind: need.MountedOver}},
		{name: "nothing is copied into an image that is shipped", dockerfile: "FROM node\n", need: need.Need{Top: true, Started: true}, alone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := predict(t, map[string]string{"Dockerfile": tt.dockerfile, ".dockerignore": tt.ignore, "main.js": "", "lib/x.js": "", "package.json": "{}"}, "main.js", "lib/x.js")
			n := tt.need
			n.Name, n.Source, n.Wants, n.Asks = "lib", "lib", []string{"/app/lib"}, []need.Ask{{At: finding.Position{File: "main.js", Line: 1}, Reach: need.Startup}}
			if n.Ways == nil {
				n.Ways = ways{}
			}
			if tt.written == nil {
				tt.written = nobody
			}
			if tt.mounted == nil {
				tt.mounted = nowhere
			}
			v, err := need.Judge(b, &n)
			require.NoError(t, err)
			got, err := v.Doubt(tt.unreached, need.Starts{Written: tt.written, Mounted: tt.mounted, Alone: tt.alone})
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
			assert.Equal(t, got.Kind == need.Proved, got.Because() == "")
		})
	}
}

// Where files of something are, and what became of the others.
func TestJudge(t *testing.T) {
	b := predict(t, map[string]string{
		"Dockerfile":    "FROM scratch\nCOPY . /srv/\nRUN rm /srv/lib/gone.js\n",
		".dockerignore": "lib/kept.js\n", "lib/a.js": "", "lib/kept.js": "", "lib/gone.js": "", "lib/untracked.js": "",
	}, "lib/a.js", "lib/kept.js", "lib/gone.js", "lib/deleted.js")
	n := &need.Need{Source: "lib", Ways: ways{}}
	v, err := need.Judge(b, n)
	require.NoError(t, err)
	assert.Equal(t, []string{"lib/a.js", "lib/gone.js", "lib/kept.js"}, v.Files)
	assert.Equal(t, []string{"lib/kept.js"}, v.Ignored)
	assert.Equal(t, []string{"lib/gone.js"}, v.Uncopied)
	assert.Equal(t, "/srv/lib", v.Lies())
	gone, err := v.Gone()
	require.NoError(t, err)
	require.NotNil(t, gone.By)
	assert.Equal(t, "RUN rm /srv/lib/gone.js", gone.By.Location.Text)
	assert.True(t, gone.Surely)

	n.Wanted = func(rel string) bool { return rel == "a.js" }
	n.At = "/srv/lib"
	v, err = need.Judge(b, n)
	require.NoError(t, err)
	assert.True(t, v.Whole())
	n.At = "/srv"
	v, err = need.Judge(b, n)
	require.NoError(t, err)
	assert.Equal(t, []string{"lib/a.js"}, v.Uncopied, "it lies elsewhere")
}

func TestLedger(t *testing.T) {
	var l need.Ledger
	reason := func(why string) func() need.Reason { return func() need.Reason { return need.Reason{Why: why} } }
	l.Add("/b/../a", reason("first"))
	l.Add("a", reason("second"))
	l.Add("b/", reason("third"))
	l.Add(".", reason("never"))
	assert.Equal(t, []string{"a", "b"}, l.Paths())
	assert.Equal(t, "first", l.Reason("a").Why)
}
