package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of Composer 2.5.

const composerValued = "-d --working-dir --prefer-install --ignore-platform-req --apcu-autoloader-prefix --format"

// composer is composer: what it installs from, and the scripts of its events.
func (r *reader) composer() {
	if !r.known() || r.call.S.Env("COMPOSER") != "" || r.options.Has("-h", "--help", "-V", "--version", "--dry-run") {
		return
	}
	sub := r.sub()
	file := path.Join(r.dir, "composer.json")
	if !contains("install i update u upgrade dump-autoload dumpautoload run-script run validate", sub) {
		return
	}
	r.need(Missing{Path: file, What: "the manifest"})
	data, ok := r.text(file)
	if !ok {
		return
	}
	doc, err := document.JSON(data)
	if err != nil {
		return
	}
	line := func(n *document.Node) Line {
		return Line{File: file, Line: n.At(), Text: strings.TrimSuffix(textOf(data, n.At()), ",")}
	}
	run := func(events ...string) {
		if r.options.Has("--no-scripts") {
			return
		}
		for _, event := range events {
			r.composerScript(doc, event, line, 0)
		}
	}
	switch sub {
	case "install", "i", "update", "u", "upgrade":
		event := "update"
		if lock := path.Join(r.dir, "composer.lock"); sub[0] == 'i' && !r.absent(lock) { // without a lock, install is update
			event = "install"
			r.composerLocked(lock)
		} else {
			r.composerPaths(doc, line)
		}
		if len(r.out.Missing) > 0 {
			return
		}
		run("pre-" + event + "-cmd")
		if r.composerClasses(doc, line) {
			run("post-autoload-dump")
		}
		run("post-" + event + "-cmd")
	case "dump-autoload", "dumpautoload":
		if r.composerClasses(doc, line) {
			run("post-autoload-dump")
		}
	case "run-script", "run":
		if len(r.words) > 1 {
			run(r.words[1].Text)
		}
	}
}

// composerPaths are the directories that repositories of paths name, without which nothing is installed.
func (r *reader) composerPaths(doc *document.Node, line func(*document.Node) Line) {
	repositories := doc.Get("repositories")
	list := repositories.List()
	for _, x := range repositories.All() {
		list = append(list, x)
	}
	for _, x := range list {
		url := x.Get("url")
		if x.Str("type") != "path" || !url.Is() || strings.ContainsAny(url.Text, "*?[{$~") {
			continue
		}
		at := r.abs(url.Text)
		r.need(Missing{Kind: Member, Path: path.Join(at, "composer.json"), What: "the manifest of the package at " + url.Text, Because: []Line{line(url)}})
	}
}

// composerLocked are the packages at paths of the lock file, which are linked or copied.
func (r *reader) composerLocked(lock string) {
	data, _ := r.text(lock)
	doc, err := document.JSON(data)
	if err != nil {
		return
	}
	list := doc.List("packages")
	if !r.options.Has("--no-dev") && r.call.S.Env("COMPOSER_NO_DEV") == "" {
		list = append(slices.Clone(list), doc.List("packages-dev")...)
	}
	for _, p := range list {
		if url := p.Get("dist", "url"); p.Str("dist", "type") == "path" && url.Is() {
			r.need(Missing{Kind: Member, Path: r.abs(url.Text), Dir: true, What: "the package " + p.Str("name"),
				Because: []Line{{File: lock, Line: url.At(), Text: textOf(data, url.At())}}})
		}
	}
}

// composerClasses are directories and files that are searched for classes, without which no autoloader is made; it reports whether one is.
func (r *reader) composerClasses(doc *document.Node, line func(*document.Node) Line) bool {
	if r.options.Has("--no-autoloader") {
		return false
	}
	kinds := []string{"autoload"}
	if !r.options.Has("--no-dev") && r.call.S.Env("COMPOSER_NO_DEV") == "" {
		kinds = append(kinds, "autoload-dev")
	}
	before := len(r.out.Missing)
	for _, kind := range kinds {
		for _, n := range doc.List(kind, "classmap") {
			at := r.abs(n.Text)
			if strings.ContainsAny(n.Text, "*") {
				continue
			}
			if len(r.out.Scripts) == 0 { // else a script may have made it
				r.need(Missing{Path: at, What: "what is searched for classes", Because: []Line{line(n)}})
			}
		}
	}
	return len(r.out.Missing) == before
}

// composerScript notes a script: programs, other scripts, and methods of classes, which are not followed. What comes behind such a method
// is not noted, since it may find what that has made.
func (r *reader) composerScript(doc *document.Node, name string, line func(*document.Node) Line, depth int) bool {
	if depth > maxIncludes {
		return false
	}
	for _, n := range doc.List("scripts", name) {
		text := strings.TrimSpace(n.Text)
		switch first, rest, _ := strings.Cut(text, " "); {
		case strings.Contains(first, "::") || text == "" || strings.HasPrefix(first, "@putenv"):
			return false
		case first == "@php":
			text = "php " + rest
		case first == "@composer":
			text = "composer " + rest
		case strings.HasPrefix(first, "@"):
			if !r.composerScript(doc, first[1:], line, depth+1) {
				return false
			}
			continue
		}
		if strings.Contains(text, shell.Hole) {
			return false
		}
		r.runs(Script{Dir: r.dir, Text: text, At: line(n)})
	}
	return true
}
