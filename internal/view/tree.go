// Package view is a build as those see it who look for what it needs: the predicted image and the build context as trees of one
// kind, where a file of one stands in the other, and what the steps start. Nothing is judged here.
package view

// EntryKind is what a directory holds under a name, links followed.
type EntryKind uint8

// The kinds of entries. The zero value is nothing.
const (
	Nothing EntryKind = iota
	RegularFile
	Directory
	// Opaque is something that exists and of which nothing else is known.
	Opaque
)

// Tree is a file tree. Paths are absolute and slash-separated.
type Tree interface {
	// Entries gives the entries of a directory by name; nil if there is no such directory.
	Entries(dir string) map[string]EntryKind
	// Read gives the content of a file.
	Read(path string) ([]byte, error)
	// Key tells files apart without reading them: those of one key, also of other trees, have the same bytes. nil: it is not
	// known.
	Key(path string) any
	// MayHold reports whether something may exist at a path although Entries does not show it.
	MayHold(path string) bool
}
