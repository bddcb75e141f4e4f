package syntax

// Path is a file that a source names by where it lies itself: join(__dirname, "x"), new URL("x", import.meta.url).
type Path struct {
	Rel        string
	Start, End int
	Flags      Flags
	// Read tells that it is read just there, by a function of which that is known.
	Read bool
}

// path is a word that may begin such a path.
func (s *scanner) path(int) {}
