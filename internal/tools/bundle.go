package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

const bundleValued = "--gemfile --path --without --with -j --jobs --retry --system -r --trust-policy --cache-path --shebang --standalone"

// The facts are those of Bundler 2.3.

// bundle is bundle install, and bundle exec: the Gemfile and, of its literal forms, what it names.
func (r *reader) bundle() {
	sub := r.sub()
	if sub != "exec" && (!r.known() || sub != "install" && sub != "" || r.options.Has("--version", "-v", "--help", "-h") || len(r.words) > 1) {
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
	r.rubyReads(file, data, nil)
	dir := path.Dir(file)
	open, within := 0, ""
	for i, row := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(row)
		first, rest, _ := strings.Cut(text, " ")
		m := pathBlock().FindStringSubmatch(text)
		switch {
		case open == 0 && m != nil:
			within = path.Join(dir, m[1])
		case open == 0 && within != "" && (text == "end" || first == "gem"):
			if first != "gem" {
				within = ""
			} else if m := rubyFirst().FindStringSubmatch(rest); m != nil {
				r.gemIn(within, m[1], Line{File: file, Line: i + 1, Text: text})
			}
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

// rubyLiteral is a string that is the only argument, pathBlock the beginning of a block of gems in one directory.
var (
	rubyLiteral = lazyre.New(`^\s*\(?\s*["']([^"']+)["']\s*\)?\s*(?:#.*)?$`)
	pathBlock   = lazyre.New(`^path\s*\(?\s*["']([^"'#]+)["']\s*\)?\s+do$`)
)

// gemspec looks for what the specification of a gem requires and reads before it says anything.
func (r *reader) gemspec(file string, because []Line) {
	r.rubyFile(file, because, map[string]bool{})
	if data, ok := r.text(file); ok {
		r.rubyReads(file, data, because)
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

var rubyFirst = lazyre.New(`^\s*["']([\w.-]+)["']`)

// gemIn is a gem of a block: its specification lies in the directory of that, or one or two below.
func (r *reader) gemIn(dir, name string, line Line) {
	spec := name + ".gemspec"
	find := func(files Files, dir string) (found []string, known bool) {
		known = true
		for _, pattern := range []string{spec, "*/" + spec, "*/*/" + spec} {
			list, all := (&reader{files: files}).glob(dir, pattern)
			found, known = append(found, list...), known && all
		}
		return found, known
	}
	found, known := find(r.files, dir)
	for _, file := range found {
		r.gemspec(file, []Line{line})
	}
	if known && len(found) == 0 {
		r.missing(Missing{Kind: Member, Path: path.Join(dir, name, spec), What: "the gemspec " + spec, Because: []Line{line}, Root: dir, Find: func(tree Files, root string) string {
			if found, _ := find(tree, root); len(found) > 0 {
				return found[0]
			}
			return ""
		}})
	}
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
