package shell

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

func (sh *Interp) binary(s *State, c *syntax.BinaryCmd) []*State {
	if c.Op != syntax.AndStmt && c.Op != syntax.OrStmt {
		return sh.pipe(s, c)
	}
	var out []*State
	was, several, tail, tested := s.Tolerated, s.OneOfSeveral, s.tail, s.tested
	s.Tolerated = was || c.Op == syntax.OrStmt && !givesUp(c.Y)
	s.tail, s.tested = tail && c.Op == syntax.AndStmt, true
	left := sh.stmt(s, c.X)
	for _, x := range left {
		x.Tolerated, x.tail, x.tested, x.OneOfSeveral = was, tail, tested, several || len(left) > 1
		if x.leaves.to != stays {
			out = append(out, x)
			continue
		}
		t := x.exit.truth()
		if !sh.Fixed {
			if decided := sh.truth(x, c.X); decided.known {
				t = decided
			}
		}
		taken := !t.known && c.Op == syntax.AndStmt && !checks(c.X)
		switch {
		case !t.known && sh.Fixed:
			out = append(out, sh.fork(x, c, taken)...)
			continue
		case taken:
			t = truth{known: true, yes: true, fixed: true} // what is run is taken to succeed
			x.OneOfSeveral = x.OneOfSeveral || was         // nothing ends if it does not
		}
		right := branch(x, t, c.Op == syntax.AndStmt, func(y *State) []*State { return sh.stmt(y, c.Y) })
		for _, y := range right {
			if taken && y.exit == succeeded {
				y.exit = notKnown
			}
		}
		out = append(out, right...)
	}
	return sh.join(out)
}

// fork gives the states of both ways after a command whose end is not known. meant tells that it is meant to succeed.
func (sh *Interp) fork(s *State, c *syntax.BinaryCmd, meant bool) []*State {
	ran, was := s.Clone(), s.Conditional
	ran.exit, s.exit = succeeded, failed
	if c.Op == syntax.OrStmt {
		ran.exit, s.exit = failed, succeeded
	}
	ran.OneOfSeveral, ran.Conditional = true, was || !meant
	s.Unlikely = s.Unlikely || meant
	out := []*State{s}
	for _, o := range sh.stmt(ran, c.Y) {
		o.Conditional = was
		out = append(out, o)
	}
	return out
}

// pipe walks two commands of which one reads what the other one prints, each in a shell of its own.
func (sh *Interp) pipe(s *State, c *syntax.BinaryCmd) []*State {
	left, right, pipe := s.inner(s.pipefail && s.needed()), s.inner(s.needed()), &sink{}
	left.out = pipe
	before := sh.acts
	left.OneOfSeveral = left.OneOfSeveral || sh.Fixed && !reads(c.Y)
	first := sh.closes(left.Clone(), sh.stmt(left, c.X))
	right.in = pipe.read()
	right.OneOfSeveral = right.OneOfSeveral || sh.acts > before // nobody knows which of them comes first
	s.exit = sh.closes(right.Clone(), sh.stmt(right, c.Y))
	if s.pipefail && (s.exit == succeeded || first == failed) {
		s.exit = first
	}
	return []*State{s}
}

// reads reports whether a command at the end of a pipe changes no files: what another one does meanwhile is then as if it were alone.
func reads(st *syntax.Stmt) bool {
	call, ok := st.Cmd.(*syntax.CallExpr)
	return ok && len(st.Redirs) == 0 && len(call.Args) > 0 && slices.Contains([]string{"cat", "grep", "egrep", "fgrep", "head", "tail", "wc", "sort", "uniq",
		"tr", "cut", "awk", "true", "less", "jq"}, call.Args[0].Lit())
}

