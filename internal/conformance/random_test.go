package conformance

import (
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

var (
	seed   = flag.Uint64("seed", 1, "seed of the random builds")
	builds = flag.Uint64("builds", 300, "how many random builds to compare")
	from   = flag.Uint64("from", 0, "index of the first random build")
)

// maxReports is how many differences are shrunk and shown: the first ones
// mostly share a cause with the rest.
const maxReports = 5

// parallel is how many builds run at once; more gain nothing on few cores.
const parallel = 3

func TestRandom(t *testing.T) {
	d := daemon(t)
	t.Logf("%d builds, repeat them with -run TestRandom -seed %d -from %d -builds %d", *builds, *seed, *from, *builds)
	var (
		mu      sync.Mutex
		reports int
		built   atomic.Int64 // without a failure of the build
	)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(parallel)
	for i := *from; i < *from+*builds; i++ {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			s := Generate(*seed, i)
			result, diff, err := compareScenario(ctx, d, s)
			if err != nil {
				return err
			}
			if result.Failure == nil {
				built.Add(1)
			}
			if diff == "" {
				return nil
			}
			mu.Lock()
			reports++
			enough := reports > maxReports
			mu.Unlock()
			if enough {
				return nil
			}
			s = Shrink(s, func(s *Scenario) bool {
				_, d, err := compareScenario(ctx, d, s)
				return err == nil && sameKind(d, diff)
			})
			_, diff, err = compareScenario(ctx, d, s)
			if err != nil {
				return err
			}
			t.Errorf("a random build differs (- built, + predicted)\n%s\n%s", diff, s.Case().Format())
			return nil
		})
	}
	require.NoError(t, g.Wait())
	if reports > maxReports {
		t.Errorf("%d more random builds differ", reports-maxReports)
	}
	t.Logf("%d of %d builds succeeded", built.Load(), *builds)
	// Builds that fail compare a line number at most. A generator that makes
	// few others would test little.
	if *builds >= 100 {
		assert.Greater(t, built.Load(), int64(*builds/3))
	}
}

// sameKind keeps the shrinker from wandering from one difference to another:
// a wrong verdict stays one, and so does a wrong listing.
func sameKind(a, b string) bool {
	verdict := func(diff string) bool { return strings.Contains(diff, "builds\n") }
	return a != "" && verdict(a) == verdict(b)
}

func compareScenario(ctx context.Context, d *Daemon, s *Scenario) (*Result, string, error) {
	dir, err := os.MkdirTemp("", "ctxaudit-random-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	return compare(ctx, d, s.Case(), dir)
}

// The same seed has to give the same scenario, or no report could be repeated.
func TestGenerateIsRepeatable(t *testing.T) {
	for i := range uint64(50) {
		assert.Equal(t, Generate(7, i), Generate(7, i))
	}
	assert.NotEqual(t, Generate(7, 1).Case(), Generate(8, 1).Case())
}

// What the generator makes can be written, read and made.
func TestGenerateGivesCases(t *testing.T) {
	for i := range uint64(200) {
		c := Generate(3, i).Case()
		again, err := ParseCase(c.Name, c.Format())
		require.NoError(t, err)
		assert.Equal(t, string(c.Format()), string(again.Format()))
		_, err = again.Materialize(t.TempDir())
		require.NoError(t, err, "%s", c.Format())
	}
}

func TestShrink(t *testing.T) {
	s := Generate(1, 4)
	s.Instructions = append(s.Instructions, Instruction{Name: "COPY", Flags: []string{"--link", "--parents"}, Sources: []string{"a", "b"}, Dest: "/x"})
	s.Ignore = append(s.Ignore, "needed", "not needed")
	before := s.clone()
	got := Shrink(s, func(s *Scenario) bool {
		return slices.Contains(s.Ignore, "needed") && slices.ContainsFunc(s.Instructions, func(in Instruction) bool {
			return slices.Contains(in.Flags, "--parents") && slices.Contains(in.Sources, "b")
		})
	})
	assert.Equal(t, before, s, "the scenario given was changed")
	assert.Equal(t, []string{"needed"}, got.Ignore)
	assert.Equal(t, []Instruction{{Name: "COPY", Flags: []string{"--parents"}, Sources: []string{"b"}, Dest: "/x"}}, got.Instructions)
	assert.Empty(t, got.Material)
	assert.Empty(t, got.Archives)
}
