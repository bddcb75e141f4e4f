package syntax

import (
	"slices"
	"strings"
)

// run notes a call of a plain name, or of a name in another, in the module's own code or in that of one of its functions.
func (s *scanner) run(i, block int) {
	lo := s.calleeStart(i)
	if b := &s.blocks[block]; i-lo > 2 || s.is(lo-1, tokDot) || b.fn > 0 && s.blocks[b.fn].function == 0 {
		return
	}
	end := s.skip(i + 1)
	r := Run{Callee: s.compact(lo, i+1), Context: s.at(block), Awaited: s.is(lo-1, kwAwait) || s.isOpen(lo-1, '(') && s.runsLoop(lo-2)}
	if s.oneSide(lo, end) {
		r.Context.Flags |= Probed
	}
	s.file.Runs = append(s.file.Runs, r)
	// asyncio.Runner, anyio, trio, typer and absl take the function itself: run(main).
	if s.isName(i, "run") && s.is(i+2, tokName) && (s.is(i+3, tokComma) || i+3 == end) {
		r.Callee, r.Awaited = s.str(i+2), true
		s.file.Runs = append(s.file.Runs, r)
	}
}

// runsLoop reports whether the name at i is of a function that runs the coroutine that it is given.
func (s *scanner) runsLoop(i int) bool {
	return s.isName(i, "run") || s.isName(i, "run_until_complete") || s.isName(i, "gather") || s.isName(i, "wait_for")
}

// unsure are flags of what need not be called.
const unsure = Never | TypeChecking | Branch | Probed | InHandler | InElse | VersionBranch | PlatformBranch | DevelopmentBranch

// finishRuns resolves the calls and keeps those that can run a function of the module, or of one that is imported, whatever happens.
func (s *scanner) finishRuns(resolve func(*Context)) {
	f := s.file
	bound := map[string]int{}
	for _, b := range f.Bindings {
		bound[b.Name]++
	}
	if len(f.Functions) > 0 {
		f.Defined = make(map[string]int, len(f.Functions))
	}
	for i := range f.Functions {
		fn := &f.Functions[i]
		first := f.Defined[fn.Name]
		class, _, method := strings.Cut(fn.Name, ".")
		if fn.Again = bound[fn.Name] > 1 || method && (first > 0 || bound[class] > 1); first == 0 {
			f.Defined[fn.Name] = i + 1
		} else {
			f.Functions[first-1].Again = true
		}
	}
	f.Runs = slices.DeleteFunc(f.Runs, func(r Run) bool {
		name := r.Callee
		for i := range name {
			if name[i] == '.' {
				name = name[:i]
				break
			}
		}
		return bound[name] == 0 && name != "self"
	})
	for i := range f.Runs {
		resolve(&f.Runs[i].Context)
	}
	f.Runs = slices.DeleteFunc(f.Runs, func(r Run) bool {
		return r.Context.Flags&unsure != 0 || r.Context.Has(InFunction) && r.Context.Function == 0
	})
	f.Runs = slices.Clip(f.Runs)
}
