package syntax

// statement reads the logical line at hand.
func (s *scanner) statement() {
	s.decorated, s.decorating = s.decorating, s.is(0, tokAt) && (s.decorating || !s.transparent())
	s.startup, s.starting = s.starting, s.is(0, tokAt) && (s.starting || s.registersStart())
	top := s.suite()
	before := top.chain
	top.chain = chain{}
	i := 0
	if s.is(0, kwAsync) {
		i = 1
	}
	if i >= len(s.toks) {
		return
	}
	switch s.toks[i].kind {
	case kwIf, kwElif, kwElse, kwWhile, kwFor, kwTry, kwExcept, kwFinally, kwWith, kwDef, kwClass:
		s.compound(i, before)
	case tokName:
		if i == 0 && s.matchHeader() {
			colon := len(s.toks) - 1
			s.walk(0, colon, top.block)
			b := block{parent: top.block, kind: blockMatch}
			if s.dependsOnStart(1, colon) {
				b.flags = Probed
			}
			s.body(colon, b)
			return
		}
		if i == 0 && s.blocks[top.block].kind == blockMatch && s.str(0) == "case" {
			s.caseClause(top.block)
			return
		}
		s.simples(0, top.block)
	default:
		s.simples(0, top.block)
	}
}

// transparent reports whether the decorator at hand leaves to a call that it runs the function: those of click and typer, and caches.
func (s *scanner) transparent() bool {
	i := 1
	for s.is(i, tokName) && s.is(i+1, tokDot) {
		i += 2
	}
	if !s.is(i, tokName) {
		return false
	}
	switch s.str(i) {
	case "command", "option", "argument", "version_option", "help_option", "pass_context", "pass_obj", "lru_cache", "cache":
		return true
	}
	return false
}

// registersStart reports whether the decorator at hand registers a function for when the application starts: those of Starlette, Quart
// and Sanic.
func (s *scanner) registersStart() bool {
	i := 1
	for s.is(i, tokName) && s.is(i+1, tokDot) {
		i += 2
	}
	event, next, ok := s.stringAt(i+2, len(s.toks))
	switch {
	case s.isName(i, "before_serving"), s.isName(i, "before_server_start"):
		return true
	case ok && (s.isName(i, "on_event") || s.isName(i, "listener")):
		return s.is(next, tokClose) && (event == "startup" || event == "before_server_start")
	}
	return false
}

// colon gives the index of the colon that ends a header, which is none in a bracket or of a lambda; -1 without one.
func (s *scanner) colon(i int) int {
	lambdas := 0
	for ; i < len(s.toks); i++ {
		switch s.toks[i].kind {
		case tokOpen, tokFString:
			i = s.skip(i)
		case kwLambda:
			lambdas++
		case tokColon:
			if lambdas == 0 {
				return i
			}
			lambdas--
		}
	}
	return -1
}

// compound reads the header of a compound statement whose keyword is at i.
func (s *scanner) compound(i int, before chain) {
	top := s.suite()
	parent := top.block
	colon := s.colon(i + 1)
	if colon < 0 {
		s.walk(i, len(s.toks), parent)
		return
	}
	b := block{parent: parent}
	switch s.toks[i].kind {
	case kwIf, kwElif, kwElse:
		s.branch(i, colon, before, &b)
	case kwWhile:
		b.kind = blockLoop
		b.flags = s.condition(i+1, colon, 0).flags()
		top.chain.kind = chainLoop
	case kwFor:
		b.kind = blockLoop
		top.chain.kind = chainLoop
		s.forTargets(i+1, colon, parent)
		s.loop(i+1, colon, parent)
	case kwTry, kwExcept, kwFinally:
		s.tryClause(i, colon, before, &b)
	case kwWith:
		s.withItems(i+1, colon, parent)
		if s.suppresses(i+1, colon) {
			b.flags = Suppressed | Guarded
		}
	case kwDef, kwClass:
		s.definition(i, &b)
	}
	s.walk(i, colon, parent)
	s.body(colon, b)
}

// body enters the block behind a header's colon, on the same line or on the lines below.
func (s *scanner) body(colon int, b block) {
	index := s.block(b)
	if colon+1 < len(s.toks) {
		s.simples(colon+1, index)
		return
	}
	s.pending = index
}

