package builds

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/sirupsen/logrus"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// composeName recognises the files that Compose files are kept in by convention.
var composeName = lazyre.New(`(?i)^(docker-)?compose([.-][\w.-]+)?\.ya?ml$`)

// IsCompose reports whether a file name is one that Compose files have by convention.
func IsCompose(name string) bool { return composeName().MatchString(name) }

// composeDefault are the names that docker compose takes by itself, the first that exists; composeOverride what it lays
// over the first (compose-go, cli.DefaultFileNames and cli.DefaultOverrideFileNames).
var (
	composeDefault  = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}
	composeOverride = []string{"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"}
)

// composeGroups sorts Compose files into those that are read together: in each directory the default one with its override,
// every other one alone. An override without a default is read alone.
func composeGroups(files []string) [][]string {
	byDir := map[string][]string{}
	var dirs []string
	for _, f := range files {
		dir := path.Dir(f)
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], path.Base(f))
	}
	slices.Sort(dirs)
	var out [][]string
	for _, dir := range dirs {
		names := byDir[dir]
		slices.Sort(names)
		taken := map[string]bool{}
		var group []string
		for _, list := range [][]string{composeDefault, composeOverride} {
			if i := slices.IndexFunc(list, func(n string) bool { return slices.Contains(names, n) }); i >= 0 && (len(group) > 0 || len(list) == len(composeDefault) && list[0] == composeDefault[0]) {
				group = append(group, path.Join(dir, list[i]))
				taken[list[i]] = true
			}
		}
		if len(group) > 0 {
			out = append(out, group)
		}
		for _, n := range names {
			if !taken[n] {
				out = append(out, []string{path.Join(dir, n)})
			}
		}
	}
	return out
}

// Compose reads the Compose files of a repository, slash-separated and relative to root, and gives the images that they
// build. Variables are taken from an .env file beside each, and PWD is its directory; one without a value counts as empty, as
// in Compose.
func (r *Reader) Compose(ctx context.Context, files []string) (found []Build, notes []Note) {
	for _, group := range composeGroups(files) {
		builds, more := r.composeGroup(ctx, group)
		found, notes = append(found, builds...), append(notes, more...)
	}
	return sorted(found), notes
}

func (r *Reader) composeGroup(ctx context.Context, group []string) ([]Build, []Note) {
	if n := r.composeGuard(group); n != nil {
		return nil, []Note{*n}
	}
	root, err := filepath.Abs(r.Dir)
	if err != nil {
		root = r.Dir
	}
	dir := filepath.Join(root, filepath.FromSlash(path.Dir(group[0])))
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{}}
	if data, err := r.Read(path.Join(path.Dir(group[0]), ".env")); err == nil {
		if env, err := dotenv.Parse(bytes.NewReader(data)); err == nil {
			details.Environment = types.Mapping(env)
		}
	}
	details.Environment["PWD"] = dir // that of the shell, which by custom stands beside the file
	for _, f := range group {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: filepath.Join(root, filepath.FromSlash(f))})
	}
	quiet()
	load := func(required *requiredVariables) (*types.Project, error) {
		return loader.LoadWithContext(ctx, details, func(o *loader.Options) {
			o.SetProjectName("ctxaudit", true)
			o.Interpolate.Substitute = required.substitute
			o.ResourceLoaders = []loader.ResourceLoader{missing{r, dir}}
			o.Profiles = []string{"*"}
			o.SkipResolveEnvironment, o.SkipConsistencyCheck, o.SkipNormalization = true, true, false
		})
	}
	required := &requiredVariables{}
	project, err := load(required)
	if err != nil {
		// A number or a mount that is made of a variable without a value is none.
		all := &requiredVariables{all: true}
		if again, failed := load(all); failed == nil && len(all.missing) > 0 {
			project, required, err = again, all, nil
		}
	}
	if err != nil && strings.Contains(err.Error(), "empty compose file") {
		return nil, nil // all of it is commented out
	}
	if err != nil {
		return nil, composeNote(root, group, dir, err)
	}
	places := newPlaces(root, group)
	var out []Build
	for _, name := range project.ServiceNames() {
		s := project.Services[name]
		if s.Build == nil {
			continue
		}
		b := composeBuild(root, name, s, places)
		maps.DeleteFunc(b.Args, func(_, value string) bool { return required.made[value] })
		b.Start.Env = slices.DeleteFunc(b.Start.Env, func(setting string) bool {
			_, value, _ := strings.Cut(setting, "=")
			return required.made[value]
		})
		out = append(out, b)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, required.notes(places)
}

