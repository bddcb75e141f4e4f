package simulate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	layers "github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// entries gives all that is known of every entry of an image.
func entries(t *testing.T, m *Image) (out []string) {
	t.Helper()
	require.NoError(t, m.Tree.Walk(func(p string, n *rootfs.Node) error {
		origin, known := m.Origin(n)
		out = append(out, fmt.Sprintf("%s %s %o %v %d %q op %d partial %v implied %v from %s %v by",
			p, n.Kind, n.Perm, n.Owner, n.Size, n.Link, n.Op, n.May.All(), n.Implied, origin, known))
		for _, s := range m.Provenance(n) {
			out[len(out)-1] += fmt.Sprintf(" %d %s", s.Op.ID, s.Op.Kind)
		}
		return nil
	}))
	return append(out, fmt.Sprint(m.Opaque))
}

// withoutWarnings gives a plan as far as one is comparable that was made of another one.
func withoutWarnings(p *dockerfile.Plan) dockerfile.Plan {
	out := *p
	out.Warnings, out.Dockerfile.Open = nil, nil
	return out
}

// TestBuildAfter edits ignore files and Dockerfiles at random: what is predicted after an earlier prediction is what is
// predicted without.
func TestBuildAfter(t *testing.T) {
	tree := map[string]string{}
	for _, dir := range []string{"", "app/", "app/a/", "app/b/c/", "lib/x/", "lib/y/keep/", "docs/"} {
		for _, name := range []string{"m.py", "n.log", "data.txt"} {
			tree[dir+name] = dir + name
		}
	}
	dir := files(t, tree)
	base, err := dockerctx.DirFS(dir)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(15, 3))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	place := func() string {
		return pick("app", "app/a", "app/b", "lib", "lib/x", "lib/y", "lib/y/keep", "docs", ".", "m.py", "app/m.py", "lib/x/n.log")
	}
	pattern := func() string {
		p := pick("app", "app/a/", "lib/*", "lib/y/keep", "docs", "lib/x/**", "app/*.log", "app/b/c/data.txt", "l*/x")
		if r.IntN(4) == 0 {
			p = pick("**/*.log", "*.txt", "**/keep", "**/a")
		}
		return pick("", "", "!") + p
	}
	instruction := func() string {
		switch r.IntN(12) {
		case 0:
			return pick("RUN true", "RUN rm -rf /srv/a /srv/m.py", "RUN mkdir -p /opt/1 && rm /app/x/data.txt", "RUN cp -r /app /copy; mv /srv/a /srv/moved", "RUN make", "RUN npm ci", "RUN mkdir -p /app && echo x > /app/new.py && ln -s /app /srv/link")
		case 1:
			return "WORKDIR " + pick("/srv", "/app/x", "/")
		case 2:
			return "COPY --chown=1:2 " + place() + " " + pick("/srv/", "/app/x/", "./y/")
		case 3:
			return "COPY --chmod=0700 " + place() + " " + pick("/srv/", "/app/x/")
		case 4:
			return "COPY --exclude=**/*.txt " + place() + " " + pick("/srv/", "/opt/z/")
		case 5:
			return "COPY " + place() + " " + place() + " " + pick("/srv/", "/opt/two/")
		case 6:
			return "FROM scratch"
		case 7:
			return "COPY --from=0 " + pick("/srv", "/app", "/") + " " + pick("/srv/from/", "/x/")
		case 8:
			return "COPY l* /srv/wild/"
		}
		return "COPY " + place() + " " + pick("/srv/", "/app/x/", "/opt/"+pick("1", "2", "3"), "./z/")
	}
	list := func(n int, line func() string) (out []string) {
		for range n {
			out = append(out, line())
		}
		return out
	}
	edit := func(lines []string, line func() string) []string {
		lines = slices.Clone(lines)
		switch at := r.IntN(len(lines) + 1); {
		case at < len(lines) && r.IntN(2) == 0:
			lines[at] = line()
		case at < len(lines) && r.IntN(3) == 0:
			return slices.Delete(lines, at, at+1)
		default:
			return slices.Insert(lines, at, line())
		}
		return lines
	}
	shared, replanned := 0, 0
	for range 500 {
		ignore, text := list(r.IntN(5), pattern), append([]string{pick("FROM scratch", "FROM base")}, list(1+r.IntN(6), instruction)...)
		build := func(prior *Image) (*Image, error) {
			open := layers.Open(func(string) (dockerctx.FS, error) { return base, nil }, layers.Files{
				filepath.Join(dir, ".dockerignore"): []byte(strings.Join(ignore, "\n")), filepath.Join(dir, "Dockerfile"): []byte(strings.Join(text, "\n") + "\n"),
			})
			return BuildAfter(t.Context(), dockerfile.Options{Context: dir, Open: open}, prior)
		}
		prior, err := build(nil)
		if err != nil {
			continue
		}
		for range 3 {
			if ignore = edit(ignore, pattern); r.IntN(2) == 0 {
				text = append(text[:1:1], edit(text[1:], instruction)...)
			}
			fresh, freshErr := build(nil)
			after, afterErr := build(prior)
			what := fmt.Sprintf("%q\n%q", ignore, text)
			if freshErr != nil {
				var be *BuildError
				if errors.As(freshErr, &be) {
					require.Error(t, afterErr, what)
					require.Equal(t, freshErr.Error(), afterErr.Error(), what)
				}
				break
			}
			require.NoError(t, afterErr, what)
			require.Equal(t, entries(t, fresh), entries(t, after), what)
			require.Equal(t, withoutWarnings(fresh.Plan), withoutWarnings(after.Plan), what)
			if &after.Plan.Stages[0] == &prior.Plan.Stages[0] {
				replanned++
			}
			require.NoError(t, after.Verify(t.Context(), prior), what)
			require.Equal(t, allChanges(t, prior, fresh), changes(t, prior, after), what)
			require.NoError(t, rootfs.WalkNode("", after.Tree.Root(), func(p string, n *rootfs.Node) error {
				if was, err := prior.Tree.Lstat(p); err == nil && was == n && n.IsDir() {
					shared++
				}
				return nil
			}))
			prior = after
		}
	}
	assert.Greater(t, shared, 500, "something must be taken over")
	assert.Greater(t, replanned, 200, "where only the ignore file differs nothing is compiled")
}
