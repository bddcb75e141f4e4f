// Package runner is the one place that starts a program: git, and the builder of a person who asks for a build.
package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/files"
)

// Process is a program to start, Exit the error of one that ends with another exit code than 0.
type (
	Process = exec.Cmd
	Exit    = exec.ExitError
)

// Find finds a program in PATH for a run on a directory. One that lies in a repository around the directory is somebody else's.
func Find(name, dir string) (string, error) {
	var strangers []string
	for dir = files.Resolve(dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil || len(strangers) == 0 {
			strangers = append(strangers, dir)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		found, err := exec.LookPath(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		real := files.Resolve(found)
		if slices.ContainsFunc(strangers, func(top string) bool {
			rel, err := filepath.Rel(top, real)
			return err == nil && filepath.IsLocal(rel)
		}) {
			continue
		}
		return found, nil
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// Command prepares a program that [Find] gave. It ends with the context.
func Command(ctx context.Context, program string, args ...string) *Process {
	return exec.CommandContext(ctx, program, args...)
}
