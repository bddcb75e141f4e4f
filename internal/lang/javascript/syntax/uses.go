package syntax

// uses marks the imports of which no name is surely used as a value: the compiler drops those that are used as types alone.
func (s *scanner) uses() {
	if len(s.names) == 0 {
		return
	}
	unsure := map[int]bool{}
	for _, at := range s.names {
		for _, i := range at {
			unsure[i] = true
		}
	}
	left := len(unsure)
	v := values{scanner: s}
	for i := range s.tokens {
		if left == 0 {
			break
		}
		v.follow(i)
		t := &s.tokens[i]
		if t.kind != word && t.kind != element {
			continue
		}
		of := s.names[string(s.root(t))]
		if len(of) == 0 || t.kind == word && !v.value(i) {
			continue
		}
		for _, n := range of {
			if im := s.file.Imports[n]; unsure[n] && (int(t.start) < im.Start || int(t.start) >= im.End) {
				unsure[n] = false
				left--
			}
		}
	}
	for n, is := range unsure {
		if is {
			s.file.Imports[n].Flags |= Unsure
		}
	}
}

// root gives the name that a token is, or that of the object of which an element is a member.
func (s *scanner) root(t *token) []byte {
	name := s.data[t.start:t.end]
	if t.kind == element {
		for i, c := range name {
			if c == '.' {
				return name[:i]
			}
		}
	}
	return name
}

// values tells names that are used as values from those that may be types. It knows of every bracket whether what it holds is a list of
// values: the arguments of a call, an array or an object that is assigned or handed over.
type values struct {
	*scanner
	lists []list
}

type list struct {
	end    int
	values bool
}

func (v *values) in() bool { return len(v.lists) > 0 && v.lists[len(v.lists)-1].values }

// follow opens and closes brackets.
func (v *values) follow(i int) {
	for len(v.lists) > 0 && v.lists[len(v.lists)-1].end < i {
		v.lists = v.lists[:len(v.lists)-1]
	}
	t := v.tok(i)
	if t.kind != punct || int(t.match) <= i {
		return
	}
	is := false
	switch t.op {
	case '(':
		is = v.call(i)
	case '[':
		is = v.in() && v.listed(i-1) || v.assigned(i)
	case '{':
		is = !t.block && (v.in() && v.listed(i-1) || v.assigned(i))
	default:
		return
	}
	v.lists = append(v.lists, list{int(t.match), is})
}

// call reports whether a round bracket holds the arguments of a call.
func (v *values) call(i int) bool {
	before := v.tok(i - 1)
	switch {
	case before.kind == word:
		if v.word(i-2, "function") || v.operatorWord(before) || before.control {
			return false
		}
		switch string(v.data[before.start:before.end]) {
		case "if", "for", "while", "with", "switch", "function", "catch", "constructor":
			return false
		}
	case !v.op(i-1, ')') && !v.op(i-1, ']'):
		return false
	}
	end := int(v.tok(i).match) // behind parameters stands a body, or a type
	return !v.op(end+1, '{') && !v.op(end+1, ':') && !v.op(end+1, opArrow)
}

// listed reports whether a token of a list of values stands before an element.
func (v *values) listed(i int) bool {
	return v.op(i, '(') || v.op(i, ',') || v.op(i, '[') || v.op(i, '{') || v.op(i, ':') || v.op(i, opSpread)
}

// assigned reports whether a value that begins here is assigned to a variable: const x = [, const x: T = {, x.y = {. A type is, too.
func (v *values) assigned(i int) bool {
	if v.word(i-1, "return") || v.word(i-1, "default") && v.word(i-2, "export") {
		return true
	}
	return v.op(i-1, '=') && v.declared(i-1)
}

