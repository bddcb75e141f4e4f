package syntax

// assigned looks at what a target, the tokens from lo to hi, gets: the value from vlo to vhi.
func (s *scanner) assigned(lo, hi, vlo, vhi, block int, add bool) {
	if !s.is(lo, tokName) || vlo >= vhi {
		return
	}
	name, next := s.dotted(lo, hi)
	if s.isSysPath(lo) {
		s.pathAssignment(lo, hi, vlo, vhi, block, add)
		return
	}
	if next != hi {
		if name == "__all__" && s.blocks[block].scope == scopeModule {
			s.all().Dynamic = true
		}
		return
	}
	if next > lo+1 {
		s.file.Attributes = append(s.file.Attributes, String{name, s.span(lo, hi)})
	}
	scope := s.blocks[block].scope
	if next == lo+1 {
		s.assignedPath(name, vlo, vhi, block, add)
		if scope == scopeModule {
			s.assignedCondition(name, vlo, vhi)
			s.assignedExceptions(name, vlo, vhi)
		}
	}
	if name == "__all__" && scope == scopeModule {
		s.assignedAll(lo, vlo, vhi, add)
		return
	}
	s.assignedLiteral(name, lo, vlo, vhi, block, add)
}

// assignedLiteral notes a literal of strings.
func (s *scanner) assignedLiteral(name string, lo, vlo, vhi, block int, add bool) {
	if s.blocks[block].scope == scopeFunction {
		return
	}
	switch s.toks[vlo].kind {
	case tokString, tokOpen, tokName:
	default:
		return
	}
	c := s.literal(vlo, vhi)
	if len(c.elements) == 0 && (len(c.refs) == 0 || s.is(vlo, tokName) && len(c.refs) < 2 && !add) {
		return
	}
	s.file.Literals = append(s.file.Literals, Literal{Name: name, Add: add, Elements: c.elements, Refs: c.refs,
		Complete: c.complete, Range: s.span(lo, vhi), Context: s.at(block)})
}

// loop notes a loop of one variable over a literal of strings, or over a name.
func (s *scanner) loop(lo, colon, block int) {
	if !s.is(lo, tokName) || !s.is(lo+1, kwIn) {
		return
	}
	if c := s.literal(lo+2, colon); len(c.elements)+len(c.refs) > 0 && c.complete {
		s.file.Loops = append(s.file.Loops, Literal{Name: s.str(lo), Elements: c.elements, Refs: c.refs, Complete: true, Range: s.span(lo, colon), Context: s.at(block)})
	}
}

// assignedExceptions remembers a name that stands for exceptions: ERRORS = (ImportError, OSError).
func (s *scanner) assignedExceptions(name string, vlo, vhi int) {
	delete(s.excs, name)
	if s.is(vlo, tokName) && vhi == vlo+1 || s.isOpen(vlo, '(') && s.skip(vlo) == vhi-1 && vhi-vlo <= maxCondition {
		if set := s.exceptions(vlo, vhi); set&CatchesMissing != 0 {
			s.excs[name] = set
		}
	}
}

// maxCondition bounds the tokens of a value that is looked at as a condition or a path.
const maxCondition = 200

// assignedCondition remembers a name that stands for a condition on the version, the platform or the type checker.
func (s *scanner) assignedCondition(name string, vlo, vhi int) {
	if _, known := knownNames[name]; known && name != "PY2" && name != "PY3" {
		return
	}
	if vhi-vlo <= maxCondition {
		if c := s.condition(vlo, vhi, 0); c.asks != 0 {
			s.conds[name] = c
			return
		}
		// A switch that is off, until somebody edits the file.
		if vhi == vlo+1 && (s.is(vlo, kwFalse) || s.str(vlo) == "0") {
			s.conds[name] = cond{deployed: no}
			return
		}
	}
	if _, known := knownNames[name]; !known {
		delete(s.conds, name)
	}
}

// all gives the module's __all__.
func (s *scanner) all() *All {
	if s.file.All == nil {
		s.file.All = &All{}
	}
	return s.file.All
}

// assignedAll reads an assignment to __all__.
func (s *scanner) assignedAll(lo, vlo, vhi int, add bool) {
	if !add {
		s.file.All = &All{Range: s.span(lo, vhi)}
	}
	s.addAll(vlo, vhi)
}

func (s *scanner) addAll(vlo, vhi int) {
	all, c := s.all(), s.literal(vlo, vhi)
	for _, e := range c.elements {
		all.Names = append(all.Names, e.String)
	}
	if !c.complete || len(c.refs) > 0 {
		all.Dynamic = true
	}
}

// method reads a statement that is a call of a method, on __all__ or on a list of strings.
func (s *scanner) method(lo, hi, block int) {
	if !s.is(lo, tokName) {
		return
	}
	_, next := s.dotted(lo, hi)
	if next >= hi || !s.isOpen(next, '(') || s.skip(next) != hi-1 || next-lo < 3 {
		return
	}
	method := s.str(next - 1)
	target := s.compact(lo, next-2)
	if target == "__all__" {
		if s.blocks[block].scope == scopeModule {
			s.methodOfAll(method, next+1, hi-1)
		} else {
			s.allInFunction = true
		}
		return
	}
	vlo, vhi := next+1, hi-1
	if vlo < vhi && !s.isSysPath(lo) && (method == "extend" || method == "append" && s.is(vlo, tokString)) {
		s.assignedLiteral(target, lo, vlo, vhi, block, true)
	}
}

// maxRemove bounds the names among which one that is removed is looked for.
const maxRemove = 5000

// methodOfAll reads a call of a method of __all__.
func (s *scanner) methodOfAll(method string, lo, hi int) {
	all := s.all()
	text, next, ok := s.stringAt(lo, hi)
	ok = ok && next == hi
	switch {
	case method == "extend" && !ok:
		s.addAll(lo, hi)
	case method == "append" && ok:
		all.Names = append(all.Names, String{text, s.span(lo, hi)})
	case method == "remove" && ok && len(all.Names) < maxRemove:
		for i := range all.Names {
			if all.Names[i].Value == text {
				all.Names = append(all.Names[:i:i], all.Names[i+1:]...)
				break
			}
		}
	case method == "sort" || method == "reverse" || method == "index" || method == "count":
	default:
		all.Dynamic = true
	}
}
