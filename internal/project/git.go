// Package project finds out about the repository around a build: the images that it builds, each with its context, and which
// files git tracks.
package project

import (
	"bytes"
	"errors"
	"os/exec"
	"path"
	"strings"
)

// Tracked gives the files at or below a directory of a build context that git tracks, relative to the context. ok is
// false where there is no git, or the context is in no repository: then every file counts.
//
// It asks the git command, which knows about worktrees, submodules and sparse checkouts.
func Tracked(contextDir, dir string) (files []string, ok bool, err error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, false, nil
	}
	cmd := exec.Command(git, "-C", contextDir, "ls-files", "-z", "--cached", "--", ":(literal)"+path.Clean(dir))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			// Not a repository, or one that belongs to somebody else.
			return nil, false, nil
		}
		return nil, false, err
	}
	for _, f := range strings.Split(strings.TrimSuffix(stdout.String(), "\x00"), "\x00") {
		if f != "" {
			files = append(files, f)
		}
	}
	return files, true, nil
}

// topLevel gives the directory of the repository that a directory lies in, "" if there is none.
func topLevel(dir string) string {
	git, err := exec.LookPath("git")
	if err != nil {
		return ""
	}
	out, err := exec.Command(git, "-C", dir, "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(out), "\n")
}
