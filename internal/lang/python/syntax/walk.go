package syntax

import "strings"

// lambda is a lambda that the walk is in.
type lambda struct {
	depth int // of brackets
	body  bool
}

// walk looks through the tokens of expressions for what may stand anywhere in one: names bound by :=, calls that
// matter, and markers. It meets each token once. What is in the body of a lambda happens in a function: the defaults of
// its parameters do not.
func (s *scanner) walk(lo, hi, block int) {
	lambdas := s.lambdas[:0]
	depth, bodies := 0, 0
	pop := func() {
		if lambdas[len(lambdas)-1].body {
			bodies--
		}
		lambdas = lambdas[:len(lambdas)-1]
	}
	in := func(d int) bool { return len(lambdas) > 0 && lambdas[len(lambdas)-1].depth == d }
	for i := lo; i < hi; i++ {
		t := &s.toks[i]
		switch t.kind {
		case tokName:
			s.special(i, block, bodies > 0)
			if s.isOpen(i+1, '(') && i+1 < hi && !s.is(i-1, kwDef) && !s.is(i-1, kwClass) {
				s.call(i, block, bodies > 0)
			}
		case tokOpen, tokFString:
			if t.match >= 0 {
				depth++
			}
		case tokClose, tokFStringEnd:
			if t.match < 0 {
				continue
			}
			for in(depth) {
				pop()
			}
			depth--
		case kwLambda:
			lambdas = append(lambdas, lambda{depth: depth})
		case kwYield:
			if b := &s.blocks[s.blocks[block].fn]; bodies == 0 && b.function > 0 {
				s.file.Functions[b.function-1].Generator = true
			}
		case tokColon:
			if !in(depth) {
				continue
			}
			if top := &lambdas[len(lambdas)-1]; !top.body {
				top.body = true
				bodies++
				continue
			}
			for in(depth) && lambdas[len(lambdas)-1].body {
				pop()
			}
			if in(depth) { // the colon of the lambda around, whose default the inner one was
				lambdas[len(lambdas)-1].body = true
				bodies++
			}
		case tokComma, kwFor:
			for in(depth) && lambdas[len(lambdas)-1].body {
				pop()
			}
		case tokNamed:
			if bodies == 0 && s.is(i-1, tokName) {
				s.bind(i-1, BindNamed, block)
			}
		}
	}
	s.lambdas = lambdas[:0]
}

// place gives the context of something in an expression.
func (s *scanner) place(block int, inLambda bool) Context {
	c := s.at(block)
	if inLambda {
		c.Flags = InFunction
	}
	return c
}

// mark notes a marker over the tokens from lo to hi.
func (s *scanner) mark(k MarkerKind, lo, hi, block int, inLambda bool) {
	s.file.Dynamic = append(s.file.Dynamic, Marker{Kind: k, Range: s.span(lo, hi), Context: s.place(block, inLambda)})
}

// special looks for the names that are markers.
func (s *scanner) special(i, block int, inLambda bool) {
	called := s.isOpen(i+1, '(')
	method := s.is(i-1, tokDot)
	switch s.str(i) {
	case "globals":
		// An alias of it is as good as a call.
		if (called || s.is(i-1, tokAssign)) && !method {
			s.mark(MarkNamespace, i, i+1, block, inLambda)
		}
	case "vars", "locals":
		if called && !method && s.is(i+2, tokClose) && !inLambda && s.blocks[block].scope == scopeModule {
			s.mark(MarkNamespace, i, i+1, block, inLambda)
		}
	case "exec", "eval", "execfile":
		if called && !method && !s.is(i-1, kwDef) {
			s.mark(MarkExec, i, i+1, block, inLambda)
		}
	case "setattr":
		switch {
		case called && !method && s.isSysModules(i+2):
			s.mark(MarkSetattr, i, i+1, block, inLambda)
		case called && !method && s.is(i+2, tokName):
			s.attributeSet(i + 1)
		}
	case "meta_path", "path_hooks":
		if method && s.is(i-2, tokName) && s.modules[s.str(i-2)] {
			s.mark(MarkMetaPath, i-2, i+1, block, inLambda)
		}
	case "modules":
		if method && s.isSysModules(i-2) && s.changesModules(i+1) {
			s.mark(MarkSysModules, i-2, i+1, block, inLambda)
		}
	case "__path__":
		if !method && s.changesPath(i) {
			s.mark(MarkPackagePath, i, i+1, block, inLambda)
		}
	case "declare_namespace":
		if called {
			s.mark(MarkPackagePath, i, i+1, block, inLambda)
		}
	case "global_enum", "_convert_", "_convert":
		if called || s.is(0, tokAt) {
			s.mark(MarkGlobalEnum, i, i+1, block, inLambda)
		}
	}
}

