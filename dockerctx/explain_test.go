package dockerctx

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// step is a Step in short.
type step struct {
	line   int
	path   string
	effect Effect
	reason Reason
}

func stepsOf(trail *Trail) []step {
	var list []step
	for _, s := range trail.Steps {
		list = append(list, step{s.Line.Number, s.Path, s.Effect, s.Reason})
	}
	return list
}

func TestExplain(t *testing.T) {
	const x = "pkg/app/services/monitoring/x.py"
	const dir = "pkg/app/services/monitoring"
	for _, tt := range []struct {
		name      string // also the reason for the case
		lines     []string
		path      string
		included  bool
		reason    Reason
		decisive  int
		steps     []step
		pruned    string
		carriedBy string
		redundant []int
	}{
		{
			name:  "the parent's negation comes to nothing because the parent was not excluded",
			lines: []string{"**/monitoring/", "!pkg/"}, path: x,
			reason: DirectoryNotRead, decisive: 1, pruned: dir,
			steps: []step{
				{2, "pkg", EffectNone, NotExcludedYet},
				{1, dir, EffectExcludes, Matches},
			},
		}, {
			name:  "after a star the parent's negation does bring everything back",
			lines: []string{"*", "!pkg/"}, path: x,
			included: true, reason: Reincluded, decisive: 2,
			steps: []step{
				{1, "pkg", EffectExcludes, Matches},
				{2, "pkg", EffectReincludes, Matches},
				{1, x, EffectExcludes, Inherited},
				{2, x, EffectReincludes, Inherited},
			},
		}, {
			name:  "a negation with stars matches the directory itself",
			lines: []string{"**/monitoring/", "!pkg/**"}, path: x,
			included: true, reason: Reincluded, decisive: 2,
			steps: []step{
				{2, "pkg/app", EffectNone, NotExcludedYet},
				{2, "pkg/app/services", EffectNone, NotExcludedYet},
				{1, dir, EffectExcludes, Matches},
				{2, dir, EffectReincludes, Matches},
				{1, x, EffectExcludes, Inherited},
				{2, x, EffectReincludes, Inherited},
			},
		}, {
			name:  "a negation below a directory that is not entered is never asked",
			lines: []string{"a", "!**/x/y", "!b/x"}, path: "a/c/x/y",
			// A wildcard in any negation makes BuildKit enter everything.
			included: true, reason: Reincluded, decisive: 2,
			steps: []step{
				{1, "a", EffectExcludes, Matches},
				{1, "a/c/x/y", EffectExcludes, Inherited},
				{2, "a/c/x/y", EffectReincludes, Matches},
			},
		}, {
			name:  "an excluded directory is pruned and a negation made only of a trailing glob does not save it",
			lines: []string{"a", "a/b", "!*"}, path: "a/b",
			included: true, reason: Reincluded, decisive: 3,
			steps: []step{
				{1, "a", EffectExcludes, Matches},
				{3, "a", EffectReincludes, Matches},
				{1, "a/b", EffectExcludes, Inherited},
				{2, "a/b", EffectNone, AlreadyExcluded},
				{3, "a/b", EffectReincludes, Inherited},
			},
		}, {
			name:  "a line that would match below a pruned directory",
			lines: []string{"a", "a/b", "!c"}, path: "a/b",
			reason: DirectoryNotRead, decisive: 1, pruned: "a",
			steps: []step{
				{1, "a", EffectExcludes, Matches},
				{2, "a/b", EffectNone, DirectoryNotRead},
			},
		}, {
			name:  "an excluded directory comes along with what is re-included in it",
			lines: []string{"pkg", "!" + x}, path: "pkg/app",
			included: true, reason: Carried, decisive: 1, carriedBy: x,
			steps: []step{
				{1, "pkg", EffectExcludes, Matches},
				{1, "pkg/app", EffectExcludes, Inherited},
			},
		}, {
			name:  "equal patterns however they are written",
			lines: []string{"/x", "x/", "!y", "./x", "!./y/"}, path: "x",
			reason: Excluded, decisive: 1, redundant: []int{2, 4},
			steps: []step{
				{1, "x", EffectExcludes, Matches},
				{2, "x", EffectNone, Repeated},
				{4, "x", EffectNone, Repeated},
			},
		}, {
			name:  "a repeated line that has an effect is not redundant",
			lines: []string{"x", "!x", "x"}, path: "x",
			reason: Excluded, decisive: 3,
			steps: []step{
				{1, "x", EffectExcludes, Matches},
				{2, "x", EffectReincludes, Matches},
				{3, "x", EffectExcludes, Matches},
			},
		}, {
			name:  "a parent matches, and a sibling's negation has BuildKit enter it in vain",
			lines: []string{"**/app", "!pkg/app/other"}, path: "pkg/app/services",
			reason: ParentExcluded, decisive: 1,
			steps: []step{
				{1, "pkg/app", EffectExcludes, Matches},
				{1, "pkg/app/services", EffectExcludes, Inherited},
			},
		}, {
			name:  "nothing matches",
			lines: []string{"b"}, path: "pkg", included: true, reason: NoLineMatches,
		}, {
			name:  "a parent matches and something could still be re-included there",
			lines: []string{"pkg", "!pkg/app/other"}, path: "pkg/app/services",
			reason: ParentExcluded, decisive: 1,
			steps: []step{
				{1, "pkg", EffectExcludes, Matches},
				{1, "pkg/app/services", EffectExcludes, Inherited},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustContext(t, newMemFS(x, "x", "a/b", "a/c/x/y"), tt.lines...)
			trail, err := c.Explain(tt.path)
			require.NoError(t, err)
			checkTrail(t, trail, "")
			assert.Equal(t, tt.steps, stepsOf(trail))
			assert.Equal(t, tt.included, trail.Included)
			assert.Equal(t, tt.reason, trail.Reason)
			assert.Equal(t, tt.pruned, trail.PrunedAt)
			assert.Equal(t, tt.carriedBy, trail.CarriedBy)
			var redundant []int
			for _, l := range trail.Redundant {
				redundant = append(redundant, l.Number)
			}
			assert.Equal(t, tt.redundant, redundant)
			decisive := 0
			if trail.Decisive != nil {
				decisive = trail.Decisive.Number
			}
			assert.Equal(t, tt.decisive, decisive)
			_, err = c.Tree().Lstat(tt.path)
			assert.Equal(t, tt.included, err == nil)
		})
	}
}

func TestExplainPaths(t *testing.T) {
	c := mustContext(t, newMemFS("a/b"), "a/b")
	for _, p := range []string{"a/b", "/a/b", "./a//b/", "a/c/../b"} {
		trail, err := c.Explain(p)
		require.NoError(t, err)
		assert.Equal(t, "a/b", trail.Path)
		assert.False(t, trail.Included)
	}
	for _, p := range []string{"..", "../a", "a/../../b"} {
		_, err := c.Explain(p)
		assert.ErrorContains(t, err, "out of the context", p)
	}
	trail, err := c.Explain("nowhere/at/all")
	require.NoError(t, err)
	assert.True(t, trail.Included)
}

func TestReasons(t *testing.T) {
	seen := map[string]Reason{}
	require.Len(t, reasons, int(Carried))
	for r := Matches; r <= Carried; r++ {
		for _, text := range []string{r.String(), r.Sentence()} {
			assert.NotContains(t, text, "Reason(")
			assert.NotContains(t, seen, text)
			seen[text] = r
		}
	}
	assert.Equal(t, "Reason(99)", Reason(99).Sentence())
	assert.Equal(t, "Reason(0)", Reason(0).String())
}
