// Package need says what somebody cannot do without in an image, and judges whether the image has it: what a program imports, what
// is started, what a policy requires. Who asks for something says what it is and where it would be found; here is decided whether
// it is there, what keeps it away if it is not, and what leaves that open.
package need

import (
	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Reach tells how surely something is needed; greater is more certain.
type Reach uint8

// The kinds of reach. That of a way through several places is its weakest link.
const (
	Typing      Reach = iota + 1 // only for type checkers: never at run time
	Guarded                      // it is done without, as in a try whose handler takes an import error
	Lazy                         // in a function
	Conditional                  // under a condition that only running decides
	Startup                      // when the program starts
)

// String gives the reach in one word.
func (r Reach) String() string {
	switch r {
	case Startup:
		return "startup"
	case Conditional:
		return "conditional"
	case Lazy:
		return "lazy"
	case Guarded:
		return "guarded"
	default:
		return "typing"
	}
}

// Site is a place in a file that asks for something.
type Site struct {
	File string // path in its tree
	// Importer is the key of the module that the place is in, for who follows programs; "" for a command.
	Importer string
	Range    dockerctx.Range
	Text     string // the statement, on one line
	Reach    Reach  // of the statement within its file
}

// Ask is a place that asks for something, as it is shown, with how the program comes to it.
type Ask struct {
	At   finding.Position
	Text string
	// Reach is that of the whole way.
	Reach Reach
	// Way are the names of what leads there from where the program starts.
	Way []string
	// File is the file of the image that the place is in; "" for a command.
	File string
	// Branch tells that a branch of a script starts it, Literal that a string names it, which a framework takes.
	Branch, Literal bool
}

// Place gives where somebody asks, with how surely.
func (a Ask) Place() finding.Place {
	return finding.Place{Role: finding.RoleImports, File: a.At.File, Line: a.At.Line, Text: a.Text, Note: a.Reach.String()}
}

// Need is a file or directory of the build context that somebody cannot do without in the image.
type Need struct {
	// Name is what it is called by who needs it: a module, a path.
	Name string
	// Source is its path in the build context, or in that of In if it is not nil: the build as it is seen from a named context.
	Source string
	In     *view.Build
	// Wanted says which files below Source count, by their path below it; nil: all.
	Wanted func(rel string) bool
	// At is the only place in the image that counts; "" for any. Wants are those at which it would be found.
	At    string
	Wants []string

	// Asks are the places that ask for it, the surest first, and Reach how surely.
	Asks  []Ask
	Reach Reach
	// Started tells that it is what the image starts.
	Started bool
	// Command is the installed command that starts it, "" if it is started otherwise; NotMade says, as a sentence, that no step makes that,
	// "" if one may.
	Command, NotMade string
	// Lost says, as a sentence, why what a step installed does not find it; "" if that is not known. Add is what would repair that.
	Lost string
	Add  finding.Hint
	// Top tells that it is searched where a base image, or what is installed, may have it, too.
	Top bool
	// Ways are what is known of how such a thing comes into an image.
	Ways Ways
}

// Ways are the ways in which something may come into an image without being copied from the build context, as the language knows
// them that it is written in.
type Ways interface {
	// Elsewhere gives a step that may have installed it from somewhere else.
	Elsewhere(n *Need) (step dockerfile.Location, ok bool)
	// Steered gives a place that may put a directory on the search path that is not known; "" if there is none.
	Steered() string
	// Made reports whether a path of the build context is of the kind that builds make.
	Made(contextPath string) bool
	// Makes reports whether a step may make it, or move it to where it is searched. What the ignore file keeps out cannot be moved.
	// With installs, installing a project of the build context counts: that runs the project's own build.
	Makes(step *dockerfile.Op, ignored, installs bool) bool
	// OwnSource reports whether a path is that of a source file of the language.
	OwnSource(path string) bool
}

// Reason is why a file of the build context is needed.
type Reason struct {
	At    finding.Position
	Place finding.Place
	// Why is what is needed of it, as a sentence that goes on.
	Why string
}
