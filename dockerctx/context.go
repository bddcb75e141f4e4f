package dockerctx

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Context is a build context under an ignore file. It is safe for concurrent
// use.
type Context struct {
	fsys    FS
	ignore  *IgnoreFile
	exclude *matcher // nil: nothing is ignored
	tree    *Tree
	same    map[int]int // rule → the first rule that is the same pattern
	sameSet sync.Once
}

// New puts a file system under an ignore file, which may be nil. The error is
// an [*IgnoreError] for a line that makes BuildKit fail whatever the context
// holds: a lone "!", a malformed glob, a control character.
//
// Some malformed patterns (`[b-a]`, `\Make`) fail only when they are evaluated
// for some path. Those errors come from the methods that evaluate them.
func New(fsys FS, ignore *IgnoreFile) (*Context, error) {
	return (&Context{}).With(fsys, ignore)
}

// With is [New] for an ignore file that has most of its patterns from the one of
// like: they are not compiled again.
func (like *Context) With(fsys FS, ignore *IgnoreFile) (*Context, error) {
	c := &Context{fsys: fsys, ignore: ignore}
	if ignore != nil {
		var patterns []string
		var lines []*Line
		for i := range ignore.Lines {
			if line := &ignore.Lines[i]; line.Kind == LinePattern {
				patterns = append(patterns, onTheWire(line.Pattern))
				lines = append(lines, line)
			}
		}
		if i := unsendable(patterns); i >= 0 {
			return nil, &IgnoreError{
				File: ignore.Name, Line: lines[i].Number, Text: lines[i].Text,
				Message: fmt.Sprintf("pattern %q has a control character, which BuildKit cannot send", lines[i].Pattern),
			}
		}
		if len(patterns) > 0 {
			m, err := newMatcher(patterns, lines, true, like.exclude)
			if err != nil {
				return nil, c.blame(err)
			}
			c.exclude = m
		}
	}
	c.tree = newTree(fsys, nil, c.exclude, c.blame)
	return c, nil
}

// Ignore gives the ignore file; nil if there is none.
func (c *Context) Ignore() *IgnoreFile { return c.ignore }

// Tree is everything that the ignore file lets in.
func (c *Context) Tree() *Tree { return c.tree }

// blame turns the error of a pattern into one of its line.
func (c *Context) blame(err error) error {
	var pe *patternError
	if !errors.As(err, &pe) {
		return err
	}
	if pe.line == nil {
		return fmt.Errorf("matching followed path %q: %w", pe.pattern, pe.err)
	}
	message := fmt.Sprintf("malformed pattern %q", pe.pattern)
	if !errors.Is(pe.err, errBadPattern) {
		message = pe.err.Error() // patternmatcher's own words about a lone "!"
	}
	return &IgnoreError{
		File: c.ignore.Name, Line: pe.line.Number, Text: pe.line.Text, Message: message, Err: pe.err,
	}
}

// unsendable gives the index of the first string that keeps a list from being
// sent, or -1. Patterns travel as values of gRPC headers, which gRPC restricts
// to printable ASCII (internal/metadata.Validate); session/filesync encodes a
// list only if some character of it is beyond ASCII.
func unsendable(list []string) int {
	for _, s := range list {
		for i := range len(s) {
			if s[i] >= 0x80 {
				return -1
			}
		}
	}
	return slices.IndexFunc(list, func(s string) bool {
		for i := range len(s) {
			if s[i] < 0x20 || s[i] > 0x7e {
				return true
			}
		}
		return false
	})
}
