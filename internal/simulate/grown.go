package simulate

// grown is a list that states hand on: a step adds to what the one before it had, and both stay. Those that only add to the
// end share one array, so that n steps do not keep n*n entries.
type grown[T comparable] struct {
	list []T
	used *int // how much of the array is used, by whoever came furthest
}

// add puts entries at the end, for this list alone.
func (g *grown[T]) add(more ...T) {
	for _, v := range more {
		tip := g.used != nil && *g.used == len(g.list)
		if tip && cap(g.list) > len(g.list) {
			g.list = append(g.list, v)
			*g.used = len(g.list)
			continue
		}
		// Nobody else has the new array.
		list := make([]T, len(g.list), 2*len(g.list)+4)
		copy(list, g.list)
		g.list = append(list, v)
		g.used = new(int)
		*g.used = len(g.list)
	}
}

// join adds what the list does not have yet.
func (g *grown[T]) join(other grown[T]) {
	if len(other.list) == 0 || len(g.list) >= len(other.list) && len(g.list) > 0 && &g.list[0] == &other.list[0] {
		return
	}
	have := make(map[T]bool, len(g.list))
	for _, v := range g.list {
		have[v] = true
	}
	for _, v := range other.list {
		if !have[v] {
			have[v] = true
			g.add(v)
		}
	}
}
