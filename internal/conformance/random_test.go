package conformance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

var (
	seed      = flag.Uint64("seed", 1, "seed of the random builds")
	stepsSeed = flag.Uint64("steps-seed", 1, "seed of the random steps")
	builds    = flag.Uint64("builds", 300, "how many random builds to compare")
	from      = flag.Uint64("from", 0, "index of the first random build")
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
			s, found, ok, err := firstDifference(ctx, d, Generate(*seed, i))
			if ok {
				built.Add(1)
			}
			if err != nil || found == "" {
				return err
			}
			mu.Lock()
			reports++
			enough := reports > maxReports
			mu.Unlock()
			if enough {
				return nil
			}
			s = Shrink(s, func(s *Scenario) bool {
				_, diff, err := compareScenario(ctx, d, s)
				return err == nil && sameKind(diff, found)
			})
			_, diff, err := compareScenario(ctx, d, s)
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
		assert.Greater(t, built.Load(), int64(*builds*3/4))
	}
}

// sameKind keeps the shrinker from wandering from one difference to another:
// a wrong verdict stays one, and so does a wrong listing. A build that asks
// for the network has lost a FROM that it needs.
func sameKind(a, b string) bool {
	kind := func(diff string) (failing int, builds bool) {
		return strings.Count(diff, "fails at"), strings.Contains(diff, "builds\n")
	}
	failing, builds := kind(a)
	wantFailing, wantBuilds := kind(b)
	return a != "" && failing == wantFailing && builds == wantBuilds && !strings.Contains(a, "failed to resolve source metadata")
}

// firstDifference compares a scenario, then what is left of it without the
// instruction at which it fails, and so on until a build succeeds: a scenario
// with one bad source would compare nothing else. It gives the scenario that
// differs, and whether a build succeeded.
func firstDifference(ctx context.Context, d *Daemon, s *Scenario) (differs *Scenario, diff string, ok bool, err error) {
	for {
		built, diff, err := compareScenario(ctx, d, s)
		if err != nil || diff != "" || built.Failure == nil {
			return s, diff, err == nil && built.Failure == nil, err
		}
		next := s.Without(built.Failure.Line)
		if next == nil {
			return s, "", false, nil
		}
		s = next
	}
}

// compareScenario compares one scenario. Where several instructions fail it is
// chance which one BuildKit names, because it runs them side by side; so a line
// that differs counts only if the prediction would not fail there as well.
func compareScenario(ctx context.Context, d *Daemon, s *Scenario) (*Result, string, error) {
	built, predicted, err := compareOnce(ctx, d, s)
	if err != nil {
		return nil, "", err
	}
	diff := Diff(built, predicted)
	if diff == "" || built.Failure == nil || predicted.Failure == nil {
		return built, diff, nil
	}
	lines, err := failingLines(ctx, s)
	if err != nil {
		return nil, "", err
	}
	if slices.Contains(lines, built.Failure.Line) {
		return built, "", nil
	}
	return built, diff, nil
}

// failingLines gives every line at which a build of the scenario is predicted to fail.
func failingLines(ctx context.Context, s *Scenario) ([]int, error) {
	dir, err := os.MkdirTemp("", "ctxaudit-random-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r, err := s.Case().Materialize(dir)
	if err != nil {
		return nil, err
	}
	plan, err := dockerfile.Compile(ctx, dockerfile.Options{Context: r.Context})
	if err != nil {
		return nil, err
	}
	var lines []int
	for _, err := range simulate.Failures(ctx, plan, simulate.Open(plan)) {
		var failed *simulate.BuildError
		if errors.As(err, &failed) {
			for _, at := range append([]dockerfile.Location{failed.Location}, failed.Also...) {
				lines = append(lines, at.Range.Start.Line)
			}
		}
	}
	return lines, nil
}

func compareOnce(ctx context.Context, d *Daemon, s *Scenario) (built, predicted *Result, err error) {
	dir, err := os.MkdirTemp("", "ctxaudit-random-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	c := s.Case()
	built, predicted, err = compare(ctx, d, c, dir)
	if err != nil {
		return nil, nil, fmt.Errorf("comparing: %w\n%s", err, c.Format())
	}
	return built, predicted, nil
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
