package builds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// composeName recognises the files that Compose files are kept in by convention.
var composeName = lazyre.New(`(?i)(?:^|/)(docker-)?compose([.-][\w.-]+)?\.ya?ml$`)

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

// compose reads the Compose files of a repository and gives the images that they build. Variables are taken from an .env file
// beside each, and PWD is its directory; one without a value counts as empty, as in Compose.
//
// Compose's library reads files from the disk by itself, through any link and from anywhere. So it is shown none: each file
// that is needed is read by us, and laid into a directory of ours, see [stage].
func (r *Reader) compose(ctx context.Context, names []string) (found []Build, notes []Note) {
	if len(names) == 0 {
		return nil, nil
	}
	s := newStage(r)
	defer s.close()
	joined := r.joins(names)
	for _, j := range joined {
		builds, more := r.composeGroup(ctx, s, j.files, j.dir)
		found, notes = append(found, builds...), append(notes, more...)
	}
	for _, group := range composeGroups(names) {
		if slices.ContainsFunc(joined, func(j joinedFiles) bool { return j.over(group) }) {
			continue
		}
		builds, more := r.composeGroup(ctx, s, group, path.Dir(group[0]))
		found, notes = append(found, builds...), append(notes, more...)
	}
	r.composed = sorted(found)
	return r.composed, notes
}

// composeGroup reads files that are laid over each other, in the directory of their project.
func (r *Reader) composeGroup(ctx context.Context, s *stage, group []string, base string) ([]Build, []Note) {
	c := composeFiles{s, group}
	s.begin()
	if err := s.build(group); err != nil {
		return nil, c.note(err)
	}
	env, err := s.environment(base)
	if err != nil {
		return nil, c.note(err)
	}
	details := types.ConfigDetails{WorkingDir: s.at(base), Environment: env}
	for _, f := range group {
		data, err := s.add(f, base, env, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, c.note(fmt.Errorf("%s is no file of the repository", f))
		case err != nil:
			return nil, c.note(fmt.Errorf("%s: %w", path.Base(f), err))
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: s.at(f), Content: data})
	}
	quiet()
	load := func(details types.ConfigDetails, required *requiredVariables) (*types.Project, error) {
		return loader.LoadWithContext(ctx, details, func(o *loader.Options) {
			o.SetProjectName("ctxaudit", true)
			o.Interpolate.Substitute = required.substitute
			o.ResourceLoaders = []loader.ResourceLoader{outside{s}}
			o.Profiles = []string{"*"}
			o.SkipResolveEnvironment, o.SkipConsistencyCheck, o.SkipNormalization = true, true, false
			o.SkipInclude = s.refused != nil
		})
	}
	required := &requiredVariables{}
	project, err := load(details, required)
	// A number, a port or a mount that is made of a variable without a value is none.
	for _, keep := range [][]string{nil, composeStarts, composeBuilds} {
		if err == nil || s.refused != nil {
			break
		}
		less, again := details, &requiredVariables{all: true}
		if keep != nil {
			less = c.reduced(details, keep)
		}
		if p, failed := load(less, again); failed == nil && (keep != nil || len(again.missing) > 0) {
			project, required, err = p, again, nil
		}
	}
	if err != nil && strings.Contains(err.Error(), "empty compose file") {
		return nil, nil // all of it is commented out
	}
	if err != nil {
		return nil, c.note(err)
	}
	var out []Build
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		if service.Build == nil {
			r.services = append(r.services, c.started(name, service))
			continue
		}
		b := c.image(name, service)
		b.Variable, b.Doubt = c.variable(name), c.doubt(r, name)
		maps.DeleteFunc(b.Args, func(_, value string) bool { return required.made[value] })
		b.Start.Env = slices.DeleteFunc(b.Start.Env, func(setting string) bool {
			_, value, _ := strings.Cut(setting, "=")
			return required.made[value]
		})
		out = append(out, b)
	}
	var notes []Note
	if s.refused != nil {
		notes = append(notes, *s.refused)
	}
	if len(out) == 0 {
		return nil, notes
	}
	return out, append(notes, required.notes(c)...)
}

// image gives the image of a service.
func (c composeFiles) image(name string, s types.ServiceConfig) Build {
	st := c.stage
	b := Build{
		Name: name, Kind: "compose", Target: s.Build.Target, Inline: s.Build.DockerfileInline, Args: map[string]string{}, Contexts: map[string]string{},
		Context: st.name(s.Build.Context), Platform: s.Platform,
	}
	b.File, b.Line = c.service(name)
	if s.Build.Dockerfile != "" && b.Inline == "" && !strings.Contains(b.Context, "://") {
		df := s.Build.Dockerfile
		if !filepath.IsAbs(df) {
			df = filepath.Join(s.Build.Context, df)
		}
		b.Dockerfile = st.name(df)
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
			v = st.name(v)
		}
		b.Contexts[k] = v
	}
	starts := c.started(name, s)
	b.Tags, b.Start, b.Mounts = starts.Tags, starts.Start, starts.Mounts
	return b
}

// started gives how a service starts its image, and the name of that.
func (c composeFiles) started(name string, s types.ServiceConfig) Build {
	b := Build{Name: name, Kind: "compose"}
	b.File, b.Line = c.service(name)
	if s.Image != "" {
		b.Tags = []string{s.Image}
	}
	b.Start = Start{Entrypoint: s.Entrypoint, Command: s.Command, WorkingDir: s.WorkingDir}
	if h := s.HealthCheck; h != nil && !h.Disable {
		b.Start.Health = h.Test
	}
	for k, v := range s.Environment {
		if v != nil {
			b.Start.Env = append(b.Start.Env, k+"="+*v)
		}
	}
	slices.Sort(b.Start.Env)
	for _, v := range s.Volumes {
		// A volume begins with what the image has there; only a directory of the host hides it.
		if v.Target != "" && v.Type == types.VolumeTypeBind {
			m := Mount{From: c.stage.name(v.Source), At: path.Clean(v.Target)}
			m.File, m.Line = c.volume(name, v.Target)
			b.Mounts = append(b.Mounts, m)
		}
	}
	return b
}

// quiet keeps the library from writing its warnings to the terminal by itself.
func quiet() { logrus.SetOutput(io.Discard) }
