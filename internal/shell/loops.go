package shell

import "mvdan.cc/sh/v3/syntax"

// rounds is how often a loop is walked of which nobody knows how often it runs: what one round changes is not known in those after
// it, so that a fourth one can do nothing else.
const rounds = 3

func (sh *Interp) whileClause(s *State, c *syntax.WhileClause) []*State {
	if sh.Fixed {
		return sh.whileFixed(s, c)
	}
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

// whileFixed walks a loop round after round. The first one is sure to run if its condition is; in the others, all of it may be.
func (sh *Interp) whileFixed(s *State, c *syntax.WhileClause) []*State {
	var out []*State
	was, several, tail, first := s.Conditional, s.OneOfSeveral, s.tail, s.Clone()
	s.tail = false
	for round := range rounds {
		var next *State
		s.loops++
		for _, x := range sh.condition(s, c.Cond, true) {
			x.loops--
			if x.leaves.to != stays {
				var more []*State
				more, next = x.next(next)
				out = append(out, more...)
				continue
			}
			t := x.exit.truth()
			if !t.known || t.yes == c.Until {
				out = append(out, x.Clone())
				if out[len(out)-1].exit = notKnown; round == 0 {
					out[len(out)-1].exit = succeeded
				}
			}
			if t.known && t.yes == c.Until {
				continue
			}
			x.Conditional = was || !t.known || round > 0
			var more []*State
			more, next = sh.round(x, c.Do, next)
			out = append(out, more...)
		}
		if s = next; next == nil {
			break
		}
		s.merge(first)
		s.Conditional = was
		if round == rounds-1 {
			out = append(out, next)
		}
	}
	return after(out, was, several, tail)
}

// round walks the commands of a loop once. It gives the states in which the loop ends, and what is known in all others.
func (sh *Interp) round(s *State, list []*syntax.Stmt, next *State) (out []*State, on *State) {
	s.loops++
	for _, o := range sh.stmts([]*State{s}, list) {
		o.loops--
		var more []*State
		more, next = o.next(next)
		out = append(out, more...)
	}
	return out, next
}

// next takes a state at the end of a round for one in which the loop ends, or adds it to what is known before the next round.
func (s *State) next(known *State) (out []*State, next *State) {
	ends := false
	if s.leaves.to != stays {
		s.exit = succeeded
	}
	s.leaves, ends = s.leaves.loop()
	switch {
	case ends:
		return []*State{s}, known
	case known == nil:
		return nil, s
	}
	known.merge(s)
	return nil, known
}

// after gives what is known after a loop.
func after(out []*State, conditional, several, tail bool) []*State {
	var on []*State
	for _, o := range out {
		o.Conditional, o.OneOfSeveral, o.tail = conditional, several, tail
		if len(on) > 0 && on[0].leaves == o.leaves {
			on[0].merge(o)
		} else {
			on = append(on, o)
		}
	}
	return on
}

func (sh *Interp) forClause(s *State, c *syntax.ForClause) []*State {
	iter, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		return sh.forCounted(s, c)
	}
	items := sh.fields(s, iter.Items)
	if !iter.InPos.IsValid() {
		items = s.args
	}
	if len(items) > maxLoop && sh.Wrote != nil {
		sh.missed(s.Here, "a loop has more words than are followed")
	}
	sh.status(s, succeeded)
	was, several, tail := s.Conditional, s.OneOfSeveral, s.tail
	in := []*State{s}
	var out []*State
	for i, item := range items[:min(len(items), maxLoop)] {
		times := 1
		if sh.Fixed && !item.Known() {
			times = rounds // it may be many words
		}
		for range times {
			var on []*State
			for _, st := range in {
				if !item.Known() && sh.Fixed {
					on = append(on, st.Clone())
				}
				// A list that is not known may be empty.
				st.Conditional = was || !item.Known()
				st.OneOfSeveral = several || len(out) > 0
				st.tail = tail && i == len(items)-1 && item.Known()
				st.Assign(iter.Name.Value, item.Text)
				st.loops++
			}
			more, ended := sh.forRound(in, c.Do, was)
			out = append(out, ended...)
			if in = sh.distinct(append(on, more...)); len(in) == 0 {
				break
			}
			if times > 1 {
				for _, o := range in[1:] {
					in[0].merge(o)
				}
				in = in[:1]
			}
		}
	}
	out = sh.distinct(append(out, in...))
	for _, o := range out {
		o.Conditional, o.OneOfSeveral, o.tail = was, several, tail
	}
	return out
}

// forRound walks the commands of a loop once from several states. It gives the states that go on, and those in which the loop ends.
func (sh *Interp) forRound(in []*State, list []*syntax.Stmt, conditional bool) (on, ended []*State) {
	for _, o := range sh.stmts(in, list) {
		o.loops--
		left, ends := o.leaves.to != stays, false
		if o.leaves, ends = o.leaves.loop(); left {
			sh.status(o, succeeded)
		}
		if o.Conditional = conditional; ends {
			ended = append(ended, o)
		} else {
			on = append(on, o)
		}
	}
	return on, ended
}

// forCounted walks for ((...)), of which nobody knows how often it runs.
func (sh *Interp) forCounted(s *State, c *syntax.ForClause) []*State {
	body := s.Clone()
	body.Conditional = true
	if !sh.Fixed {
		sh.stmts([]*State{body}, c.Do)
		return []*State{s}
	}
	s.forget(c.Loop)
	was, several, tail := s.Conditional, s.OneOfSeveral, s.tail
	var out []*State
	for range rounds {
		body.merge(s)
		body.forget(c.Loop)
		body.Conditional, body.tail = true, false
		more, next := sh.round(body, c.Do, nil)
		if out = append(out, more...); next == nil {
			break
		}
		out, body = append(out, next.Clone()), next
	}
	return after(append([]*State{s}, out...), was, several, tail)
}
