package builds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	interpolation "github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// stage is the disk that Compose's library is shown: a directory of ours with the Compose files of the repository and what they
// include, extend and take variables from, each read by the reader of the repository. What is not in it does not exist there.
//
// The library opens what it finds by name. A name can lead out of the stage in two ways: it is absolute, or it climbs. The
// stage lies deep in empty directories, and whatever is opened on the way lies on it, so that climbs do not add up. What is
// included or extended passes [outside], which refuses absolute names that leave the stage, and those that climb high. Two
// settings of `include` do not pass it, env_file and project_directory: unless every include is written plainly, with names
// that are literal, relative and climb little, all together too, nothing is included.
type stage struct {
	r    *Reader
	dir  *files.Dir // nil: it does not exist
	top  string     // its path
	root string     // where the root of the repository is in it

	// Of the group that is read now:
	seen    map[string][]byte
	docs    map[string][]node // of those that can be parsed
	budget  *budget.Budget
	dollars int64 // uses of variables
	longest int64 // a bound for the length of a value
	climbs  int   // of project directories
	refused *Note // why nothing is included
}

const (
	maxStaged   = 200 // files of a group
	maxIncluded = 20  // files that include each other
	// maxClimb is how high one name may climb, and maxClimbs the directories of projects together.
	maxClimb  = 8
	maxClimbs = 32
	// maxExpanded bounds the text that variables can become in all files of a group together, in bytes.
	maxExpanded = 32 << 20
)

// deep is where the stage lies in a directory.
var deep = strings.Repeat("r/", maxClimbs+4*maxClimb)

// newStage gives a stage that has nothing: its directory does not exist until files that refer to others want it, see build.
func newStage(r *Reader) *stage {
	s := &stage{r: r}
	s.place("/nonexistent")
	return s
}

func (s *stage) place(top string) {
	s.top, s.root = top, filepath.Join(top, filepath.FromSlash(deep))
}

// build makes the directory if one of some files may refer to another.
func (s *stage) build(group []string) error {
	if s.dir != nil || !slices.ContainsFunc(group, func(f string) bool {
		data, _ := s.r.Read(f)
		return bytes.Contains(data, []byte("include")) || bytes.Contains(data, []byte("extends"))
	}) {
		return nil
	}
	dir, err := files.Scratch(s.r.Avoid)
	if err != nil {
		return err
	}
	s.dir = dir
	s.place(dir.Name())
	return dir.Put(deep+".stage", nil)
}

func (s *stage) close() {
	if s.dir != nil {
		_ = s.dir.Close() // it is ours, and nothing depends on it any more
	}
}

