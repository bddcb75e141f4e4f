package syntax

import (
	"path"
	"strings"
)

// isSysPath reports whether sys.path stands at i.
func (s *scanner) isSysPath(i int) bool {
	if !s.is(i, tokName) || s.is(i-1, tokDot) {
		return false
	}
	if s.sysPath[s.str(i)] {
		return true
	}
	return s.modules[s.str(i)] && s.is(i+1, tokDot) && s.isName(i+2, "path")
}

// pathCall reads sys.path.insert(0, ...), .append(...), .extend([...]) and site.addsitedir(...). The method is at i.
func (s *scanner) pathCall(i, block int, inLambda bool) {
	method := s.str(i)
	lo := s.calleeStart(i)
	if method != "addsitedir" && (!s.isSysPath(lo) || i-lo != 2 && i-lo != 4 || i-lo == 2 && !s.sysPath[s.str(lo)]) {
		return
	}
	front, n := false, 0
	s.eachArgument(i+1, func(_ string, lo, hi int) {
		n++
		switch {
		case method == "insert" && n == 1:
			v, _ := s.operand(lo, hi)
			// Position 1 keeps the script's own directory before the entry, but comes before all others.
			front = v.kind == valueInt && hi == lo+1 && v.ints[0] <= 1
		case method == "extend" && n == 1:
			s.pathEntries(lo, hi, block, inLambda, false, false)
		case method == "insert" && n == 2, method != "insert" && method != "extend" && n == 1:
			s.pathEdit(lo, hi, block, inLambda, front, false)
		}
	})
}

// pathAssignment reads sys.path = ..., sys.path += ... and sys.path[0:0] = ...
func (s *scanner) pathAssignment(lo, hi, vlo, vhi, block int, add bool) {
	replace := s.is(hi-1, tokName) && !add
	front := !add && !replace && (s.is(hi-2, tokNumber) && s.str(hi-2) == "0" || s.is(hi-2, tokColon) || s.isOpen(hi-2, '['))
	// sys.path = [...] + sys.path keeps what was there.
	start := vlo
	for i := vlo; i <= vhi; i++ {
		if i < vhi && !s.is(i, tokPlus) {
			i = s.skip(i)
			continue
		}
		if replace && s.isSysPath(start) {
			for j := len(s.file.PathEdits) - 1; j >= 0 && s.file.PathEdits[j].Range.Start.Offset >= int(s.toks[vlo].off); j-- {
				s.file.PathEdits[j].Front, s.file.PathEdits[j].Replace = true, false
			}
			replace, add = false, true
		} else {
			s.pathEntries(start, i, block, false, front, replace)
		}
		start = i + 1
	}
}

// pathEntries reads a list of entries, or something that is none.
func (s *scanner) pathEntries(lo, hi, block int, inLambda, front, replace bool) {
	if lo >= hi {
		return
	}
	if !s.is(lo, tokOpen) || s.skip(lo) != hi-1 || s.toks[lo].match < 0 {
		s.pathEdit(lo, hi, block, inLambda, front, replace)
		return
	}
	s.eachArgument(lo, func(_ string, lo, hi int) { s.pathEdit(lo, hi, block, inLambda, front, replace) })
}

// pathEdit notes one entry.
func (s *scanner) pathEdit(lo, hi, block int, inLambda, front, replace bool) {
	if lo >= hi {
		return
	}
	s.file.PathEdits = append(s.file.PathEdits, PathEdit{Path: clean(s.pathOf(lo, hi, block)), Front: front,
		Replace: replace, Range: s.span(lo, hi), Context: s.place(block, inLambda)})
}

// assignedPath remembers a name that stands for a path. What is assigned in a loop, or again under a condition, is not
// known.
func (s *scanner) assignedPath(name string, vlo, vhi, block int, add bool) {
	b := &s.blocks[block]
	names := s.paths
	if b.scope == scopeFunction {
		if s.localsOf != b.fn {
			s.localsOf, s.locals = b.fn, map[string]Path{}
		}
		names = s.locals
	}
	old, had := names[name]
	p := Path{}
	if !add && b.kind != blockLoop && vhi-vlo <= maxCondition {
		p = s.pathOf(vlo, vhi, block)
	}
	if had && old != p && b.parent >= 0 && b.kind != blockFunction {
		p = Path{}
	}
	if p.Base != PathUnknown || had || b.scope == scopeFunction {
		names[name] = p
	}
}

