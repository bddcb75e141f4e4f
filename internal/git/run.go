package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/internal/runner"
)

const (
	// timeLimit is how long one question may take: git reads the index of a million files in a second, and looks through
	// a work tree of that size in less than a minute.
	timeLimit = time.Minute
	// outputLimit bounds what git prints in answer to one question.
	outputLimit = 512 << 20
	// heldLimit bounds what of it is held at once.
	heldLimit = 64 << 20
)

// ErrNoGit says that there is no git on this machine.
var ErrNoGit = errors.New("there is no git on this machine")

// kept are the settings of the environment that a person makes for git; all others, such as where the repository is, are left
// out.
var kept = map[string]bool{
	"GIT_CONFIG_GLOBAL": true, "GIT_CONFIG_SYSTEM": true, "GIT_CONFIG_NOSYSTEM": true, "GIT_ATTR_NOSYSTEM": true, "GIT_EXEC_PATH": true,
}

// environment gives the environment for git.
func (r *Repository) environment(private string) []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GIT_") || kept[name] {
			out = append(out, kv)
		}
	}
	return append(out,
		"GIT_DIR="+private, "GIT_WORK_TREE="+r.Top, "GIT_INDEX_FILE="+r.indexFile(), "GIT_OBJECT_DIRECTORY="+filepath.Join(r.common, "objects"),
		// Nothing is asked of a person, written, or fetched: no transport is allowed, whatever a configuration says.
		"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_PAGER=cat", "LC_ALL=C",
		"GIT_TRACE2=0", "GIT_TRACE2_EVENT=0", "GIT_TRACE2_PERF=0",
	)
}

// always are the options of every command. They are for the configuration of the person: ours has none of this.
var always = []string{
	"--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "protocol.allow=never",
	"-c", "core.bigFileThreshold=16m", "-c", "core.untrackedCache=false", "-c", "core.quotePath=false",
}

// command makes a command of git, at the top of the work tree.
func (r *Repository) command(ctx context.Context, args ...string) (*runner.Process, error) {
	git, err := runner.Find("git", r.Top)
	if err != nil {
		return nil, ErrNoGit
	}
	private, err := r.private()
	if err != nil {
		return nil, fmt.Errorf("preparing to ask git: %w", err)
	}
	cmd := runner.Command(ctx, git, append(append([]string{}, always...), args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.Top, r.environment(private), time.Second
	return cmd, nil
}

// stream runs a command and hands over what it prints, as a reader that ends where it may print no more. quiet are exit codes
// that are an answer, too.
func (r *Repository) stream(ctx context.Context, stdin io.Reader, read func(io.Reader) error, quiet []int, args ...string) error {
	return r.failed(func() error {
		ctx, cancel := context.WithTimeout(ctx, timeLimit)
		defer cancel()
		cmd, err := r.command(ctx, args...)
		if err != nil {
			return err
		}
		var stderr bytes.Buffer
		cmd.Stdin, cmd.Stderr = stdin, &limited{&stderr, 4 << 10}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("starting git: %w", err)
		}
		bounded := &io.LimitedReader{R: out, N: outputLimit}
		failed := read(bounded)
		switch {
		case failed != nil:
		case bounded.N <= 0:
			failed = fmt.Errorf("git %s prints more than %d bytes", args[0], outputLimit)
		}
		if failed != nil {
			cancel()
			_ = cmd.Wait()
			return failed
		}
		err = cmd.Wait()
		var exit *runner.Exit
		switch {
		case err == nil:
			return nil
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("git %s did not end within %v", args[0], timeLimit)
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &exit):
			for _, code := range quiet {
				if exit.ExitCode() == code {
					return nil
				}
			}
			text, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
			return fmt.Errorf("git %s fails: %s", args[0], strings.TrimPrefix(text, "fatal: "))
		}
		return fmt.Errorf("running git: %w", err)
	}())
}

// run runs a command and gives what it prints.
func (r *Repository) run(ctx context.Context, stdin io.Reader, args ...string) (out []byte, err error) {
	err = r.stream(ctx, stdin, func(in io.Reader) error {
		var err error
		if out, err = io.ReadAll(io.LimitReader(in, heldLimit+1)); err == nil && len(out) > heldLimit {
			err = fmt.Errorf("git %s prints more than %d bytes", args[0], heldLimit)
		}
		return err
	}, nil, args...)
	return out, err
}

// names runs a command that prints names, each ended by a NUL.
func (r *Repository) names(ctx context.Context, fn func(name string) error, args ...string) error {
	return r.stream(ctx, nil, func(in io.Reader) error { return split(in, fn) }, nil, args...)
}

// maxName bounds a name: no file system has longer paths.
const maxName = 64 << 10

// split calls fn for everything that a NUL ends.
func split(in io.Reader, fn func(string) error) error {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, 64<<10), maxName)
	s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, 0); i >= 0 {
			return i + 1, data[:i], nil
		}
		if atEOF && len(data) > 0 {
			return len(data), nil, nil // not ended: not understood
		}
		return 0, nil, nil
	})
	for s.Scan() {
		if err := fn(s.Text()); err != nil {
			return err
		}
	}
	return s.Err()
}

// limited keeps no more than so many bytes, and takes the rest.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
