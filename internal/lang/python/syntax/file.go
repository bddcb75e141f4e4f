// Package syntax reads of a Python file what its imports and its namespace depend on.
//
// [Scan] gives the import statements with what surrounds them, the names that the module binds, its __all__, the
// literals and calls in which frameworks name modules, the edits of sys.path, and the markers of a namespace that only
// running the module could tell. It reads all of Python 3 up to 3.14 (soft keywords, type parameters, nested f-strings,
// unparenthesised except lists) and the lazy imports of PEP 810. Python 2 goes through unharmed.
//
// A lexer cuts the source into logical lines in one pass, a scanner recognises the statements among them. There is no
// syntax tree: expressions are only looked through for the few things that matter here. The cost is linear in the size
// of the source, whatever the source is.
//
// The package is held against CPython's own ast module, on every file that it can find on the machine.
//
// Non-goals: validation (of what CPython refuses only what the lexer cannot read and the statements of Python 2 are
// reported), types, and identifiers that differ from their NFKC form.
package syntax

import (
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Position and Range are dockerctx's: lines and byte columns count from 1, a byte order mark has no column.
type (
	Position = dockerctx.Position
	Range    = dockerctx.Range
)

// Version is a version of Python.
type Version struct{ Major, Minor int }

// Config says for what program a file is read. The zero value is ready to use.
type Config struct {
	Python   Version         // conditions on sys.version_info are decided for it; zero: 3.12
	Platform string          // sys.platform, for conditions on it; empty: linux
	Callees  map[string]bool // calls to functions of these names, whatever the object, are given in File.Calls
}

// File is what was found in one source file. Every list is in the order of the source.
type File struct {
	Imports     []Import
	ImportCalls []ImportCall
	Bindings    []Binding // what binds or unbinds a name of the module
	Annotations []Binding // names that are annotated without a value: they are not bound
	All         *All      // nil: there is no __all__
	Dynamic     []Marker
	PathEdits   []PathEdit
	// Loops are loops over literals, under the name of the variable that gets one element after the other.
	Loops    []Literal
	Literals []Literal
	Calls    []Call
	// Functions are those that are defined in the module itself, and Runs what is called where nothing but the call of such a function
	// decides that it is.
	Functions []Function
	Runs      []Run
	// Defined gives the place in Functions, counted from 1, of the first of a name.
	Defined map[string]int
	// Attributes are the dotted names that are assigned to, in functions and classes too: "pkg.db" in `pkg.db = 1`,
	// and "pkg.*" where setattr sets one that is not written out.
	Attributes []String
	Errors     []Error
}

// Import is one module of an import statement: `import a, b` gives two, `from a import b, c` one.
type Import struct {
	Module      string // dotted; of a relative import what follows the dots, which may be empty
	Level       int    // number of leading dots
	From        bool   // from ... import
	Names       []Name // what is imported from it; empty for a plain import and a star
	Star        bool   // from ... import *
	As          string // import ... as
	Lazy        bool   // PEP 810
	Range       Range  // the statement
	ModuleRange Range  // the module in it, dots included
	Context     Context
}

// String gives the module with its dots.
func (i *Import) String() string { return strings.Repeat(".", i.Level) + i.Module }

// Name is one name in a from-import.
type Name struct {
	Name  string
	As    string // empty: under its own name
	Range Range  // of the name, without what follows `as`
}

// Bound gives the name that the import binds.
func (n Name) Bound() string {
	if n.As != "" {
		return n.As
	}
	return n.Name
}

// ImportCall is a call that imports a module by its name: import_module, __import__ or find_spec.
type ImportCall struct {
	Callee     string // as written: "importlib.import_module"
	Module     string // empty unless Literal
	Level      int    // leading dots of Module, which are cut off, or the fifth argument of __import__
	Literal    bool   // the module is a literal
	Package    string // the package argument, if it is a literal
	OwnPackage bool   // the package argument is __package__ or __name__
	Range      Range  // of the call
	Context    Context
}

// BindingKind is the way in which a name is bound.
type BindingKind uint8

// The kinds of bindings.
const (
	BindAssign  BindingKind = iota + 1
	BindAugment             // name += ...
	BindDef                 // def, async def
	BindClass               // class
	BindImport              // import, from ... import
	BindFor                 // the target of a for loop
	BindWith                // with ... as name
	BindExcept              // except ... as name: unbound again where the handler ends
	BindNamed               // name := ..., in a comprehension too
	BindCapture             // case name
	BindType                // type name = ...
	BindGlobal              // global name, in a function or class: bound when that runs, if it assigns
	BindDelete              // del name: the name is unbound
)

var bindingNames = [...]string{"", "assign", "augment", "def", "class", "import", "for", "with", "except", "named",
	"capture", "type", "global", "delete"}

// String gives the kind in one word.
func (k BindingKind) String() string { return bindingNames[k] }

// Binding is one place that binds a name in the module's namespace.
type Binding struct {
	Name    string
	Kind    BindingKind
	Range   Range // of the name; of an import that of what is imported
	Context Context
}

// String is a string literal, decoded.
type String struct {
	Value string
	Range Range
}

// All is the module's __all__, as far as its source tells.
type All struct {
	Names   []String
	Dynamic bool // there is more than literals to it
	Range   Range
}

// MarkerKind is a reason why the namespace of a module cannot be told from its source.
type MarkerKind uint8

// The reasons.
const (
	MarkGetattr     MarkerKind = iota + 1 // the module has a __getattr__
	MarkNamespace                         // globals(), or vars() and locals() without arguments at module level
	MarkExec                              // exec, eval, execfile
	MarkSetattr                           // setattr(sys.modules[...], ...)
	MarkSysModules                        // sys.modules is changed, or the module takes itself out of it
	MarkMetaPath                          // sys.meta_path or sys.path_hooks
	MarkPackagePath                       // __path__ is changed: its submodules may lie anywhere
	MarkGlobalEnum                        // enum.global_enum, _convert_: members of an enumeration become names
)

var markerNames = [...]string{"", "__getattr__", "namespace", "exec", "setattr", "sys.modules", "sys.meta_path", "__path__", "global_enum"}

// String gives the reason in one word.
func (k MarkerKind) String() string { return markerNames[k] }

// Marker is one place that makes the module's namespace unknowable.
type Marker struct {
	Kind    MarkerKind
	Range   Range
	Context Context
}

// PathBase is what a path is relative to.
type PathBase uint8

// The bases. The zero value stands for an expression that was not understood.
const (
	PathUnknown PathBase = iota
	PathLiteral          // Path alone: absolute, or relative to the working directory
	PathFile             // the path of the source file itself
	PathPackage          // the directory of a package
)

// Path is a path that an expression stands for. Of PathFile, one takes the file's own path, drops its last Ups
// elements and appends Path, which never begins with "..": the directory of the file is {PathFile, 1, ""}.
type Path struct {
	Base PathBase
	Ups  int
	Path string
	// Package is the name of the package of PathPackage, in whose directory Path is.
	Package string
}

// PathEdit is a change of sys.path by one entry.
type PathEdit struct {
	Path    Path
	Front   bool  // the entry goes before the others
	Replace bool  // the others are dropped
	Range   Range // of the expression
	Context Context
}

// Literal is an assignment at module or class level of strings: a string, a list, tuple, set or dict, or a sum of
// such things.
type Literal struct {
	Name     string // the target as written, dots included: "INSTALLED_APPS", "app.conf.imports"
	Add      bool   // += or .extend or .append
	Elements []Element
	Refs     []String // names that are summands or are unpacked in it: A in `A + [...]` and `[*A]`
	Complete bool     // there is nothing but Elements and Refs in it
	Range    Range
	Context  Context
}

// Element is a string in a literal. In a dict, the keys are not elements of their own.
type Element struct {
	String
	Key string // the nearest dict key above it
}

// Call is a call to one of Config.Callees.
type Call struct {
	Callee    string // as written: "app.autodiscover_tasks"
	Arguments []Argument
	Receiver  Path // of a method: the path that it is called of, if it is called of one that is known
	Range     Range
	Context   Context
}

// Function is a function of the module, or a method of one of its classes.
type Function struct {
	Name string // of a method with that of its class: "Server.run"
	// Async and Generator tell that to call it does not run its body.
	Async, Generator bool
	// Decorated tells that something else may stand for it, Again that the module binds the name more than once.
	Decorated, Again bool
	// Startup tells that it is registered for when the application starts.
	Startup bool
}

// Run is a call of a function of the module, or of something that is imported.
type Run struct {
	Callee string // a name, or a name in another: "main", "factory.create_app"
	// Awaited tells that the coroutine that it gives is run.
	Awaited bool
	Context Context
}

// Argument is one argument of a call.
type Argument struct {
	Keyword  string // empty: positional
	Path     Path   // that it stands for
	Elements []Element
	Refs     []String // names of which the argument is made, or that are in it
	Complete bool     // the argument is a literal, and nothing is in it but Elements
}

// Error is something that the lexer cannot read or that only Python 2 accepts. Scanning goes on after it.
type Error struct {
	Pos     Position
	Message string
}

// Error gives position and message.
func (e Error) Error() string { return e.Pos.String() + ": " + e.Message }
