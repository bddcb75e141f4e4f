package builds

import (
	"context"
	"io"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/sirupsen/logrus"
)

// composeName recognises the files that Compose files are kept in by convention.
var composeName = regexp.MustCompile(`(?i)^(docker-)?compose([.-][\w.-]+)?\.ya?ml$`)

// IsCompose reports whether a file name is one that Compose files have by convention.
func IsCompose(name string) bool { return composeName.MatchString(name) }

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
// build. Variables are taken from an .env file beside each; one without a value counts as empty, as in Compose.
func Compose(ctx context.Context, root string, files []string) (found []Build, notes []Note) {
	for _, group := range composeGroups(files) {
		builds, more := composeGroup(ctx, root, group)
		found, notes = append(found, builds...), append(notes, more...)
	}
	return sorted(found), notes
}

func composeGroup(ctx context.Context, root string, group []string) ([]Build, []Note) {
	dir := filepath.Join(root, filepath.FromSlash(path.Dir(group[0])))
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{}}
	if env, err := dotenv.Read(filepath.Join(dir, ".env")); err == nil {
		details.Environment = types.Mapping(env)
	}
	for _, f := range group {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: filepath.Join(root, filepath.FromSlash(f))})
	}
	quiet()
	required := requiredVariables{}
	load := func() (*types.Project, error) {
		return loader.LoadWithContext(ctx, details, func(o *loader.Options) {
			o.SetProjectName("ctxaudit", true)
			o.Interpolate.Substitute = required.substitute
			o.Profiles = []string{"*"}
			o.SkipResolveEnvironment, o.SkipConsistencyCheck, o.SkipNormalization = true, true, false
		})
	}
	project, err := load()
	if err != nil {
		// A number or a mount that is made of a variable without a value is none.
		with := requiredVariables{all: true}
		required, with = with, required
		if again, ok := load(); ok == nil && len(required.missing) > 0 {
			project, err = again, nil
		} else {
			required = with
		}
	}
	if err != nil && strings.Contains(err.Error(), "empty compose file") {
		return nil, nil // all of it is commented out
	}
	if err != nil {
		return nil, []Note{composeNote(group, dir, err)}
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
	if len(s.Build.Platforms) > 0 && b.Platform == "" {
		b.Platform = s.Build.Platforms[0]
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
var located = regexp.MustCompile(`(?:line |:)(\d+)(?::\d+)?`)

// composeNote makes one clear message of an error: the file, its line where that is told, and what is wrong.
func composeNote(group []string, dir string, err error) Note {
	text := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")), " ")
	n := Note{File: group[len(group)-1], Text: "the Compose file cannot be read: " + text}
	for _, f := range group {
		if strings.Contains(err.Error(), path.Base(f)) {
			n.File = f
		}
	}
	if m := located.FindStringSubmatch(text); m != nil {
		n.Line, _ = strconv.Atoi(m[1])
	}
	return n
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
			for name, line := range services(doc.Body) {
				if _, known := p.at[name]; line.build || !known {
					p.at[name] = Note{File: f, Line: line.number}
				}
			}
		}
	}
	return p
}

// line is where a service says what it builds, or where it begins if it takes that from elsewhere.
type line struct {
	number int
	build  bool
}

// services gives the lines of the services of a document.
func services(body ast.Node) map[string]line {
	out := map[string]line{}
	for _, service := range children(child(body, "services")) {
		name := service.Key.GetToken()
		out[name.Value] = line{number: name.Position.Line}
		if build := childEntry(service.Value, "build"); build != nil {
			out[name.Value] = line{build.Key.GetToken().Position.Line, true}
		}
	}
	return out
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
