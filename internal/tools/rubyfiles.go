package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// rubyString is a string of Ruby that is written out.
const rubyString = `["']([^"'#]+)["']`

// The forms in which Ruby names a file that lies where it does. They count only at the beginning of a line: what is indented something
// may decide about.
var (
	rubyRelative = lazyre.New(`^require_relative\s*\(?\s*` + rubyString + `\s*\)?\s*$`)
	rubyBeside   = lazyre.New(`^(?:(?:require|load|APP_PATH\s*=)\s*\(?\s*)?File\.(?:expand_path|join)\(\s*(?:` + rubyString + `\s*,\s*(__FILE__|__dir__)|__dir__\s*,\s*` + rubyString + `)\s*\)\s*\)?\s*$`)
	rubyPlain    = lazyre.New(`^require\s*\(?\s*` + rubyString + `\s*\)?\s*$`)
	rubyRead     = lazyre.New(`^\s*(?:[\w.]+\s*=\s*)?(?:ruby\s+)?\(?(?:File|IO)\.read\(\s*(?:` + rubyString + `|File\.(?:expand_path|join)\(\s*(?:` + rubyString + `\s*,\s*(__FILE__|__dir__)|__dir__\s*,\s*` + rubyString + `)\s*\))\s*\)[\w.()\s"'\\]*$`)
	rubyLibrary  = lazyre.New(`(?:\$LOAD_PATH|\$:)[^\n]*\blib\b|\blib\s*=\s*File\.`)
)

// besideRuby gives the path that File.expand_path or File.join makes of a name and the file, or the directory, in which it stands.
func besideRuby(file, name, from, joined string) string {
	switch {
	case joined != "":
		return path.Join(path.Dir(file), joined)
	case from == "__FILE__":
		return path.Join(file, name)
	}
	return path.Join(path.Dir(file), name)
}

// rubyFile follows what a file of Ruby requires by its place as soon as it is run.
func (r *reader) rubyFile(file string, because []Line, seen map[string]bool) {
	data, ok := r.text(file)
	if !ok || seen[file] || len(seen) > maxModules {
		return
	}
	seen[file] = true
	lib := ""
	if rubyLibrary().Match(data) {
		lib = path.Join(path.Dir(file), "lib")
	}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimRight(text, "\r\n ")
		if text == "__END__" || text == "=begin" {
			return
		}
		chain := append(slices.Clip(because), Line{File: file, Line: n, Text: strings.TrimSpace(text)})
		at := ""
		if m := rubyRelative().FindStringSubmatch(text); m != nil {
			at = path.Join(path.Dir(file), m[1])
		} else if m := rubyBeside().FindStringSubmatch(text); m != nil && (strings.HasPrefix(text, "require") || strings.HasPrefix(text, "load") || strings.HasPrefix(text, "APP_PATH")) {
			at = besideRuby(file, m[1], m[2], m[3])
		} else if m := rubyPlain().FindStringSubmatch(text); m != nil && lib != "" && strings.Contains(m[1], "/") && r.isRubyOf(lib, m[1]) {
			at = path.Join(lib, m[1])
		}
		if at == "" {
			continue
		}
		if path.Ext(at) != ".rb" {
			at += ".rb"
		}
		r.need(Missing{Kind: Source, Path: at, What: "what is required", Because: chain})
		r.rubyFile(at, chain, seen)
	}
}

// isRubyOf reports whether a name may be one of the library in a directory, and of none that is installed: the library has its first part,
// or nothing at all is there of it.
func (r *reader) isRubyOf(lib, name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !r.absent(path.Join(lib, first)) || !r.absent(path.Join(lib, first+".rb")) || r.absent(lib)
}

// rubyReads looks for the files that a Gemfile, or the specification of a gem, reads where nothing decides about it. Both are evaluated in
// their own directory.
func (r *reader) rubyReads(file string, data []byte, because []Line) {
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		m := rubyRead().FindStringSubmatch(strings.TrimRight(text, "\r\n"))
		if m == nil || len(text)-len(strings.TrimLeft(text, " \t")) > 2 {
			continue
		}
		at := path.Join(path.Dir(file), m[1])
		if m[1] == "" {
			at = besideRuby(file, m[2], m[3], m[4])
		} else if path.IsAbs(m[1]) {
			at = path.Clean(m[1])
		}
		r.need(Missing{Path: at, What: "a file that " + path.Base(file) + " reads", Because: append(slices.Clip(because), Line{File: file, Line: n, Text: strings.TrimSpace(text)})})
	}
}

const rakeValued = "-f --rakefile -C --directory -I --libdir -r --require -R --rakelibdir -j --jobs"

// rake is rake: its file is looked for upward.
func (r *reader) rake() {
	if !r.known() || r.options.Has("--version", "-V", "--help", "-h", "-H", "-N", "--no-search", "-g", "--system", "-e", "--execute") {
		return
	}
	if w, ok := r.options.Last("-f", "--rakefile"); ok {
		r.need(Missing{Path: r.abs(w.Text), What: "the Rakefile"})
		r.rubyFile(r.abs(w.Text), nil, map[string]bool{})
		return
	}
	names := []string{"rakefile", "Rakefile", "rakefile.rb", "Rakefile.rb"}
	dir := upward(r.dir, func(dir string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return !r.absent(path.Join(dir, name)) })
	})
	if dir == "" {
		r.need(Missing{Path: path.Join(r.dir, "Rakefile"), What: "the Rakefile"})
		return
	}
	for _, name := range names {
		r.rubyFile(path.Join(dir, name), nil, map[string]bool{})
	}
}

// rails is rails in an application, and its own script.
func (r *reader) rails() {
	if sub := r.sub(); sub == "" || sub == "new" || sub == "plugin" || r.options.Has("--version", "-v", "--help", "-h") {
		return
	}
	script := path.Join(r.dir, "bin", "rails")
	if strings.Contains(r.call.Name.Text, "/") {
		script = r.call.S.Abs(r.call.Name.Text)
	}
	if !r.is(script) {
		return
	}
	seen := map[string]bool{}
	r.rubyFile(script, nil, seen)
	if app := path.Join(path.Dir(path.Dir(script)), "Rakefile"); strings.Contains(r.sub(), ":") && r.is(app) {
		r.rubyFile(app, nil, seen)
	}
}
