package why

import (
	"path"
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Clue is something that the output of a program or of a build says is missing.
type Clue struct {
	// Target is what to ask about: a module, a path of the image, a path of the build context; "" for what the image starts.
	Target string `json:"target"`
	// Name is what could not be imported from the module Target; "" if it is the module itself.
	Name string `json:"name,omitempty"`
	// Program tells that Target is the bare name of a program, which PATH leads to.
	Program bool `json:"program,omitempty"`
	// Template tells that Target is the name of a template, which lies in some directory of templates.
	Template bool `json:"template,omitempty"`
	// Line is the line of the output that says so.
	Line string `json:"line"`
}

// pattern recognises a message; clue makes a clue of what it captured, in the working directory of the image. rest is the output from
// that line on.
type pattern struct {
	re   func() *regexp.Regexp
	clue func(m []string, rest, workdir string) Clue
}

func module(m []string, _, _ string) Clue { return Clue{Target: m[1]} }

// name is something that a module should have.
func name(m []string, _, _ string) Clue { return Clue{Target: m[2], Name: m[1]} }

func program(m []string, _, _ string) Clue { return Clue{Target: m[1], Program: true} }

func template(m []string, _, _ string) Clue { return Clue{Target: m[1], Template: true} }

// theStart is a message of the kernel or of a shell that names nothing: it is about what the image starts.
func theStart([]string, string, string) Clue { return Clue{} }

// inImage makes a path of the image of one that the program gave, which may be relative to its working directory.
func inImage(m []string, _, workdir string) Clue {
	p := m[1]
	if !path.IsAbs(p) {
		p = path.Join("/", workdir, p)
	}
	return Clue{Target: p}
}

// started is what a runtime was told to start: a path of the image, or the bare name of a program.
func started(m []string, rest, workdir string) Clue {
	if !strings.Contains(m[1], "/") {
		return program(m, rest, workdir)
	}
	return inImage(m, rest, workdir)
}

// inContext makes a path of the build context of one that a builder gave.
func inContext(m []string, _, _ string) Clue {
	return Clue{Target: strings.TrimPrefix(path.Clean("/"+m[1]), "/")}
}

// required makes a path of what a Node program required: relative to the file that did.
func required(m []string, rest, workdir string) Clue {
	if path.IsAbs(m[1]) || !strings.HasPrefix(m[1], ".") {
		return Clue{Target: m[1]}
	}
	from := ""
	if len(m) > 2 {
		from = m[2]
	} else if s := requireStack().FindStringSubmatch(rest); s != nil {
		from = s[1]
	}
	if from == "" {
		return Clue{Target: path.Join("/", workdir, m[1])}
	}
	return Clue{Target: path.Join(path.Dir(from), m[1])}
}

// compiled makes a path of the build context of a module that a compiler looks for, seen from a file below the directory that it works in; or
// gives its name.
func compiled(m []string, _, _ string) Clue { return Clue{Target: beside(path.Dir(m[1]), m[2])} }

// bundled is [compiled] with the file behind the name, resolved with the directory there.
func bundled(m []string, _, _ string) Clue  { return Clue{Target: beside(path.Dir(m[2]), m[1])} }
func resolved(m []string, _, _ string) Clue { return Clue{Target: beside(m[2], m[1])} }

func beside(dir, name string) string {
	switch {
	case !strings.HasPrefix(name, "."):
		return name
	case path.IsAbs(dir):
		return path.Join(dir, name)
	}
	return strings.TrimPrefix(path.Join("/", dir, name), "/")
}

var requireStack = lazyre.New(`Require stack:\s*\n- (\S+)`)

// patterns are the messages that are known. The first one that a line matches counts.
var patterns = []pattern{
	{lazyre.New(`ModuleNotFoundError: No module named '([^']+)'`), module},
	{lazyre.New(`ImportError: No module named '?([\w.]+)'?`), module},
	{lazyre.New(`python[\d.]*: No module named '?(\w+(?:\.\w+)*)`), module}, // python -m
	{lazyre.New(`ImportError: cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'`), name},
	{lazyre.New(`Could not import module "([\w.]+)"`), module},                                                                            // uvicorn
	{lazyre.New(`Attribute "(\w+)[^"]*" not found in module "([\w.]+)"`), name},                                                           // uvicorn
	{lazyre.New(`Failed to find attribute '(\w+)[^']*' in '([\w.]+)'`), name},                                                             // gunicorn
	{lazyre.New(`Error: '([^']+)' doesn't exist`), inImage},                                                                               // gunicorn
	{lazyre.New(`Error: Could not import '([\w.]+)'`), module},                                                                            // flask
	{lazyre.New(`Failed to find Flask application or factory in module '([\w.]+)'`), module},                                              // flask
	{lazyre.New(`The module ([\w.]+) was not found`), module},                                                                             // celery
	{lazyre.New(`Cannot import '([\w.]+)'\. Check that`), module},                                                                         // django
	{lazyre.New(`WSGI application '([\w.]+)\.\w+' could not be loaded`), module},                                                          // django
	{lazyre.New(`Template(?:NotFound|DoesNotExist): '?([^\s':,]+)'?`), template},                                                          // jinja2, django
	{lazyre.New(`Path doesn't exist: ['"]?([^\s'"]+?)['"]?\.\s+Please use the 'init'`), inImage},                                          // alembic
	{lazyre.New(`No config file '([^']+)' found`), inImage},                                                                               // alembic
	{lazyre.New(`No '(?:script_location)' key found in configuration`), alembicConfig},                                                    // alembic
	{lazyre.New(`(?:Path|File|Directory) '([^']+)' does not exist`), inImage},                                                             // click
	{lazyre.New(`File does not exist: (\S+)`), inImage},                                                                                   // streamlit
	{lazyre.New(`Could not open requirements file: \[Errno 2\][^']*'([^']+)'`), inImage},                                                  // pip
	{lazyre.New(`(?:ERROR: |Invalid requirement: ')(\.{0,2}/[^\s':]*?)(?:' | is not a valid editable requirement|': Expected)`), inImage}, // pip
	{lazyre.New(`(?:can't|cannot) open file '([^']+)'`), inImage},                                                                         // python
	{lazyre.New(`Error: \[Errno (?:2|13|20)\][^']*'([^']+)'`), inImage},
	{lazyre.New(`(\S+?)[(:]\d+[,:]\d+\)?(?:: | - )error TS2307: Cannot find module '([^']+)'`), compiled}, // tsc
	{lazyre.New(`(?:Can't resolve|Could not resolve) '([^']+)' in '?([^\s']+)'?`), resolved},              // webpack, next
	{lazyre.New(`(?:Could not resolve|Failed to resolve import) "([^"]+)" from "([^"]+)"`), bundled},      // vite, rollup
	{lazyre.New(`Cannot find (?:module|package) '([^']+)' imported from (\S+)`), required},                // node, ES modules
	{lazyre.New(`Cannot find module '([^']+)'`), required},                                                // node
	{lazyre.New(`ENOENT: no such file or directory, \w+ '([^']+)'`), inImage},
	{lazyre.New(`exec: "([^"]+)": `), started},
	{lazyre.New(`exec ([^\s:"]*/[^\s:"]+): (?:no such file or directory|permission denied|exec format error)`), inImage},
	{lazyre.New(`exec user process caused[: ]+"?(?:no such file or directory|permission denied|exec format error)`), theStart}, // older runtimes
	{lazyre.New(`env: (?:can't execute )?.?[\w./-]+(?:\\r|\^M|\?|\r)`), theStart},
	{lazyre.New(`(?:^|\s)(\S*/\S+): \S+: bad interpreter`), inImage},
	{lazyre.New(`ch(?:mod|own): changing (?:permissions|ownership) of '([^']+)': Operation not permitted`), inImage},
	{lazyre.New(`ch(?:mod|own): ([^\s:']+): Operation not permitted`), inImage}, // busybox
	{lazyre.New("Failed to spawn: `([^`]+)`"), started},                         // uv
	{lazyre.New(`sh: (?:\d+: |line \d+: )?(\.?[\w./-]*/[\w./-]+): (?:not found|No such file or directory|Permission denied)`), inImage},
	{lazyre.New(`sh: (?:\d+: |line \d+: )([\w.-]+): (?:command )?not found`), program},
	{lazyre.New(`stat ([^\s:]+): file does not exist`), inContext},
	{lazyre.New(`(?:COPY|ADD) failed: .*?/docker-builder\d+/([^\s:]+): no such file`), inContext},
	{lazyre.New(`copier: stat: "(/[^"]+)": no such file`), inContext}, // buildah
	{lazyre.New(`"(/[^"]+)": not found`), inContext},                  // BuildKit
}

// alembicConfig is the file without which alembic knows no settings.
func alembicConfig(_ []string, _, workdir string) Clue {
	return Clue{Target: path.Join("/", workdir, "alembic.ini")}
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
			c := p.clue(m, rest, workdir)
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
