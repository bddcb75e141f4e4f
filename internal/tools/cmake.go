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
	r.cmakeFile(path.Join(source, cmakeLists), source, source, nil, map[string]bool{})
}

// cmakeFile reads the commands of a file that no condition, loop or function holds. here is the directory whose project it belongs to.
func (r *reader) cmakeFile(file, root, here string, because []Line, seen map[string]bool) {
	data, ok := r.text(file)
	if !ok || seen[file] || len(seen) > maxModules {
		return
	}
	seen[file] = true
	depth := 0
	for _, c := range cmakeCommands(data) {
		line, text := lineAt(data, c.offset)
		chain := append(slices.Clone(because), Line{File: file, Line: line, Text: text})
		switch {
		case contains("if foreach while function macro block", c.name):
			depth++
		case contains("endif endforeach endwhile endfunction endmacro endblock", c.name):
			depth--
		case depth > 0:
		case c.name == "return":
			return
		case len(c.args) == 0:
		default:
			at := cmakePath(c.args[0], root, here)
			if at == "" || strings.HasPrefix(at, "../") {
				continue
			}
			switch c.name {
			case "add_subdirectory":
				r.need(Missing{Kind: Member, Path: path.Join(at, cmakeLists), What: "the directory that CMake adds", Because: chain})
				r.cmakeFile(path.Join(at, cmakeLists), root, at, chain, seen)
			case "include":
				if strings.HasSuffix(at, ".cmake") && !slices.Contains(c.args, "OPTIONAL") {
					r.need(Missing{Path: at, What: "what CMake includes", Because: chain})
					r.cmakeFile(at, root, here, chain, seen)
				}
			case "configure_file":
				r.need(Missing{Path: at, What: "what CMake configures", Because: chain})
			}
		}
	}
}

// cmakePath gives the path that an argument means; "" if it is not known.
func cmakePath(text, root, here string) string {
	for name, dir := range map[string]string{"CMAKE_SOURCE_DIR": root, "CMAKE_CURRENT_SOURCE_DIR": here, "CMAKE_CURRENT_LIST_DIR": ""} {
		if rest, ok := strings.CutPrefix(text, "${"+name+"}"); ok && dir != "" {
			text = dir + rest
		}
	}
	if text == "" || strings.ContainsAny(text, "$<") || strings.Contains(text, shell.Hole) {
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
