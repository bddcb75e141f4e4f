package simulate

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// Context is a directory that a build reads, with its ignore file.
type Context struct {
	*dockerctx.Context
	// Name is "context" for the main context, else the named context's name.
	Name string
	// Dir is the directory as it was given.
	Dir string
	FS  dockerctx.FS
	// Ignore is nil if there is no ignore file.
	Ignore *dockerctx.IgnoreFile
}

// MainContext is the name of the context that is not a named one.
const MainContext = "context"

// Build compiles a Dockerfile and executes it. Its errors are those of [dockerfile.Compile] and [Run].
func Build(ctx context.Context, opt dockerfile.Options) (*Image, error) {
	return BuildAfter(ctx, opt, nil)
}

// BuildAfter is Build for a request that differs little from that of an earlier prediction: see [Run]. Where only ignore files
// differ the plan is that of the prediction, and says nothing of what BuildKit would warn of.
func BuildAfter(ctx context.Context, opt dockerfile.Options, prior *Image) (*Image, error) {
	plan, contexts := prior.replan(opt)
	if plan == nil {
		var err error
		if plan, err = dockerfile.Compile(ctx, opt); err != nil {
			return nil, err
		}
		contexts = checked(opener(plan, prior))
	}
	m, err := Run(ctx, plan, contexts, prior)
	if m != nil {
		m.request = opt
	}
	return m, err
}

// Open gives the contexts of a plan from disk. A context that several operations read is opened once.
func Open(plan *dockerfile.Plan) Contexts { return checked(opener(plan, nil)) }

// opener gives the contexts of a plan, with the patterns of those of an earlier prediction; nil for none.
func opener(plan *dockerfile.Plan, prior *Image) Contexts {
	opened := map[string]*Context{}
	return func(src *dockerfile.LocalSource) (*Context, error) {
		if c, ok := opened[src.Name]; ok {
			return c, nil
		}
		c, err := openContext(src.Name, src.Dir, plan.Dockerfile, prior.context(src.Name))
		if err == nil {
			opened[src.Name] = c
		}
		return c, err
	}
}

// checked holds contexts against their sources. The front end read the ignore file by itself: what we show to people must be
// what it used.
func checked(open Contexts) Contexts {
	return func(src *dockerfile.LocalSource) (*Context, error) {
		c, err := open(src)
		if err == nil && len(src.ExcludePatterns) > 0 && !slices.Equal(src.ExcludePatterns, c.sent()) {
			return nil, fmt.Errorf("%s: the ignore file that was found is not the one that BuildKit uses", src.Dir)
		}
		return c, err
	}
}

// sent gives the patterns of the ignore file as they stand in a definition, which is UTF-8.
func (c *Context) sent() []string {
	if c.Ignore == nil {
		return nil
	}
	patterns := slices.Clone(c.Ignore.Patterns())
	for i, p := range patterns {
		patterns[i] = string([]rune(p))
	}
	return patterns
}

// OpenMain opens the main context of a request. Its Dockerfile need not exist: only an ignore file beside it matters.
func OpenMain(opt dockerfile.Options) (*Context, error) {
	df := dockerfile.DockerfileInfo{Dir: filepath.Dir(opt.Dockerfile), Path: opt.Dockerfile}
	switch opt.Dockerfile {
	case "-":
		df = dockerfile.DockerfileInfo{}
	case "":
		df = dockerfile.DockerfileInfo{Dir: opt.Context, Path: filepath.Join(opt.Context, "Dockerfile")}
	}
	return OpenContext(MainContext, opt.Context, df)
}

// MainContext gives the image's main context, also when no instruction reads it; nil if it is remote.
func (m *Image) MainContext(dir string) (*Context, error) {
	for _, s := range m.Sources {
		if s.Context.Name == MainContext {
			return s.Context, nil
		}
	}
	if m.Plan.RemoteContext != "" {
		return nil, nil
	}
	return OpenContext(MainContext, dir, m.Plan.Dockerfile)
}

// Shown gives a file of a context the name by which people find it: relative to where ctxaudit was started if the
// context is named so, relative to the context if that is named by an absolute path.
func Shown(dir, name string) string {
	if filepath.IsAbs(dir) || dir == "." && fs.ValidPath(name) {
		return name
	}
	return filepath.ToSlash(filepath.Join(dir, name))
}

// OpenContext opens a context directory with the ignore file that BuildKit takes for it: only the main context may use
// one that stands beside the Dockerfile.
func OpenContext(name, dir string, df dockerfile.DockerfileInfo) (*Context, error) {
	return openContext(name, dir, df, &dockerctx.Context{})
}

// context gives the context of a name that the build read; an empty one for none.
func (m *Image) context(name string) *dockerctx.Context {
	if m != nil {
		for _, s := range m.Sources {
			if s.Context.Name == name {
				return s.Context.Context
			}
		}
	}
	return &dockerctx.Context{}
}

func openContext(name, dir string, df dockerfile.DockerfileInfo, like *dockerctx.Context) (*Context, error) {
	open := df.Open
	if open == nil {
		open = dockerctx.DirFS
	}
	fsys, err := open(dir)
	if err != nil {
		return nil, err
	}
	var beside dockerctx.FS
	var base string
	if name == MainContext && df.Dir != "" {
		if beside, err = open(df.Dir); err != nil {
			return nil, err
		}
		base = filepath.Base(df.Path)
	}
	var ignore *dockerctx.IgnoreFile
	if name != MainContext || !df.Fetched {
		if ignore, err = dockerctx.FindIgnoreFile(fsys, beside, base); err != nil {
			return nil, err
		}
	}
	if ignore != nil {
		named := *ignore
		named.Name = Shown(dir, ".dockerignore")
		if base != "" && strings.HasSuffix(ignore.Name, base+".dockerignore") {
			named.Name = cmp.Or(df.Name, filepath.ToSlash(df.Path)) + ".dockerignore"
		}
		ignore = &named
	}
	c, err := like.With(fsys, ignore)
	if err != nil {
		return nil, err
	}
	return &Context{Context: c, Name: name, Dir: dir, FS: fsys, Ignore: ignore}, nil
}
