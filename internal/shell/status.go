package shell

// A build ends where the shell of a step fails: whoever looks at an image knows that it did not. What a command does is sure if
// every way through the script after which there is an image runs it, and that depends on where a failure leads.

// exit is what is known of how a command ended.
type exit uint8

const (
	notKnown exit = iota
	succeeded
	failed
)

// truth is what a condition on the command comes to.
func (e exit) truth() truth { return truth{known: e != notKnown, yes: e == succeeded, fixed: true} }

// exit is how a command ends whose condition comes out so.
func (t truth) exit() exit {
	switch {
	case !t.known || !t.fixed:
		return notKnown
	case t.yes:
		return succeeded
	}
	return failed
}

// not is the status of a command with ! before it.
func (e exit) not() exit {
	if e == notKnown {
		return e
	}
	return succeeded + failed - e
}

// Exits tells how the program ends that is being run, if that is sure.
func (sh *Interp) Exits(ok bool) {
	if sh.exit = failed; ok {
		sh.exit = succeeded
	}
}

// Unclear tells that nobody knows how the program ends that is being run, whatever it started.
func (sh *Interp) Unclear() { sh.exit = notKnown }

// Acts tells that the program, or the redirection, that is being run changes files.
func (sh *Interp) Acts() { sh.acts++ }

// level is one shell: that of a script, a subshell, a side of a pipe. All states of it share it.
type level struct {
	needed bool    // there is no image if it fails
	left   bool    // it may have ended already: what follows need not run
	ends   [3]bool // how it may have ended, by exit
	trap   string  // what is run when it ends
}

// end notes a way on which the shell ends. Without an image nobody asks for it.
func (l *level) end(e exit) {
	if e != failed || !l.needed {
		l.left, l.ends[e] = true, true
	}
}

// status is how the shell ends, with the states that come to the end of its script.
func (l *level) status(states []*State) exit {
	ends := l.ends
	for _, s := range states {
		ends[s.exit] = true
	}
	switch {
	case ends[notKnown] || ends[succeeded] && ends[failed]:
		return notKnown
	case ends[succeeded]:
		return succeeded
	}
	return failed
}

// status notes how a command ends. It counts in a script that nobody sets anything for.
func (sh *Interp) status(s *State, e exit) {
	if sh.Fixed {
		s.exit = e
	}
}

// needed reports whether there is no image if the command fails that is looked at.
func (s *State) needed() bool { return s.level.needed && (s.tail || s.errexit && !s.tested) }

// Needed reports whether there is no image if the command that is looked at fails.
func (s *State) Needed() bool { return s.needed() }

// Sure reports whether every way through the script after which there is an image comes here.
func (s *State) Sure() bool { return !s.Conditional && !s.OneOfSeveral && !s.level.left }

// inner is the state of a shell in the shell: what it sets is its own. needed tells that there is no image if it fails.
func (s *State) inner(needed bool) *State {
	c := s.Clone()
	c.OneOfSeveral = s.OneOfSeveral || s.level.left
	c.level, c.tail = &level{needed: needed}, true
	c.around, c.loops = s.around || s.loops > 0, 0
	return c
}

// Shell walks text in a shell of its own, whose end is that of the program that is being run. s is a [State.Child].
func (sh *Interp) Shell(s *State, text string) {
	first := s.Clone()
	sh.exit = sh.closes(first, sh.Walk(s, text))
}

// closes gives how a shell ends, with the state that it began in and those that come to the end of its script. What it is to run at its
// end is walked.
func (sh *Interp) closes(first *State, states []*State) exit {
	if trap := first.level.trap; trap != "" {
		for _, o := range states {
			first.merge(o)
		}
		first.Conditional, first.level.trap = true, ""
		sh.Walk(first, trap)
	}
	return first.level.status(states)
}

// settle draws from the image what is not known of the end of a command, and reports whether the shell goes on after it. leaf tells
// that it holds no commands of this shell.
func (s *State) settle(leaf bool) bool {
	if leaf && s.errexit && !s.tested && s.exit != succeeded {
		s.level.end(failed)
		if s.exit == failed {
			return s.level.needed // there is no image; what follows is looked at all the same
		}
		s.exit = succeeded
	}
	if s.exit == notKnown && s.needed() && s.tail {
		s.exit = succeeded
	}
	return true
}

// jump is where a shell goes on.
type jump uint8

const (
	stays jump = iota
	returns
	breaks
	continues
)

// leaves is where a shell goes on that does not stay in a list of commands.
type leaves struct {
	to    jump
	loops int // that are left, and the one that goes on
}

// loop gives where the shell goes on after a round of a loop, in it or after it.
func (l leaves) loop() (after leaves, ends bool) {
	switch {
	case l.to == returns:
		return l, true
	case l.to != stays && l.loops > 1:
		l.loops--
		return l, true
	}
	return leaves{}, l.to == breaks
}