// missing refuses what a Compose file refers to and the repository does not have: what lies outside of it, and what is no
// file, as a pipe that would be read for ever.
type missing struct {
	r   *Reader
	dir string
}

// Accept implements loader.ResourceLoader: it takes the names that it refuses.
func (m missing) Accept(name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(m.dir, name)
	}
	name = relative(m.r.Dir, name)
	return !filepath.IsLocal(name) || !m.r.Exists(name)
}

// Load implements loader.ResourceLoader.
func (m missing) Load(_ context.Context, name string) (string, error) {
	return "", fmt.Errorf("%s is no file of the repository", name)
}

// Dir implements loader.ResourceLoader.
func (m missing) Dir(name string) string { return filepath.Dir(name) }

func composeBuild(root, name string, s types.ServiceConfig, places *places) Build {
	b := Build{
		Name: name, Kind: "compose", Target: s.Build.Target, Inline: s.Build.DockerfileInline, Args: map[string]string{}, Contexts: map[string]string{},
		Context: relative(root, s.Build.Context), Platform: s.Platform,
	}
	b.File, b.Line = places.service(name)
	if s.Build.Dockerfile != "" && b.Inline == "" && !strings.Contains(b.Context, "://") {
		df := s.Build.Dockerfile
		if !filepath.IsAbs(df) {
			df = filepath.Join(s.Build.Context, df)
		}
		b.Dockerfile = relative(root, df)
	}
	if b.Platform == "" {
		b.Platform = platform(s.Build.Platforms)
	}
	for k, v := range s.Build.Args {
		if v != nil {
			b.Args[k] = *v
		}
	}
	for k, v := range s.Build.AdditionalContexts {
		if !strings.Contains(v, "://") && !strings.HasPrefix(v, "service:") {
			v = relative(root, v)
		}
		b.Contexts[k] = v
	}
	b.Start = Start{Entrypoint: s.Entrypoint, Command: s.Command, WorkingDir: s.WorkingDir}
	for k, v := range s.Environment {
		if v != nil {
			b.Start.Env = append(b.Start.Env, k+"="+*v)
		}
	}
	slices.Sort(b.Start.Env)
	for _, v := range s.Volumes {
		// A volume begins with what the image has there; only a directory of the host hides it.
		if v.Target != "" && v.Type == types.VolumeTypeBind {
			b.Mounts = append(b.Mounts, path.Clean(v.Target))
		}
	}
	return b
}

// relative gives a path relative to the root where it lies in it.
func relative(root, name string) string {
	abs, err := filepath.Abs(root)
	if err != nil || !filepath.IsAbs(name) {
		return filepath.ToSlash(name)
	}
	if rel, err := filepath.Rel(abs, name); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(name)
}

// quiet keeps the library from writing its warnings to the terminal by itself.
func quiet() { logrus.SetOutput(io.Discard) }

// located finds the line that an error of a YAML library, or of the loader, is about.
var located = lazyre.New(`(?:line |:)(\d+)(?::\d+)?`)

// interpolating finds the element that an error of the interpolation is about.
var interpolating = lazyre.New(`error while interpolating ([\w.\[\]-]+): (.*)`)

// composeNote makes one clear message of an error: the file, its line where that is told, and what is wrong. It gives none
// for files that build nothing: layers of settings, that only hold where others set variables, are no matter of ours.
func composeNote(root string, group []string, dir string, err error) []Note {
	text := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")), " ")
	n := Note{File: group[len(group)-1], Text: text}
	for _, f := range group {
		if strings.Contains(err.Error(), path.Base(f)) {
			n.File = f
		}
	}
	if m := interpolating().FindStringSubmatch(err.Error()); m != nil {
		// The first of several.
		n.Text = m[1] + ": " + oneLine(m[2])
		if !composeBuilds(root, group) {
			return nil
		}
		for _, f := range group {
			if line := lineAt(root, f, strings.Split(m[1], ".")); line > 0 {
				n.File, n.Line = f, line
			}
		}
	} else if m := located().FindStringSubmatch(text); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
	}
	n.Text = "the Compose file cannot be read: " + n.Text
	return []Note{n}
}

