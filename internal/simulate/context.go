package simulate

import (
	"cmp"
	"context"
	"fmt"
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

// BuildAfter is Build for a request that differs little from that of an earlier prediction: see [Run].
func BuildAfter(ctx context.Context, opt dockerfile.Options, prior *Image) (*Image, error) {
	plan, err := dockerfile.Compile(ctx, opt)
	if err != nil {
		return nil, err
	}
	return Run(ctx, plan, Open(plan), prior)
}

// Open gives the contexts of a plan from disk. A context that several operations read is opened once.
func Open(plan *dockerfile.Plan) Contexts {
	opened := map[string]*Context{}
	return func(src *dockerfile.LocalSource) (*Context, error) {
		if c, ok := opened[src.Name]; ok {
			return c, nil
		}
		c, err := OpenContext(src.Name, src.Dir, plan.Dockerfile)
		if err != nil {
			return nil, err
		}
		// The front end read the ignore file by itself. What we show to people must be what it used.
		if len(src.ExcludePatterns) > 0 && (c.Ignore == nil || !slices.EqualFunc(src.ExcludePatterns, c.Ignore.Patterns(), samePattern)) {
			return nil, fmt.Errorf("%s: the ignore file that was found is not the one that BuildKit uses", src.Dir)
		}
		opened[src.Name] = c
		return c, nil
	}
}

// samePattern compares a pattern of a definition with one of the file it was read from: a definition is UTF-8.
func samePattern(sent, written string) bool { return sent == string([]rune(written)) }

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
	if filepath.IsAbs(dir) {
		return name
	}
	return filepath.ToSlash(filepath.Join(dir, name))
}

// OpenContext opens a context directory with the ignore file that BuildKit takes for it: only the main context may use
// one that stands beside the Dockerfile.
func OpenContext(name, dir string, df dockerfile.DockerfileInfo) (*Context, error) {
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
	ignore, err := dockerctx.FindIgnoreFile(fsys, beside, base)
	if err != nil {
		return nil, err
	}
	if ignore != nil {
		named := *ignore
		named.Name = Shown(dir, ".dockerignore")
		if base != "" && strings.HasSuffix(ignore.Name, base+".dockerignore") {
			named.Name = cmp.Or(df.Name, filepath.ToSlash(df.Path)) + ".dockerignore"
		}
		ignore = &named
	}
	c, err := dockerctx.New(fsys, ignore)
	if err != nil {
		return nil, err
	}
	return &Context{Context: c, Name: name, Dir: dir, FS: fsys, Ignore: ignore}, nil
}
