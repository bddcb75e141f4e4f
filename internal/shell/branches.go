package shell

import "mvdan.cc/sh/v3/syntax"

func (sh *Interp) binary(s *State, c *syntax.BinaryCmd) []*State {
	if c.Op != syntax.AndStmt && c.Op != syntax.OrStmt {
		left, right, pipe := s.Clone(), s.Clone(), &sink{}
		left.out = pipe
		sh.stmt(left, c.X)
		right.in = pipe.read()
		if after := sh.stmt(right, c.Y); len(after) == 1 {
			s.exit = after[0].exit
		}
		return []*State{s}
	}
	var out []*State
	was := s.Tolerated
	s.Tolerated = was || c.Op == syntax.OrStmt && !givesUp(c.Y)
	left := sh.stmt(s, c.X)
	for _, x := range left {
		x.Tolerated, x.OneOfSeveral = was, x.OneOfSeveral || len(left) > 1
		if x.returned {
			out = append(out, x)
			continue
		}
		t := sh.truth(x, c.X)
		if !t.known {
			t = x.exit.truth()
		}
		taken := !t.known && c.Op == syntax.AndStmt && !checks(c.X)
		if taken {
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
	was := s.Tolerated
	s.Tolerated = was || !c.Cond[len(c.Cond)-1].Negated || len(c.Then) == 0 || !givesUp(c.Then[len(c.Then)-1])
	in := sh.stmts([]*State{s}, c.Cond)
	var out []*State
	for _, x := range in {
		x.Tolerated, x.OneOfSeveral = was, x.OneOfSeveral || len(in) > 1
		t := sh.truths(x, c.Cond)
		if !t.known {
			t = x.exit.truth()
		}
		then := x.Clone()
		out = append(out, side(then, t, true, func(st *State) []*State { return sh.stmts([]*State{st}, c.Then) })...)
		out = append(out, side(x, t, false, func(st *State) []*State {
			if c.Else == nil {
				return []*State{st}
			}
			return sh.ifClause(st, c.Else)
		})...)
	}
	return sh.join(out)
}

func (sh *Interp) caseClause(s *State, c *syntax.CaseClause) []*State {
	x := &expansion{sh: sh, s: s, unsetEmpty: true}
	word := x.literal(c.Word)
	was, taken := s.Conditional, !word.Known()
	fixed := word.Known() && (sh.Fixed || !x.variable && !holdsParameter(c.Word))
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

func (sh *Interp) whileClause(s *State, c *syntax.WhileClause) []*State {
	in := sh.stmts([]*State{s}, c.Cond)
	if len(in) == 0 {
		return nil
	}
	t := sh.truths(in[0], c.Cond)
	if t.known && t.fixed && t.yes == c.Until {
		return in
	}
	body := in[0].Clone()
	body.Conditional = body.Conditional || !t.known || t.yes == c.Until
	out := sh.stmts([]*State{body}, c.Do)
	if t.known && t.yes != c.Until {
		return out // an endless loop: what follows it is only reached by break
	}
	for _, after := range in { // nobody knows how often it ran
		after.exit = notKnown
		for _, o := range out {
			after.merge(o)
		}
	}
	return in
}

func (sh *Interp) forClause(s *State, c *syntax.ForClause) []*State {
	iter, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		body := s.Clone()
		body.Conditional = true
		sh.stmts([]*State{body}, c.Do)
		return []*State{s}
	}
	items := sh.fields(s, iter.Items)
	if !iter.InPos.IsValid() {
		items = s.args
	}
	if len(items) > maxLoop && sh.Wrote != nil {
		sh.missed(s.Here, "a loop has more words than are followed")
	}
	was := s.Conditional
	in := []*State{s}
	for _, item := range items[:min(len(items), maxLoop)] {
		for _, st := range in {
			// A list that is not known may be empty.
			st.Conditional = was || !item.Known()
			st.Assign(iter.Name.Value, item.Text)
		}
		if in = sh.stmts(in, c.Do); len(in) == 0 {
			return nil
		}
	}
	for _, st := range in {
		st.Conditional = was
	}
	return in
}