// declared reports whether an `=` is that of a variable, and not of a type.
func (v *values) declared(i int) bool {
	for n := i - 1; n >= 0 && n > i-maxReturns; n-- {
		t := v.tok(n)
		switch {
		case t.kind == word:
			switch string(v.data[t.start:t.end]) {
			case "const", "let", "var":
				return true
			case "type", "interface":
				return false
			}
		case t.kind != punct:
		case t.op == ';' || t.op == '{' || t.op == '(':
			return false
		case (t.op == '}' || t.op == ')' || t.op == ']') && t.match >= 0:
			n = int(t.match)
		}
	}
	return false
}

// generic reports whether a token of a list stands among the parameters of a type: f(g<A, B>()).
func (v *values) generic(i int) bool {
	deep, open := 0, int(v.tok(v.lists[len(v.lists)-1].end).match)
	for n := i; n > open && n > i-maxReturns; n-- {
		t := v.tok(n)
		switch {
		case t.kind != punct:
		case t.op == '>':
			deep++
		case t.op == '<' && deep == 0:
			return true
		case t.op == '<':
			deep--
		case (t.op == '}' || t.op == ')' || t.op == ']') && t.match >= 0:
			n = int(t.match)
		}
	}
	return false
}

// typedCall reports whether `<` opens the parameters of a call: f<A, B>(
func (v *values) typedCall(i int) bool {
	deep := 0
	for n := i; n < i+maxReturns; n++ {
		t := v.tok(n)
		switch {
		case t.kind != punct:
		case t.op == '<':
			deep++
		case t.op == '>':
			if deep--; deep == 0 {
				return v.op(n+1, '(')
			}
		case (t.op == '{' || t.op == '(' || t.op == '[') && int(t.match) > n:
			n = int(t.match)
		case t.op == ';' || t.op == '}' || t.op == ')' || t.op == ']':
			return false
		}
	}
	return false
}

// subclass reports whether the word extends is that of a class, and neither that of an interface nor of a parameter.
func (v *values) subclass(i int) bool {
	for n := i - 1; n >= 0 && n > i-maxReturns; n-- {
		switch {
		case v.word(n, "class"):
			return true
		case v.word(n, "interface"), v.op(n, '<'), v.op(n, ';'), v.op(n, '{'), v.op(n, ','):
			return false
		case v.op(n, '>'):
			for deep := 1; deep > 0 && n > 0 && n > i-maxReturns; {
				if n--; v.op(n, '>') {
					deep++
				} else if v.op(n, '<') {
					deep--
				}
			}
		}
	}
	return false
}

// value reports whether a name is surely used as a value.
func (v *values) value(i int) bool {
	if v.member(i) {
		return false
	}
	before, next := v.tok(i-1), v.tok(i+1)
	end := i + 1 // behind the members that are asked for: a.b.c
	for v.op(end, '.') || v.op(end, opChain) {
		if next = v.tok(end + 2); v.tok(end+1).kind != word {
			break
		}
		end += 2
	}
	if before.kind == word {
		switch string(v.data[before.start:before.end]) {
		case "new", "return", "await", "instanceof", "throw", "case", "delete", "yield", "void", "of":
			return true
		case "extends":
			return v.subclass(i - 1)
		case "function", "class", "interface", "type", "enum", "namespace", "const", "let", "var", "import", "get", "set", "as", "typeof", "keyof":
			return false
		}
	}
	if next.kind == str && v.data[next.start] == '`' || next.kind == part && next.op == '$' {
		return true // a tagged template
	}
	if next.kind == punct {
		switch next.op {
		case '(':
			return true
		case '<':
			return end == i+1 && v.typedCall(end)
		case opLogical, opStep, opOther:
			return true
		}
	}
	if before.kind == punct {
		switch before.op {
		case '@', '!', opLogical, '+', '-', opOther:
			return true
		case '=':
			return v.declared(i - 1)
		case '(', ',', '[', '{', ':', opSpread:
			return v.in() && !v.generic(i-1) && (next.kind == punct && (next.op == ',' || next.op == ')' || next.op == ']' || next.op == '}') || next.kind == word && next.newline)
		}
	}
	return before.kind == part && before.op == '$'
}
