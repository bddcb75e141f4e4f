package shell

import (
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// truth is how a condition comes out with the image's own settings and arguments.
type truth struct {
	known, yes bool
	fixed      bool // it cannot come out differently, whatever somebody sets: it asks for files or literals
}

func (t truth) not() truth {
	t.yes = !t.yes
	return t
}

// truths tells how a list of statements comes out: as its last one does.
func (sh *Interp) truths(s *State, list []*syntax.Stmt) truth {
	if len(list) == 0 {
		return truth{}
	}
	return sh.truth(s, list[len(list)-1])
}

func (sh *Interp) truth(s *State, st *syntax.Stmt) truth {
	if st.Cmd == nil || st.Background || sh.depth >= maxDepth || !sh.step(s.Here) {
		return truth{}
	}
	sh.depth++
	defer func() { sh.depth-- }()
	t := sh.truthOf(s, st.Cmd)
	if st.Negated {
		t = t.not()
	}
	return t
}

func (sh *Interp) truthOf(s *State, cmd syntax.Command) truth {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		return sh.testCall(s, c)
	case *syntax.TestClause:
		return sh.testExpr(s, c.X)
	case *syntax.Block:
		return sh.truths(s, c.Stmts)
	case *syntax.BinaryCmd:
		if c.Op != syntax.AndStmt && c.Op != syntax.OrStmt {
			return truth{}
		}
		return combine(sh.truth(s, c.X), sh.truth(s, c.Y), c.Op == syntax.AndStmt)
	}
	return truth{}
}

// combine is "and" or "or" of three-valued logic.
func combine(x, y truth, and bool) truth {
	for _, t := range []truth{x, y} {
		if t.known && t.yes != and && (t.fixed || x.known && y.known) {
			return truth{known: true, yes: !and, fixed: t.fixed}
		}
	}
	switch {
	case x.known && x.yes != and:
		return x
	case y.known && y.yes != and:
		return y
	case x.known && y.known:
		return truth{known: true, yes: and, fixed: x.fixed && y.fixed}
	}
	return truth{}
}

// checks tells whether a statement is there for its exit status, so that it may well fail.
func checks(st *syntax.Stmt) bool {
	if st.Negated {
		return true
	}
	switch c := st.Cmd.(type) {
	case *syntax.TestClause, *syntax.ArithmCmd:
		return true
	case *syntax.BinaryCmd:
		return checks(c.Y)
	case *syntax.CallExpr:
		if len(c.Args) > 0 {
			switch c.Args[0].Lit() {
			case "[", "test", "grep", "egrep", "command", "which", "type", "false", "nc", "pgrep":
				return true
			}
		}
	}
	return false
}

// givesUp tells whether a statement ends the script, so that what failed before it was needed after all.
func givesUp(st *syntax.Stmt) bool {
	switch c := st.Cmd.(type) {
	case *syntax.Block:
		return len(c.Stmts) > 0 && givesUp(c.Stmts[len(c.Stmts)-1])
	case *syntax.BinaryCmd:
		return givesUp(c.Y)
	case *syntax.CallExpr:
		if len(c.Args) > 0 {
			switch name := c.Args[0].Lit(); name {
			case "exit", "return":
				return len(c.Args) < 2 || c.Args[1].Lit() != "0"
			case "false", "die", "fatal", "fail", "abort", "error", "kill":
				return true
			}
		}
	}
	return false
}

// operand is a word of a test.
type operand struct {
	text         string
	known, unset bool // unset: a variable that nobody sets is taken as empty in it
	variable     bool
}

func (sh *Interp) operand(s *State, w *syntax.Word) operand {
	x := &expansion{sh: sh, s: s, unsetEmpty: true}
	v := x.literal(w)
	return operand{text: v.Text, known: v.Known(), unset: x.unset, variable: !sh.Fixed && (x.variable || holdsParameter(w))}
}

// holdsParameter tells whether a word depends on variables or on the arguments of the container: anybody may change both.
func holdsParameter(w *syntax.Word) bool {
	found := false
	syntax.Walk(w, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
			found = true
		}
		return !found
	})
	return found
}

// testCall evaluates [ ... ], test, true and false.
func (sh *Interp) testCall(s *State, c *syntax.CallExpr) truth {
	if len(c.Args) == 0 {
		return truth{}
	}
	words := c.Args[1:]
	switch c.Args[0].Lit() {
	case "true", ":":
		return truth{known: true, yes: true, fixed: true}
	case "false":
		return truth{known: true, fixed: true}
	case "[":
		if len(words) == 0 {
			return truth{}
		}
		words = words[:len(words)-1]
	case "test":
	default:
		return truth{}
	}
	ops := make([]operand, len(words))
	for i, w := range words {
		ops[i] = sh.operand(s, w)
	}
	return sh.testWords(s, ops)
}

