package audit

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// checkRunnable asks of each program that a container is started with, by its path, whether the kernel runs it: execve(2).
func checkRunnable(p *pass) error {
	if p.main == nil {
		return nil
	}
	c := newProgramCheck(p)
	told := map[string]bool{}
	runs := c.runs()
	for i, r := range runs {
		argv := append(slices.Clone(r.Entrypoint.Args), r.Cmd.Args...)
		origin := r.Entrypoint.Origin
		if len(r.Entrypoint.Args) == 0 {
			origin = r.Cmd.Origin
		}
		at, name := executed(argv, r.Workdir, r.Env)
		if strings.HasPrefix(name, "[") && name != "[" && name != "[[" {
			c.addNotRunnable(c.notJSON(name), origin)
		}
		c.checkLineEnds(r, c.results(runs)[i].Entries, told)
		c.checkAccess(r, c.results(runs)[i].Entries, told)
		if i == 0 {
			c.checkPassed(origin)
		}
		c.checkShell(argv, origin, told)
		if at == "" || told[at] || r.Mounted(at) {
			continue
		}
		told[at] = true
		// A shell that cannot run a text runs it as a script of its own.
		byShell := slices.ContainsFunc(argv, func(w string) bool { return command.IsShell(path.Base(w)) })
		if f := c.notRunnable(at, byShell); f != nil {
			c.addNotRunnable(f, origin)
		}
	}
	for i, r := range runs {
		c.checkExecuted(r, c.results(runs)[i].Entries, told)
	}
	for _, r := range c.health() {
		c.checkExecuted(r, program.Follow(r.Input).Entries, told)
	}
	return nil
}

// checkExecuted looks at the scripts that scripts and health checks start by their paths. A shell runs a text without a first line itself.
func (c *programCheck) checkExecuted(r *run, entries []program.Entry, told map[string]bool) {
	for _, e := range entries {
		if !e.Executed || e.Conditional || e.Tolerated || told[e.Path] || r.Mounted(e.Path) {
			continue
		}
		told[e.Path] = true
		if f := c.notRunnable(e.Path, true); f != nil {
			c.addNotRunnable(f, e.Origin)
		}
	}
}

// checkShell looks whether the image has the shell that is started.
func (c *programCheck) checkShell(argv []string, origin shell.Origin, told map[string]bool) {
	if len(argv) == 0 || !command.IsShell(path.Base(argv[0])) || told[argv[0]] || c.subject.Policy.Require.EntrypointExists { // checkEntrypoint tells it
		return
	}
	told[argv[0]] = true
	lacks, open := c.lacksProgram(path.Base(argv[0]))
	if !lacks || c.build.Tree.Stat(argv[0]) == shell.Regular {
		return
	}
	f := &finding.Finding{
		Rule: finding.EntrypointNotInImage, ImagePath: c.absolute(argv[0]), Assumptions: c.assumptions(c.image.Opaque),
		Summary: fmt.Sprintf("the image starts %s, which is not in it", argv[0]),
		Detail:  "The base image has no such shell. The shell form, as in CMD run --fast, needs /bin/sh.",
	}
	if need.BaseOf(c.image.Plan, c.image.Plan.Result) == nil {
		f.Detail = "The image starts from scratch and no shell is copied into it. The shell form, as in CMD run --fast, needs /bin/sh."
	}
	if f.Hint.Program = argv[0]; open {
		f.Severity = finding.Warning
		f.Detail += " Not certain: a step may add one."
	}
	c.addNotRunnable(f, origin)
}

// lacksProgram reports whether the image surely had no program of a name but for what its steps may install, and whether any may have. A
// step that names it has. What is built on no image has what is copied into it.
func (c *programCheck) lacksProgram(name string) (lacks, open bool) {
	base := need.BaseOf(c.image.Plan, c.image.Plan.Result)
	if base != nil && !bases.Lacks(base.Image.Ref, name) {
		return false, false
	}
	if c.build.OwnFile(func(at string) bool { return path.Base(at) == name }) != "" {
		return false, false
	}
	for _, dir := range []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"} {
		for _, id := range c.image.Tree.HeldBy(path.Join(dir, name)).Ops() {
			switch {
			case base != nil && id == base.ID:
			case id < 0 || c.image.Plan.Ops[id].Kind != dockerfile.OpExec || strings.Contains(c.image.Plan.Ops[id].Location.Text, name):
				return false, false
			default:
				open = true
			}
		}
	}
	return true, open
}