// branch reads if, elif and every else.
func (s *scanner) branch(i, colon int, before chain, b *block) {
	top := s.suite()
	c := constant(yes)
	switch s.toks[i].kind {
	case kwIf:
		before.prior = constant(no)
		c = s.condition(i+1, colon, 0)
	case kwElif:
		c = s.condition(i+1, colon, 0)
	case kwElse:
		switch before.kind {
		case chainTry:
			b.kind, b.try = blockElse, before.try
			top.chain = before
			return
		case chainIf:
		default:
			return
		}
	}
	// An elif TYPE_CHECKING stays one where an earlier clause is taken anyway.
	b.flags = and(not(before.prior), c).flags() | c.flags()&TypeChecking
	if s.toks[i].kind != kwElse {
		top.chain = chain{kind: chainIf, prior: or(before.prior, c)}
	}
}

// tryClause reads try, except and finally.
func (s *scanner) tryClause(i, colon int, before chain, b *block) {
	top := s.suite()
	if s.toks[i].kind == kwTry {
		s.tries = append(s.tries, try{})
		b.kind, b.try = blockTry, len(s.tries)
		top.chain = chain{kind: chainTry, try: len(s.tries)}
		return
	}
	if before.kind != chainTry {
		return // nothing to belong to: not Python
	}
	top.chain, b.try = before, before.try
	if s.toks[i].kind == kwFinally {
		b.kind = blockFinally
		return
	}
	t := &s.tries[before.try-1]
	b.kind, b.handler = blockHandler, len(t.handlers)
	lo, as := i+1, colon
	if s.is(lo, tokStar) {
		lo++
	}
	for j := lo; j < colon; j++ {
		if s.toks[j].kind == kwAs {
			as = j
			s.targets(j+1, colon, BindExcept, b.parent)
			break
		}
	}
	t.handlers = append(t.handlers, handler{takes: s.exceptions(lo, as)})
}

// exceptions reads what an except or a suppress names: one exception, or several, in parentheses or not.
func (s *scanner) exceptions(lo, hi int) Exceptions {
	if lo >= hi {
		return AnyException
	}
	var set Exceptions
	for i := lo; i < hi; i++ {
		switch s.toks[i].kind {
		case tokName:
			if s.is(i+1, tokDot) {
				continue
			}
			switch s.str(i) {
			case "ModuleNotFoundError":
				set |= ModuleNotFoundError
			case "ImportError":
				set |= ImportError
			case "Exception", "StandardError":
				set |= Exception
			case "BaseException":
				set |= BaseException
			default:
				if known, ok := s.excs[s.str(i)]; ok {
					set |= known
					continue
				}
				set |= OtherException
			}
		case tokOpen, tokClose, tokComma, tokDot:
		default:
			set |= OtherException
		}
	}
	return set
}

// suppresses reports whether a with statement suppresses the exception of a missing module.
func (s *scanner) suppresses(lo, hi int) bool {
	for i := lo; i+1 < hi; i++ {
		if s.isName(i, "suppress") && s.isOpen(i+1, '(') {
			end := s.skip(i + 1)
			if end > i+2 && s.exceptions(i+2, end)&CatchesMissing != 0 {
				return true
			}
			i = end
		}
	}
	return false
}

// definition reads def and class.
func (s *scanner) definition(i int, b *block) {
	k, b2 := BindDef, blockFunction
	if s.toks[i].kind == kwClass {
		k, b2 = BindClass, blockClass
	}
	b.kind = b2
	if s.is(i+1, tokName) {
		s.bind(i+1, k, b.parent)
		in := &s.blocks[b.parent]
		switch name := s.str(i + 1); {
		case k == BindClass && b.parent == 0:
			b.class = name
		case k == BindDef && (b.parent == 0 || in.class != ""):
			if in.class != "" {
				name = in.class + "." + name
			}
			s.file.Functions = append(s.file.Functions, Function{Name: name, Async: s.is(0, kwAsync), Decorated: s.decorated, Startup: s.startup})
			b.function = len(s.file.Functions)
		}
	}
}

