// Package lang is what the languages have in common whose programs are followed. Each language is a package below, and a value of
// [Language]; none is named outside of it but in one table.
package lang

import (
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// SearchDir is a directory in which modules are searched, as an entry of sys.path.
type SearchDir struct {
	Tree view.Tree
	Dir  string
	// Note says where the entry comes from, for people.
	Note string
}

// Language is one whose programs are followed.
type Language struct {
	Name string
	// Of is what the start of a container calls it.
	Of program.Lang
	// Source reports whether a path is that of a source file.
	Source func(path string) bool
	// Omitted are what may be left out at the end of a file's name where it is asked for by a path.
	Omitted []string
	// Runs tells that sources are in an image to be run there, and not to be sent elsewhere, as to browsers.
	Runs bool
	// SearchPath is the environment variable that holds directories in which modules are searched.
	SearchPath string
	// Look looks at the programs of a build. It reads nothing before it is asked.
	Look func(b *view.Build) Programs
}

// Programs are the programs of one language in one build.
type Programs interface {
	need.Ways
	// Command gives what a command of that name runs, "pkg.mod:attr", if installing the repository's own packages makes it.
	Command(name string) (target string, ok bool)
	// Follow follows programs from where they start. It may be called again with more of them, and gives what came of all.
	Follow(entries []Entry) *Followed
	// Usage tells, once they are followed, who asks for a file or directory of the build context.
	Usage(contextPath string) Usage
	// Locate gives the path in the build context of a module, by the name under which programs import it. They are not followed for
	// it, but it counts where they search.
	Locate(module string, entries []Entry) (contextPath string, ok bool)
	// Provider says of a module that is not the project's own whose it is, with the place that declares it; "" for a name that nobody
	// is known to provide.
	Provider(module string) (sentence string, declared *finding.Place)
	// Starts reports whether a program that starts so would find itself in the image and, if not, the names of the files below its
	// directory that it could be.
	Starts(e Entry) (found bool, files []string)
	// Unreached says what would put something that lies in the image where a program finds it, and the directory that would have
	// to be searched, "" if that would not do. searched tells that it is searched where it lies.
	Unreached(n *need.Need, imagePath string) (advice, searchDir string, searched bool)
	// Err is why something that was asked for could not be read.
	Err() error
}

// Entry is something that is started.
type Entry struct {
	program.Entry
	Run *program.Run
}

// Followed is what programs reach, and what they lack.
type Followed struct {
	// Files are the files of the build context that they reach, each once.
	Files []File
	// Reads are files that they read when they start, and that are not in the image.
	Reads []Read
	// Hides are files that they need when they start, and over which something is mounted then.
	Hides []Hide
	// Starts are the commands that the programs of the last call run.
	Starts []Start
	// Programs, Modules and Imports count what was followed.
	Programs, Modules, Imports int
	// Needs are what the build context has and the image has not where it is searched, by their path in the context.
	Needs []*need.Need
	// Faults are what they ask for and nothing has.
	Faults []Fault
	// Hidden are the starts whose code is not the image's when they run, since something is mounted over it.
	Hidden []*program.Run
	// Cycles gives, for who wants to know, the names that are asked for too early.
	Cycles func() []Fault
}

// File is a file of the build context that a program reaches.
type File struct {
	Path string
	// Ask gives who asks for it.
	Ask func() need.Ask
}

// Hide is a file of the image that a program needs when it starts, and that a mount hides.
type Hide struct {
	At    string
	Mount program.Mount
	Run   *program.Run
	Ask   need.Ask
}

// Start is a command that a program runs.
type Start struct {
	// Args is the command with its arguments, and Workdir the directory that it is run in.
	Args    []string
	Workdir string
	// Run is the start of the program.
	Run *program.Run
	Ask need.Ask
}

// Read is a file or directory that a program cannot do without when it starts.
type Read struct {
	// At is where it is looked for in the image, and Source what would be there in the build context; "" if the place does not tell.
	At, Source string
	Dir        bool
	Ask        need.Ask
}

// FaultKind is in which way something is asked for that nothing has.
type FaultKind uint8

// The kinds of faults.
const (
	NoName       FaultKind = iota + 1 // the module does not export the name
	NoModule                          // the package of the project has no such module, here or in the image; Name is one that differs in case, "" for none
	Misplaced                         // a relative import that the language refuses
	NoProgram                         // what is started is nowhere; Name is that by which a file of its name is found, "" if none is
	StillLoading                      // the name is bound only after it is asked for
	Moved                             // the program File is run by Name, from where it was copied away, which is not there
	NotFetched                        // the module would lie in the submodule Name of git, which is empty here
	NotPackaged                       // the data file Source is read and not installed with the package of its project, whose install By is
	OtherVersion                      // what is installed in File is not searched: the image has version Name of the language
	NotInstalled                      // the dependency Module, the first of Exports, is surely nowhere where it is searched, first at File
	OfOtherUser                       // what is installed in File is that of another user than Name, who runs the image
)

// Fault is something that a program asks for and that neither the image nor the build context has.
type Fault struct {
	Kind         FaultKind
	Module, Name string
	// Parent is the package that was searched.
	Parent string
	// Asks are the places that ask, the surest first.
	Asks []need.Ask
	// Exports are the names that the module has. Detail says what only the language knows of it.
	Exports []string
	Detail  string
	// File is the module's file in the image; Package tells that it may have submodules, of which the name may be one.
	File    string
	Package bool
	// Source is the only file of the build context that may be meant by a program that the image lacks, "" if there is none.
	Source string
	// Own tells that the package that was searched is the project's beyond doubt, so that nobody else brings the module.
	Own bool
	// Add is what would export the name, or bring it; nothing in it is set if nothing would. By are the instructions that brought it about.
	Add finding.Hint
	By  []finding.Place
	// Pending is what the module is still at.
	Pending need.Ask
}

// Usage tells who uses a module.
type Usage struct {
	// Module is its name as programs import it; "" if nothing imports it.
	Module  string
	Exports []string
	Asks    []need.Ask
}
