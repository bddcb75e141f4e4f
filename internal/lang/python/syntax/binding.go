package syntax

// bind notes that the name at a token is bound in a block.
func (s *scanner) bind(i int, k BindingKind, block int) {
	if s.blocks[block].scope == scopeModule {
		s.bindText(s.str(i), k, s.span(i, i+1), block)
	}
}

// bindGlobal notes a name that a function or class declares global.
func (s *scanner) bindGlobal(i, block int) {
	s.file.Bindings = append(s.file.Bindings,
		Binding{Name: s.str(i), Kind: BindGlobal, Range: s.span(i, i+1), Context: s.at(block)})
}

// bindText notes that a name is bound in a block, if the block is of the module's own scope.
func (s *scanner) bindText(name string, k BindingKind, r Range, block int) {
	if s.blocks[block].scope != scopeModule {
		return
	}
	if name == "__getattr__" && k != BindDelete {
		s.file.Dynamic = append(s.file.Dynamic, Marker{Kind: MarkGetattr, Range: r, Context: s.at(block)})
	}
	s.file.Bindings = append(s.file.Bindings, Binding{Name: name, Kind: k, Range: r, Context: s.at(block)})
}

// targets binds the names in a list of targets: a, (b, [*c]), but not the d of d.x, d[0] or (d).x.
//
// A bracket at the place of a name groups, one behind a name or a bracket is a trailer and is skipped with all that is
// in it. Whether a group has a trailer shows behind it, so its names count from there on.
func (s *scanner) targets(lo, hi int, k BindingKind, block int) {
	if s.blocks[block].scope != scopeModule {
		return
	}
	type group struct{ bindings, end int }
	var groups []group
	bindings := len(s.file.Bindings)
	for i := lo; i < hi; i++ {
		t := &s.toks[i]
		switch t.kind {
		case tokName:
			if !s.trailer(i+1, hi) {
				s.bind(i, k, block)
				continue
			}
			i = s.skipTrailers(i+1, hi) - 1
		case tokOpen:
			if s.src[t.off] == '{' {
				i = s.skip(i)
				continue
			}
			groups = append(groups, group{len(s.file.Bindings), int(t.match)})
		case tokClose:
			if n := len(groups); n > 0 && groups[n-1].end == i {
				if s.trailer(i+1, hi) {
					s.file.Bindings = s.file.Bindings[:groups[n-1].bindings]
					i = s.skipTrailers(i+1, hi) - 1
				}
				groups = groups[:n-1]
			}
		case tokComma, tokStar:
		case tokString, tokFString, tokNumber:
			i = s.skipTrailers(s.skip(i)+1, hi) - 1
		default:
			// No target: `yield x = 1` and the like are not Python.
			s.file.Bindings = s.file.Bindings[:bindings]
			return
		}
	}
}

// trailer reports whether an attribute, a subscript or a call follows.
func (s *scanner) trailer(i, hi int) bool {
	return i < hi && (s.toks[i].kind == tokDot || s.isOpen(i, '(') || s.isOpen(i, '['))
}

// skipTrailers gives the index behind the trailers at i.
func (s *scanner) skipTrailers(i, hi int) int {
	for s.trailer(i, hi) {
		if s.toks[i].kind == tokDot {
			i += 2
			continue
		}
		i = s.skip(i) + 1
	}
	return i
}

// forTargets binds the targets of a for loop's header.
func (s *scanner) forTargets(lo, hi, block int) {
	for i := lo; i < hi; i++ {
		if s.toks[i].kind == kwIn {
			s.targets(lo, i, BindFor, block)
			return
		}
		i = s.skip(i)
	}
}

// withItems binds what follows each `as` of a with statement, in parentheses or not.
func (s *scanner) withItems(lo, hi, block int) {
	for i := lo; i < hi; i++ {
		if s.toks[i].kind != kwAs {
			continue
		}
		end := i + 1
		for end < hi && s.toks[end].kind != tokComma && s.toks[end].kind != tokClose {
			end = s.skip(end) + 1
		}
		s.targets(i+1, min(end, hi), BindWith, block)
		i = end - 1
	}
}

// matchHeader reports whether the line is the header of a match statement: the word is a keyword only if the line ends
// with a colon and there is something between.
func (s *scanner) matchHeader() bool {
	n := len(s.toks)
	return n > 2 && s.toks[n-1].kind == tokColon && s.str(0) == "match" && s.colon(1) == n-1
}

// caseClause reads `case pattern if guard:`.
func (s *scanner) caseClause(parent int) {
	colon := s.colon(1)
	if colon < 0 {
		s.simples(0, parent)
		return
	}
	guard := colon
	for i := 1; i < colon; i++ {
		if s.toks[i].kind == kwIf {
			guard = i
			break
		}
		if s.toks[i].kind == tokName && !s.is(i-1, tokDot) && !s.is(i+1, tokDot) && !s.isOpen(i+1, '(') &&
			!s.is(i+1, tokAssign) && s.str(i) != "_" {
			s.bind(i, BindCapture, parent)
		}
	}
	s.walk(guard, colon, parent)
	s.body(colon, block{parent: parent})
}

// assignment reads a statement that may be an assignment, and what it gives a name to.
func (s *scanner) assignment(lo, hi, block int) {
	start, colon := lo, -1
	var targets []int // the ends of targets
	for i := lo; i < hi; i++ {
		switch s.toks[i].kind {
		case tokOpen, tokFString:
			i = s.skip(i)
		case kwLambda:
			i = hi
		case tokColon:
			if colon < 0 && len(targets) == 0 {
				colon = i
			}
		case tokAugAssign:
			s.targets(lo, i, BindAugment, block)
			s.assigned(lo, i, i+1, hi, block, true)
			return
		case tokAssign:
			if colon >= 0 && len(targets) == 0 {
				s.targets(lo, colon, BindAssign, block)
				s.assigned(lo, colon, i+1, hi, block, false)
				return
			}
			s.targets(start, i, BindAssign, block)
			targets = append(targets, start, i)
			start = i + 1
		}
	}
	if colon >= 0 && len(targets) == 0 {
		if s.blocks[block].scope == scopeModule && s.is(lo, tokName) && colon == lo+1 {
			s.file.Annotations = append(s.file.Annotations,
				Binding{Name: s.str(lo), Kind: BindAssign, Range: s.span(lo, colon), Context: s.at(block)})
		}
		return
	}
	// Of a = b = value the value is read for the first target only as often as there are names, which are few: more
	// than that is not worth the time.
	for t := 0; t < len(targets) && t < 8; t += 2 {
		s.assigned(targets[t], targets[t+1], start, hi, block, false)
	}
	if len(targets) == 0 {
		s.method(lo, hi, block)
	}
}