// at gives the path of a file of the repository on the stage.
func (s *stage) at(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// name gives the path in the repository of a path on the stage, which may climb out of it; another one is left as it is.
func (s *stage) name(p string) string {
	if inside, err := filepath.Rel(s.top, p); filepath.IsAbs(p) && err == nil && filepath.IsLocal(inside) {
		if rel, err := filepath.Rel(s.root, p); err == nil {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(p)
}

// plain leaves the stage out of a message.
func (s *stage) plain(text string) string {
	for {
		i := strings.Index(text, s.top+string(filepath.Separator))
		if i < 0 {
			return text
		}
		end := i + strings.IndexAny(text[i:]+" ", " :\"'\n\t")
		name := s.name(text[i:end])
		if strings.Contains(name, s.top) {
			name = "..."
		}
		text = text[:i] + name + text[end:]
	}
}

func (s *stage) put(name string, data []byte) error {
	if s.dir == nil {
		return nil
	}
	rel, err := filepath.Rel(s.top, s.at(name))
	if err != nil {
		return err
	}
	return s.dir.Put(filepath.ToSlash(rel), data)
}

// costlyError says which file costs too much, and where.
type costlyError struct {
	File string
	Line int // 0 if unknown
	Err  error
}

func (e *costlyError) Error() string { return e.Err.Error() }
func (e *costlyError) Unwrap() error { return e.Err }

func costly(file string, err error) *costlyError {
	c := &costlyError{File: file, Err: err}
	var at *safeyaml.Error
	if errors.As(err, &at) {
		c.Line, c.Err = at.Line, at.Err
	}
	return c
}

// begin forgets the last group.
func (s *stage) begin() {
	s.seen, s.docs = map[string][]byte{}, map[string][]node{}
	s.budget, s.dollars, s.longest, s.climbs, s.refused = s.r.part(composeLimits), 0, 0, 0, nil
}

// environment gives the variables of the .env file beside Compose files.
func (s *stage) environment(base string) (types.Mapping, error) {
	env := types.Mapping{}
	name := path.Join(base, ".env")
	if data, err := s.r.Read(name); err == nil {
		if err := s.variables(data, nil); err != nil {
			return nil, costly(name, err)
		}
		if have, err := dotenv.Parse(bytes.NewReader(data)); err == nil {
			env = have
		}
	}
	env["PWD"] = s.at(base) // that of the shell, which by custom stands beside the file
	return env, nil
}

// variables counts what a file of variables costs, above which there are others.
func (s *stage) variables(data []byte, above map[string]string) error {
	sizes := map[string]int64{}
	for name, v := range above {
		sizes[name] = int64(len(v))
	}
	err := checkEnv(data, sizes, s.budget)
	for _, n := range sizes {
		s.longest = max(s.longest, n)
	}
	return err
}

// add lays a Compose file on the stage, with what it refers to. base is the directory that it is read from.
func (s *stage) add(name, base string, env map[string]string, level int) ([]byte, error) {
	if data, ok := s.seen[name]; ok {
		return data, nil
	}
	if len(s.seen) >= maxStaged {
		return nil, costly(name, fmt.Errorf("more than %d files belong together", maxStaged))
	}
	data, err := s.r.Read(name)
	if err != nil {
		return nil, err
	}
	docs, err := checkCompose(data, s.budget)
	if budget.Is(err) {
		return nil, costly(name, err)
	}
	if s.dollars += int64(bytes.Count(data, []byte("$"))); s.dollars*s.longest > maxExpanded {
		return nil, costly(name, &budget.Exceeded{Kind: "bytes", Limit: maxExpanded})
	}
	s.seen[name] = data
	if err != nil {
		// The library says what is wrong with it. Should it find nothing, what the file includes is unchecked.
		s.refuse(name, 0, err.Error())
		return data, s.put(name, data)
	}
	s.docs[name] = docs
	for _, doc := range docs {
		s.look(name, doc, level)
		if level < maxIncluded {
			s.include(doc, base, env, level)
			for _, p := range doc.at("services").pairs() {
				if f := s.expand(p.value.at("extends", "file").text(), env); f != "" {
					s.refer(f, base, env, level)
				}
			}
		}
	}
	return data, s.put(name, data)
}

// refer adds a file that another one names, if there is one: if not, the library says so.
func (s *stage) refer(f, base string, env map[string]string, level int) string {
	name := s.join(base, f)
	if name == "" {
		return ""
	}
	s.also(name, path.Dir(name), env, level)
	return name
}

// also adds a file that another one names. One that costs too much ends all including; of another fault the library tells.
func (s *stage) also(name, base string, env map[string]string, level int) {
	_, err := s.add(name, base, env, level+1)
	var c *costlyError
	if errors.As(err, &c) {
		s.refuse(c.File, c.Line, c.Err.Error())
	}
}

// include adds what a document includes.
func (s *stage) include(doc node, base string, env map[string]string, level int) {
	for _, item := range doc.at("include").items() {
		paths := item.list()
		if item.isMap() {
			paths = item.at("path").list()
		}
		project := base
		if d := item.at("project_directory").text(); d != "" {
			project = s.join(base, d)
		} else if len(paths) > 0 {
			project = path.Dir(s.join(base, s.expand(paths[0], env)))
		}
		vars, from := item.at("env_file").list(), base
		if len(vars) == 0 {
			vars, from = []string{".env"}, project
		}
		inner := types.Mapping(env).Clone()
		for _, f := range vars {
			name := s.join(from, f)
			data, err := s.r.Read(name)
			if name == "" || err != nil {
				continue
			}
			if err := s.variables(data, inner); err != nil {
				c := costly(name, err)
				s.refuse(c.File, c.Line, c.Err.Error())
				return
			}
			if s.put(name, data) == nil {
				if more, err := dotenv.ParseWithLookup(bytes.NewReader(data), func(k string) (string, bool) { v, ok := env[k]; return v, ok }); err == nil {
					inner = inner.Merge(more)
				}
			}
		}
		for _, p := range paths {
			name := s.join(base, s.expand(p, env))
			if name != "" {
				s.also(name, project, inner, level)
			}
		}
	}
}

// join gives the path in the repository of a name in a file; "" for one that leads out of it.
func (s *stage) join(base, name string) string {
	if filepath.IsAbs(name) {
		name = s.name(name)
	} else {
		name = path.Join(base, filepath.ToSlash(name))
	}
	if name = path.Clean(name); climbs(name) > maxClimb || isAbsolute(name) {
		return ""
	}
	return name // the reader knows where the repository ends
}

func (s *stage) expand(text string, env map[string]string) string {
	out, err := interpolation.Substitute(text, func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if err != nil {
		return ""
	}
	return out
}

// refuse says why nothing is included.
func (s *stage) refuse(file string, line int, why string) {
	if s.refused == nil {
		s.refused = &Note{File: file, Line: line, Text: "include is not followed: " + why}
	}
}

// look refuses a document whose includes are written in any but the plainest way. The library opens what an include names
// without asking, and understands keys in any case, tags, merges and variables: what is not plain could lead out of the stage,
// or name a file that was not looked at.
func (s *stage) look(file string, doc node, level int) {
	for _, p := range doc.pairs() {
		if !isPlain(p.key.Node) {
			s.refuse(file, p.key.line(), "a key of the file is not plain")
			return
		}
		if p.key.Value != "include" {
			continue
		}
		if level >= maxIncluded {
			s.refuse(file, p.key.line(), fmt.Sprintf("more than %d files include each other", maxIncluded))
		}
		if p.value.Kind != yaml.SequenceNode && (p.value.Kind != yaml.ScalarNode || p.value.Value != "") {
			s.refuse(file, p.key.line(), "it is no plain list")
			return
		}
		for _, item := range p.value.Content {
			s.included(file, item)
		}
	}
}

// included looks at one entry of include.
func (s *stage) included(file string, item *yaml.Node) {
	if item.Kind != yaml.MappingNode || item.Style&yaml.TaggedStyle != 0 {
		s.names(file, "path", item)
		return
	}
	for i := 0; i+1 < len(item.Content); i += 2 {
		key := item.Content[i]
		if !isPlain(key) || !slices.Contains([]string{"path", "env_file", "project_directory"}, key.Value) {
			s.refuse(file, key.Line, "a setting of it is not plain")
			return
		}
		s.names(file, key.Value, item.Content[i+1])
	}
}

// names looks at the value of a setting of include: a literal name, or a list of them, that leads not far up.
func (s *stage) names(file, key string, value *yaml.Node) {
	if value.Kind == yaml.SequenceNode && value.Style&yaml.TaggedStyle == 0 {
		for _, v := range value.Content {
			if v.Kind == yaml.SequenceNode {
				s.refuse(file, v.Line, "a setting of it is not plain")
				return
			}
			s.names(file, key, v)
		}
		return
	}
	up := climbs(value.Value)
	if key == "project_directory" {
		s.climbs += up
	}
	if !isPlain(value) || strings.Contains(value.Value, "$") || isAbsolute(value.Value) || up > maxClimb || s.climbs > maxClimbs {
		s.refuse(file, value.Line, fmt.Sprintf("its %s %s is not literal, or may lie outside of the repository", key, value.Value))
	}
}

// isPlain reports whether a node is a text that stands as it is meant: no alias, no tag, no merge.
func isPlain(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && n.Style&yaml.TaggedStyle == 0 && n.Tag != "!!merge" && n.Tag != "!!binary" && n.Value != "<<"
}

// climbs gives how many parts of a path lead up.
func climbs(p string) (n int) {
	for part := range strings.SplitSeq(filepath.ToSlash(p), "/") {
		if part == ".." {
			n++
		}
	}
	return n
}

func isAbsolute(p string) bool {
	return filepath.IsAbs(p) || strings.HasPrefix(p, "/") || filepath.VolumeName(p) != ""
}

// outside refuses what leads out of the stage.
type outside struct{ s *stage }

// Accept implements loader.ResourceLoader: it takes the names that it refuses.
func (o outside) Accept(name string) bool {
	if isAbsolute(name) {
		rel, err := filepath.Rel(o.s.top, name)
		return err != nil || !filepath.IsLocal(rel)
	}
	return climbs(name) > maxClimb
}

var errOutside = errors.New("is no file of the repository")

// Load implements loader.ResourceLoader.
func (o outside) Load(_ context.Context, name string) (string, error) {
	return "", fmt.Errorf("%s %w", name, errOutside)
}

// Dir implements loader.ResourceLoader.
func (o outside) Dir(name string) string { return filepath.Dir(name) }
