package dockerfile

// FileAction is one step of a file operation. It starts from a file system and makes another one.
type FileAction struct {
	// Input is the file system that the action changes, Source the one that a [Copy] reads. Both count the inputs of the
	// operation and, after those, the results of its actions: len(Op.Inputs)+i is what action i made. Empty is none.
	Input, Source int
	// Output is the output of the operation that the result is, -1 if it is none.
	Output int
	// Change is what is done: a [Copy], [Mkdir], [Mkfile], [Remove] or [Symlink].
	Change FileChange
}

// Empty is an input that is the empty file system.
const Empty = -1

// FileChange is what a file action does.
type FileChange interface{ fileChange() }

// Copy copies files of the action's source. Its fields are BuildKit's.
type Copy struct {
	Src, Dest string
	Owner     *Owner // nil: as it is at the source
	// Perm are permission bits, with set-user-ID and the like, -1 for those of the source. ModeText is a change of them as
	// chmod wants it ("u+x"), "" for none; it goes before Perm.
	Perm     int
	ModeText string
	// FollowSymlinks tells to resolve links in Src. ContentsOnly copies what a directory holds, and not the directory itself.
	FollowSymlinks, ContentsOnly bool
	// Unpack tells to unpack what is an archive, as ADD does.
	Unpack bool
	// Wildcard tells that Src is a pattern, AllowEmpty that it need not match.
	Wildcard, AllowEmpty bool
	// Include are patterns of what is copied, nil for all, Exclude of what is not. Required must be there if there are
	// includes.
	Include, Exclude, Required []string
	// Replace tells to replace what is of another type at the destination, which is an error otherwise.
	Replace bool
}

// Mkdir makes a directory, with permission bits, and its parents too if Parents is set.
type Mkdir struct {
	Path    string
	Perm    int
	Parents bool
	Owner   *Owner
}

// Mkfile makes a file, with permission bits.
type Mkfile struct {
	Path  string
	Perm  int
	Data  []byte
	Owner *Owner
}

// Remove removes a path.
type Remove struct {
	Path string
	// AllowMissing tells that the path need not exist, Wildcard that it is a pattern.
	AllowMissing, Wildcard bool
}

// Symlink makes a link at Path that points to Target.
type Symlink struct {
	Target, Path string
	Owner        *Owner
}

func (Copy) fileChange()    {}
func (Mkdir) fileChange()   {}
func (Mkfile) fileChange()  {}
func (Remove) fileChange()  {}
func (Symlink) fileChange() {}

// Owner is who owns what an action makes. A nil account is not asked for: without a user it is root; without a group it is
// the user's.
type Owner struct{ User, Group *Account }

// Account is a user or a group: a number, or a name that is looked up in a file system.
type Account struct {
	// Named tells that Name counts, and not ID.
	Named bool
	ID    uint32
	Name  string
	// Input is the file system whose /etc/passwd or /etc/group has the name. It counts as the inputs of a [FileAction] do.
	Input int
}

// Exec is a command.
type Exec struct {
	// Args are the program and its arguments; a command in shell form is an argument of its shell.
	Args []string
	Env  []string // NAME=value
	Dir  string   // the directory in which it runs
	User string   // USER[:GROUP], numbers or names; "" for root
	// Mounts are the file systems that it sees, that at RootMount among them.
	Mounts []Mount
}

// RootMount is where the file system is mounted that a command runs in.
const RootMount = "/"

// MountKind is what is mounted.
type MountKind int

// The kinds of mounts.
const (
	MountBind   MountKind = iota // a directory or file of an input, the root file system too
	MountSecret                  // a secret of the client
	MountSSH                     // a socket of the client's SSH agent
	MountCache                   // a directory that stays from build to build
	MountTmpfs                   // an empty directory in memory
)

// Mount is a file system that a command sees.
type Mount struct {
	Kind MountKind
	// Input is the operation's input that is mounted, Empty for none, and Selector the path of it, "" for all of it.
	Input    int
	Selector string
	// Dest is where it is mounted.
	Dest string
	// Output is the operation's output that is what the command leaves there, -1 if that is thrown away.
	Output   int
	ReadOnly bool
}

// Source gives what a copy reads, ok false if that is none of the operation's inputs.
func (op *Op) Source(a FileAction) (ref OutputRef, ok bool) {
	if a.Source < 0 || a.Source >= len(op.Inputs) {
		return Scratch, false
	}
	return op.Inputs[a.Source], true
}

// Parent gives the file system that an operation changes: that of the step before it in its stage. ok is false if it starts from
// nothing, as a source does, and what is copied onto scratch.
func (op *Op) Parent() (ref OutputRef, ok bool) {
	switch {
	case op.Kind == OpExec:
		return op.Root()
	case len(op.Inputs) == 0 || op.Kind == OpFile && op.File[0].Input != 0:
		return Scratch, false
	}
	return op.Inputs[0], op.Inputs[0].Op >= 0
}

// Root gives the input in whose file system a command runs, ok false if that is empty or there is no command.
func (op *Op) Root() (ref OutputRef, ok bool) {
	if op.Exec == nil {
		return Scratch, false
	}
	for _, m := range op.Exec.Mounts {
		if m.Dest == RootMount && m.Input >= 0 {
			return op.Inputs[m.Input], true
		}
	}
	return Scratch, false
}
