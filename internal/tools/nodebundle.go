package tools

import (
	"path"
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
)

// The facts are those of vite 6, webpack 5, react-scripts 5 and Angular 17.

// otherEntries are words by which a configuration of vite may name other entries than index.html.
var otherEntries = regexp.MustCompile(`\b(root|input|lib|ssr|entry|entries|mpa|pages)\b`)

// otherPages are settings by which one does.
var otherPages = regexp.MustCompile(`\b(input|lib|ssr|entry|entries|mpa|pages)["']?\s*[:(]|\broot["']?\s*:\s*(?:["']\.?/?[\w-]|[^"'\s])`)

// moduleScript is a script of a page that vite bundles.
var moduleScript = regexp.MustCompile(`<script[^>]*\btype=["']module["'][^>]*>`)

var scriptSource = regexp.MustCompile(`\bsrc=["']([^"'<>%{}?#]+)["']`)

// vite is vite build.
func (r *reader) vite() {
	if r.sub() != "build" || !r.known() || len(r.words) > 1 {
		return
	}
	c, found := r.configuration("vite.config", "the configuration of vite", "-c", "--config")
	r.bundled()
	if r.options.Has("--ssr") || c.File != "" && otherPages.MatchString(c.Text) {
		return // it names other entries
	}
	page := path.Join(r.dir, "index.html")
	plain := c.File == "" || c.Plain(command.VitePlugins) && !otherEntries.MatchString(c.Text)
	if plain { // else it may make one
		r.need(Missing{Kind: Source, Path: page, What: "the page that vite builds"})
	}
	data, _ := r.text(page)
	for _, tag := range moduleScript.FindAllIndex(data, -1) {
		m := scriptSource.FindSubmatch(data[tag[0]:tag[1]])
		if m == nil || strings.HasPrefix(string(m[1]), "//") || strings.Contains(string(m[1]), ":") {
			continue
		}
		n, text := lineAt(data, tag[0])
		if plain {
			r.need(Missing{Kind: Source, Path: path.Join(r.dir, string(m[1])), Or: []string{path.Join(r.dir, "public", string(m[1]))}, What: "the script of the page",
				Because: []Line{{File: page, Line: n, Text: text}}})
		}
		if !found {
			r.unread(path.Join(r.dir, string(m[1])))
		}
		if !replaces(c) {
			r.bundles(path.Join(r.dir, string(m[1])))
		}
	}
}

// component is an import of a component that a plugin alone reads.
var component = regexp.MustCompile(`(?m)^import\s[^'";]*['"][^'"]+\.(vue|svelte)['"]`)

// unread looks for the configuration of vite whose plugin reads a component that an entry imports: vite by itself takes it for JavaScript.
func (r *reader) unread(entry string) {
	data, ok := r.text(entry)
	at := component.FindIndex(data)
	if !ok || at == nil {
		return
	}
	n, text := lineAt(data, at[0])
	m := Missing{What: "the configuration of vite, by whose plugin it reads such files", Because: []Line{{File: entry, Line: n, Text: text}}}
	for _, ext := range []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs"} {
		m.Or = append(m.Or, path.Join(r.dir, "vite.config"+ext))
	}
	m.Path, m.Or = m.Or[0], m.Or[1:]
	r.need(m)
}

// configuration looks for a configuration that is a program, under the name that an option gives it or by its own, and for the files that
// it imports. found is false if surely none is there.
func (r *reader) configuration(name, what string, options ...string) (c command.NodeConfig, found bool) {
	if w, given := r.options.Last(options...); given && w.Text != "" {
		file := r.abs(w.Text)
		r.need(Missing{Path: file, What: what})
		name = strings.TrimSuffix(w.Text, path.Ext(w.Text))
	}
	c, found = command.NodeConfigOf(r.files, r.dir, name)
	if strings.Contains(c.Text, "try") || strings.Contains(c.Text, "exists") {
		return c, found
	}
	for _, to := range c.Imports {
		if !strings.HasPrefix(to, "./") && !strings.HasPrefix(to, "../") {
			continue
		}
		p := path.Join(path.Dir(c.File), to)
		m := Missing{Kind: Source, Path: p, What: "a file that " + path.Base(c.File) + " imports", Because: []Line{importLine(c, to)}}
		for _, ext := range nodeEndings {
			m.Or = append(m.Or, p+ext, path.Join(p, "index"+ext), strings.TrimSuffix(p, path.Ext(p))+ext)
		}
		r.need(m)
	}
	return c, found
}

// importLine gives the line at which a configuration imports something.
func importLine(c command.NodeConfig, name string) Line {
	n, text := lineAt([]byte(c.Text), strings.Index(c.Text, name))
	return Line{File: c.File, Line: n, Text: text}
}

// webpack is webpack and its build command.
func (r *reader) webpack() {
	if sub := r.sub(); r.known() && (sub == "" || sub == "build" || sub == "b") {
		c, _ := r.configuration("webpack.config", "the configuration of webpack", "-c", "--config")
		r.configured(c)
	}
}

// rollup is rollup with a configuration.
func (r *reader) rollup() {
	if r.known() && r.options.Has("-c", "--config") && !r.options.Has("--configPlugin") {
		c, found := r.configuration("rollup.config", "the configuration of rollup", "-c", "--config")
		r.configured(c)
		if !found {
			r.need(Missing{Path: path.Join(r.dir, "rollup.config.js"), Or: []string{path.Join(r.dir, "rollup.config.ts")}, What: "the configuration of rollup"})
		}
	}
}

// reactScripts is react-scripts build, which looks for its page and its entry before it begins.
func (r *reader) reactScripts() {
	if r.sub() != "build" || !r.known() {
		return
	}
	r.need(Missing{Kind: Source, Path: path.Join(r.dir, "public/index.html"), What: "the page that react-scripts builds"})
	m := Missing{Kind: Source, Path: path.Join(r.dir, "src/index.js"), What: "the entry that react-scripts builds"}
	for _, ext := range []string{".web.mjs", ".mjs", ".web.js", ".web.ts", ".ts", ".web.tsx", ".tsx", ".json", ".web.jsx", ".jsx"} {
		m.Or = append(m.Or, path.Join(r.dir, "src/index"+ext))
	}
	r.need(m)
	r.bundles(append(m.Or, m.Path)...)
}

const angularJSON = "angular.json"

// angular is ng build: the workspace's file, and what it names for the only project.
func (r *reader) angular() {
	if sub := r.sub(); sub != "build" && sub != "b" || !r.known() {
		return
	}
	dir := upward(r.dir, func(dir string) bool {
		return !r.absent(path.Join(dir, angularJSON)) || !r.absent(path.Join(dir, "."+angularJSON))
	})
	if dir == "" {
		r.need(Missing{Path: path.Join(r.dir, angularJSON), What: "the configuration of Angular"})
		return
	}
	file := path.Join(dir, angularJSON)
	data, ok := r.text(file)
	doc, err := document.JSON(data)
	projects := doc.Get("projects")
	if !ok || err != nil || projects == nil || len(projects.Fields) != 1 {
		return
	}
	for _, project := range projects.All() {
		target := project.Get("architect", "build", "options")
		if target == nil {
			target = project.Get("targets", "build", "options")
		}
		for _, name := range []string{"browser", "main", "index", "tsConfig"} {
			if n := target.Get(name); n.Is() && n.Text != "" && n.Text != "false" {
				r.need(Missing{Kind: Source, Path: path.Join(dir, n.Text), What: "the entry of the Angular build", Because: []Line{{File: file, Line: n.At(), Text: textOf(data, n.At())}}})
			}
		}
	}
}