// addNotRunnable reports a finding at the place that starts the program.
func (c *programCheck) addNotRunnable(f *finding.Finding, origin shell.Origin) {
	place := c.startPlace(origin)
	f.Subject = finding.Position{File: place.File, Line: place.Line}
	f.Related = append(f.Related, place)
	c.add(*f)
}

// notJSON gives the finding about a command that was meant to be a list and is none: a shell gets it as a text.
func (c *programCheck) notJSON(name string) *finding.Finding {
	return &finding.Finding{
		Rule: finding.EntrypointNotRunnable, About: finding.About{Name: name}, Hint: finding.Hint{Program: name}, Assumptions: c.assumptions(c.image.Opaque),
		Summary: fmt.Sprintf("the image starts %s, which is not a program", name),
		Detail:  "The exec form must be JSON, with double quotes. Otherwise a shell runs the text as a command.",
	}
}

// checkLineEnds looks at the scripts that a shell is given. A shell takes the carriage return of CR LF for a part of the last word of a
// line, so that "cd /app" asks for another directory.
func (c *programCheck) checkLineEnds(r *run, entries []program.Entry, told map[string]bool) {
	for _, e := range entries {
		if e.Kind != program.Script || e.Lang != program.Shell || e.Conditional || told[e.Path] || r.Mounted(e.Path) {
			continue
		}
		n, at, err := c.image.Tree.Stat(e.Path)
		if err != nil || n.Kind != rootfs.KindFile || c.ofBaseImage(n) || !endsInReturns(n) {
			continue
		}
		told[e.Path] = true
		f := &finding.Finding{
			Rule: finding.EntrypointNotRunnable, ImagePath: e.Path, Related: c.origin(n),
			Summary: fmt.Sprintf("the image starts %s, whose lines end in CR LF", e.Path),
			Detail: "The shell reads the carriage return as part of the last word of each line. Save the file with LF line ends; *.sh text eol=lf in " +
				".gitattributes keeps them in every clone.",
		}
		f.ContextPath, _ = c.image.Origin(n)
		f.Hint.Returns = true
		c.doubtChanged(f, n, at)
		c.addNotRunnable(f, e.Origin)
	}
}

// maxScript bounds how much of a script is looked at.
const maxScript = 64 << 10

// endsInReturns reports whether the lines of a script end in CR LF that are commands.
func endsInReturns(n *rootfs.Node) bool {
	for line := range bytes.Lines(contentOf(n, maxScript)) {
		if line, ok := bytes.CutSuffix(line, []byte("\r\n")); ok {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				return true
			}
		}
	}
	return false
}

// Refused gives the finding about what an image starts at a path, if the kernel refuses to run it; nil if not.
func Refused(m *simulate.Image, main *simulate.Context, s Subject, imagePath string) (*finding.Finding, error) {
	p := s.lookingOnly(m, main)
	if err := checkRunnable(p); err != nil {
		return nil, err
	}
	for _, f := range p.report.Findings {
		if f.ImagePath == imagePath {
			return &f, nil
		}
	}
	return nil, nil
}

// executed gives the program that is started by a command line, with what wraps it seen through: its path or, where it is looked for in
// PATH, its name.
func executed(argv []string, workdir string, env []string) (at, name string) {
	if len(argv) == 0 || strings.HasPrefix(argv[0], "-") {
		return "", ""
	}
	done := false
	r := command.NewRunner(nil)
	r.Script = func(*command.Call, string) bool { done = true; return false }
	r.Program = func(c *command.Call) {
		switch {
		case done || c.S.Conditional:
		case strings.Contains(c.Name.Text, "/"):
			at = c.S.Abs(c.Name.Text)
		default:
			name = c.Name.Text
		}
		done = true
	}
	r.Command(shell.NewState(path.Join("/", workdir), env), shell.Words(argv, shell.Origin{}), true)
	return at, name
}