// simples reads the simple statements of the rest of the line.
func (s *scanner) simples(lo, block int) {
	for i := lo; i <= len(s.toks); i++ {
		if i == len(s.toks) || s.toks[i].kind == tokSemicolon {
			if i > lo {
				s.simple(lo, i, block)
			}
			lo = i + 1
			continue
		}
		i = s.skip(i)
	}
}

// simple reads one simple statement.
func (s *scanner) simple(lo, hi, block int) {
	switch s.toks[lo].kind {
	case kwImport:
		s.importStatement(lo, lo, hi, block)
		return
	case kwFrom:
		s.fromStatement(lo, lo, hi, block)
		return
	case kwPass, kwBreak, kwContinue, kwNonlocal:
		return
	case kwGlobal:
		for i := lo + 1; i < hi; i++ {
			if s.toks[i].kind == tokName && s.blocks[block].scope != scopeModule {
				s.bindGlobal(i, block)
			}
		}
		return
	case kwDel:
		s.targets(lo+1, hi, BindDelete, block)
	case kwRaise:
		s.leaves(block)
		defer s.returns(block)
		s.python2Raise(lo, hi)
	case kwReturn:
		defer s.returns(block)
	case kwAssert, kwYield, kwAwait, kwNot, kwLambda, tokString, tokFString, tokNumber:
	case tokName:
		switch s.str(lo) {
		case "lazy":
			if s.is(lo+1, kwImport) {
				s.importStatement(lo, lo+1, hi, block)
				return
			}
			if s.is(lo+1, kwFrom) {
				s.fromStatement(lo, lo+1, hi, block)
				return
			}
		case "type":
			if hi-lo >= 4 && s.is(lo+1, tokName) && (s.is(lo+2, tokAssign) || s.isOpen(lo+2, '[')) {
				s.bind(lo+1, BindType, block)
				s.walk(lo+2, hi, block)
				return
			}
		case "print", "exec":
			s.python2Statement(lo, hi, block)
		}
		if s.exits(lo, hi) {
			s.leaves(block)
			defer s.returns(block)
		}
		s.assignment(lo, hi, block)
	default:
		s.assignment(lo, hi, block)
	}
	s.walk(lo, hi, block)
}

// leaves notes that an except clause ends by raising, if the statement stands directly in one.
func (s *scanner) leaves(block int) {
	if b := &s.blocks[block]; b.kind == blockHandler {
		s.tries[b.try-1].handlers[b.handler].reraises = true
	}
}

// returns notes that the function that the statement stands in may end here: what follows need not happen.
func (s *scanner) returns(block int) {
	if fn := s.blocks[block].fn; fn > 0 {
		s.blocks[fn].left = true
	}
}

// exits reports whether a statement is a call that ends the program.
func (s *scanner) exits(lo, hi int) bool {
	switch {
	case s.isOpen(lo+1, '('):
		name := s.str(lo)
		return name == "exit" || name == "quit" || name == "_exit"
	case hi-lo >= 5 && s.is(lo+1, tokDot) && s.isOpen(lo+3, '('):
		name := s.str(lo + 2)
		return name == "exit" && s.modules[s.str(lo)] || name == "_exit" && s.str(lo) == "os"
	}
	return false
}

// python2Statement reports the print and exec statements.
func (s *scanner) python2Statement(lo, hi, block int) {
	if lo+1 >= hi {
		return
	}
	switch s.toks[lo+1].kind {
	case tokString, tokFString, tokName, tokNumber:
		s.fail(int(s.toks[lo].off), s.str(lo)+" statement of Python 2")
		if s.str(lo) == "exec" {
			s.mark(MarkExec, lo, lo+1, block, false)
		}
	}
}

// python2Raise reports raise with commas.
func (s *scanner) python2Raise(lo, hi int) {
	for i := lo; i < hi; i++ {
		switch s.toks[i].kind {
		case kwLambda:
			return
		case tokComma:
			// A tuple is an expression, though none that can be raised: CPython refuses it only without parentheses.
			s.fail(int(s.toks[lo].off), "raise statement of Python 2")
			return
		}
		i = s.skip(i)
	}
}
