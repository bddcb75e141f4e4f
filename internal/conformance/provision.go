package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

const (
	// requireVar turns a skipped suite into a failing one when it is "require".
	requireVar = "CTXAUDIT_CONFORMANCE"
	// binariesVar names the directory that holds buildkitd, or shall hold it.
	binariesVar = "CTXAUDIT_BUILDKIT_DIR"

	buildkitModule = "github.com/moby/buildkit"
)

// Binaries is the directory of the BuildKit binaries for a repository root.
func Binaries(root string) string {
	if dir := os.Getenv(binariesVar); dir != "" {
		return dir
	}
	return filepath.Join(root, ".cache", "buildkit-"+dockerctx.BuildKitVersion)
}

// Provision supplies what [Missing] misses, but for root: it builds buildkitd
// and buildctl from the module in hack/buildkit, whose version a test holds
// equal to [dockerctx.BuildKitVersion], and installs runc.
func Provision(ctx context.Context, root, binaries string) error {
	if os.Geteuid() != 0 {
		return errors.New("buildkitd needs root")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		if err := run(ctx, "", "apt-get", "install", "--yes", "--no-install-recommends", "runc"); err != nil {
			return fmt.Errorf("installing runc: %w", err)
		}
	}
	for _, name := range []string{"buildkitd", "buildctl"} {
		target := filepath.Join(binaries, name)
		if _, err := os.Stat(target); err == nil {
			continue
		}
		// Under another name first: an interrupted build leaves nothing that
		// the next run takes for a binary.
		partial := fmt.Sprintf("%s.%d", target, os.Getpid())
		err := run(ctx, filepath.Join(root, "hack", "buildkit"), "go", "build", "-o", partial, buildkitModule+"/cmd/"+name)
		if err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
		if err := os.Rename(partial, target); err != nil {
			return fmt.Errorf("installing %s: %w", name, err)
		}
	}
	return nil
}

// run runs a command and puts what it wrote into the error.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w\n%s", name, err, output)
	}
	return nil
}

// repositoryRoot is the nearest directory with a go.mod, from the working
// directory upwards.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("finding the repository: no go.mod in any parent directory")
		}
		dir = parent
	}
}
