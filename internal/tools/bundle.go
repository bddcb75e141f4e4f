package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

const bundleValued = "--gemfile --path --without --with -j --jobs --retry --system -r --trust-policy --cache-path --shebang --standalone"

// The facts are those of Bundler 2.3.

// bundle is bundle install: the Gemfile and, of its literal forms, what it names.
func (r *reader) bundle() {
	sub := r.sub()
	if !r.known() || sub != "install" && sub != "" || r.options.Has("--version", "-v", "--help", "-h") || len(r.words) > 1 {
		return
	}
	gemfile := ""
	if w, ok := r.options.Last("--gemfile"); ok {
		gemfile = r.abs(w.Text)
	} else if set := r.call.S.Env("BUNDLE_GEMFILE"); set != "" {
		gemfile = r.abs(set)
	}
	if gemfile == "" {
		names := []string{"Gemfile", "gems.rb"}
		dir := upward(r.dir, func(dir string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return !r.absent(path.Join(dir, name)) })
		})
		if dir == "" {
			r.need(Missing{Path: path.Join(r.dir, "Gemfile"), What: "the Gemfile"})
			return
		}
		if gemfile = path.Join(dir, "Gemfile"); r.absent(gemfile) {
			gemfile = path.Join(dir, "gems.rb")
		}
	}
	r.need(Missing{Path: gemfile, What: "the Gemfile"})
	lock := gemfile + ".lock"
	if path.Base(gemfile) == "gems.rb" {
		lock = path.Join(path.Dir(gemfile), "gems.locked")
	}
	set := func(name string) bool { v := r.call.S.Env(name); return v == "true" || v == "1" || v == "t" }
	if r.options.Has("--deployment", "--frozen") || set("BUNDLE_DEPLOYMENT") || set("BUNDLE_FROZEN") {
		r.need(Missing{Path: lock, What: "the lock file, without which a frozen install refuses to run"})
	}
	r.gemfile(gemfile, 0)
}

// gemfile reads the lines of a Gemfile that are literal and stand in no condition. It is a program: what is indented counts only in a group.
func (r *reader) gemfile(file string, depth int) {
	data, ok := r.text(file)
	if !ok || depth > maxIncludes {
		return
	}
	dir := path.Dir(file)
	open := 0
	for i, row := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(row)
		first, rest, _ := strings.Cut(text, " ")
		switch {
		case contains("if unless case begin def while until install_if platforms platform env path source git", first) && !oneLine(first, text):
			open++
		case open > 0:
			if text == "end" || strings.HasPrefix(text, "end ") {
				open--
			} else if strings.HasSuffix(text, " do") || strings.Contains(text, " do |") {
				open++
			}
		case text == "__END__" || text == "=begin":
			return
		case strings.Contains(text, " if ") || strings.Contains(text, " unless ") || strings.Contains(text, "#{") || strings.Contains(text, "?"):
		case first == "gem" || first == "gemspec":
			r.gem(dir, first, rest, Line{File: file, Line: i + 1, Text: text})
		case first == "eval_gemfile" || first == "ruby":
			r.gemfileReads(first, rest, Line{File: file, Line: i + 1, Text: text}, depth)
		}
	}
}

// gemfileReads is a line of a Gemfile that reads another file: one that is evaluated, or that tells the version of Ruby.
func (r *reader) gemfileReads(word, rest string, line Line, depth int) {
	dir := path.Dir(line.File)
	if word == "ruby" {
		if name, ok := rubyOption(rest, "file"); ok {
			r.need(Missing{Path: path.Join(dir, name), What: "the file with the version of Ruby", Because: []Line{line}})
		}
		return
	}
	if m := rubyLiteral().FindStringSubmatch(rest); m != nil && !strings.Contains(m[1], "#{") {
		at := path.Join(dir, m[1])
		r.need(Missing{Path: at, What: "a Gemfile that is evaluated", Because: []Line{line}})
		r.gemfile(at, depth+1)
	}
}

// rubyLiteral is a string that is the only argument, rubyRequires a file that is required beside the one that says so.
var (
	rubyLiteral  = lazyre.New(`^\s*\(?\s*["']([^"']+)["']\s*\)?\s*(?:#.*)?$`)
	rubyRequires = lazyre.New(`^(?:require_relative\s*\(?\s*["']([^"'#]+)["']|require\s+File\.expand_path\(\s*["']\.\./([^"'#]+)["']\s*,\s*__FILE__\s*\))\s*\)?\s*$`)
)

// gemspec looks for what the specification of a gem requires before it says anything.
func (r *reader) gemspec(file string, because []Line) {
	data, ok := r.text(file)
	if !ok {
		return
	}
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimRight(text, "\r\n ")
		if m := rubyRequires().FindStringSubmatch(text); m != nil {
			name := m[1] + m[2]
			if path.Ext(name) != ".rb" {
				name += ".rb"
			}
			r.need(Missing{Kind: Source, Path: path.Join(path.Dir(file), name), What: "what the gemspec requires", Because: append(slices.Clip(because), Line{File: file, Line: n, Text: text})})
		}
	}
}

// gem is a line of a Gemfile: a gem at a path, or the gemspec of the directory.
func (r *reader) gem(dir, word, rest string, line Line) {
	at, name := dir, ""
	if p, ok := rubyOption(rest, "path"); ok {
		at = path.Join(dir, p)
		if path.IsAbs(p) {
			at = path.Clean(p)
		}
	} else if word != "gemspec" || strings.Contains(rest, ":") {
		return
	}
	if word == "gem" {
		if name, _, _ = strings.Cut(strings.Trim(rest, `"' `), `"`); strings.Contains(name, "'") {
			name, _, _ = strings.Cut(name, "'")
		}
	}
	specs, known := r.glob(at, "*.gemspec")
	for _, file := range specs {
		r.gemspec(file, []Line{line})
	}
	deeper, all := r.glob(at, "*/*.gemspec")
	if !known || !all || len(specs)+len(deeper) > 0 || strings.Contains(rest, "glob:") || strings.Contains(rest, ", \"") || strings.Contains(rest, ", '") {
		return
	}
	m := Missing{Kind: Member, Path: at, Dir: true, What: "the gem at " + strings.TrimPrefix(at, dir+"/"), Because: []Line{line}}
	if !r.absent(at) {
		if name == "" {
			name = "*"
		}
		m.Path, m.Root, m.What, m.Dir = path.Join(at, name+".gemspec"), at, "the gemspec "+name+".gemspec", false
		m.Find = func(tree Files, root string) string {
			if found, _ := (&reader{files: tree}).glob(root, "*.gemspec"); len(found) > 0 {
				return found[0]
			}
			return ""
		}
	}
	r.missing(m)
}

// rubyOption gives the literal value of an option, as path: "x" or :path => "x".
func rubyOption(text, name string) (string, bool) {
	for _, form := range []string{name + ":", ":" + name + " =>", ":" + name + "=>"} {
		if i := strings.Index(text, form); i >= 0 && (i == 0 || !isRubyName(text[i-1])) {
			value := strings.TrimSpace(text[i+len(form):])
			if len(value) > 1 && (value[0] == '"' || value[0] == '\'') {
				if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
					return value[1 : end+1], !strings.Contains(value[:end+1], "#{")
				}
			}
		}
	}
	return "", false
}

func isRubyName(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// oneLine reports whether a statement that may have a body has none.
func oneLine(first, text string) bool {
	block := strings.HasSuffix(text, " do") || strings.Contains(text, " do |")
	return contains("install_if platforms platform env path source git", first) && !block || strings.HasSuffix(text, " end")
}
