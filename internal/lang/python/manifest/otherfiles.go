package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

func (r *reader) pipfile(p *project, file string, data []byte) {
	doc, fault := document.TOML(data)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
	}
	m := &tomlManifest{Project: p.Project, dir: path.Dir(file), file: file}
	for section, table := range doc.All() {
		switch section { // any other table is a category of packages
		case "source", "requires", "scripts", "pipenv":
		default:
			m.named(table)
		}
	}
}

// pipfileLock reads the names: the keys of the tables "default", "develop" and further categories.
func (r *reader) pipfileLock(p *project, file string, data []byte) {
	var doc map[string]map[string]struct {
		Path string
		File string
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		line := 0
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line = 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		}
		p.fail(file, line, "%v", err)
		return
	}
	delete(raw, "_meta")
	clean, _ := json.Marshal(raw)
	if err := json.Unmarshal(clean, &doc); err != nil {
		p.fail(file, 0, "%v", err)
		return
	}
	lines := document.NewLines(data)
	places := map[string]int{} // where a name stands first
	for _, m := range lockedName().FindAllSubmatchIndex(data, -1) {
		if name := string(data[m[2]:m[3]]); places[name] == 0 {
			places[name] = lines.At(m[0])
		}
	}
	for _, category := range doc {
		for name, entry := range category {
			line := places[name]
			if location := localPath("./" + entry.Path); entry.Path != "" && location != "" {
				p.local(name, path.Dir(file), location, file, line, true)
				continue
			}
			p.depend(name, file, line, FromLock)
		}
	}
}

// lockedName finds the tables of a Pipfile.lock.
var lockedName = lazyre.New(`"([^"\n]*)": \{`)

// conda reads an environment.yml: specifications of conda, and the list under pip.
func (r *reader) conda(p *project, file string, data []byte) {
	doc, fault := document.YAML(data)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
		return
	}
	for _, item := range doc.List("dependencies") {
		for _, line := range item.List("pip") {
			r.requirementsAt(p.Project, file, line)
		}
		if item.Scalar {
			spec := item.Text
			if _, rest, ok := strings.Cut(spec, "::"); ok {
				spec = rest
			}
			if name, _ := cutName(strings.TrimSpace(spec)); name != "" && name != "python" {
				p.depend(name, file, item.Line, FromManifest)
			}
		}
	}
}

// requirementsAt reads a line of a requirements file that stands in another file.
func (r *reader) requirementsAt(p *Project, file string, at *document.Node) {
	sub := &Project{}
	delete(r.seen, file+"\x000")
	r.requirements(sub, file, []byte(at.Text), FromManifest)
	delete(r.seen, file+"\x000")
	shift := func(name string, line *int) {
		if name == file {
			*line += at.Line - 1
		}
	}
	for _, d := range sub.Dependencies {
		shift(d.File, &d.Line)
		p.Dependencies = append(p.Dependencies, d)
	}
	for _, l := range sub.Local {
		shift(l.File, &l.Line)
		p.Local = append(p.Local, l)
	}
	for _, e := range sub.Errors {
		shift(e.File, &e.Line)
		p.Errors = append(p.Errors, e)
	}
}

// lock reads the package tables of uv.lock, poetry.lock, pdm.lock and pylock.toml.
func (r *reader) lock(p *project, file string, data []byte) {
	doc, fault := document.TOML(data)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
	}
	for _, pkg := range append(doc.List("package"), doc.List("packages")...) {
		name := pkg.Get("name")
		if name == nil {
			continue
		}
		location := pkg.Str("path")
		for _, key := range []string{"editable", "virtual", "directory"} {
			if location == "" {
				location = pkg.Str("source", key)
			}
		}
		if location == "" && pkg.Str("source", "type") == "directory" {
			location = pkg.Str("source", "url")
		}
		if location == "" {
			location = pkg.Str("directory", "path")
		}
		if location != "" && !isArchive(location) {
			p.local(name.Text, path.Dir(file), location, file, name.Line, true)
			continue
		}
		p.depend(name.Text, file, name.Line, FromLock)
	}
}