// pathOf reduces an expression to a path: Unknown if there is anything in it that is not known.
func (s *scanner) pathOf(lo, hi, block int) Path {
	p, next := s.pathSum(lo, hi, block, 0)
	if next != hi {
		return Path{}
	}
	return p
}

// pathSum reads operands joined by `/`, of pathlib, or by `+`, of strings.
func (s *scanner) pathSum(lo, hi, block, depth int) (Path, int) {
	if depth > maxNesting {
		return Path{}, lo
	}
	p, i := s.pathOperand(lo, hi, block, depth)
	for i > lo && i < hi {
		sum := s.is(i, tokPlus)
		if !sum && !s.is(i, tokSlash) {
			break
		}
		q, next := s.pathOperand(i+1, hi, block, depth)
		if next <= i+1 {
			return Path{}, i
		}
		if sum {
			p = concat(p, q)
		} else {
			p = join(p, q)
		}
		i = next
	}
	return p, i
}

// pathOperand reads a literal, __file__, a known name, or a call, with the attributes behind it.
func (s *scanner) pathOperand(lo, hi, block, depth int) (Path, int) {
	if lo >= hi {
		return Path{}, lo
	}
	p, i := Path{}, lo
	switch s.toks[lo].kind {
	case tokString:
		text, next, ok := s.stringAt(lo, hi)
		if !ok {
			return Path{}, lo
		}
		p, i = Path{Base: PathLiteral, Path: text}, next
	case tokOpen:
		end := s.skip(lo)
		if !s.isOpen(lo, '(') || end >= hi || s.toks[lo].match < 0 {
			return Path{}, lo
		}
		q, next := s.pathSum(lo+1, end, block, depth+1)
		if next != end {
			return Path{}, lo
		}
		p, i = q, end+1
	case tokName:
		p, i = s.pathName(lo, hi, block, depth)
		if i == lo {
			return Path{}, lo
		}
	default:
		return Path{}, lo
	}
	return s.pathTrailers(p, i, hi, block, depth)
}

// pathName reads what begins with a name.
func (s *scanner) pathName(lo, hi, block, depth int) (Path, int) {
	if s.is(lo+1, tokDot) || s.isOpen(lo+1, '(') {
		// os.path.dirname(...), Path(...), or the attributes of a name, which pathTrailers reads.
		last := lo
		for s.is(last+1, tokDot) && s.is(last+2, tokName) && last+2 < hi {
			last += 2
		}
		if s.isOpen(last+1, '(') && last+1 < hi {
			if p, ok := s.pathFunction(s.str(last), last+1, hi, block, depth); ok {
				return p, s.skip(last+1) + 1
			}
		}
		if s.compact(lo, last+1) == "os.pardir" || s.compact(lo, last+1) == "os.path.pardir" {
			return Path{Base: PathLiteral, Path: ".."}, last + 1
		}
		if s.compact(lo, last+1) == "os.sep" || s.compact(lo, last+1) == "os.path.sep" {
			return Path{Base: PathLiteral, Path: "/"}, last + 1
		}
	}
	if s.str(lo) == "__file__" {
		return Path{Base: PathFile}, lo + 1
	}
	if s.str(lo) == "__path__" && s.isOpen(lo+1, '[') && s.is(lo+2, tokNumber) && s.is(lo+3, tokClose) {
		return Path{Base: PathFile, Ups: 1}, lo + 4
	}
	if s.blocks[block].scope == scopeFunction && s.localsOf == s.blocks[block].fn {
		if p, ok := s.locals[s.str(lo)]; ok {
			return p, lo + 1
		}
	}
	if p, ok := s.paths[s.str(lo)]; ok {
		return p, lo + 1
	}
	return Path{}, lo
}

// pathFunction reads the call of a function on paths, by whatever name its module goes.
func (s *scanner) pathFunction(name string, open, hi, block, depth int) (Path, bool) {
	switch name {
	case "dirname", "abspath", "realpath", "normpath", "join", "Path", "PurePath", "PosixPath", "str", "fspath":
	case "getcwd", "cwd":
		return Path{Base: PathLiteral, Path: "."}, true
	case "files": // importlib.resources
		end := s.skip(open)
		if end == open+2 && (s.isName(open+1, "__package__") || s.isName(open+1, "__name__")) {
			return Path{Base: PathFile, Ups: 1}, true
		}
		text, next, ok := s.stringAt(open+1, end)
		return Path{Base: PathPackage, Package: text}, ok && next == end && text != ""
	case "getfile", "getsourcefile":
		return Path{Base: PathFile}, s.isName(open+1, "inspect") || s.isName(open+1, "currentframe")
	default:
		return Path{}, false
	}
	end := s.skip(open)
	if end >= hi || s.toks[open].match < 0 {
		return Path{}, false
	}
	p, n, fine := Path{}, 0, true
	s.eachArgument(open, func(keyword string, lo, hi int) {
		q, next := s.pathSum(lo, hi, block, depth+1)
		fine = fine && keyword == "" && next == hi && q.Base != PathUnknown
		if n == 0 {
			p = q
		} else {
			p = join(p, q)
		}
		n++
	})
	if !fine || n == 0 {
		return Path{}, false
	}
	switch name {
	case "dirname":
		return parent(p), true
	case "abspath", "realpath", "normpath":
		return clean(p), true
	}
	return p, true
}

