package dockerfile

import (
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Plan is what BuildKit's front end makes of one Dockerfile, one target and one platform: the operations that produce
// the image's file system, its configuration, and where in the Dockerfile each of them comes from.
//
// A Plan is not changed once Compile has returned it; several readers may share it.
type Plan struct {
	// Ops are in topological order: inputs come before the operations that use them.
	Ops []*Op
	// Result is the image's file system. Its Op is -1 when the image is empty.
	Result OutputRef

	// Config is the image's configuration, of the base image and of this Dockerfile.
	Config Config
	// ConfigSources tells which instruction set the final value of each setting.
	ConfigSources ConfigSources

	Dockerfile DockerfileInfo
	// IgnoreName names the ignore file that BuildKit took for the main context, as people know it; "" when there is none.
	IgnoreName string

	// Stages are all stages of the Dockerfile, also those that the target does not reach.
	Stages []Stage
	// Target is the name of the stage that was compiled, "" when it has none.
	Target string
	// TargetStage is its index in Stages.
	TargetStage int

	// Platform is what was compiled for, as in linux/amd64.
	Platform string

	// Warnings are BuildKit's own lints, in the order of the file.
	Warnings []Warning
	// Assumptions are what the plan cannot know, in the order of the file.
	Assumptions []Assumption

	// RemoteContext is the main context's URL if it is a git repository or comes over HTTP: there is no ignore file
	// then, and what the context holds is unknown.
	RemoteContext string

	// Images is that of the Options.
	Images ImageResolver

	buildArgs map[string]string

	usage *usageOnce // see Unset
}

// OutputRef is one output of one operation. A file operation has one output for each action that makes one, an exec
// operation one for each of its writable mounts.
type OutputRef struct {
	Op    int // position in Plan.Ops, -1 for the empty file system
	Index int
}

// Scratch is the empty file system.
var Scratch = OutputRef{Op: -1}

// OpKind tells which of an operation's fields are set.
type OpKind int

// The kinds of operations.
const (
	OpLocal  OpKind = iota // a directory of this machine: Op.Local
	OpImage                // an image of a registry or an OCI layout: Op.Image
	OpRemote               // a git repository or a URL, whose content is unknown: Op.Remote
	OpFile                 // copies, directories, files, removals and links: Op.File
	OpExec                 // a command: Op.Exec
	OpMerge                // its inputs laid over each other, the last on top
	OpDiff                 // what the second input changes of the first; the first may be Scratch
)

// String gives the kind's name in lower case.
func (k OpKind) String() string {
	names := [...]string{"local", "image", "remote", "file", "exec", "merge", "diff"}
	if k < 0 || int(k) >= len(names) {
		return "?"
	}
	return names[k]
}

// Op is one operation of the build.
type Op struct {
	ID     int // position in Plan.Ops
	Kind   OpKind
	Inputs []OutputRef // their Op is below ID, or -1
	// Location is the instruction that the operation belongs to; for an operation without one of its own (a source, a
	// heredoc's file) that of the first operation that uses it.
	Location Location
	// Also are other instructions that do the very same and share the operation; BuildKit may name one of them.
	Also []Location
	// Description is how BuildKit's progress shows the operation, as in "[2/3] COPY a b".
	Description string
	// Platform is the platform that the operation runs on or asks for, "" when it does not matter.
	Platform string

	Local  *LocalSource
	Image  *ImageSource
	Remote *RemoteSource
	File   []FileAction
	Exec   *Exec
}

// LocalSource is a directory that the client sends.
type LocalSource struct {
	// Name is the name that BuildKit asks for: "context", or a named context's.
	Name string
	// Dir is the directory, as it was given; "" when there is none.
	Dir string
	// FollowPaths are the paths that this source asks for; nil for everything.
	FollowPaths []string
	// ExcludePatterns are the lines of the ignore file that hold for it, as ignorefile.ReadAll gives them.
	ExcludePatterns []string
}

// ImageSource is an image.
type ImageSource struct {
	Ref string
	// Known says that the resolver knew the image's configuration. Whether its files are known is no matter of the plan.
	Known bool
	// Partly says that the resolver knew some settings of an image that it does not know.
	Partly bool
}

// RemoteSource is a git repository or a file behind a URL.
type RemoteSource struct {
	Kind string // "git" or "http"
	URL  string
	// Filename is the name that a file has in the source's tree; "" for git.
	Filename string
	// Attrs are BuildKit's own, such as a checksum or a sub-directory.
	Attrs map[string]string
}

// Location is an instruction of the Dockerfile. Its zero value is "nowhere".
type Location struct {
	File  string
	Range dockerctx.Range
	// Text is the instruction as it is written, on one line: continuations joined, white space folded, heredocs left out.
	Text string
	// Stage is the index of the stage around it, -1 before the first FROM.
	Stage int
	// StageName is the stage's name, "" when it has none.
	StageName string
	// Trigger is the instruction that an ONBUILD put here, when Range is the FROM that ran it.
	Trigger string
}

// IsZero tells whether the location is nowhere.
func (l Location) IsZero() bool { return l.File == "" && l.Range.Start.Line == 0 }

// Config is an image's configuration: Env, WorkingDir, User, Cmd, Entrypoint, ExposedPorts, Labels, Volumes,
// StopSignal, Healthcheck, Shell, OnBuild.
//
// It is the type of Docker's image specification and not one of our own: it is what an image's configuration is read into and
// written from as JSON, so that a field which the specification adds is not lost, and whoever has the configuration of a built
// image can compare the two. Its module holds types alone.
type Config = dockerspec.DockerOCIImageConfig

// ConfigSources tells for each setting which instruction gave it its final value. A zero Location means that none did:
// the value is the base image's, BuildKit's own default (PATH), or there is no value.
type ConfigSources struct {
	Env          map[string]Location
	Labels       map[string]Location
	ExposedPorts map[string]Location
	Volumes      map[string]Location
	WorkingDir   Location
	User         Location
	Cmd          Location
	Entrypoint   Location
	Shell        Location
	StopSignal   Location
	Healthcheck  Location
}

// DockerfileInfo is the Dockerfile that was read.
type DockerfileInfo struct {
	// Name is how people know it: relative to the working directory as it was given, or to the context.
	Name string
	// Path is where it lies on disk; "" when it came from standard input or from a remote context.
	Path string
	// Dir is the directory that BuildKit reads it from; "" as with Path.
	Dir  string
	Data []byte
	// Escape is its escape character, '\\' or '`'.
	Escape rune
	// Open and Fetched are those of the Options.
	Open    func(dir string) (dockerctx.FS, error)
	Fetched bool
}

// Stage is one FROM and what follows it.
type Stage struct {
	Index int
	Name  string
	// BaseName is the FROM's operand as it is written.
	BaseName string
	// Base is what it expands to: a stage's name, an image, a named context; "" if it cannot be expanded.
	Base string
	// BaseStage is the index of the stage that it is built on, -1 for none.
	BaseStage int
	// Platform is the --platform flag as it is written.
	Platform string
	// Location is the FROM itself, Range the whole stage.
	Location Location
	Range    dockerctx.Range
	// Reached tells whether the target needs this stage.
	Reached      bool
	Instructions []Instruction

	written written
}

// Instruction is one instruction of a stage.
type Instruction struct {
	Keyword  string // upper case
	Location Location

	written written
}

// Warning is a lint of BuildKit.
type Warning struct {
	Rule        string // such as JSONArgsRecommended
	Message     string
	Description string
	URL         string
	Range       dockerctx.Range
	Text        string // what stands there, on one line
}

// The kinds of assumptions that Compile makes.
const (
	AssumedBaseImage     = "base-image"     // an image's configuration or files are unknown
	AssumedRemoteSource  = "remote-source"  // what a git repository or a URL holds is unknown
	AssumedRemoteContext = "remote-context" // so is the main context
	AssumedFrontend      = "frontend"       // "# syntax=" asks for a front end that is not the built-in one
)

// Assumption is something that the plan takes for granted because it cannot be known without running something.
type Assumption struct {
	Kind     string
	Location Location
	Text     string // what it is about, such as the instruction
	Meaning  string // one sentence
}
