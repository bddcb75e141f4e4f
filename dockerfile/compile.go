// Package dockerfile compiles a Dockerfile with BuildKit's own front end, without a daemon, a network or a base image
// at hand, into a Plan: the operations of the build, the image's configuration, and the instruction behind each.
//
// Compile is the only entry point. What it answers is BuildKit's: the choice of the Dockerfile and the ignore file, the
// expansion of ARG and ENV, stage selection, named contexts, ONBUILD, heredocs, lints and refusals all come from
// BuildKit's packages frontend/dockerui and frontend/dockerfile, which are given a gateway client that serves files from
// disk and answers questions about images from Options.Images.
//
// # What it does not do
//
// It executes nothing: what a COPY copies is for a simulation to tell. It asks no registry: a base image that
// Options.Images does not know has an empty configuration, and the Plan says so in its Assumptions. It runs no other front
// end: "# syntax=" naming an image other than docker/dockerfile is answered by the built-in one, under an assumption.
//
// # Errors
//
// What BuildKit refuses is an *Error with file, range and BuildKit's own words. Any other error means that the question
// could not be answered: a file or directory that cannot be read, a cancelled context, a Dockerfile that would cost too much
// to follow.
package dockerfile

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Options is one request: the flags of "docker build" with their own names. The zero value compiles the Dockerfile of
// the working directory.
type Options struct {
	// Context is a directory, or the URL of a git repository or of a file; "" is the working directory.
	Context string
	// Dockerfile is the -f flag: a path relative to the working directory, "-" for Stdin, or "" for the context's own
	// Dockerfile (or, where there is none, dockerfile).
	Dockerfile string
	Stdin      io.Reader
	// StdinName is how positions call the Dockerfile of Stdin; "" is Dockerfile.
	StdinName string
	// Target is a stage's name, "" for the last one.
	Target    string
	BuildArgs map[string]string
	// Platform is one platform as in linux/arm64; "" is linux on this machine's architecture.
	Platform string
	// BuildContexts are the --build-context flags: a directory, docker-image://REF, or the URL of a git repository or file.
	BuildContexts map[string]string
	// Images knows the configuration of base images; nil knows none.
	Images ImageResolver
	// Open opens the directories of the request; nil reads the disk. A simulated edit, or a revision of a repository,
	// brings its own.
	Open func(dir string) (dockerctx.FS, error)
	// Fetched tells that BuildKit fetches the context from git, and Open shows what it gets: no ignore file of the context, or beside
	// the Dockerfile, is read then, and all of the context is there.
	Fetched bool
}

// maxDuration bounds a compilation whose context has no deadline. An ordinary Dockerfile takes milliseconds.
const maxDuration = 30 * time.Second

// Compile compiles one stage for one platform. It may be called from several goroutines at once.
func Compile(ctx context.Context, opt Options) (*Plan, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxDuration)
		defer cancel()
	}
	req, err := newRequest(opt)
	if err != nil {
		return nil, err
	}

	// The front end looks at its context only when it asks the client for something. A goroutine can be left behind.
	type answer struct {
		plan *Plan
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: &Error{
					File:    req.displayName(),
					Message: fmt.Sprintf("BuildKit's front end panicked: %v", p),
					Err:     &panicError{value: p, stack: debug.Stack()},
				}}
			}
			done <- a
		}()
		a.plan, a.err = req.compile(ctx)
	}()
	select {
	case a := <-done:
		return a.plan, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("compiling %s: %w", req.displayName(), ctx.Err())
	}
}

// panicError keeps what a panic of the front end said, and where.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }
