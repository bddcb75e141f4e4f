package syntax

import (
	"strings"
	"unicode"
)

// truth is what is known of a condition.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

// cond is the value of a condition in four worlds, and what it asks for.
type cond struct {
	run      truth // when the program runs
	checked  truth // when a type checker reads it
	imported truth // when the module is imported and not the main program
	deployed truth // when the program runs in production, as far as the words of the condition tell
	asks     Flags
}

var (
	typeChecking = cond{run: no, checked: yes, imported: no, asks: TypeChecking}
	mainModule   = cond{imported: no, asks: MainGuard}
)

func constant(t truth) cond { return cond{run: t, checked: t, imported: t, deployed: t} }

func asking(t truth, asks Flags) cond {
	c := constant(t)
	c.asks = asks
	return c
}

func not(c cond) cond {
	return cond{run: -c.run, checked: -c.checked, imported: -c.imported, deployed: -c.deployed, asks: c.asks}
}

// and is the least of both in each world: no < unknown < yes.
func and(a, b cond) cond {
	return cond{
		run: min(a.run, b.run), checked: min(a.checked, b.checked), imported: min(a.imported, b.imported),
		deployed: min(a.deployed, b.deployed), asks: a.asks | b.asks,
	}
}

func or(a, b cond) cond { return not(and(not(a), not(b))) }

// flags gives what a branch under the condition is marked with.
func (c cond) flags() Flags {
	f := c.asks & (VersionBranch | PlatformBranch | Probed)
	switch {
	case c.run == no && c.checked != no && c.asks&TypeChecking != 0:
		f |= TypeChecking | Never
	case c.run == no:
		f |= Never
	case c.imported == no && c.asks&MainGuard != 0:
		f |= MainGuard
	case c.deployed == no:
		f |= DevelopmentBranch
	case c.run == unknown:
		f |= Branch
	}
	return f
}

// knownNames are names by which everybody means the same, wherever they come from.
var knownNames = map[string]cond{
	"TYPE_CHECKING": typeChecking,
	"MYPY":          typeChecking,
	"PY2":           asking(no, VersionBranch),
	"PY3":           asking(yes, VersionBranch),
}

// maxNesting bounds the recursion into conditions, literals and paths; nobody nests them deeper.
const maxNesting = 40

// condition decides the condition in the tokens from lo to hi: or binds weaker than and, and weaker than not.
func (s *scanner) condition(lo, hi, depth int) cond {
	if lo >= hi || depth > maxNesting {
		return cond{}
	}
	for i := lo; i < hi; i++ {
		switch s.toks[i].kind {
		case kwIf, kwLambda, tokNamed, tokInvalid:
			return cond{}
		}
		i = s.skip(i)
	}
	if c, ok := s.connected(lo, hi, depth, kwOr); ok {
		return c
	}
	if c, ok := s.connected(lo, hi, depth, kwAnd); ok {
		return c
	}
	if s.is(lo, kwNot) {
		return not(s.condition(lo+1, hi, depth+1))
	}
	if s.isOpen(lo, '(') && s.skip(lo) == hi-1 && s.toks[lo].match >= 0 && !s.tuple(lo+1, hi-1) {
		return s.condition(lo+1, hi-1, depth+1)
	}
	if s.isName(lo, "bool") && s.isOpen(lo+1, '(') && s.skip(lo+1) == hi-1 && s.toks[lo+1].match >= 0 {
		return s.condition(lo+2, hi-1, depth+1)
	}
	c := s.comparison(lo, hi)
	if c.run == unknown && c.imported == unknown && c.deployed == unknown {
		c.deployed = s.deployed(lo, hi)
	}
	if s.probes(lo, hi) || c.deployed != yes && s.dependsOnStart(lo, hi) {
		c.asks |= Probed
	}
	return c
}

