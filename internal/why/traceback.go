package why

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Clue is something that the output of a program or of a build says is missing.
type Clue struct {
	// Target is what to ask about: a module, a path of the image, a path of the build context.
	Target string `json:"target"`
	// Name is what could not be imported from the module Target; "" if it is the module itself.
	Name string `json:"name,omitempty"`
	// Program tells that Target is the bare name of a program, which PATH leads to.
	Program bool `json:"program,omitempty"`
	// Line is the line of the output that says so.
	Line string `json:"line"`
}

// pattern recognises a message; target makes a clue's target of what it captured.
type pattern struct {
	re     func() *regexp.Regexp
	target func(m []string, rest string, workdir string) (target, name string)
}

func first(m []string, _, _ string) (string, string) { return m[1], "" }

// inImage makes a path of the image of one that the program gave, which may be relative to its working directory.
func inImage(m []string, _, workdir string) (string, string) {
	p := m[1]
	if !path.IsAbs(p) {
		p = path.Join("/", workdir, p)
	}
	return p, ""
}

// started is what a runtime was told to start: a path of the image, or the bare name of a program.
func started(m []string, rest, workdir string) (string, string) {
	if !strings.Contains(m[1], "/") {
		return m[1], ""
	}
	return inImage(m, rest, workdir)
}

// bare recognises a runtime's message about a program that it was told to start by its name.
var bare = lazyre.New(`exec: "[^"/]+": `)

// inContext makes a path of the build context of one that a builder gave.
func inContext(m []string, _, _ string) (string, string) {
	return strings.TrimPrefix(path.Clean("/"+m[1]), "/"), ""
}

// required makes a path of what a Node program required: relative to the file that did.
func required(m []string, rest, workdir string) (string, string) {
	if path.IsAbs(m[1]) || !strings.HasPrefix(m[1], ".") {
		return m[1], ""
	}
	from := ""
	if len(m) > 2 {
		from = m[2]
	} else if s := requireStack().FindStringSubmatch(rest); s != nil {
		from = s[1]
	}
	if from == "" {
		return path.Join("/", workdir, m[1]), ""
	}
	return path.Join(path.Dir(from), m[1]), ""
}

var requireStack = lazyre.New(`Require stack:\s*\n- (\S+)`)

var patterns = []pattern{
	{lazyre.New(`ModuleNotFoundError: No module named '([^']+)'`), first},
	{lazyre.New(`ImportError: No module named '?([\w.]+)'?`), first},
	{lazyre.New(`ImportError: cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'`),
		func(m []string, _, _ string) (string, string) { return m[2], m[1] }},
	{lazyre.New(`Could not import module "([\w.]+)"`), first},     // uvicorn
	{lazyre.New(`Error: Could not import '([\w.]+)'`), first},     // flask
	{lazyre.New(`The module ([\w.]+) was not found`), first},      // celery
	{lazyre.New(`(?:can't|cannot) open file '([^']+)'`), inImage}, // python
	{lazyre.New(`FileNotFoundError: \[Errno 2\][^']*'([^']+)'`), inImage},
	{lazyre.New(`Cannot find (?:module|package) '([^']+)' imported from (\S+)`), required}, // node, ES modules
	{lazyre.New(`Cannot find module '([^']+)'`), required},                                 // node
	{lazyre.New(`ENOENT: no such file or directory, \w+ '([^']+)'`), inImage},
	{lazyre.New(`exec: "([^"]+)": `), started},
	{lazyre.New(`exec (/\S+): (?:no such file or directory|permission denied|exec format error)`), inImage},
	{lazyre.New(`sh: (?:\d+: |line \d+: )?(\.?[\w./-]*/[\w./-]+): (?:not found|No such file or directory)`), inImage},
	{lazyre.New(`(?:file does not exist|excluded by \.dockerignore)?:? ?stat ([^\s:]+): file does not exist`), inContext},
	{lazyre.New(`"(/[^"]+)": not found`), inContext}, // BuildKit
}

// Clues finds in the output of a program or of a build what it says is missing, each once, in the order in which it is
// said. workdir is the working directory of the image.
func Clues(text, workdir string) []Clue {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out []Clue
	seen := map[Clue]bool{}
	rest := text
	for rest != "" {
		line, after, _ := strings.Cut(rest, "\n")
		for _, p := range patterns {
			m := p.re().FindStringSubmatch(line)
			if m == nil {
				continue
			}
			c := Clue{}
			c.Target, c.Name = p.target(m, rest, workdir)
			c.Program = bare().MatchString(m[0])
			if !seen[c] {
				seen[c] = true
				c.Line = strings.TrimSpace(line)
				out = append(out, c)
			}
			break
		}
		rest = after
	}
	return out
}

// Clues answers for what the output of a program or of a build says is missing.
func (e *Explainer) Clues(ctx context.Context, output string) ([]*Answer, error) {
	var out []*Answer
	for _, c := range Clues(output, e.Image.Plan.Config.WorkingDir) {
		a, err := e.clue(ctx, c)
		if err != nil {
			return nil, err
		}
		a.Clue = &c
		if c.Name != "" {
			a.exported(c.Name)
		}
		out = append(out, a)
	}
	return out, nil
}

func (e *Explainer) clue(ctx context.Context, c Clue) (*Answer, error) {
	if !c.Program {
		return e.Explain(ctx, c.Target)
	}
	a := &Answer{Steps: []Step{}, Assumptions: []finding.Assumption{}}
	if err := e.program(ctx, a, c.Target); err != nil {
		return nil, err
	}
	return a, e.asChecked(ctx, a)
}

// exported tells whether a module that is there has a name.
func (a *Answer) exported(name string) {
	if a.Verdict != InImage || a.Usage == nil {
		return
	}
	if slices.Contains(a.Usage.Exports, name) {
		a.step(fmt.Sprintf("%s exports %s now: either the image was built from another state, or a circular import asked for the name too early", a.Usage.Module, name), nil)
		return
	}
	a.Verdict = NotFound
	a.Summary = fmt.Sprintf("%s is in the image, but does not export %s", a.Usage.Module, name)
	if near, ok := suggest.Search(name, a.Usage.Exports, true); ok {
		a.Remedy = fmt.Sprintf("did you mean %s?", near)
	}
}
