package syntax

import "strings"

// dotted reads a dotted name at i, whose parts may have blanks between them, and gives the index behind it.
func (s *scanner) dotted(i, hi int) (name string, next int) {
	start := i
	for i < hi && s.nameLike(i) {
		i++
		if i < hi && s.is(i, tokDot) && i+1 < hi && s.nameLike(i+1) {
			i++
			continue
		}
		break
	}
	if i == start {
		return "", i
	}
	if text := s.text[s.toks[start].off:s.toks[i-1].end]; int(s.toks[i-1].end-s.toks[start].off) == s.width(start, i) {
		return text, i
	}
	var b strings.Builder
	for j := start; j < i; j++ {
		b.WriteString(s.str(j))
	}
	return b.String(), i
}

// width gives the bytes that tokens take without what is between them.
func (s *scanner) width(lo, hi int) (n int) {
	for i := lo; i < hi; i++ {
		n += int(s.toks[i].end - s.toks[i].off)
	}
	return n
}

// nameLike reports whether a token can be a part of a module's name. async and await were names before Python 3.7.
func (s *scanner) nameLike(i int) bool {
	return s.is(i, tokName) || s.is(i, kwAsync) || s.is(i, kwAwait)
}

// alias reads `as name` at i, if it is there, and gives the index of the name, or -1.
func (s *scanner) alias(i, hi int) (as, next int) {
	if i+1 < hi && s.is(i, kwAs) && s.nameLike(i+1) {
		return i + 1, i + 2
	}
	return -1, i
}

// importStatement reads `import a.b as c, d`. The statement begins at lo, the keyword is at i.
func (s *scanner) importStatement(lo, i, hi, block int) {
	lazy := i > lo
	statement := s.span(lo, hi)
	if i+1 >= hi {
		s.fail(int(s.toks[i].off), "import of no module")
	}
	for i++; i < hi; i++ {
		start := i
		module, next := s.dotted(i, hi)
		if module == "" {
			s.fail(int(s.toks[i].off), "import of no module")
			return
		}
		as, end := s.alias(next, hi)
		imp := Import{Module: module, Lazy: lazy, Range: statement, ModuleRange: s.span(start, next), Context: s.at(block)}
		if as >= 0 {
			imp.As = s.str(as)
			if module == "sys" {
				s.modules[imp.As] = true
			}
			s.bindText(imp.As, BindImport, imp.ModuleRange, block)
		} else {
			first, _, _ := strings.Cut(module, ".")
			s.bindText(first, BindImport, imp.ModuleRange, block)
		}
		s.file.Imports = append(s.file.Imports, imp)
		i = end
		if i < hi && !s.is(i, tokComma) {
			s.fail(int(s.toks[i].off), "import is not understood")
			return
		}
	}
}

// fromStatement reads `from ..a import b as c, d`. The statement begins at lo, the keyword is at i.
func (s *scanner) fromStatement(lo, i, hi, block int) {
	imp := Import{From: true, Lazy: i > lo, Range: s.span(lo, hi), Context: s.at(block)}
	i++
	start := i
	for ; i < hi && s.is(i, tokDot); i++ {
		imp.Level++
	}
	imp.Module, i = s.dotted(i, hi)
	if i == start || i >= hi || !s.is(i, kwImport) {
		s.fail(int(s.toks[lo].off), "from without import")
		return
	}
	imp.ModuleRange = s.span(start, i)
	i++
	if i < hi && s.is(i, tokStar) {
		imp.Star = true
		s.file.Imports = append(s.file.Imports, imp)
		return
	}
	if i < hi && s.isOpen(i, '(') {
		if end := s.skip(i); end < hi {
			hi = end
			if s.toks[i].match < 0 {
				hi = end + 1
			}
		}
		i++
	}
	for i < hi && s.nameLike(i) {
		as, next := s.alias(i+1, hi)
		name := Name{Name: s.str(i), Range: s.span(i, i+1)}
		if as >= 0 {
			name.As = s.str(as)
		}
		imp.Names = append(imp.Names, name)
		s.bindText(name.Bound(), BindImport, name.Range, block)
		s.imported(imp.Module, name)
		i = next
		if i >= hi || !s.is(i, tokComma) {
			break
		}
		i++
	}
	if i < hi || len(imp.Names) == 0 {
		s.fail(int(s.toks[min(i, len(s.toks)-1)].off), "import is not understood")
	}
	if len(imp.Names) > 0 {
		s.file.Imports = append(s.file.Imports, imp)
	}
}

// imported remembers the names under which something that matters here was imported.
func (s *scanner) imported(module string, name Name) {
	switch module + "." + name.Name {
	case "typing.TYPE_CHECKING", "typing_extensions.TYPE_CHECKING":
		s.conds[name.Bound()] = typeChecking
	case "sys.path":
		s.sysPath[name.Bound()] = true
	case "importlib.import_module", "importlib.util.find_spec":
		s.importer[name.Bound()] = name.Name
	}
	switch name.Name {
	case "PY2", "PY3", "version_info", "platform":
		if c, ok := knownNames[name.Name]; ok && name.As != "" {
			s.conds[name.As] = c
		}
	}
}