// isSysModules reports whether sys.modules stands at i.
func (s *scanner) isSysModules(i int) bool {
	return s.is(i, tokName) && s.modules[s.str(i)] && s.is(i+1, tokDot) && s.isName(i+2, "modules")
}

// changesModules reports whether what follows sys.modules changes it, or takes the module itself out of it.
func (s *scanner) changesModules(i int) bool {
	switch {
	case s.isOpen(i, '['):
		end := s.skip(i)
		return s.isName(i+1, "__name__") && end == i+2 || s.is(end+1, tokAssign) || s.is(0, kwDel)
	case s.is(i, tokDot):
		switch {
		case s.isName(i+1, "update"), s.isName(i+1, "setdefault"), s.isName(i+1, "pop"), s.isName(i+1, "__setitem__"):
			return true
		case s.isName(i+1, "get"):
			return s.isName(i+3, "__name__")
		}
	}
	return false
}

// changesPath reports whether __path__ is assigned to or one of its methods is called.
func (s *scanner) changesPath(i int) bool {
	switch {
	case s.is(i+1, tokAssign), s.is(i+1, tokAugAssign), s.is(i+1, tokColon):
		return true
	case s.isOpen(i+1, '['):
		return s.is(s.skip(i+1)+1, tokAssign)
	case s.is(i+1, tokDot):
		return s.isName(i+2, "append") || s.isName(i+2, "extend") || s.isName(i+2, "insert")
	}
	return false
}

// call looks at the call of the name at i.
func (s *scanner) call(i, block int, inLambda bool) {
	name := s.str(i)
	switch name {
	case "insert", "append", "extend", "addsitedir":
		s.pathCall(i, block, inLambda)
	default:
		if canonical, ok := s.importing(i, name); ok {
			s.importCall(i, canonical, block, inLambda)
		}
	}
	if !inLambda {
		s.run(i, block)
	}
	if s.cfg.Callees[name] {
		lo, end := s.calleeStart(i), s.skip(i+1)
		c := Call{Callee: s.compact(lo, i+1), Arguments: s.arguments(i+1, block), Range: s.span(lo, end+1), Context: s.place(block, inLambda)}
		if s.is(i-1, tokDot) {
			c.Receiver = clean(s.pathOf(s.receiverStart(i), i-1, block))
		}
		if s.oneSide(lo, end) {
			c.Context.Flags |= Probed
		}
		s.file.Calls = append(s.file.Calls, c)
	}
}

// attributeSet notes the attribute that setattr sets, under * where its name is not written out.
func (s *scanner) attributeSet(open int) {
	object, n := "", 0
	s.eachArgument(open, func(_ string, lo, hi int) {
		switch n++; n {
		case 1:
			if name, next := s.dotted(lo, hi); next == hi {
				object = name
			}
		case 2:
			attr, next, ok := s.stringAt(lo, hi)
			if !ok || next != hi {
				attr = "*"
			}
			if object != "" {
				s.file.Attributes = append(s.file.Attributes, String{object + "." + attr, s.span(lo, hi)})
			}
		}
	})
}

// calleeStart gives the first token of the dotted name that ends at i.
func (s *scanner) calleeStart(i int) int {
	for s.is(i-1, tokDot) && s.is(i-2, tokName) {
		i -= 2
	}
	return i
}

