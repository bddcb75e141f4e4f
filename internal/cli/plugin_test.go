package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPluginArgs(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want []string
		ofDocker bool
	}{
		{"a command", []string{"ctxaudit", "check", "."}, []string{"check", "."}, true},
		{"nothing", []string{"ctxaudit"}, []string{}, true},
		{"docker's flags before it", []string{"--debug", "-H", "tcp://x", "--context=y", "ctxaudit", "why", "a"}, []string{"why", "a"}, true},
		{"our flags of the same names", []string{"ctxaudit", "check", "--config", "x"}, []string{"check", "--config", "x"}, true},
		{"docker's help command", []string{"help", "ctxaudit", "image", "ls"}, []string{"image", "ls", "--help"}, true},
		{"docker's help flag", []string{"--help", "ctxaudit", "check"}, []string{"check", "--help"}, true},
		{"completion", []string{"__complete", "ctxaudit", "check", "--"}, []string{"__complete", "check", "--"}, true},
		{"by itself", []string{"check", "."}, []string{"check", "."}, false},
		{"by itself, with a flag of ours", []string{"--color", "never", "check"}, []string{"--color", "never", "check"}, false},
		{"by itself, help", []string{"help", "check"}, []string{"help", "check"}, false},
		{"by itself, no arguments", nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ofDocker := pluginArgs(c.in)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.ofDocker, ofDocker)
		})
	}
	for program, want := range map[string]bool{
		"/x/cli-plugins/docker-ctxaudit": true, "docker-ctxaudit.exe": true, "ctxaudit": false, "docker": false, "": false,
	} {
		assert.Equal(t, want, isPlugin(program), program)
	}
}

// docker closes the socket when it was told to end.
func TestPluginEndsWithDocker(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", name)
	require.NoError(t, err)
	defer l.Close()
	ctx, stop := untilDockerEnds(t.Context(), name)
	defer stop()
	conn, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, ctx.Err())
	require.NoError(t, conn.Close())
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	ctx, stop = untilDockerEnds(t.Context(), filepath.Join(t.TempDir(), "nobody"))
	require.NoError(t, ctx.Err(), "a socket that is not there")
	stop()
}

// The judge is a real docker command, which needs no daemon to call a plugin.
func TestDockerCallsThePlugin(t *testing.T) {
	docker := tool(t, "docker")
	config := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	plugin := filepath.Join(config, "cli-plugins", pluginProgram)
	require.NoError(t, os.MkdirAll(filepath.Dir(plugin), 0o755))
	// The test binary is the program when it is called by that name.
	require.NoError(t, os.Symlink(self, plugin))
	t.Setenv("DOCKER_CONFIG", config)
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.Command(docker, args...)
		out, err := cmd.CombinedOutput()
		require.NotNil(t, cmd.ProcessState, "%v", err)
		assert.Equal(t, want, cmd.ProcessState.ExitCode(), "docker %q: %s", args, out)
		return string(out)
	}
	example(t, "broken")

	assert.Regexp(t, `^ctxaudit \S+, BuildKit v`, run(0, "ctxaudit", "version"))
	assert.Regexp(t, `(?m)^\s+ctxaudit\*\s+Check an image before it is built`, run(0, "--help"))
	checked := run(exitFindings, "ctxaudit", "check")
	_, alone, _ := ctxaudit(t, nil, "check")
	assert.Equal(t, alone, checked)
	assert.Contains(t, run(exitFindings, "--debug", "--log-level", "error", "ctxaudit", "check", "--quiet"), "ImportNotInImage")

	for _, help := range [][]string{{"ctxaudit", "why", "--help"}, {"help", "ctxaudit", "why"}} {
		out := run(0, help...)
		assert.Contains(t, out, "  docker ctxaudit why TARGET [CONTEXT] [flags]\n")
		assert.Contains(t, out, "\n  docker ctxaudit why Dockerfile:7\n")
		assert.Contains(t, out, "| docker ctxaudit why --traceback -")
		assert.NotRegexp(t, `(?m)^  ctxaudit `, out)
	}
	assert.Contains(t, run(0, "ctxaudit", "--help"), "  docker ctxaudit [command]\n")
	assert.Contains(t, run(exitCouldNot, "ctxaudit", "check", "--nope"), "See 'docker ctxaudit check --help'.")
	// Older ones do not ask plugins for completions.
	var major int
	_, err = fmt.Sscanf(run(0, "--version"), "Docker version %d.", &major)
	require.NoError(t, err)
	if major >= 24 {
		assert.Contains(t, run(0, "__complete", "ctxaudit", "ch"), "check\t")
		assert.Contains(t, run(0, "__complete", "ctxaudit", "check", "--clean"), "--clean-checkout\t")
	}

	out, err := exec.Command(plugin, pluginMetadata).Output()
	require.NoError(t, err)
	var fields map[string]string
	require.NoError(t, json.Unmarshal(out, &fields))
	for _, name := range []string{"SchemaVersion", "Vendor", "Version", "ShortDescription", "URL"} {
		assert.NotEmpty(t, fields[name], name)
	}
}
