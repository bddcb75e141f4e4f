// Package builder builds an image with the program that a person has for that, because the person asked for it.
//
// What is built runs what a repository wrote, in the sandbox of BuildKit and with what the person's builder allows. What
// the repository names reaches the program only as the value of an option or, made absolute, behind --.
package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/runner"
)

// ErrNone says that this machine has no builder.
var ErrNone = errors.New("there is neither docker nor buildctl on this machine")

// grace is how long a builder may take to end once it was interrupted.
const grace = 10 * time.Second

// Build builds what opt asks for, whose directories the caller has approved, and hands over the archive as an OCI layout in
// read, which is called once the program runs. The name is that of the program: buildctl if BUILDKIT_HOST names a daemon or there
// is no docker, docker buildx otherwise. What it tells goes to log.
func Build(ctx context.Context, opt dockerfile.Options, log io.Writer, read func(name string, archive io.Reader) error) (err error) {
	r, err := newRequest(opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	name, program, args, err := r.command()
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := runner.Command(running, program, args...)
	cmd.Stderr, cmd.WaitDelay = log, grace
	cmd.Cancel = func() error {
		if cmd.Process.Signal(os.Interrupt) == nil { // the builder tells its daemon
			return nil
		}
		return cmd.Process.Kill()
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	archive := watched{Reader: out}
	failed := read(name, &archive)
	if failed != nil && !archive.ended {
		cancel() // nobody reads on
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case archive.ended && err != nil: // it says why; that there is no archive follows from that
		return fmt.Errorf("%s fails: %w", name, err)
	}
	return failed
}

// watched tells whether a reader was read to its end.
type watched struct {
	io.Reader
	ended bool
}

func (r *watched) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.ended = r.ended || err != nil
	return n, err
}

// request is what is asked of a builder: every path is absolute.
type request struct {
	dockerfile.Options
	inline *files.Dir // holds a Dockerfile that is no file; nil for none
}

func newRequest(opt dockerfile.Options) (r *request, err error) {
	r = &request{Options: opt}
	if r.Context, err = filepath.Abs(opt.Context); err != nil {
		return nil, err
	}
	switch opt.Dockerfile {
	case "":
		r.Dockerfile = filepath.Join(r.Context, "Dockerfile")
	case "-":
		data, err := io.ReadAll(opt.Stdin)
		if err != nil {
			return nil, err
		}
		if r.inline, err = files.Scratch(r.Context); err != nil {
			return nil, err
		}
		if err := r.inline.Fill("Dockerfile", bytes.NewReader(data), int64(len(data))); err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.Dockerfile = filepath.Join(r.inline.Name(), "Dockerfile")
	default:
		if r.Dockerfile, err = filepath.Abs(opt.Dockerfile); err != nil {
			return nil, err
		}
	}
	r.BuildContexts = map[string]string{}
	for name, value := range opt.BuildContexts {
		if !remote(value) {
			if value, err = filepath.Abs(value); err != nil {
				return nil, errors.Join(err, r.close())
			}
		}
		r.BuildContexts[name] = value
	}
	return r, nil
}

func (r *request) close() error {
	if r.inline == nil {
		return nil
	}
	return r.inline.Close()
}

// command gives the program that builds, what it is called, and its arguments.
func (r *request) command() (name, program string, args []string, err error) {
	docker, noDocker := runner.Find("docker", r.Context)
	buildctl, noBuildctl := runner.Find("buildctl", r.Context)
	switch {
	case noBuildctl == nil && (noDocker != nil || os.Getenv("BUILDKIT_HOST") != ""):
		return "buildctl", buildctl, r.buildctl(), nil
	case noDocker == nil:
		return "docker buildx", docker, r.buildx(), nil
	}
	return "", "", nil, ErrNone
}

// buildx gives the arguments of docker for docker buildx build. An archive without a destination goes to standard output.
func (r *request) buildx() []string {
	args := []string{"buildx", "build", "--output=type=oci", "--file=" + r.Dockerfile}
	add := func(option, value string) {
		if value != "" {
			args = append(args, option+"="+value)
		}
	}
	add("--target", r.Target)
	add("--platform", r.Platform)
	for _, name := range slices.Sorted(maps.Keys(r.BuildArgs)) {
		add("--build-arg", name+"="+r.BuildArgs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.BuildContexts)) {
		add("--build-context", name+"="+r.BuildContexts[name])
	}
	return append(args, "--", r.Context)
}

// buildctl gives the arguments of buildctl, which are the attributes and the local sources of BuildKit's front end.
func (r *request) buildctl() []string {
	args := []string{"build", "--frontend=dockerfile.v0", "--output=type=oci"}
	opt := func(key, value string) {
		if value != "" {
			args = append(args, "--opt="+key+"="+value)
		}
	}
	local := func(name, dir string) { args = append(args, "--local="+name+"="+dir) }
	local("context", r.Context)
	local("dockerfile", filepath.Dir(r.Dockerfile))
	opt("filename", filepath.Base(r.Dockerfile))
	opt("target", r.Target)
	opt("platform", r.Platform)
	for _, name := range slices.Sorted(maps.Keys(r.BuildArgs)) {
		args = append(args, "--opt=build-arg:"+name+"="+r.BuildArgs[name])
	}
	for i, name := range slices.Sorted(maps.Keys(r.BuildContexts)) {
		value := r.BuildContexts[name]
		if filepath.IsAbs(value) {
			source := fmt.Sprintf("named%d", i)
			local(source, value)
			value = "local:" + source
		}
		opt("context:"+name, value)
	}
	return args
}

// remote reports whether a named context is no directory.
func remote(value string) bool {
	return strings.Contains(value, "://") || strings.HasPrefix(value, "git@") || strings.HasPrefix(value, "github.com/")
}
