package conformance

import "slices"

// Shrink takes as much out of a scenario as it can while it is still
// interesting, one element at a time until none can go. It asks for the order
// of the square of the number of elements at worst; a random scenario has
// some thirty.
func Shrink(s *Scenario, interesting func(*Scenario) bool) *Scenario {
	for {
		smaller := shrinkOnce(s, interesting)
		if smaller == nil {
			return s
		}
		s = smaller
	}
}

// shrinkOnce goes over all elements once; nil says that every one is needed.
// Instructions go first, because they take sources with them.
func shrinkOnce(s *Scenario, interesting func(*Scenario) bool) *Scenario {
	found := false
	try := func(change func(*Scenario)) bool {
		candidate := s.clone()
		change(candidate)
		if !interesting(candidate) {
			return false
		}
		s, found = candidate, true
		return true
	}
	for i := len(s.Instructions) - 1; i >= 0; i-- {
		if try(func(s *Scenario) { s.Instructions = slices.Delete(s.Instructions, i, i+1) }) {
			continue
		}
		for j := len(s.Instructions[i].Flags) - 1; j >= 0; j-- {
			try(func(s *Scenario) { s.Instructions[i].Flags = slices.Delete(s.Instructions[i].Flags, j, j+1) })
		}
		for j := len(s.Instructions[i].Sources) - 1; j >= 0 && s.Instructions[i].Dest != "" && len(s.Instructions[i].Sources) > 1; j-- {
			try(func(s *Scenario) { s.Instructions[i].Sources = slices.Delete(s.Instructions[i].Sources, j, j+1) })
		}
	}
	for i := len(s.Ignore) - 1; i >= 0; i-- {
		try(func(s *Scenario) { s.Ignore = slices.Delete(s.Ignore, i, i+1) })
	}
	for i := len(s.Archives) - 1; i >= 0; i-- {
		if try(func(s *Scenario) { s.Archives = slices.Delete(s.Archives, i, i+1) }) {
			continue
		}
		for j := len(s.Archives[i].Entries) - 1; j >= 0 && len(s.Archives[i].Entries) > 1; j-- {
			try(func(s *Scenario) { s.Archives[i].Entries = slices.Delete(s.Archives[i].Entries, j, j+1) })
		}
	}
	for i := len(s.Material) - 1; i >= 0; i-- {
		try(func(s *Scenario) { s.Material = slices.Delete(s.Material, i, i+1) })
	}
	if !found {
		return nil
	}
	return s
}

// Without gives the scenario without the instruction at a line of its
// Dockerfile; nil where there is none, or one that begins a stage.
func (s *Scenario) Without(line int) *Scenario {
	if line < 1 || line > len(s.Instructions) || s.Instructions[line-1].Name == "FROM" {
		return nil
	}
	c := s.clone()
	c.Instructions = slices.Delete(c.Instructions, line-1, line)
	return c
}

func (s *Scenario) clone() *Scenario {
	c := *s
	c.Material = slices.Clone(s.Material)
	c.Ignore = slices.Clone(s.Ignore)
	c.Archives = slices.Clone(s.Archives)
	for i := range c.Archives {
		c.Archives[i].Entries = slices.Clone(c.Archives[i].Entries)
	}
	c.Instructions = slices.Clone(s.Instructions)
	for i := range c.Instructions {
		c.Instructions[i].Flags = slices.Clone(c.Instructions[i].Flags)
		c.Instructions[i].Sources = slices.Clone(c.Instructions[i].Sources)
	}
	return &c
}
