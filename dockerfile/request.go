package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// MaxSize is the largest Dockerfile or ignore file that BuildKit reads (frontend/dockerui/readfile.go).
const MaxSize = 16 << 20

const (
	localContext    = "context"    // dockerui.DefaultLocalNameContext
	localDockerfile = "dockerfile" // dockerui.DefaultLocalNameDockerfile
	defaultName     = "Dockerfile"
	ignoreSuffix    = ".dockerignore"
)

// request is Options as a build client puts them to BuildKit: which directories it offers under which names, and the
// front end's options. The rules are those of buildx (build/opt.go there).
type request struct {
	opt      Options
	platform ocispecs.Platform // that of the machine which builds
	dirs     map[string]string // name of a local source -> directory
	attrs    map[string]string // the front end's options, never changed

	filename string            // base name of the Dockerfile in its directory
	display  string            // how people know it
	stdin    map[string][]byte // the files of the "dockerfile" source, if it is no directory
	remote   string            // the URL of the main context, "" if it is a directory
	standIns standIns          // for what BuildKit must not see
}

func (r *request) displayName() string { return r.display }

func defaultPlatform() ocispecs.Platform {
	return platforms.Normalize(ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH})
}

// DefaultPlatform is what is built for if nobody names a platform: linux on this machine, as in linux/amd64.
func DefaultPlatform() string { return platforms.FormatAll(defaultPlatform()) }

func newRequest(opt Options) (*request, error) {
	if opt.Context == "" {
		opt.Context = "."
	}
	if opt.Open == nil {
		opt.Open = dockerctx.DirFS
	}
	r := &request{
		opt:      opt,
		platform: defaultPlatform(),
		dirs:     map[string]string{},
		attrs:    map[string]string{},
		display:  defaultName,
	}
	switch {
	case opt.Dockerfile == "-" && opt.StdinName != "":
		r.display = opt.StdinName
	case opt.Dockerfile != "" && opt.Dockerfile != "-":
		r.display = filepath.ToSlash(filepath.Clean(opt.Dockerfile))
	case opt.Dockerfile == "" && !opt.isRemote(opt.Context) && !filepath.IsAbs(opt.Context):
		r.display = filepath.ToSlash(filepath.Join(opt.Context, defaultName))
	}
	if opt.isRemote(opt.Context) {
		r.remote = opt.Context
		r.attrs["context"] = opt.Context
		if given, ok := r.standIns.of(opt.Context); ok {
			r.attrs["context"] = given
		}
	} else {
		if err := opt.checkDir(opt.Context); err != nil {
			return nil, fmt.Errorf("preparing the build context: %w", err)
		}
		r.dirs[localContext] = opt.Context
	}
	if err := r.findDockerfile(); err != nil {
		return nil, err
	}
	if err := r.addBuildContexts(); err != nil {
		return nil, err
	}
	if opt.Platform != "" {
		if strings.Contains(opt.Platform, ",") {
			return nil, &Error{Message: fmt.Sprintf("platform %q: one platform at a time", opt.Platform)}
		}
		r.attrs["platform"] = opt.Platform
	}
	if opt.Target != "" {
		r.attrs["target"] = opt.Target
	}
	for k, v := range opt.BuildArgs {
		r.attrs["build-arg:"+k] = v
	}
	return r, nil
}