// notRunnable gives the finding about a file of the image that the kernel refuses to run, nil if it runs it or that is not known.
func (c *programCheck) notRunnable(p string, byShell bool) *finding.Finding {
	n, at, err := c.image.Tree.Stat(p)
	if err != nil || n.Kind != rootfs.KindFile && !n.IsDir() || c.ofBaseImage(n) {
		return nil
	}
	f := &finding.Finding{Rule: finding.EntrypointNotRunnable, ImagePath: p, Related: c.origin(n)}
	f.ContextPath, _ = c.image.Origin(n)
	lost := c.lostArguments(n)
	switch head := firstBytes(n); {
	case n.IsDir():
		f.Summary, f.Detail = p+", which the image starts, is a directory", "The kernel answers: permission denied."
	case n.Perm&0o111 == 0 && (steps.Unsure(c.image.Tree, p) || len(c.image.Tree.HeldBy(at).All()) > 0) && c.setsMode(p):
		return nil
	case n.Perm&0o111 == 0:
		f.Hint.Mode = "755"
		f.Summary = fmt.Sprintf("the image starts %s, which is not executable (mode %04o)", p, n.Perm)
		f.Detail = "The kernel answers: permission denied. Use COPY --chmod=755, or git update-index --chmod=+x for every clone."
		if f.Hint.Quoted = lost != ""; f.Hint.Quoted {
			f.Detail = "The kernel answers: permission denied. Use COPY --chmod=755. " + lost
		}
		if !c.mayMakeExecutable(at) {
			return f
		}
	case lost != "":
		f.Hint.Quoted = true
		f.Summary = fmt.Sprintf("the image starts %s without its arguments", p)
		f.Detail = lost
	case c.lostMode(n, p, f.ContextPath):
		f.Hint.Mode = "755"
		f.Summary = fmt.Sprintf("the image starts %s, which is not executable in a clean checkout (as in CI): git has mode 100644", p)
		f.Detail = "It is executable here. Use git update-index --chmod=+x for every clone, or COPY --chmod=755."
	case head == nil:
		return nil
	case bytes.HasPrefix(head, []byte("#!")):
		if !c.interpreter(f, p, head) {
			return nil
		}
	case len(head) > 0 && !byShell && utf8.Valid(head) && !bytes.ContainsRune(head, 0):
		f.Summary = fmt.Sprintf("the image starts %s, a text file whose first line names no interpreter", p)
		f.Detail = "The kernel answers: exec format error. A script must begin with #!."
	default:
		return nil
	}
	c.doubtChanged(f, n, at)
	return f
}

// lostArguments says of a script that a heredoc makes that BuildKit has expanded the arguments of the shell in it, to nothing; "" if not.
func (c *programCheck) lostArguments(n *rootfs.Node) string {
	if n.Op < 0 || n.Kind != rootfs.KindFile {
		return ""
	}
	l := c.image.Plan.Ops[n.Op].Location.Range
	data := c.image.Plan.Dockerfile.Data
	if l.End.Offset > len(data) || l.Start.Line == l.End.Line {
		return ""
	}
	text := string(data[l.Start.Offset:l.End.Offset])
	first, body, _ := strings.Cut(text, "\n")
	word := plainHeredoc().FindStringSubmatch(first)
	argument := shellArgument().FindString(body)
	if word == nil || argument == "" {
		return ""
	}
	return fmt.Sprintf("BuildKit expands %s in the heredoc, where it is empty. Write <<'%s' to keep the text.", argument, word[1])
}

// plainHeredoc is the beginning of a heredoc whose text is expanded, shellArgument what stands for arguments of the shell that reads it.
var (
	plainHeredoc  = lazyre.New(`^\s*(?:COPY|ADD)\b.*<<-?([A-Za-z_]\w*)`)
	shellArgument = lazyre.New(`\$(?:[@*#1-9]|\{[@*#1-9])`)
)

// doubtChanged makes a finding about what a file is a warning where a step may change the file.
func (c *programCheck) doubtChanged(f *finding.Finding, n *rootfs.Node, at string) {
	if reaches := c.image.Tree.HeldBy(at); steps.Unsure(c.image.Tree, at) || len(reaches.All()) > 0 {
		f.Severity = finding.Warning
		f.Detail += " Not certain: a step may change it."
	}
}

// mayMakeExecutable reports whether a step may set the mode of a file: one that cannot be followed, or that runs a program nobody knows.
// Python and installers do not do that to the files of a project.
func (c *programCheck) mayMakeExecutable(at string) bool {
	return steps.Unsure(c.image.Tree, at) || slices.ContainsFunc(c.image.Tree.HeldBy(at).Ops(), func(id int) bool {
		if id < 0 || c.image.Plan.Ops[id].Kind != dockerfile.OpExec {
			return false
		}
		script := c.build.Script(c.image.Plan.Ops[id])
		return script.Missed || slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
			return call.Footprint().Unknown && !command.IsPython(call.Base) && !command.Is(call.Base, command.Installer)
		})
	})
}