func (sh *Interp) testWords(s *State, ops []operand) truth {
	for _, sep := range []string{"-o", "-a"} {
		for i, o := range ops {
			if o.text == sep && i > 0 && i+1 < len(ops) {
				return combine(sh.testWords(s, ops[:i]), sh.testWords(s, ops[i+1:]), sep == "-a")
			}
		}
	}
	switch {
	case len(ops) >= 2 && ops[0].text == "!":
		return sh.testWords(s, ops[1:]).not()
	case len(ops) == 1:
		return sh.unary(s, "-n", ops[0])
	case len(ops) == 2:
		return sh.unary(s, ops[0].text, ops[1])
	case len(ops) == 3:
		return compare(ops[0], ops[1].text, ops[2], false)
	}
	return truth{}
}

func (sh *Interp) testExpr(s *State, e syntax.TestExpr) truth {
	switch t := e.(type) {
	case *syntax.Word:
		return sh.unary(s, "-n", sh.operand(s, t))
	case *syntax.ParenTest:
		return sh.testExpr(s, t.X)
	case *syntax.UnaryTest:
		if t.Op == syntax.TsNot {
			return sh.testExpr(s, t.X).not()
		}
		if w, ok := t.X.(*syntax.Word); ok {
			return sh.unary(s, t.Op.String(), sh.operand(s, w))
		}
	case *syntax.BinaryTest:
		switch t.Op {
		case syntax.AndTest, syntax.OrTest:
			return combine(sh.testExpr(s, t.X), sh.testExpr(s, t.Y), t.Op == syntax.AndTest)
		}
		x, okX := t.X.(*syntax.Word)
		y, okY := t.Y.(*syntax.Word)
		if okX && okY {
			return compare(sh.operand(s, x), t.Op.String(), sh.operand(s, y), true)
		}
	}
	return truth{}
}

func (sh *Interp) unary(s *State, op string, x operand) truth {
	if !x.known {
		return truth{}
	}
	switch op {
	case "-n", "-z":
		if x.unset && x.text == "" {
			// Scripts ask so for what the person who starts the container has to set.
			return truth{}
		}
		return truth{known: true, yes: (x.text != "") == (op == "-n"), fixed: !x.variable}
	case "-e", "-a", "-f", "-d", "-r", "-x", "-s":
		file := s.Abs(x.text)
		if file == "" {
			return truth{}
		}
		switch sh.Stat(file) {
		case Absent:
			return truth{known: true, fixed: !x.variable}
		case Regular:
			if sh.Fixed && op != "-e" && op != "-f" && op != "-d" {
				return truth{} // mode and size are not asked for
			}
			return truth{known: true, yes: op != "-d", fixed: !x.variable}
		case Directory:
			return truth{known: true, yes: op != "-f", fixed: !x.variable}
		}
	}
	return truth{}
}

func compare(x operand, op string, y operand, patterns bool) truth {
	if !x.known || !y.known {
		return truth{}
	}
	fixed := !x.variable && !y.variable
	result := func(yes bool) truth { return truth{known: true, yes: yes, fixed: fixed} }
	switch op {
	case "=", "==", "!=":
		equal := x.text == y.text
		if patterns {
			equal = matches(y.text, x.text)
		}
		if equal && (x.unset || y.unset) {
			return truth{} // [ "x$NAME" = x ] asks whether it is set
		}
		return result(equal == (op != "!="))
	case "-eq", "-ne", "-gt", "-ge", "-lt", "-le":
		m, err := strconv.Atoi(strings.TrimSpace(x.text))
		if err != nil {
			return truth{}
		}
		n, err := strconv.Atoi(strings.TrimSpace(y.text))
		if err != nil {
			return truth{}
		}
		return result(map[string]bool{"-eq": m == n, "-ne": m != n, "-gt": m > n, "-ge": m >= n, "-lt": m < n, "-le": m <= n}[op])
	}
	return truth{}
}

// matchesAny tells whether a word matches one of the patterns of a case item.
func (sh *Interp) matchesAny(s *State, word string, patterns []*syntax.Word) bool {
	for _, p := range patterns {
		x := &expansion{sh: sh, s: s, unsetEmpty: true}
		if v := x.literal(p); v.Known() && matches(v.Text, word) {
			return true
		}
	}
	return false
}

func matches(pat, word string) bool {
	if pat == word {
		return true
	}
	expr, err := pattern.Regexp(pat, pattern.EntireString)
	if err != nil {
		return false
	}
	re, err := regexp.Compile(expr)
	return err == nil && re.MatchString(word)
}
