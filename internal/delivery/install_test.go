package delivery

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInstallScript(t *testing.T) {
	tool(t, "curl")
	from, url := releases(t)
	install := func(t *testing.T, env ...string) (code int, out, binary string) {
		home := t.TempDir()
		cmd := exec.Command("sh")
		// As it is piped from the network.
		script, err := os.Open(filepath.Join(root, "install.sh"))
		require.NoError(t, err)
		defer script.Close()
		cmd.Stdin = script
		cmd.Env = append(os.Environ(), append([]string{"HOME=" + home, "TMPDIR=" + t.TempDir(), "CTXAUDIT_RELEASES=" + url}, env...)...)
		code, out = run(t, cmd)
		left, err := filepath.Glob(filepath.Join(home, ".local/bin/.*"))
		require.NoError(t, err)
		assert.Empty(t, left)
		return code, out, filepath.Join(home, ".local/bin/ctxaudit")
	}

	t.Run("latest", func(t *testing.T) {
		code, out, binary := install(t)
		require.Zero(t, code, out)
		assert.Regexp(t, `/\.local/bin/ctxaudit: ctxaudit \S+, BuildKit v`, out)
		assert.FileExists(t, binary)
	})
	for _, version := range []string{"v1.2.3", "1.2.3"} {
		t.Run(version, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "with space")
			code, out, _ := install(t, "CTXAUDIT_VERSION="+version, "CTXAUDIT_DIR="+dir)
			require.Zero(t, code, out)
			assert.FileExists(t, filepath.Join(dir, "ctxaudit"))
		})
	}
	for _, c := range []struct{ name, version, want string }{
		{"no such release", "v9.9.9", "install.sh: downloading " + url + "/download/v9.9.9/checksums.txt"},
		{"not a version", "../../x", "install.sh: CTXAUDIT_VERSION must be"},
		{"a version and more", "v1/../../x", "install.sh: CTXAUDIT_VERSION must be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, binary := install(t, "CTXAUDIT_VERSION="+c.version)
			assert.Equal(t, 1, code)
			assert.Contains(t, out, c.want)
			assert.NoFileExists(t, binary)
		})
	}
	sums := filepath.Join(from, "latest/download/checksums.txt")
	good := read(t, sums)
	for name, bad := range map[string]string{
		"another checksum": strings.NewReplacer("a", "b", "1", "2", "7", "8").Replace(good),
		"no checksum":      strings.ReplaceAll(good, "ctxaudit_", "other_"),
		"nothing":          "",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, sums, bad)
			code, out, binary := install(t)
			assert.Equal(t, 1, code, out)
			assert.Regexp(t, `is not what the release has|does not have`, out)
			assert.NoFileExists(t, binary)
		})
	}
}
