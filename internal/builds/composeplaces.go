package builds

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// located finds the line that an error of a YAML library, or of the loader, is about.
var located = lazyre.New(`(?:line |:)(\d+)(?::\d+)?`)

// interpolating finds the element that an error of the interpolation is about.
var interpolating = lazyre.New(`error while interpolating ([\w.\[\]-]+): (.*)`)

// absent finds the file that the library misses.
var absent = lazyre.New(`(?:open|stat|read) (\S+): (?:no such file or directory|is a directory)`)

// composeFiles are Compose files that are read together.
type composeFiles struct {
	stage *stage
	group []string
}

// note makes one clear message of an error: the file, its line where that is known, and what is wrong. It gives none for files
// that build nothing: layers of settings, that only hold where others set variables, are no matter of ours.
func (c composeFiles) note(err error) []Note {
	var cost *costlyError
	if errors.As(err, &cost) {
		return []Note{{File: cost.File, Line: cost.Line, Text: "the Compose file cannot be read: " + cost.Err.Error()}}
	}
	text := oneLine(c.stage.plain(err.Error()))
	n := Note{File: c.group[len(c.group)-1], Text: text}
	for _, f := range c.group {
		if strings.Contains(err.Error(), path.Base(f)) {
			n.File = f
		}
	}
	if m := interpolating().FindStringSubmatch(err.Error()); m != nil {
		// The first of several.
		n.Text = m[1] + ": " + oneLine(m[2])
		if !c.build() {
			return nil
		}
		for _, f := range c.group {
			for _, doc := range c.stage.docs[f] {
				if line := lineAt(doc, strings.Split(m[1], ".")); line > 0 {
					n.File, n.Line = f, line
				}
			}
		}
	} else if m := absent().FindStringSubmatch(text); m != nil {
		n.Text = m[1] + " is no file of the repository"
	} else if m := located().FindStringSubmatch(text); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
	}
	n.Text = "the Compose file cannot be read: " + n.Text
	return []Note{n}
}

// build reports whether the files build images, as far as they can be parsed.
func (c composeFiles) build() bool {
	for _, f := range c.group {
		docs, ok := c.stage.docs[f]
		if !ok {
			return true
		}
		for _, doc := range docs {
			if doc.own("include").key.Node != nil {
				return true
			}
			for _, service := range doc.at("services").pairs() {
				v := service.value
				if v.Kind == yaml.AliasNode || v.own("build").key.Node != nil || v.own("extends").key.Node != nil || v.own("<<").key.Node != nil {
					return true
				}
			}
		}
	}
	return false
}

// lineAt gives the line of an element of a document by its path, or of the nearest one around it; 0 if it has nothing of it.
func lineAt(doc node, keys []string) (line int) {
	for _, key := range keys {
		e := doc.own(key)
		if e.key.Node == nil {
			break
		}
		doc, line = e.value, e.key.Line
	}
	return line
}

// service gives the place of a service's build section, in the last file that has one: that of its name if the section stands
// elsewhere, because it extends or merges another one.
func (c composeFiles) service(name string) (file string, line int) {
	file = c.group[0] // it comes by include or extends from a file that was not named
	named, built := false, false
	for _, f := range c.group {
		for _, doc := range c.stage.docs[f] {
			service := doc.at("services").own(name)
			if service.key.Node == nil {
				continue
			}
			if build := service.value.own("build").key; build.Node != nil && service.value.Kind != yaml.AliasNode {
				file, line, built = f, build.Line, true
			} else if !named && !built {
				file, line, named = f, service.key.Line, true
			}
		}
	}
	return file, line
}

// volume gives the place where something is mounted over a path in a service; line 0 if it is written with variables, or elsewhere.
func (c composeFiles) volume(service, target string) (file string, line int) {
	mounts := func(text string) bool {
		return slices.Contains(strings.Split(text, ":"), target)
	}
	for _, f := range slices.Backward(c.group) {
		for _, doc := range c.stage.docs[f] {
			volumes := doc.at("services").own(service).value.own("volumes").value
			if volumes.Node == nil {
				continue
			}
			if n := volumes.find(mounts); n.Node != nil {
				return f, n.line()
			}
		}
	}
	return "", 0
}

// text gives the first place of a scalar that is wanted; line 0 if there is none.
func (c composeFiles) text(wanted func(string) bool) (file string, line int) {
	for _, f := range c.group {
		for _, doc := range c.stage.docs[f] {
			if n := doc.find(wanted); n.Node != nil {
				return f, n.textLine()
			}
		}
	}
	return "", 0
}
