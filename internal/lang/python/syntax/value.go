package syntax

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// value is an operand of a comparison, as far as it is known.
type value struct {
	kind  valueKind
	text  string
	ints  []int // of an integer one, of a tuple or a version all
	more  bool  // of a version: there are more elements, which are not known
	texts []string
	known cond
	asks  Flags
}

type valueKind uint8

const (
	valueUnknown valueKind = iota
	valueInt
	valueText
	valueTuple // of integers
	valueTexts // a tuple, list or set of strings
	valueName  // __name__
	valueCond
)

// cond gives the truth of a value that stands alone.
func (v value) cond() cond {
	switch v.kind {
	case valueCond:
		return v.known
	case valueInt:
		return asking(truthOf(v.ints[0] != 0), v.asks)
	}
	return cond{asks: v.asks}
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// compare decides one comparison.
func compare(a value, op string, b value) cond {
	asks := a.asks | b.asks
	if a.kind == valueName && b.kind == valueText || b.kind == valueName && a.kind == valueText {
		if (op == "==" || op == "!=") && (a.text == "__main__" || b.text == "__main__") {
			if op == "!=" {
				return not(mainModule)
			}
			return mainModule
		}
		return cond{}
	}
	if op == "in" || op == "not in" {
		t := contains(a, b)
		if op == "not in" {
			t = -t
		}
		return asking(t, asks)
	}
	order, known := 0, false
	switch {
	case a.kind == valueInt && b.kind == valueInt, a.kind == valueTuple && b.kind == valueTuple:
		order, known = compareVersions(a, b)
	case a.kind == valueText && b.kind == valueText:
		order, known = cmp.Compare(a.text, b.text), true
	}
	if !known {
		return cond{asks: asks}
	}
	return asking(truthOf(holds(order, op)), asks)
}

func contains(a, b value) truth {
	switch {
	case a.kind == valueText && b.kind == valueTexts:
		return truthOf(slices.Contains(b.texts, a.text))
	case a.kind == valueText && b.kind == valueText:
		return truthOf(strings.Contains(b.text, a.text))
	}
	return unknown
}

// compareVersions compares element by element. Of a version the elements behind the minor number are not known, but
// that there are some.
func compareVersions(a, b value) (order int, known bool) {
	n := min(len(a.ints), len(b.ints))
	if order = slices.Compare(a.ints[:n], b.ints[:n]); order != 0 {
		return order, true
	}
	if len(a.ints) == len(b.ints) && !a.more && !b.more {
		return 0, true
	}
	switch {
	case len(b.ints) == n && !b.more:
		return 1, true
	case len(a.ints) == n && !a.more:
		return -1, true
	}
	return 0, false
}

func holds(order int, op string) bool {
	switch op {
	case "==":
		return order == 0
	case "!=", "<>":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// operand reads an operand at lo and gives the index behind it; lo itself if it is none that is known.
func (s *scanner) operand(lo, hi int) (value, int) {
	if lo >= hi {
		return value{}, lo
	}
	switch s.toks[lo].kind {
	case tokNumber:
		n, err := strconv.ParseInt(s.str(lo), 0, 64)
		if err != nil {
			return value{}, hi
		}
		return value{kind: valueInt, ints: []int{int(n)}}, lo + 1
	case tokString:
		text, next, ok := s.stringAt(lo, hi)
		if !ok {
			return value{}, hi
		}
		return value{kind: valueText, text: text}, next
	case kwTrue, kwFalse, kwNone:
		return value{kind: valueCond, known: constant(truthOf(s.is(lo, kwTrue)))}, lo + 1
	case tokOpen:
		return s.display(lo, hi)
	case tokName:
		return s.named(lo, hi)
	}
	return value{}, lo
}

// display reads a tuple of integers or of strings.
func (s *scanner) display(lo, hi int) (value, int) {
	end := s.skip(lo)
	if end >= hi || s.src[s.toks[lo].off] == '{' && s.toks[lo].match < 0 {
		return value{}, hi
	}
	v := value{}
	for i := lo + 1; i < end; {
		switch s.toks[i].kind {
		case tokComma:
			i++
		case tokNumber, tokString:
			e, next := s.operand(i, end)
			switch {
			case e.kind == valueInt && v.kind != valueTexts:
				v.kind, v.ints = valueTuple, append(v.ints, e.ints...)
			case e.kind == valueText && v.kind != valueTuple:
				v.kind, v.texts = valueTexts, append(v.texts, e.text)
			default:
				return value{}, end + 1
			}
			i = next
		default:
			return value{}, end + 1
		}
	}
	return v, end + 1
}

// named reads what begins with a name: the version, the platform, a name of a condition.
func (s *scanner) named(lo, hi int) (value, int) {
	name, next := s.dotted(lo, hi)
	if rest, ok := s.ofSys(name); ok {
		if v, next, ok := s.ofVersion(rest, next, hi); ok {
			return v, next
		}
		switch rest {
		case "platform":
			return s.ofText(s.cfg.Platform, next, hi)
		case "platform.startswith":
			return s.platformStarts(next, hi)
		}
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == "__name__":
		return value{kind: valueName}, next
	case name == "os.name":
		return s.ofText(map[bool]string{true: "nt", false: "posix"}[s.cfg.Platform == "win32"], next, hi)
	case name == "platform.system" && s.isOpen(next, '(') && s.is(next+1, tokClose):
		system := map[string]string{"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[s.cfg.Platform]
		return s.ofText(system, next+2, hi)
	}
	c, ok := s.conds[name]
	if !ok {
		c, ok = knownNames[last]
	}
	if ok && !s.trailer(next, hi) {
		return value{kind: valueCond, known: c, asks: c.asks}, next
	}
	return value{}, s.skipTrailers(next, hi)
}

// ofSys cuts the module sys off a dotted name. The version is known by its own name too.
func (s *scanner) ofSys(name string) (rest string, ok bool) {
	first, rest, _ := strings.Cut(name, ".")
	if s.modules[first] {
		return rest, rest != ""
	}
	if first == "version_info" {
		return name, true
	}
	return "", false
}

// platformStarts reads the argument of sys.platform.startswith.
func (s *scanner) platformStarts(open, hi int) (value, int) {
	unknown := value{asks: PlatformBranch}
	end := s.skip(min(open, len(s.toks)-1))
	if open >= hi || !s.isOpen(open, '(') || end >= hi {
		return unknown, hi
	}
	arg, next := s.operand(open+1, end)
	if next != end {
		return unknown, end + 1
	}
	found := false
	switch arg.kind {
	case valueText:
		found = strings.HasPrefix(s.cfg.Platform, arg.text)
	case valueTexts:
		for _, prefix := range arg.texts {
			found = found || strings.HasPrefix(s.cfg.Platform, prefix)
		}
	default:
		return unknown, end + 1
	}
	return value{kind: valueCond, known: asking(truthOf(found), PlatformBranch), asks: PlatformBranch}, end + 1
}

// ofText reads a string that is known, if nothing is done with it.
func (s *scanner) ofText(text string, next, hi int) (value, int) {
	v := value{kind: valueText, text: text, asks: PlatformBranch}
	if !s.trailer(next, hi) {
		return v, next
	}
	return value{asks: PlatformBranch}, s.skipTrailers(next, hi)
}

// ofVersion reads sys.version_info with an attribute, an index or a slice, sys.hexversion and sys.version.
func (s *scanner) ofVersion(rest string, next, hi int) (value, int, bool) {
	v := value{kind: valueTuple, ints: []int{s.cfg.Python.Major, s.cfg.Python.Minor}, more: true, asks: VersionBranch}
	attribute := ""
	switch rest {
	case "version_info":
	case "version_info.major", "version_info.minor":
		attribute = rest[len("version_info."):]
	case "hexversion":
		return value{kind: valueInt, ints: []int{v.ints[0]<<24 | v.ints[1]<<16 | 0xF0}, asks: VersionBranch}, next, true
	case "version":
		v = value{kind: valueText, text: strconv.Itoa(v.ints[0]) + "." + strconv.Itoa(v.ints[1]) + ".0", asks: VersionBranch}
	default:
		return value{}, next, false
	}
	if attribute != "" {
		return index(v, map[string]int{"major": 0, "minor": 1}[attribute]), next, true
	}
	if !s.isOpen(next, '[') || next >= hi {
		return v, next, true
	}
	end := s.skip(next)
	lo := next + 1
	if s.is(lo, tokNumber) && lo+1 == end {
		n, _ := strconv.Atoi(s.str(lo))
		return index(v, n), end + 1, true
	}
	if s.is(lo, tokNumber) && s.str(lo) == "0" {
		lo++
	}
	if s.is(lo, tokColon) && s.is(lo+1, tokNumber) && lo+2 == end {
		n, _ := strconv.Atoi(s.str(lo + 1))
		return slice(v, n), end + 1, true
	}
	return value{asks: VersionBranch}, end + 1, true
}

func index(v value, i int) value {
	switch {
	case v.kind == valueTuple && i < len(v.ints):
		return value{kind: valueInt, ints: v.ints[i : i+1], asks: v.asks}
	case v.kind == valueText && i < len(v.text):
		return value{kind: valueText, text: v.text[i : i+1], asks: v.asks}
	}
	return value{asks: v.asks}
}

func slice(v value, n int) value {
	switch {
	case v.kind == valueTuple && n <= len(v.ints):
		v.ints, v.more = v.ints[:n], false
	case v.kind == valueText && n <= len(v.text):
		v.text = v.text[:n]
	}
	return v
}
