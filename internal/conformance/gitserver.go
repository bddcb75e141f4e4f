package conformance

import (
	"fmt"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
)

// commit makes a repository of a directory, with all that git does not ignore in one commit.
func commit(dir string) error {
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "."}, {"add", "-A", "."},
		{"-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "--allow-empty", "-m", "x"},
	} {
		cmd := exec.Command("git", append([]string{"-c", "core.hooksPath=" + os.DevNull}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}

// serveGit serves the repository of a directory on loopback until stop is called, as a host of repositories does, and gives its URL.
func serveGit(dir string) (url string, stop func(), err error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return "", nil, fmt.Errorf("serving a repository: %w", err)
	}
	server := httptest.NewServer(&cgi.Handler{
		Path: git, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	})
	return server.URL + "/" + filepath.Base(dir) + "/.git", server.Close, nil
}