// findDockerfile offers the directory of the Dockerfile as local source "dockerfile".
func (r *request) findDockerfile() error {
	dir := ""
	switch {
	case r.opt.Dockerfile == "-":
		data, err := readStdin(r.opt.Stdin)
		if err != nil {
			return err
		}
		r.stdin = map[string][]byte{defaultName: data}
		r.filename = defaultName
		r.attrs["dockerfilekey"] = localDockerfile
	case r.opt.Dockerfile == "" && r.remote != "":
		return &Error{Message: fmt.Sprintf("the Dockerfile of %s lies in the remote context; name a local one with -f", r.remote)}
	case r.opt.Dockerfile == "":
		dir, r.filename = r.opt.Context, defaultName
	default:
		dir, r.filename = filepath.Dir(r.opt.Dockerfile), filepath.Base(r.opt.Dockerfile)
		if r.remote != "" {
			r.attrs["dockerfilekey"] = localDockerfile
		}
	}
	if dir != "" {
		if err := r.opt.checkDir(dir); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return &Error{File: r.display, Message: "no such Dockerfile: " + err.Error(), Err: err}
			}
			return fmt.Errorf("preparing the Dockerfile's directory: %w", err)
		}
		r.dirs[localDockerfile] = dir
		if lower := r.opt.lowerCaseDockerfile(dir, r.filename); lower != r.filename {
			r.display = strings.TrimSuffix(r.display, r.filename) + lower
			r.filename = lower
		}
	}
	r.attrs["filename"] = r.filename
	return nil
}

// lowerCaseDockerfile is buildx's rule: "dockerfile" stands in for a missing "Dockerfile", and its ignore file is
// dockerfile.dockerignore then. The names are compared as the directory lists them, also where case does not count.
func (o *Options) lowerCaseDockerfile(dir, name string) string {
	if name != defaultName {
		return name
	}
	names, err := o.names(dir)
	if err != nil {
		return name
	}
	lower := strings.ToLower(defaultName)
	found := name
	for _, n := range names {
		switch n {
		case name:
			return name
		case lower:
			found = lower
		}
	}
	return found
}

// names lists a directory.
func (o *Options) names(dir string) ([]string, error) {
	fsys, err := o.Open(dir)
	if err != nil {
		return nil, err
	}
	entries, err := fsys.ReadDir(".")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (r *request) addBuildContexts() error {
	for key, value := range r.opt.BuildContexts {
		named, err := reference.ParseNormalizedNamed(key)
		if err != nil {
			return &Error{Message: fmt.Sprintf("invalid context name %s: %v", key, err), Err: err}
		}
		name := strings.TrimSuffix(reference.FamiliarString(named), ":latest")
		if r.opt.isRemote(value) || strings.HasPrefix(value, "docker-image://") || strings.HasPrefix(value, "oci-layout://") {
			r.attrs["context:"+name] = value
			// Of named contexts over ssh BuildKit takes this form alone.
			if given, ok := r.standIns.of(value); ok && strings.HasPrefix(value, "git@") {
				r.attrs["context:"+name] = given
			}
			continue
		}
		if err := r.opt.checkDir(value); err != nil {
			return fmt.Errorf("preparing build context %s: %w", key, err)
		}
		local := name
		if local == localContext || local == localDockerfile {
			local = "_" + local // as buildx keeps them apart
		}
		r.dirs[local] = value
		r.attrs["context:"+name] = "local:" + local
	}
	return nil
}

// options gives a copy of the front end's options, which dockerui changes.
func (r *request) options() map[string]string { return maps.Clone(r.attrs) }

func (o *Options) checkDir(dir string) error {
	_, err := o.Open(dir)
	return err
}

var httpURL = lazyre.New(`^https?://`)

// isRemote tells whether BuildKit would fetch a context itself (dockerui's initContext). A directory of that name wins,
// as in buildx.
func (o *Options) isRemote(ref string) bool {
	if o.checkDir(ref) == nil {
		return false
	}
	if httpURL().MatchString(ref) {
		return true
	}
	_, isGit, err := dfgitutil.ParseGitRef(ref)
	return isGit || err == nil
}

func readStdin(stdin io.Reader) ([]byte, error) {
	if stdin == nil {
		return nil, errors.New("reading the Dockerfile from standard input: there is none")
	}
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, io.LimitReader(stdin, MaxSize+1)); err != nil {
		return nil, fmt.Errorf("reading the Dockerfile from standard input: %w", err)
	}
	return buf.Bytes(), nil
}
