package delivery

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dist gives the directory into which a release was built (make release-check), which takes minutes.
func dist(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CTXAUDIT_DIST")
	if dir == "" {
		t.Skip("CTXAUDIT_DIST names no built release: make release-check does")
	}
	return dir
}

// sums gives the checksums of a release, and demands that they are those of its files.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(read(t, filepath.Join(dir, "checksums.txt"))) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		at := filepath.Join(dir, name)
		if _, err := os.Stat(at); err != nil {
			at = filepath.Join(dir, "../build/packages", name)
		}
		assert.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, at)))), name)
		out[name] = sum
	}
	return out
}

// A release has everything for every platform, and each of its files has a checksum.
func TestDistIsWhole(t *testing.T) {
	have := sums(t, dist(t))
	for os, ext := range map[string]string{"linux": "tar.gz", "darwin": "tar.gz", "windows": "zip"} {
		for _, arch := range []string{"amd64", "arm64"} {
			assert.Contains(t, have, "ctxaudit_"+os+"_"+arch+"."+ext)
			assert.Contains(t, have, "ctxaudit_"+os+"_"+arch+".cdx.json")
			if os == "linux" {
				for _, ext := range []string{"deb", "rpm", "apk"} {
					assert.Contains(t, have, "ctxaudit_linux_"+arch+"."+ext)
				}
			}
		}
	}
	count := func(pattern string) (n int) {
		for name := range have {
			if ok, _ := filepath.Match(pattern, name); ok {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 6, count("*.whl"))
	assert.Equal(t, 6, count("ctxaudit-npm-[a-z]*.tgz"))
	assert.Equal(t, 1, count("ctxaudit-npm-[0-9]*.tgz"))
}

// What package managers install runs, and lies where manuals, completions and plugins are looked for.
func TestDistPackages(t *testing.T) {
	from := dist(t)
	if runtime.GOOS != "linux" {
		t.Skip("the packages are for Linux")
	}
	for _, c := range []struct{ format, tool, unpack, zsh string }{
		{"deb", "dpkg-deb", `dpkg-deb --extract "$0" .`, "vendor-completions"},
		{"rpm", "rpm2cpio", `rpm2cpio "$0" | cpio --extract --make-directories --no-absolute-filenames --quiet`, "site-functions"},
		{"apk", "tar", `tar -xzf "$0" 2>/dev/null`, "site-functions"},
	} {
		t.Run(c.format, func(t *testing.T) {
			tool(t, c.tool)
			dir := t.TempDir()
			cmd := exec.Command("sh", "-c", c.unpack, filepath.Join(from, "ctxaudit_linux_"+runtime.GOARCH+"."+c.format))
			cmd.Dir = dir
			code, out := run(t, cmd)
			require.Zero(t, code, out)
			audits(t, filepath.Join(dir, "usr/bin/ctxaudit"))
			for _, name := range []string{
				"usr/share/man/man1/ctxaudit.1", "usr/share/man/man1/ctxaudit-check.1", "usr/share/bash-completion/completions/ctxaudit",
				"usr/share/fish/vendor_completions.d/ctxaudit.fish", "usr/share/zsh/" + c.zsh + "/_ctxaudit",
				"usr/share/ctxaudit/ctxaudit.mk", "usr/share/doc/ctxaudit/copyright",
			} {
				assert.FileExists(t, filepath.Join(dir, name))
			}
			link, err := os.Readlink(filepath.Join(dir, "usr/libexec/docker/cli-plugins/docker-ctxaudit"))
			require.NoError(t, err)
			assert.Equal(t, "/usr/bin/ctxaudit", link)
		})
	}
	t.Run("dpkg", func(t *testing.T) {
		dpkg, root := tool(t, "dpkg"), t.TempDir()
		if os.Getuid() != 0 {
			t.Skip("dpkg installs as root")
		}
		for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"} {
			require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
		}
		write(t, filepath.Join(root, "var/lib/dpkg/status"), "")
		code, out := run(t, exec.Command(dpkg, "--root", root, "--force-depends", "--log", os.DevNull, "--install",
			filepath.Join(from, "ctxaudit_linux_"+runtime.GOARCH+".deb")))
		require.Zero(t, code, out)
		audits(t, filepath.Join(root, "usr/bin/ctxaudit"))
	})
}

// Manifests name archives of this release by their checksums, and the program in them.
func TestDistManifests(t *testing.T) {
	from := dist(t)
	have := sums(t, from)
	var texts []string
	for _, dir := range []string{"homebrew", "scoop", "winget"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(from, dir), func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				texts = append(texts, read(t, name))
			}
			return err
		}))
	}
	all := strings.Join(texts, "\n")
	urls := regexp.MustCompile(`https://github\.com/ctxaudit/ctxaudit/releases/download/v[^/"\s]+/([^"\s]+)`).FindAllStringSubmatch(all, -1)
	assert.Len(t, urls, 4+2+2)
	for _, url := range urls {
		require.Contains(t, have, url[1])
		assert.Contains(t, all, have[url[1]], "the checksum of %s", url[1])
	}
	for _, sum := range regexp.MustCompile(`\b[0-9a-f]{64}\b`).FindAllString(all, -1) {
		assert.Contains(t, have, nameOf(have, sum))
	}
	code, out := run(t, exec.Command(tool(t, "ruby"), "-c", filepath.Join(from, "homebrew/Casks/ctxaudit.rb")))
	assert.Zero(t, code, out)
}

func nameOf(sums map[string]string, sum string) string {
	for name, have := range sums {
		if have == sum {
			return name
		}
	}
	return sum
}
