package cases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/conformance"
)

// requireVar asks for real builds, which need root; "make cases" sets it.
const requireVar = "CTXAUDIT_CASES"

// What the cases say of the image, and of what is refused, BuildKit says, too. No base image is fetched and no step is run: what they
// bring does not matter to what the cases are about.
func TestBuildKit(t *testing.T) {
	if os.Getenv(requireVar) != "require" {
		t.Skipf("real builds need root: %s=require, or make cases, runs them", requireVar)
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	binaries := conformance.Binaries(root)
	require.NoError(t, conformance.Provision(t.Context(), root, binaries))
	daemon, err := conformance.StartDaemon(t.Context(), filepath.Join(binaries, "buildkitd"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, daemon.Close()) })
	for _, c := range loadCases(t) {
		if c.refuses == "" && len(c.has)+len(c.lacks) == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			c.materialize(t, ".")
			c.build(t, daemon)
		})
	}
}

// buildTimeout is far above what a build takes.
const buildTimeout = time.Minute

// build builds a case and holds what it says.
func (c *aCase) build(t *testing.T, daemon *conformance.Daemon) {
	here, err := os.Getwd()
	require.NoError(t, err)
	r := conformance.Request{Context: filepath.Join(here, c.context()), BuildArgs: map[string]string{}, BuildContexts: map[string]string{}}
	r.Dockerfile = filepath.Join(r.Context, "Dockerfile")
	for _, file := range c.request["file"] {
		r.Dockerfile = filepath.Join(here, file)
	}
	for _, pair := range c.request["build-arg"] {
		name, value, _ := strings.Cut(pair, "=")
		r.BuildArgs[name] = value
	}
	for _, pair := range c.request["build-context"] {
		name, dir, _ := strings.Cut(pair, "=")
		r.BuildContexts[name] = filepath.Join(here, dir)
	}
	require.NoError(t, rewrite(r.Dockerfile, bare))
	ctx, cancel := context.WithTimeout(t.Context(), buildTimeout)
	defer cancel()
	built, err := daemon.Build(ctx, r)
	require.NoError(t, err)
	if c.refuses != "" {
		require.NotNil(t, built.Failure, "it is built")
		assert.Contains(t, built.Failure.Message, c.refuses)
		return
	}
	require.Nil(t, built.Failure, "%v", built.Failure)
	var paths []string
	for _, e := range built.Listing {
		paths = append(paths, "/"+strings.Trim(e.Path, "/"))
	}
	for _, p := range c.has {
		assert.Contains(t, paths, p)
	}
	for _, p := range c.lacks {
		assert.NotContains(t, paths, p)
	}
}

var (
	from    = regexp.MustCompile(`(?im)^(FROM\s+)(\S+)`)
	stage   = regexp.MustCompile(`(?im)^FROM\s+\S+\s+AS\s+(\S+)`)
	step    = regexp.MustCompile(`(?m)^RUN [^-](?:.*\\\n)*.*\n`)
	syntax  = regexp.MustCompile(`(?m)\A# syntax=.*\n`)
	foreign = regexp.MustCompile(`(?m)^COPY --from=\S+/.*\n`)
)

// bare takes the base images and the steps out of a Dockerfile, but for steps with mounts, of which BuildKit asks for the sources.
func bare(data []byte) []byte {
	names := map[string]bool{"scratch": true}
	for _, m := range stage.FindAllSubmatch(data, -1) {
		names[string(m[1])] = true
	}
	data = from.ReplaceAllFunc(data, func(line []byte) []byte {
		if m := from.FindSubmatch(line); !names[string(m[2])] {
			return fmt.Appendf(nil, "%sscratch", m[1])
		}
		return line
	})
	return syntax.ReplaceAll(foreign.ReplaceAll(step.ReplaceAll(data, nil), nil), nil)
}
