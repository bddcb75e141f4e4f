package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of CMake 3.25.

const (
	cmakeValued = "-S -B -G -D -C -T -A -U -P --preset --toolchain --log-level --build --install"
	cmakeLists  = "CMakeLists.txt"
)

// cmake is the configuration of a project.
func (r *reader) cmake() {
	if r.known() && r.options.Has("--preset") && !r.options.Has("--build") {
		at := path.Join(r.dir, "CMakePresets.json")
		if w, ok := r.options.Last("-S"); ok {
			at = path.Join(r.abs(w.Text), "CMakePresets.json")
		}
		r.need(Missing{Path: at, Or: []string{path.Join(path.Dir(at), "CMakeUserPresets.json")}, What: "the presets of CMake"})
	}
	if !r.known() || r.options.Has("--build", "--install", "-E", "-P", "--preset", "--open", "--version", "-h", "--help", "-N", "--workflow", "-L", "--find-package") {
		return
	}
	source := r.dir
	if w, ok := r.options.Last("-S"); ok {
		source = r.abs(w.Text)
	} else if len(r.words) > 0 {
		source = r.abs(r.words[0].Text)
	} else if !r.options.Has("-B") {
		return
	}
	if source == "" || !r.absent(path.Join(source, "CMakeCache.txt")) {
		return
	}
	r.need(Missing{Path: path.Join(source, cmakeLists), What: "the project of CMake"})
	c := &cmakeProject{reader: r, root: source, seen: map[string]bool{}, set: map[string]string{}}
	c.file(path.Join(source, cmakeLists), source, nil)
}

// cmakeProject is a project of CMake that is configured.
type cmakeProject struct {
	*reader
	root string
	seen map[string]bool
	// set are variables that are set once, where nothing decides about it; "" for those of which nothing is known.
	set map[string]string
}

// file reads the commands of a file that no condition, loop or function holds. here is the directory whose project it belongs to.
func (x *cmakeProject) file(file, here string, because []Line) {
	data, ok := x.text(file)
	if !ok || x.seen[file] || len(x.seen) > maxModules {
		return
	}
	x.seen[file] = true
	depth := 0
	for _, c := range cmakeCommands(data) {
		line, text := lineAt(data, c.offset)
		chain := append(slices.Clone(because), Line{File: file, Line: line, Text: text})
		switch {
		case contains("if foreach while function macro block", c.name):
			depth++
		case contains("endif endforeach endwhile endfunction endmacro endblock", c.name):
			depth--
		case (c.name == "set" || c.name == "option") && len(c.args) > 0:
			x.variable(c, depth == 0)
		case depth > 0:
		case c.name == "return":
			return
		case len(c.args) > 0:
			x.command(c, file, here, chain)
		}
	}
}

// variable notes what a variable is set to.
func (x *cmakeProject) variable(c cmakeCommand, sure bool) {
	name := c.args[0]
	if _, again := x.set[name]; again || !sure || len(c.args) != 2 || c.name != "set" {
		x.set[name] = ""
		return
	}
	x.set[name] = c.args[1]
}

// cmakeKinds are words that stand before the sources of a target.
const cmakeKinds = "STATIC SHARED MODULE OBJECT WIN32 MACOSX_BUNDLE EXCLUDE_FROM_ALL"

// command is a command that is surely run.
func (x *cmakeProject) command(c cmakeCommand, file, here string, because []Line) {
	at := x.path(c.args[0], file, here)
	switch c.name {
	case "add_subdirectory":
		if at != "" {
			x.need(Missing{Kind: Member, Path: path.Join(at, cmakeLists), What: "the directory that CMake adds", Because: because})
			x.file(path.Join(at, cmakeLists), at, because)
		}
	case "include":
		if strings.HasSuffix(at, ".cmake") && !slices.Contains(c.args, "OPTIONAL") {
			x.need(Missing{Path: at, What: "what CMake includes", Because: because})
			x.file(at, here, because)
		}
	case "configure_file":
		x.need(Missing{Path: at, What: "what CMake configures", Because: because})
	case "file":
		if (c.args[0] == "READ" || c.args[0] == "STRINGS") && len(c.args) > 1 {
			x.need(Missing{Path: x.path(c.args[1], file, here), What: "what CMake reads", Because: because})
		}
	case "add_executable", "add_library":
		if slices.ContainsFunc(c.args, func(a string) bool { return contains("IMPORTED ALIAS INTERFACE", a) }) {
			return
		}
		for _, source := range c.args[1:] {
			if p := x.path(source, file, here); !contains(cmakeKinds, source) && strings.Contains(source, ".") && p != "" {
				x.need(Missing{Kind: Source, Path: p, Or: []string{x.built(p)}, What: "a source of " + c.args[0], Because: because})
			}
		}
	}
}

// built gives where a source lies that the build makes: in the directory in which it builds.
func (x *cmakeProject) built(p string) string {
	if w, ok := x.options.Last("-B"); ok {
		return path.Join(x.abs(w.Text), strings.TrimPrefix(p, x.root))
	}
	return path.Join(x.dir, strings.TrimPrefix(p, x.root))
}

// cmakeVariable finds a variable.
var cmakeVariable = lazyre.New(`\$\{(\w+)\}`)

// path gives the path that an argument means; "" if it is not known.
func (x *cmakeProject) path(text, file, here string) string {
	for range maxIncludes {
		m := cmakeVariable().FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		value := ""
		switch name := text[m[2]:m[3]]; name {
		case "CMAKE_SOURCE_DIR":
			value = x.root
		case "CMAKE_CURRENT_SOURCE_DIR":
			value = here
		case "PROJECT_SOURCE_DIR": // here or above
			if here == x.root {
				value = x.root
			}
		case "CMAKE_CURRENT_LIST_DIR":
			value = path.Dir(file)
		default:
			value = x.set[name]
		}
		if value == "" || strings.Contains(value, ";") {
			return ""
		}
		text = text[:m[0]] + value + text[m[1]:]
	}
	if text == "" || strings.ContainsAny(text, "$<;*") || strings.Contains(text, shell.Hole) || strings.HasPrefix(text, "../") {
		return ""
	}
	if path.IsAbs(text) {
		return path.Clean(text)
	}
	return path.Join(here, text)
}

// cmakeCommand is a command of CMake with its arguments.
type cmakeCommand struct {
	name   string
	args   []string
	offset int
}

// cmakeToken finds comments, text in brackets, strings, parentheses and words.
var cmakeToken = lazyre.New(`(?s)#?\[\[.*?\]\]|#?\[=\[.*?\]=\]|#[^\n]*|"(?:[^"\\]|\\.)*"|[()]|[^\s()#"]+`)

// cmakeCommands gives the commands of a file.
func cmakeCommands(data []byte) (out []cmakeCommand) {
	depth, word, at := 0, "", 0
	for _, m := range cmakeToken().FindAllIndex(data, -1) {
		t := string(data[m[0]:m[1]])
		switch {
		case t[0] == '#':
		case t == "(":
			if depth++; depth == 1 {
				out = append(out, cmakeCommand{name: strings.ToLower(word), offset: at})
			}
		case t == ")":
			depth = max(depth-1, 0)
		case depth == 0:
			word, at = t, m[0]
		case depth == 1:
			c := &out[len(out)-1]
			c.args = append(c.args, strings.Trim(t, `"`))
		}
	}
	return out
}
