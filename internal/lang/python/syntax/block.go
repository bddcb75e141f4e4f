package syntax

import "slices"

// block is the suite of one clause of a compound statement, or the module. A block's parent comes before it.
type block struct {
	parent  int
	kind    blockKind
	scope   scope
	flags   Flags // of conditions and suppression
	try     int   // of the clauses of a try
	handler int   // of an except: which one
	fn      int   // the innermost function's block; 0: none
	// function is a function's place in File.Functions, counted from 1; 0: it is not there. left tells that it may have returned by now.
	function int
	left     bool
	class    string // of the module, whose body the block is
}

type blockKind uint8

const (
	blockPlain blockKind = iota
	blockFunction
	blockClass
	blockLoop
	blockMatch
	blockTry
	blockHandler
	blockElse
	blockFinally
)

// scope is what an assignment in a block binds a name of.
type scope uint8

const (
	scopeModule scope = iota
	scopeClass
	scopeFunction
)

// try is a try statement.
type try struct{ handlers []handler }

// handler is an except clause.
type handler struct {
	takes    Exceptions
	reraises bool
}

// survives reports whether a missing module is taken by a handler that does not raise it again.
func (t *try) survives() bool {
	for _, h := range t.handlers {
		if h.takes&CatchesMissing != 0 {
			return !h.reraises
		}
	}
	return false
}

// block adds a block and gives its index.
func (s *scanner) block(b block) int {
	parent := &s.blocks[b.parent]
	b.scope, b.fn = parent.scope, parent.fn
	switch b.kind {
	case blockFunction:
		b.scope, b.fn = scopeFunction, len(s.blocks)
	case blockClass:
		b.scope = scopeClass
	}
	s.blocks = append(s.blocks, b)
	return len(s.blocks) - 1
}

// at gives the context of a block, to be resolved when all handlers are known: until then Try is the block.
func (s *scanner) at(block int) Context {
	c := Context{Try: block}
	if fn := s.blocks[block].fn; fn > 0 && s.blocks[fn].left {
		c.Flags = Branch
	}
	return c
}

// finish resolves the contexts.
func (s *scanner) finish() {
	contexts := make([]Context, len(s.blocks))
	for i, b := range s.blocks[1:] {
		contexts[i+1] = s.context(b, contexts[b.parent])
	}
	resolve := func(c *Context) {
		at := contexts[c.Try]
		if c.Flags.Has(InFunction) { // a lambda
			at = call(at)
		}
		own := c.Flags & (Probed | Branch)
		*c = at
		c.Flags |= own
	}
	f := s.file
	for i := range f.Imports {
		resolve(&f.Imports[i].Context)
	}
	for i := range f.ImportCalls {
		resolve(&f.ImportCalls[i].Context)
	}
	for i := range f.Bindings {
		resolve(&f.Bindings[i].Context)
	}
	for i := range f.Annotations {
		resolve(&f.Annotations[i].Context)
	}
	for i := range f.Dynamic {
		resolve(&f.Dynamic[i].Context)
	}
	for i := range f.PathEdits {
		resolve(&f.PathEdits[i].Context)
	}
	for i := range f.Literals {
		resolve(&f.Literals[i].Context)
	}
	for i := range f.Loops {
		resolve(&f.Loops[i].Context)
	}
	for i := range f.Calls {
		resolve(&f.Calls[i].Context)
	}
	s.finishRuns(resolve)
	if s.allInFunction {
		s.all().Dynamic = true
	}
	f.Errors = s.errs
	inOrder(f.Bindings, func(b Binding) int { return b.Range.Start.Offset })
	inOrder(f.Dynamic, func(m Marker) int { return m.Range.Start.Offset })
	inOrder(f.PathEdits, func(p PathEdit) int { return p.Range.Start.Offset })
	inOrder(f.Errors, func(e Error) int { return e.Pos.Offset })
}

// inOrder sorts by the place in the source: within a statement things are found in another order.
func inOrder[T any](list []T, offset func(T) int) {
	slices.SortStableFunc(list, func(a, b T) int { return offset(a) - offset(b) })
}

// call gives the context in a function that is defined in a context: nothing around the definition is there any more
// when it is called.
func call(c Context) Context {
	const lasting = InFunction | InClass | TypeChecking | VersionBranch | PlatformBranch | DevelopmentBranch | Probed | MainGuard | Never | Branch
	return Context{Flags: c.Flags&lasting | InFunction}
}

// context gives the context in a block from that of its parent.
func (s *scanner) context(b block, c Context) Context {
	c.Flags |= b.flags
	switch b.kind {
	case blockFunction:
		c = call(c)
		c.Function = b.function
		return c
	case blockMatch:
		c.Flags |= Branch
	case blockClass:
		c.Flags |= InClass
	case blockTry:
		c.Try = b.try
		t := &s.tries[b.try-1]
		for _, h := range t.handlers {
			c.Flags |= InTry
			if h.reraises {
				c.Reraised |= h.takes
			} else {
				c.Caught |= h.takes
			}
		}
		if t.survives() {
			c.Flags |= Guarded
		}
	case blockHandler:
		c.Try = b.try
		c.Flags |= InHandler
	case blockElse:
		c.Try = b.try
		c.Flags |= InElse
		// It runs only if what was tried is there.
		if s.tries[b.try-1].survives() {
			c.Flags |= Probed
		}
	case blockFinally:
		c.Try = b.try
		c.Flags |= InFinally
	}
	return c
}
