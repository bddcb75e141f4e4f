package syntax

// Flags say where in the module something stands.
type Flags uint16

// The flags. A function begins anew with what concerns the flow of control (tries, handlers, suppression); what decides
// whether code exists at all (conditions, being in a function or a class) holds for everything below.
const (
	InFunction        Flags = 1 << iota // in a def or lambda: it happens when that is called
	InClass                             // in the body of a class
	InTry                               // in the body of a try that has handlers
	InHandler                           // in an except
	InElse                              // in the else of a try
	InFinally                           // in a finally
	TypeChecking                        // only type checkers read it
	VersionBranch                       // depends on sys.version_info, or on a name that stands for it
	PlatformBranch                      // depends on sys.platform or os.name
	DevelopmentBranch                   // under a condition that by its words holds in development or tests alone
	Probed                              // under a condition that asks whether something is there, or one of several cases
	MainGuard                           // under if __name__ == "__main__"
	Suppressed                          // in a with contextlib.suppress that covers a missing module
	Guarded                             // a missing module is survived: a handler or a suppress takes it
	Never                               // its conditions are false for the Config
	Branch                              // under another condition, or in a function behind one that may return before
)

// Has reports whether all of these flags are set.
func (f Flags) Has(flags Flags) bool { return f&flags == flags }

// Exceptions is a set of exceptions that handlers name.
type Exceptions uint8

// The exceptions that a failing import may be caught by, and all others as one.
const (
	ModuleNotFoundError Exceptions = 1 << iota
	ImportError
	Exception
	BaseException
	AnyException // a bare except
	OtherException

	// CatchesMissing are those that take the ModuleNotFoundError of a missing module.
	CatchesMissing = ModuleNotFoundError | ImportError | Exception | BaseException | AnyException
	// CatchesName are those that take the ImportError of a missing name.
	CatchesName = ImportError | Exception | BaseException | AnyException
)

// Context is what surrounds a place.
type Context struct {
	Flags
	Caught   Exceptions // what the handlers of the surrounding tries take and swallow
	Reraised Exceptions // what they take and raise again, or end the program for
	Try      int        // the innermost try statement, counted from 1 in the order of the source; 0: none
	// Function is the function whose body it is in, counted from 1 in File.Functions; 0: none of those.
	Function int
}
