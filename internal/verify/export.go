package verify

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Checks are what an image must be like, for those who test it where it runs.
type Checks struct {
	// Files must be there; Executable tells that the image starts it.
	Files []FileCheck
	// Absent are paths at which nothing must be.
	Absent []string
	// Env are settings, by name.
	Env           []EnvCheck
	Workdir, User string // "" for any
}

// Empty reports whether there is nothing to check.
func (c *Checks) Empty() bool {
	return len(c.Files)+len(c.Absent)+len(c.Env) == 0 && c.Workdir == "" && c.User == ""
}

// FileCheck is a file, or a directory, with the reason why it must be there.
type FileCheck struct {
	Path, Why  string
	Executable bool
}

// EnvCheck is a setting: with a value, a regular expression that it matches, or any.
type EnvCheck struct {
	Name, Value string
	Kind        EnvKind
}

// EnvKind tells what the value of an [EnvCheck] is.
type EnvKind uint8

// The kinds: the value, a regular expression (RE2) of the whole value, an entry of a list with colons, and no matter what.
const (
	EnvEquals EnvKind = iota
	EnvMatches
	EnvContains
	EnvSet
)

// Export gives the checks of a predicted image: what the configuration requires, what the image starts, and the files whose imports
// were followed, by the names that findings use of a context directory. match gives a path of the image for a pattern, "" for none.
func Export(m *simulate.Image, p *policy.Image, followed []string, dir string, match func(glob string) (string, error)) (*Checks, error) {
	c := &Checks{Workdir: p.Require.Workdir, User: p.Require.User}
	for _, glob := range p.Require.Paths {
		at, err := match(glob)
		if err != nil {
			return nil, err
		}
		if at == "" {
			at = glob // it is missing: the test shall say so
		}
		c.Files = append(c.Files, FileCheck{Path: at, Why: "required"})
	}
	for _, at := range p.Forbid.Paths {
		if !strings.ContainsAny(at, `*?[{\`) {
			c.Absent = append(c.Absent, at)
		}
	}
	for name, e := range p.Require.Env {
		if e.Set != nil && !*e.Set {
			continue // neither kind of test can ask for that
		}
		c.Env = append(c.Env, envCheck(name, e))
	}
	slices.SortFunc(c.Env, func(a, b EnvCheck) int { return strings.Compare(a.Name, b.Name) })
	err := m.Tree.Walk(func(at string, n *rootfs.Node) error {
		if n.Kind != rootfs.KindFile {
			return nil
		}
		origin, ok := m.Origin(n)
		switch {
		case !ok:
		case slices.ContainsFunc(p.Require.Modules, func(mod policy.Module) bool { return belongs(mod, origin) }):
			c.Files = append(c.Files, FileCheck{Path: at, Why: "of a required module"})
		case slices.Contains(followed, simulate.Shown(dir, origin)):
			c.Files = append(c.Files, FileCheck{Path: at, Why: "imported from what the image starts"})
		}
		return nil
	})
	c.started(m)
	return c, err
}

func envCheck(name string, e policy.Env) EnvCheck {
	switch {
	case e.Equals != nil:
		return EnvCheck{name, *e.Equals, EnvEquals}
	case e.Contains != "":
		return EnvCheck{name, e.Contains, EnvContains}
	case e.Matches != "":
		return EnvCheck{name, e.Matches, EnvMatches}
	}
	return EnvCheck{Name: name, Kind: EnvSet}
}

// belongs reports whether a file of the context is of a required module.
func belongs(m policy.Module, origin string) bool {
	root := path.Clean(m.Path)
	if !simulate.Within(origin, root) && root != "." {
		return false
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(origin, root), "/")
	matches := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(g string) bool { return doublestar.MatchUnvalidated(g, rel) })
	}
	return (len(m.Include) == 0 || matches(m.Include)) && !matches(m.Exclude)
}

// started adds the program that a container starts, if its path is written out.
func (c *Checks) started(m *simulate.Image) {
	words := append(slices.Clone(m.Plan.Config.Entrypoint), m.Plan.Config.Cmd...)
	if len(words) > 0 && strings.Contains(words[0], "/") {
		at := words[0]
		if !path.IsAbs(at) {
			at = path.Join("/", m.Plan.Config.WorkingDir, at)
		}
		c.Files = append(c.Files, FileCheck{Path: path.Clean(at), Why: "the image starts it", Executable: true})
	}
}
