package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// traceDir names a directory: what every run of the program asks of the network is then written to a file of its own there,
// and how a second run of the same command differs.
const traceDir = "CTXAUDIT_TRACE_NETWORK"

// traced runs the program, under strace if that is wanted, and twice if it has no effect.
func traced(main func() int) int {
	dir := os.Getenv(traceDir)
	if dir == "" || fetches(os.Args[1:]) {
		return main()
	}
	self, err := exec.LookPath(os.Args[0])
	if err != nil {
		return exitCouldNot
	}
	file := filepath.Join(dir, fmt.Sprint(os.Getpid()))
	var before []byte
	again := repeatable(os.Args[1:])
	if again {
		// Other conditions: one processor, and another order of every map.
		cmd := exec.Command(self, os.Args[1:]...)
		cmd.Env = append(os.Environ(), traceDir+"=", "GOMAXPROCS=1")
		before, _ = printed(cmd)
	}
	cmd := straced(file, self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), traceDir+"=")
	cmd.Stdin = os.Stdin
	got, err := printed(cmd)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return exitCouldNot
	}
	if again && !bytes.Equal(before, got) {
		_ = os.WriteFile(file+".differs", fmt.Appendf(nil, "%q gave\n%s\nand then\n%s\n", os.Args[1:], before, got), 0o644) // it is missed if it fails
	}
	return cmd.ProcessState.ExitCode()
}

// fetches reports whether a command is told to ask a registry.
func fetches(args []string) bool {
	named := slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "127.0.0.1:") })
	return named && (args[0] == "verify" || args[0] == "base" && args[1] == "pull")
}

// printed runs a command and gives what it printed on both streams, which it hands on where nobody else does.
func printed(cmd *exec.Cmd) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if cmd.Stdin != nil {
		cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stdout), io.MultiWriter(&errs, os.Stderr)
	}
	err := cmd.Run()
	return append(append(out.Bytes(), 0), errs.Bytes()...), err
}

// repeatable reports whether a command may be run twice: it reads no standard input and has no effect.
func repeatable(args []string) bool {
	if os.Getenv("GITHUB_STEP_SUMMARY") != "" {
		return false
	}
	return !slices.ContainsFunc(args, func(a string) bool {
		switch a {
		case "-", "init", "--write", "--fix", "--update-baseline", "--timeout", "add", "rm":
			return true
		}
		_, file, toFile := strings.Cut(strings.TrimPrefix(a, "--format="), "=")
		return toFile && file != "" && !strings.HasPrefix(a, "-") || strings.HasPrefix(a, "--format=") && toFile
	})
}

// straced makes a command that runs a program, and the programs that it starts, and writes what they ask of the network.
func straced(file, program string, args ...string) *exec.Cmd {
	return exec.Command("strace", append([]string{"-f", "-qq", "--seccomp-bpf", "-e", "signal=none", "-e", "trace=socket,connect,bind,sendto,sendmsg", "-o", file, program}, args...)...)
}

// No command of the suite uses a network, or tries to, and each gives the same bytes twice: the scripts are run once more, and
// strace watches.
func TestEveryCommandAgain(t *testing.T) {
	if raced {
		t.Skip("make test runs it without the race detector")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CTXAUDIT_JUDGES") == "require" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed")
	}
	dir := t.TempDir()
	// What is looked for is seen where it is.
	_ = straced(filepath.Join(dir, "proof"), "bash", "-c", "echo > /dev/tcp/127.0.0.1/9").Run()
	proof, err := os.ReadFile(filepath.Join(dir, "proof"))
	require.NoError(t, err)
	require.Contains(t, string(proof), "AF_INET")
	require.NoError(t, os.Remove(filepath.Join(dir, "proof")))

	t.Cleanup(func() {
		traces, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		assert.Greater(t, len(traces), 300, "runs of the program")
		for _, name := range traces {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			if strings.HasSuffix(name, ".differs") {
				t.Errorf("two runs differ: %s", data)
				continue
			}
			for line := range bytes.Lines(data) {
				assert.False(t, bytes.Contains(line, []byte("AF_INET")) || bytes.Contains(line, []byte("AF_PACKET")), "%s", line)
			}
		}
	})
	runScripts(t, map[string]string{traceDir: dir})
}
