package tools

import (
	"io/fs"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
)

// The facts are those of the documentation of buf 1.30.

// buf is buf generate, build and lint: the definitions of all modules are compiled, whichever is generated.
func (r *reader) buf() {
	if !contains("generate build lint", r.sub()) || !r.known() || r.options.Has("-h", "--help") {
		return
	}
	if r.sub() == "generate" && !r.options.Has("--template") {
		r.need(Missing{Path: path.Join(r.dir, "buf.gen.yaml"), Or: []string{path.Join(r.dir, "buf.gen.yml"), path.Join(r.dir, "buf.gen.json")}, What: "what buf generates"})
	}
	if len(r.words) > 1 || r.options.Has("--config", "--path", "--exclude-path") {
		return // it works on something else, or on a part
	}
	roots, ok := r.bufModules()
	if !ok {
		return
	}
	seen := map[string]bool{}
	for _, root := range roots {
		r.bufDirectory(root, roots, seen, 0)
	}
}

// bufModules gives the directories of the modules below the working directory; ok is false if they are not known.
func (r *reader) bufModules() (roots []string, ok bool) {
	for _, name := range []string{"buf.work.yaml", "buf.yaml"} {
		file := path.Join(r.dir, name)
		data, ok := r.text(file)
		if !ok && !r.absent(file) {
			return nil, false
		}
		doc, err := document.YAML(data)
		if !ok || err != nil {
			continue
		}
		for _, dir := range doc.Texts("directories") {
			roots = append(roots, path.Join(r.dir, dir))
		}
		for _, m := range doc.List("modules") {
			if m.Get("includes") != nil || m.Get("excludes") != nil {
				return nil, false
			}
			roots = append(roots, path.Join(r.dir, m.Str("path")))
		}
		if len(roots) == 0 && doc.Get("build") == nil {
			roots = []string{r.dir}
		}
		return roots, len(roots) > 0
	}
	return nil, false
}

// bufDirectory reads the definitions of a directory and of all below.
func (r *reader) bufDirectory(dir string, roots []string, seen map[string]bool, depth int) {
	entries, err := r.list(dir, func(name string) bool { return path.Ext(name) == ".proto" })
	if err != nil || depth > maxIncludes {
		return
	}
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "node_modules":
			r.bufDirectory(at, roots, seen, depth+1)
		case path.Ext(at) == ".proto" && e.Type()&fs.ModeSymlink == 0:
			r.proto(Missing{Path: at}, path.Base(at), roots, seen)
		}
	}
}
