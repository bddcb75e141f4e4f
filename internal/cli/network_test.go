package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// traceDir names a directory: what every run of the program asks of the network is then written to a file of its own there.
const traceDir = "CTXAUDIT_TRACE_NETWORK"

// traced runs the program, under strace if that is wanted.
func traced(main func() int) int {
	dir := os.Getenv(traceDir)
	if dir == "" {
		return main()
	}
	self, err := exec.LookPath(os.Args[0])
	if err != nil {
		return exitCouldNot
	}
	cmd := straced(filepath.Join(dir, fmt.Sprint(os.Getpid())), self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), traceDir+"=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return exitCouldNot
	}
	return cmd.ProcessState.ExitCode()
}

// straced makes a command that runs a program, and the programs that it starts, and writes what they ask of the network.
func straced(file, program string, args ...string) *exec.Cmd {
	return exec.Command("strace", append([]string{"-f", "-qq", "--seccomp-bpf", "-e", "signal=none", "-e", "trace=socket,connect,bind,sendto,sendmsg", "-o", file, program}, args...)...)
}

// No command of the suite uses a network, or tries to: the scripts are run once more, and strace watches.
func TestNoCommandUsesANetwork(t *testing.T) {
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
			for line := range bytes.Lines(data) {
				assert.False(t, bytes.Contains(line, []byte("AF_INET")) || bytes.Contains(line, []byte("AF_PACKET")), "%s", line)
			}
		}
	})
	runScripts(t, map[string]string{traceDir: dir})
}