// composeBuilds reports whether files may build something.
func composeBuilds(root string, group []string) bool {
	for _, f := range group {
		tree, err := parser.ParseFile(filepath.Join(root, filepath.FromSlash(f)), 0)
		if err != nil {
			return true
		}
		for _, doc := range tree.Docs {
			if childEntry(doc.Body, "include") != nil {
				return true
			}
			for _, service := range children(child(doc.Body, "services")) {
				if _, alias := service.Value.(*ast.AliasNode); alias || childEntry(service.Value, "build") != nil ||
					childEntry(service.Value, "extends") != nil || childEntry(service.Value, "<<") != nil {
					return true
				}
			}
		}
	}
	return false
}

// lineAt gives the line of an element of a file by its path, or of the nearest one around it; 0 if the file has nothing of it.
func lineAt(root, file string, keys []string) (line int) {
	tree, err := parser.ParseFile(filepath.Join(root, filepath.FromSlash(file)), 0)
	if err != nil {
		return 0
	}
	for _, doc := range tree.Docs {
		at := doc.Body
		for _, key := range keys {
			e := childEntry(at, key)
			if e == nil {
				break
			}
			at, line = e.Value, e.Key.GetToken().Position.Line
		}
	}
	return line
}

// places knows the lines of the services of a group of files; the last file that builds a service counts.
type places struct {
	first string
	at    map[string]Note
	trees map[string]*ast.File // what could be parsed, by file
	order []string
}

func newPlaces(root string, group []string) *places {
	p := &places{first: group[0], at: map[string]Note{}, trees: map[string]*ast.File{}, order: group}
	for _, f := range group {
		tree, err := parser.ParseFile(filepath.Join(root, filepath.FromSlash(f)), 0)
		if err != nil {
			continue
		}
		p.trees[f] = tree
		for _, doc := range tree.Docs {
			built, named := services(doc.Body)
			for name, line := range built {
				p.at[name] = Note{File: f, Line: line}
			}
			for name, line := range named {
				if _, ok := p.at[name]; !ok {
					p.at[name] = Note{File: f, Line: line}
				}
			}
		}
	}
	return p
}

// services gives the lines of the build sections of a document, by service, and those of services whose build section stands
// elsewhere: they extend or merge another one.
func services(body ast.Node) (built, named map[string]int) {
	built, named = map[string]int{}, map[string]int{}
	for _, service := range children(child(body, "services")) {
		name := service.Key.GetToken()
		if build := childEntry(service.Value, "build"); build != nil {
			built[name.Value] = build.Key.GetToken().Position.Line
		} else {
			named[name.Value] = name.Position.Line
		}
	}
	return built, named
}

func children(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	case *ast.AnchorNode:
		return children(m.Value)
	}
	return nil
}

func childEntry(n ast.Node, key string) *ast.MappingValueNode {
	for _, v := range children(n) {
		if v.Key.GetToken() != nil && v.Key.GetToken().Value == key {
			return v
		}
	}
	return nil
}

func child(n ast.Node, key string) ast.Node {
	if v := childEntry(n, key); v != nil {
		return v.Value
	}
	return nil
}

// text gives the first place of a scalar that is wanted; line 0 if there is none.
func (p *places) text(wanted func(string) bool) (file string, line int) {
	for _, f := range p.order {
		tree := p.trees[f]
		if tree == nil || len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
			continue
		}
		t := tree.Docs[0].Body.GetToken()
		for t.Prev != nil {
			t = t.Prev
		}
		for ; t != nil; t = t.Next {
			if wanted(t.Value) {
				return f, t.Position.Line
			}
		}
	}
	return "", 0
}

func (p *places) service(name string) (string, int) {
	if at, ok := p.at[name]; ok {
		return at.File, at.Line
	}
	// It comes by include or extends from a file that was not named.
	return p.first, 0
}
