package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// The facts are those of protoc 3.21 and alembic 1.8.

const protocValued = "-I --proto_path -o --descriptor_set_out --plugin"

// protoc is protoc: the files that are named, and what they import.
func (r *reader) protoc() {
	if !r.known() || r.options.Has("--version", "-h", "--help", "--descriptor_set_in", "--decode_raw") {
		return
	}
	var roots []string
	for _, w := range r.options.All("-I", "--proto_path") {
		for root := range strings.SplitSeq(w.Text, ":") {
			if strings.Contains(root, "=") {
				return // a part of the names
			}
			if at := r.abs(root); at != "" {
				roots = append(roots, at)
			}
		}
	}
	if len(roots) == 0 {
		roots = []string{r.dir}
	}
	seen := map[string]bool{}
	for _, w := range r.words {
		if at := r.abs(w.Text); strings.HasSuffix(w.Text, ".proto") {
			r.proto(Missing{Path: at, What: "the file that is named"}, w.Text, roots, seen)
		}
	}
}

var protoImport = lazyre.New(`^\s*import\s+(?:public\s+)?"([^"]+)"\s*;`)

// proto is a file of definitions, in the first of the directories that has it.
func (r *reader) proto(m Missing, name string, roots []string, seen map[string]bool) {
	at := m.Path
	for _, root := range roots {
		p := path.Join(root, name)
		if m.Path == "" {
			m.Path = p
		} else if p != m.Path {
			m.Or = append(m.Or, p)
		}
		if at == "" || r.absent(at) {
			at = p
		}
	}
	r.need(m)
	data, ok := r.text(at)
	if !ok || seen[at] || len(seen) > maxModules {
		return
	}
	seen[at] = true
	n, comment := 0, false
	for text := range strings.SplitSeq(string(data), "\n") {
		n++
		comment = comment && !strings.Contains(text, "*/") || strings.Contains(text, "/*") && !strings.Contains(text, "*/")
		found := protoImport().FindStringSubmatch(text)
		if comment || found == nil || strings.HasPrefix(found[1], "google/protobuf/") {
			continue
		}
		because := append(slices.Clone(m.Because), Line{File: at, Line: n, Text: strings.TrimSpace(text)})
		r.proto(Missing{What: "the definitions that are imported", Because: because}, found[1], roots, seen)
	}
}

var alembicLocation = lazyre.New(`(?m)^script_location\s*=\s*(\S+)\s*$`)

// alembic is alembic: its configuration, and the directory of its scripts.
func (r *reader) alembic() {
	if !r.known() || !contains("upgrade downgrade current history heads revision stamp check branches", r.sub()) || r.call.S.Env("ALEMBIC_CONFIG") != "" {
		return
	}
	file := path.Join(r.dir, "alembic.ini")
	var or []string
	if w, ok := r.options.Last("-c", "--config"); ok {
		file = r.abs(w.Text)
	} else {
		or = []string{path.Join(r.dir, "pyproject.toml")} // from 1.16 on
	}
	r.need(Missing{Path: file, Or: or, What: "the configuration of alembic"})
	data, ok := r.text(file)
	found := alembicLocation().FindAllSubmatchIndex(data, -1)
	if !ok || len(found) != 1 || r.options.Has("-n", "--name") {
		return
	}
	line, text := lineAt(data, found[0][0])
	location := strings.ReplaceAll(string(data[found[0][2]:found[0][3]]), "%(here)s", path.Dir(file))
	if strings.ContainsAny(location, ":%") {
		return
	}
	dir, because := r.abs(location), []Line{{File: file, Line: line, Text: text}}
	if r.absent(dir) {
		r.need(Missing{Path: dir, Dir: true, What: "the scripts of alembic", Because: because})
	} else if contains("upgrade downgrade current stamp check", r.sub()) {
		env := path.Join(dir, "env.py")
		r.need(Missing{Path: env, What: "what alembic runs", Because: because})
		p := r.pythonRun(r.abs(alembicPath(data)))
		p.unknown = p.unknown || p.search[0] == ""
		p.file(env, dir)
	}
}

var alembicPrepends = lazyre.New(`(?m)^prepend_sys_path\s*=\s*([^\s:;,%]+)\s*$`)

// alembicPath gives the directory that alembic puts before where modules are looked for; "" if it is not known.
func alembicPath(settings []byte) string {
	if m := alembicPrepends().FindSubmatch(settings); m != nil {
		return string(m[1])
	}
	return ""
}