// receiverStart gives the first token of what the method at i is called of: names, calls and subscripts, or what is in brackets.
func (s *scanner) receiverStart(i int) int {
	for start := i; s.is(i-1, tokDot) && start-i < maxSide; {
		j := i - 2
		for s.is(j, tokClose) && s.toks[j].match >= 0 {
			j = int(s.toks[j].match)
			if !s.is(j-1, tokName) && !s.is(j-1, tokClose) {
				return j
			}
			j--
		}
		if !s.is(j, tokName) && !s.is(j, tokString) {
			return i
		}
		i = j
	}
	return i
}

// compact gives the text of tokens without what is between them.
func (s *scanner) compact(lo, hi int) string {
	if hi <= lo {
		return ""
	}
	if text := s.text[s.toks[lo].off:s.toks[hi-1].end]; len(text) == s.width(lo, hi) {
		return text
	}
	var b strings.Builder
	for i := lo; i < hi; i++ {
		b.WriteString(s.str(i))
	}
	return b.String()
}

// importing reports whether a call imports a module, and by which function.
func (s *scanner) importing(i int, name string) (canonical string, ok bool) {
	if s.is(i-1, tokDot) {
		switch {
		case name == "import_module", name == "__import__":
			return name, true
		case name == "find_spec":
			return name, s.isName(i-2, "util")
		}
		return "", false
	}
	canonical, ok = s.importer[name]
	return canonical, ok
}

// importCall notes a call of import_module, __import__ or find_spec.
func (s *scanner) importCall(i int, canonical string, block int, inLambda bool) {
	lo, end := s.calleeStart(i), s.skip(i+1)
	c := ImportCall{Callee: s.compact(lo, i+1), Range: s.span(lo, end+1), Context: s.place(block, inLambda)}
	position := 0
	s.eachArgument(i+1, func(keyword string, lo, hi int) {
		role := keyword
		if keyword == "" {
			role = importRole(canonical, position)
			position++
		}
		switch role {
		case "name":
			if text, next, ok := s.stringAt(lo, hi); ok && next == hi {
				c.Literal = true
				c.Module = strings.TrimLeft(text, ".")
				c.Level = len(text) - len(c.Module)
			}
		case "package":
			if text, next, ok := s.stringAt(lo, hi); ok && next == hi {
				c.Package = text
			}
			c.OwnPackage = hi == lo+1 && (s.isName(lo, "__package__") || s.isName(lo, "__name__"))
		case "level":
			if v, _ := s.operand(lo, hi); v.kind == valueInt && hi == lo+1 {
				c.Level = v.ints[0]
			}
		}
	})
	if s.oneSide(lo, end) {
		c.Context.Flags |= Probed
	}
	s.file.ImportCalls = append(s.file.ImportCalls, c)
}

// maxSide bounds the tokens around a call that are looked at.
const maxSide = 50

// oneSide reports whether the tokens from lo to end are one side of a conditional expression, or an operand of `and` or
// `or`: whether they are evaluated, the rest of the statement tells.
func (s *scanner) oneSide(lo, end int) bool {
	for j := lo - 1; j > 0 && j > lo-maxSide && s.toks[j].kind != tokSemicolon; j-- {
		switch s.toks[j].kind {
		case kwIf, kwElse, kwAnd, kwOr:
			return true
		}
	}
	for j := end + 1; j < len(s.toks) && j < end+maxSide && s.toks[j].kind != tokSemicolon; j++ {
		if s.toks[j].kind == kwIf {
			return true
		}
	}
	return false
}

// importRole gives the name of a positional argument.
func importRole(function string, position int) string {
	switch {
	case position == 0:
		return "name"
	case position == 1 && function != "__import__":
		return "package"
	case position == 4:
		return "level"
	}
	return ""
}

// eachArgument gives the arguments of the call whose bracket is at open.
func (s *scanner) eachArgument(open int, fn func(keyword string, lo, hi int)) {
	end := s.skip(open)
	lo := open + 1
	for i := lo; i <= end; i++ {
		if i < end && s.toks[i].kind != tokComma {
			i = min(s.skip(i), end-1)
			continue
		}
		switch {
		case i <= lo:
		case s.is(lo, tokName) && s.is(lo+1, tokAssign):
			fn(s.str(lo), lo+2, i)
		default:
			fn("", lo, i)
		}
		lo = i + 1
	}
}
