package why

import (
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxBlamed bounds the files that a set of lines is asked about, and maxPairs the lines of which every pair is tried.
const (
	maxBlamed = 500
	maxPairs  = 24
)

// blame gives the smallest set of lines of the ignore file without which all of some files would be let in, in the order
// of the file; nil if there is no ignore file or no set of lines does it. It is found by asking again without them and not
// by looking at patterns: of two lines that exclude the same, each alone is innocent, and both are to blame.
//
// The set is minimal: without any one of its lines the files are not all let in. Of one and of two lines it is the smallest
// there is; larger ones are narrowed down from all lines that exclude anything on the way to the files.
func blame(c *simulate.Context, files []string) ([]*dockerctx.Line, error) {
	if c.Ignore == nil || len(files) == 0 {
		return nil, nil
	}
	files = files[:min(len(files), maxBlamed)]
	suspects := map[int]bool{}
	for _, f := range files {
		t, err := c.Explain(f)
		if err != nil {
			return nil, err
		}
		for _, s := range t.Steps {
			if !s.Line.Negated {
				suspects[s.Line.Number] = true
			}
		}
	}
	var lines []int
	for n := range suspects {
		lines = append(lines, n)
	}
	slices.Sort(lines)
	guilty, err := smallest(lines, func(lines []int) (bool, error) { return letsIn(c, files, lines) })
	if err != nil {
		return nil, err
	}
	var out []*dockerctx.Line
	for _, n := range guilty {
		out = append(out, &c.Ignore.Lines[n-1])
	}
	return out, nil
}

// smallest gives a minimal set for which ok holds, nil if it does not even hold for all.
func smallest(all []int, ok func([]int) (bool, error)) ([]int, error) {
	for _, n := range all {
		if yes, err := ok([]int{n}); yes || err != nil {
			return []int{n}, err
		}
	}
	if len(all) <= maxPairs {
		for i, a := range all {
			for _, b := range all[i+1:] {
				if yes, err := ok([]int{a, b}); yes || err != nil {
					return []int{a, b}, err
				}
			}
		}
	}
	if yes, err := ok(all); !yes || err != nil {
		return nil, err
	}
	set := slices.Clone(all)
	for i := 0; i < len(set); {
		less := slices.Delete(slices.Clone(set), i, i+1)
		yes, err := ok(less)
		if err != nil {
			return nil, err
		}
		if yes {
			// What could not be spared before may be spared now: negations make the question not monotonic.
			set, i = less, 0
		} else {
			i++
		}
	}
	return set, nil
}

// without gives a context whose ignore file lacks some lines.
func without(c *simulate.Context, lines []int) (*dockerctx.Context, error) {
	ignore := *c.Ignore
	ignore.Lines = slices.Clone(ignore.Lines)
	for _, n := range lines {
		l := &ignore.Lines[n-1]
		l.Kind, l.Pattern, l.Negated = dockerctx.LineComment, "", false
	}
	return c.With(c.FS, &ignore)
}

// letsIn reports whether all files would be let in without some lines of the ignore file.
func letsIn(c *simulate.Context, files []string, lines []int) (bool, error) {
	other, err := without(c, lines)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		t, err := other.Explain(f)
		if err != nil || !t.Included {
			return false, err
		}
	}
	return true, nil
}