// probes reports whether a condition asks for a module or a file: what it guards is imported only if that is there.
func (s *scanner) probes(lo, hi int) bool {
	for i := lo; i < hi; i++ {
		switch {
		case !s.is(i, tokName):
		case s.isOpen(i+1, '('):
			switch s.str(i) {
			case "find_spec", "find_loader", "find_module", "exists", "isfile", "is_file", "isdir", "is_dir", "is_installed", "apps_is_installed":
				return true
			}
		case s.is(i-1, kwIn) && s.isSysModules(i):
			return true // if "x" in sys.modules
		}
	}
	return false
}

// dependsOnStart reports whether an expression asks what the program was started with.
func (s *scanner) dependsOnStart(lo, hi int) bool {
	for i := lo; i < hi; i++ {
		if s.isName(i, "environ") || s.isName(i, "getenv") || s.isName(i, "argv") {
			return true
		}
	}
	return false
}

// Words of conditions that tell where a program runs.
var (
	developmentWords = map[string]bool{
		"debug": true, "dev": true, "devel": true, "development": true, "test": true, "tests": true, "testing": true, "pytest": true,
	}
	productionWords = map[string]bool{"prod": true, "production": true, "deployed": true}
)

// deployed tells from the words of a comparison, or of something that stands alone, whether it holds in production:
// DEBUG does not, and neither does os.environ["APP_ENV"] != "production".
func (s *scanner) deployed(lo, hi int) truth {
	result, positive := unknown, true
	for i := lo; i < hi; i++ {
		switch s.toks[i].kind {
		case tokName, tokString:
			for word := range strings.FieldsFuncSeq(strings.ToLower(s.str(i)), notLetter) {
				here := unknown
				switch {
				case developmentWords[word]:
					here = no
				case productionWords[word]:
					here = yes
				default:
					continue
				}
				if result == -here { // os.getenv("ENV", "dev") == "prod"
					return unknown
				}
				result = here
			}
		case tokCompare:
			positive = positive != (s.str(i) == "!=")
		case kwNot, kwFalse:
			positive = !positive
		}
	}
	if !positive {
		return -result
	}
	return result
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// connected decides operands joined by `and` or `or`.
func (s *scanner) connected(lo, hi, depth int, k kind) (result cond, found bool) {
	start := lo
	for i := lo; i <= hi; i++ {
		if i < hi && s.toks[i].kind != k {
			i = s.skip(i)
			continue
		}
		if i == hi && !found {
			return cond{}, false
		}
		c := s.condition(start, i, depth+1)
		switch {
		case !found:
			result, found = c, true
		case k == kwOr:
			result = or(result, c)
		default:
			result = and(result, c)
		}
		start = i + 1
	}
	return result, found
}

// tuple reports whether there is a comma between brackets.
func (s *scanner) tuple(lo, hi int) bool {
	for i := lo; i < hi; i++ {
		if s.toks[i].kind == tokComma {
			return true
		}
		i = s.skip(i)
	}
	return false
}

// comparison decides a single operand, or operands with comparisons between them.
func (s *scanner) comparison(lo, hi int) cond {
	left, i := s.operand(lo, hi)
	if i >= hi {
		return left.cond()
	}
	result := constant(yes)
	for i < hi {
		op := ""
		switch {
		case s.is(i, tokCompare):
			op = s.str(i)
		case s.is(i, kwIn):
			op = "in"
		case s.is(i, kwIs):
			op = "=="
			if s.is(i+1, kwNot) {
				op, i = "!=", i+1
			}
		case s.is(i, kwNot) && s.is(i+1, kwIn):
			op, i = "not in", i+1
		default:
			return cond{asks: left.asks & (VersionBranch | PlatformBranch)}
		}
		right, next := s.operand(i+1, hi)
		if next <= i+1 {
			return cond{asks: left.asks & (VersionBranch | PlatformBranch)}
		}
		result = and(result, compare(left, op, right))
		left, i = right, next
	}
	return result
}
