package imagediff

import (
	"bytes"
	"maps"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxCompared is the size of a file whose content is compared.
const maxCompared = 4 << 20

// neededFirst moves what the program needs before the rest.
func neededFirst[T any](list []T, needed func(T) bool) {
	slices.SortStableFunc(list, func(a, b T) int {
		switch x, y := needed(a), needed(b); {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
}

// needs tells which paths of the image its program reads: what starts it, and what was followed from there.
func (s *State) needs() func(string) bool {
	followed := map[string]bool{}
	for _, name := range slices.Concat(s.Report.Followed, s.Report.Started) {
		followed[name] = true
	}
	return func(p string) bool {
		context := s.files[p].Context
		return followed[p] || context != "" && followed[simulate.Shown(s.context, context)]
	}
}

// changes gives the files that both states have and that differ. The content is compared only of what the program needs: all
// of an image would have to be read otherwise.
func changes(before, after *State) (out []Change, resized int, err error) {
	out = []Change{}
	was, is := before.needs(), after.needs()
	for _, p := range slices.Sorted(maps.Keys(before.files)) {
		a := before.files[p]
		b, ok := after.files[p]
		if !ok {
			continue
		}
		needed, differs := was(p) || is(p), a.Kind != b.Kind || a.Size != b.Size || a.Link != b.Link
		if differs {
			resized++
		} else if needed {
			if differs, err = rewritten(before, after, a, b); err != nil {
				return nil, 0, err
			}
		}
		if differs {
			out = append(out, Change{Path: p, Before: a.Size, After: b.Size, Needed: needed})
		}
	}
	neededFirst(out, func(c Change) bool { return c.Needed })
	return out, resized, nil
}

// rewritten reports whether two files of the same size differ. One that cannot be read, or does not come from the context,
// counts as the same.
func rewritten(before, after *State, a, b simulate.File) (bool, error) {
	was, ok, err := before.read(a)
	if err != nil || !ok {
		return false, err
	}
	is, ok, err := after.read(b)
	return ok && !bytes.Equal(was, is), err
}

func (s *State) read(f simulate.File) (data []byte, ok bool, err error) {
	main, err := s.image.MainContext(s.context)
	if err != nil || main == nil || f.Context == "" {
		return nil, false, err
	}
	data, err = dockerctx.ReadFile(main.FS, f.Context, maxCompared)
	return data, err == nil, nil
}
