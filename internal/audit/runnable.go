package audit

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// checkRunnable asks of each program that a container is started with, by its path, whether the kernel runs it: execve(2).
func checkRunnable(p *pass) error {
	if p.main == nil {
		return nil
	}
	c := newProgramCheck(p)
	told := map[string]bool{}
	for _, r := range c.runs() {
		argv := append(slices.Clone(r.Entrypoint.Args), r.Cmd.Args...)
		origin := r.Entrypoint.Origin
		if len(r.Entrypoint.Args) == 0 {
			origin = r.Cmd.Origin
		}
		at, _ := executed(argv, r.Workdir, r.Env)
		if at == "" || told[at] || r.Mounted(at) {
			continue
		}
		told[at] = true
		// A shell that cannot run a text runs it as a script of its own.
		byShell := slices.ContainsFunc(argv, func(w string) bool { return command.IsShell(path.Base(w)) })
		if f := c.notRunnable(at, byShell); f != nil {
			place := c.startPlace(origin)
			f.Subject = finding.Position{File: place.File, Line: place.Line}
			f.Related = append(f.Related, place)
			c.add(*f)
		}
	}
	return nil
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
	switch head := firstBytes(n); {
	case n.IsDir():
		f.Summary, f.Detail = p+", which the image starts, is a directory", "The kernel answers: permission denied."
	case n.Perm&0o111 == 0:
		f.Summary = fmt.Sprintf("%s, which the image starts, is not executable (mode %04o)", p, n.Perm)
		f.Detail = "The kernel answers: permission denied. COPY --chmod=755 sets the mode; so does git update-index --chmod=+x in every clone."
	case head == nil:
		return nil
	case bytes.HasPrefix(head, []byte("#!")):
		if !c.interpreter(f, p, head) {
			return nil
		}
	case len(head) > 0 && !byShell && utf8.Valid(head) && !bytes.ContainsRune(head, 0):
		f.Summary = fmt.Sprintf("%s, which the image starts, is a text whose first line names no interpreter", p)
		f.Detail = "The kernel answers: exec format error. The first two bytes of a script must be #!."
	default:
		return nil
	}
	if reaches := c.image.Tree.HeldBy(at); n.Unsure || len(reaches.All()) > 0 {
		f.Severity = finding.Warning
		f.Detail += " It is not proved: a step may change it."
	}
	return f
}

// interpreter looks at the first line of a script, and reports whether it names nothing that could run it.
func (c *programCheck) interpreter(f *finding.Finding, p string, head []byte) bool {
	line, _, _ := strings.Cut(string(head), "\n")
	words := strings.Fields(line[2:])
	switch {
	case strings.HasSuffix(line, "\r"):
		f.Summary = fmt.Sprintf("%s, which the image starts, has lines that end in CR LF: its interpreter is looked for by a name with a carriage return", p)
		f.Detail = "The kernel answers: no such file or directory. Save it with LF; *.sh text eol=lf in .gitattributes keeps it so in every clone."
		return true
	case len(words) == 0 || !path.IsAbs(words[0]) || c.build.Tree.Stat(words[0]) != shell.Absent:
		return false
	}
	f.Summary = fmt.Sprintf("%s, which the image starts, is run by %s, which the image does not have", p, words[0])
	f.Detail = "The kernel answers: no such file or directory."
	return true
}

// headSize is how much the kernel looks at of a program: BINPRM_BUF_SIZE of Linux.
const headSize = 256

// firstBytes gives the beginning of a file, nil if it is not known.
func firstBytes(n *rootfs.Node) []byte {
	if n.IsDir() || n.Content == nil {
		return nil
	}
	r, err := n.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, headSize))
	if err != nil {
		return nil
	}
	// What is cut within a letter is no less a text.
	for len(head) == headSize && len(head) > 0 && !utf8.Valid(head) && len(head) > headSize-utf8.UTFMax {
		head = head[:len(head)-1]
	}
	return head
}