// pathTrailers reads the attributes and methods of a pathlib path.
func (s *scanner) pathTrailers(p Path, i, hi, block, depth int) (Path, int) {
	for i+1 < hi && s.is(i, tokDot) && s.is(i+1, tokName) {
		name := s.str(i + 1)
		switch {
		case name == "parent":
			p, i = parent(p), i+2
		case name == "parents" && s.isOpen(i+2, '[') && s.is(i+3, tokNumber) && s.is(i+4, tokClose) && i+4 < hi:
			v, _ := s.operand(i+3, i+4)
			if v.kind != valueInt || v.ints[0] > maxCondition {
				return Path{}, i
			}
			for range v.ints[0] + 1 {
				p = parent(p)
			}
			i += 5
		case (name == "resolve" || name == "absolute") && s.isOpen(i+2, '('):
			p, i = clean(p), s.skip(i+2)+1
		case (name == "as_posix" || name == "expanduser" || name == "__str__") && s.isOpen(i+2, '('):
			i = s.skip(i+2) + 1
		case name == "joinpath" && s.isOpen(i+2, '('):
			q, ok := s.pathFunction("join", i+2, hi, block, depth+1)
			if !ok {
				return Path{}, i
			}
			p, i = join(p, q), s.skip(i+2)+1
		default:
			return Path{}, i
		}
	}
	return p, i
}

// maxPath bounds what is put together, for names can be doubled line by line.
const maxPath = 4096

// join puts a path below another, as os.path.join does.
func join(p, q Path) Path {
	switch {
	case p.Base == PathUnknown || q.Base == PathUnknown || len(p.Path)+len(q.Path) > maxPath:
		return Path{}
	case q.Base == PathFile || strings.HasPrefix(q.Path, "/"):
		return q
	case p.Path == "" || strings.HasSuffix(p.Path, "/"):
		p.Path += q.Path
	default:
		p.Path += "/" + q.Path
	}
	return p
}

// concat adds strings. What is glued to a path's last element cannot be told apart from it.
func concat(p, q Path) Path {
	switch {
	case p.Base == PathUnknown || q.Base != PathLiteral || len(p.Path)+len(q.Path) > maxPath:
		return Path{}
	case p.Base == PathLiteral:
		p.Path += q.Path
	case strings.HasPrefix(q.Path, "/"):
		p.Path += q.Path
	case p.Path != "":
		p.Path += q.Path
	default:
		return Path{}
	}
	p.Path = trimFile(p)
	return p
}

// trimFile cuts the slash off what follows __file__.
func trimFile(p Path) string {
	if p.Base == PathFile {
		return strings.TrimLeft(p.Path, "/")
	}
	return p.Path
}

// parent drops the last element.
func parent(p Path) Path {
	switch {
	case p.Base == PathUnknown:
		return p
	case p.Path == "" && p.Base == PathFile:
		p.Ups++
		return p
	}
	p.Path = strings.TrimRight(p.Path, "/")
	if i := strings.LastIndexByte(p.Path, '/'); i >= 0 {
		p.Path = p.Path[:max(i, 1)]
		if i > 0 || p.Base == PathFile {
			p.Path = p.Path[:i]
		}
		return p
	}
	p.Path = ""
	return p
}

// clean folds "." and "..".
func clean(p Path) Path {
	switch p.Base {
	case PathLiteral:
		if p.Path != "" {
			p.Path = path.Clean(p.Path)
		}
	case PathFile:
		p.Path = path.Clean(p.Path)
		for p.Path == ".." || strings.HasPrefix(p.Path, "../") {
			p.Ups++
			p.Path = strings.TrimPrefix(p.Path[2:], "/")
		}
		if p.Path == "." {
			p.Path = ""
		}
	}
	return p
}
