package conformance

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

var show = flag.Bool("show", false, "log what every case builds")

// buildTimeout is far above what a build and its prediction take, about 0.1 s,
// and below what somebody would wait for.
const buildTimeout = 20 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if err := closeDaemon(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// The tests share one daemon, which the first that needs it starts.
var shared struct {
	once   sync.Once
	daemon *Daemon
	err    error
	skip   error
}

func daemon(t *testing.T) *Daemon {
	t.Helper()
	shared.once.Do(startDaemon)
	if shared.skip != nil {
		t.Skip(shared.skip)
	}
	require.NoError(t, shared.err)
	return shared.daemon
}

func startDaemon() {
	if os.Getenv(requireVar) != "require" {
		shared.skip = fmt.Errorf("real builds need root and a minute or two: %s=require, or make conformance, runs them", requireVar)
		return
	}
	root, err := repositoryRoot()
	if err != nil {
		shared.err = err
		return
	}
	binaries := Binaries(root)
	ctx := context.Background()
	if err := Provision(ctx, root, binaries); err != nil {
		shared.err = err
		return
	}
	shared.daemon, shared.err = StartDaemon(ctx, filepath.Join(binaries, "buildkitd"))
}

func closeDaemon() error {
	if shared.daemon == nil {
		return nil
	}
	return shared.daemon.Close()
}

// compare builds and predicts a case.
func compare(ctx context.Context, d *Daemon, c *Case, dir string) (built, predicted *Result, err error) {
	request, err := c.Materialize(dir)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	built, err = d.Build(ctx, *request)
	if err != nil {
		return nil, nil, err
	}
	predicted, err = predictInTime(ctx, *request)
	if err != nil {
		return nil, nil, err
	}
	return built, predicted, nil
}

// predictInTime gives up when the context does: a prediction that runs for
// ever is a fault that the suite has to name, not one that stops it.
func predictInTime(ctx context.Context, r Request) (*Result, error) {
	type answer struct {
		result *Result
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		result, err := Predict(ctx, r)
		answers <- answer{result, err}
	}()
	select {
	case a := <-answers:
		return a.result, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("predicting: %w", ctx.Err())
	}
}

func TestCases(t *testing.T) {
	d := daemon(t)
	root, err := repositoryRoot()
	require.NoError(t, err)
	cases, err := LoadCases(filepath.Join(root, "testdata", "conformance"))
	require.NoError(t, err)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			built, predicted, err := compare(t.Context(), d, c, t.TempDir())
			require.NoError(t, err)
			diff := Diff(built, predicted)
			if *show {
				t.Log("\n" + describe(built))
			}
			requireExpected(t, c, built)
			switch {
			case c.Differs == "" && diff != "":
				t.Errorf("%s\n(- built, + predicted)\n%s", c.Reason, diff)
			case c.Differs != "" && diff == "":
				t.Errorf("no difference any more, remove the directive: differs %s", c.Differs)
			}
		})
	}
}

// requireExpected holds a build against the case's own expectation: a case
// that fails by a slip of its author would compare nothing.
func requireExpected(t *testing.T, c *Case, built *Result) {
	t.Helper()
	switch {
	case c.Fails == "" && built.Failure != nil:
		t.Fatalf("BuildKit refuses this case, which does not say so: line %d: %s", built.Failure.Line, built.Failure.Message)
	case c.Fails != "" && built.Failure == nil:
		t.Fatalf("BuildKit builds this case, which should fail:\n%s", built.Listing)
	case c.Fails != "":
		require.Contains(t, built.Failure.Message, c.Fails)
	}
}

func describe(r *Result) string {
	if r.Failure != nil {
		return fmt.Sprintf("fails at line %d: %s\n", r.Failure.Line, r.Failure.Message)
	}
	return r.Listing.String() + r.Config.String()
}

// The daemon is built from a module of its own; were its version another
// one, the suite would hold ctxaudit against a BuildKit that it does not use.
func TestDaemonVersion(t *testing.T) {
	root, err := repositoryRoot()
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(root, "hack", "buildkit", "go.mod"))
	require.NoError(t, err)
	match := regexp.MustCompile(`(?m)^require ` + regexp.QuoteMeta(buildkitModule) + ` (\S+)$`).FindSubmatch(data)
	require.NotNil(t, match, "hack/buildkit/go.mod requires no BuildKit")
	assert.Equal(t, dockerctx.BuildKitVersion, string(match[1]))
}