// side walks what runs if a condition comes out as `when`, and gives the states after it; none if it surely does not.
func side(s *State, t truth, when bool, walk func(*State) []*State) []*State {
	switch {
	case t.known && t.yes == when:
		return walk(s)
	case t.known && t.fixed:
		return nil
	}
	was := s.Conditional
	s.Conditional = true
	out := walk(s)
	if t.known {
		return nil // it is taken to come out otherwise
	}
	for _, o := range out {
		o.Conditional = was
	}
	return out
}

// branch is side with the states in which it does not run.
func branch(s *State, t truth, when bool, walk func(*State) []*State) []*State {
	out := side(s.Clone(), t, when, walk)
	if t.known && t.yes == when {
		return out
	}
	return append([]*State{s}, out...)
}

func (sh *Interp) ifClause(s *State, c *syntax.IfClause) []*State {
	if sh.depth >= maxDepth {
		return []*State{s}
	}
	sh.depth++
	defer func() { sh.depth-- }()
	if len(c.Cond) == 0 { // else
		return sh.stmts([]*State{s}, c.Then)
	}
	// A command that is asked for its status may fail, unless that ends the script.
	several := s.OneOfSeveral
	in := sh.condition(s, c.Cond, !c.Cond[len(c.Cond)-1].Negated || len(c.Then) == 0 || !givesUp(c.Then[len(c.Then)-1]))
	var out []*State
	for _, x := range in {
		if x.leaves.to != stays {
			out = append(out, x)
			continue
		}
		t := sh.outcome(x, c.Cond)
		then := side(x.Clone(), t, true, func(st *State) []*State { return sh.stmts([]*State{st}, c.Then) })
		if len(then) == 0 && t.known && t.yes && !sh.Fixed && len(c.Then) > 0 && givesUp(c.Then[len(c.Then)-1]) {
			// A script that ends here in the image as it is, is written for what it finds when somebody has set that up.
			t.known = false
		}
		out = append(out, then...)
		out = append(out, side(x, t, false, func(st *State) []*State {
			if c.Else == nil {
				sh.status(st, succeeded)
				return []*State{st}
			}
			return sh.ifClause(st, c.Else)
		})...)
	}
	out = sh.join(out)
	for _, o := range out {
		o.OneOfSeveral = several
	}
	return out
}

// condition walks the commands of a condition. tolerated tells that nothing is lost if they fail.
func (sh *Interp) condition(s *State, list []*syntax.Stmt, tolerated bool) []*State {
	was, several, tail, tested := s.Tolerated, s.OneOfSeveral, s.tail, s.tested
	s.Tolerated, s.tail, s.tested = was || tolerated, false, true
	in := sh.stmts([]*State{s}, list)
	for _, x := range in {
		x.Tolerated, x.tail, x.tested, x.OneOfSeveral = was, tail, tested, several || len(in) > 1
	}
	return in
}

// outcome tells how a condition comes out whose commands were walked.
func (sh *Interp) outcome(s *State, list []*syntax.Stmt) truth {
	if !sh.Fixed {
		if t := sh.truths(s, list); t.known {
			return t
		}
	}
	return s.exit.truth()
}

func (sh *Interp) caseClause(s *State, c *syntax.CaseClause) []*State {
	x := &expansion{sh: sh, s: s, unsetEmpty: true}
	word := x.literal(c.Word)
	was, taken := s.Conditional, !word.Known()
	fixed := word.Known() && (sh.Fixed || !x.variable && !holdsParameter(c.Word))
	sh.status(s, succeeded)
	var out []*State
	if !word.Known() {
		out = append(out, s.Clone())
	}
	for _, item := range c.Items {
		inside := s.Clone()
		chosen := !taken && sh.matchesAny(s, word.Text, item.Patterns)
		if fixed && !chosen {
			continue
		}
		taken = taken || chosen
		inside.Conditional = was || !chosen
		for _, o := range sh.stmts([]*State{inside}, item.Stmts) {
			if chosen || !word.Known() {
				o.Conditional = was
				out = append(out, o)
			}
		}
	}
	if !taken {
		out = append(out, s)
	}
	return sh.join(out)
}