// setsMode reports whether a step sets the mode of a file of the image, as far as its words tell.
func (c *programCheck) setsMode(p string) bool {
	sets := func(call *command.Call) bool {
		if slices.ContainsFunc(call.Args, func(w shell.Word) bool { return w.Text == "chmod" }) {
			return true // find -exec, xargs
		}
		return call.Base == "chmod" && slices.ContainsFunc(call.Args, func(w shell.Word) bool {
			return !w.Known() || strings.ContainsAny(w.Text, "*?[") || simulate.Within(call.S.Abs(w.Text), p) || simulate.Within(p, call.S.Abs(w.Text))
		})
	}
	return c.build.Steps(func(op *dockerfile.Op) bool { return slices.ContainsFunc(c.build.Script(op).Calls, sets) }) != nil
}

// lostMode reports whether a file is executable here and would not be in a clean checkout: git has another mode, and nothing sets one.
func (c *programCheck) lostMode(n *rootfs.Node, p, contextPath string) bool {
	if c.build.Git.Program == nil || contextPath == "" || n.Source == nil || n.Source.Source != nil || n.Op < 0 || n.Perm != n.Source.Perm {
		return false
	}
	if c.setsMode(p) {
		return false
	}
	op := c.image.Plan.Ops[n.Op]
	for _, action := range op.File {
		if cp, ok := action.Change.(dockerfile.Copy); ok && (cp.Perm != -1 || cp.ModeText != "") {
			return false
		}
	}
	program, tracked := c.build.Git.Program(c.main.Dir, contextPath)
	return tracked && !program && op.Kind == dockerfile.OpFile
}

// interpreter looks at the first line of a script, and reports whether it names nothing that could run it.
func (c *programCheck) interpreter(f *finding.Finding, p string, head []byte) bool {
	line, _, _ := strings.Cut(string(head), "\n")
	words := strings.Fields(line[2:])
	switch {
	case strings.HasSuffix(line, "\r"):
		f.Hint.Returns = true
		f.Summary = fmt.Sprintf("the image starts %s, whose lines end in CR LF: the name of its interpreter ends in a carriage return", p)
		f.Detail = "The kernel answers: no such file or directory. Save the file with LF line ends; *.sh text eol=lf in .gitattributes keeps them in every clone."
		return true
	case len(words) == 0 || !path.IsAbs(words[0]):
		return false
	case c.build.Tree.Stat(words[0]) == shell.Absent:
	default:
		name := words[0]
		if program, _ := command.Shebang(line); path.Base(words[0]) == "env" {
			name = program
		}
		lacks, open := c.lacksProgram(path.Base(name))
		if !lacks || c.build.Tree.Stat(words[0]) == shell.Regular && name == words[0] {
			return false
		}
		f.Summary = fmt.Sprintf("the image starts %s, whose interpreter %s the base image lacks", p, name)
		f.Detail = "The kernel answers: no such file or directory."
		if name != words[0] {
			f.Detail = fmt.Sprintf("env answers: %s: No such file or directory.", name)
		}
		if open {
			f.Severity = finding.Warning
			f.Detail += " Not certain: a step may bring it."
		}
		return true
	}
	f.Summary = fmt.Sprintf("the image starts %s, whose interpreter %s is not in the image", p, words[0])
	f.Detail = "The kernel answers: no such file or directory."
	return true
}

// contentOf gives the beginning of a file, nil if it is not known.
func contentOf(n *rootfs.Node, limit int64) []byte {
	if n.IsDir() || n.Content == nil {
		return nil
	}
	r, err := n.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil
	}
	return head
}

// headSize is how much the kernel looks at of a program: BINPRM_BUF_SIZE of Linux.
const headSize = 256

// firstBytes gives the beginning of a file, nil if it is not known.
func firstBytes(n *rootfs.Node) []byte {
	head := contentOf(n, headSize)
	// What is cut within a letter is no less a text.
	for len(head) == headSize && len(head) > 0 && !utf8.Valid(head) && len(head) > headSize-utf8.UTFMax {
		head = head[:len(head)-1]
	}
	return head
}
