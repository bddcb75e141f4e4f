package delivery

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// GoReleaser checks its file itself (make release-check). What it cannot know is what others rely on.
func TestReleaseIsWhatOthersExpect(t *testing.T) {
	var release struct {
		Builds []struct {
			Goos, Goarch []string
			Main         string
			Flags        []string
			Ldflags      []string
			ModTimestamp string `yaml:"mod_timestamp"`
		}
		Archives []struct {
			NameTemplate    string `yaml:"name_template"`
			Formats         []string
			FormatOverrides []struct {
				Goos    string
				Formats []string
			} `yaml:"format_overrides"`
			Files []struct{ Src string }
		}
		Checksum struct {
			NameTemplate string `yaml:"name_template"`
			Algorithm    string
		}
		Sboms []struct{ Artifacts string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(root, ".goreleaser.yaml"))), &release))
	require.Len(t, release.Builds, 1)
	require.Len(t, release.Archives, 1)
	build, archive := release.Builds[0], release.Archives[0]

	var platforms []string
	for _, os := range build.Goos {
		for _, arch := range build.Goarch {
			platforms = append(platforms, os+"/"+arch)
		}
	}
	made := regexp.MustCompile(`(?m)^PLATFORMS\s*:= (.*)$`).FindStringSubmatch(read(t, filepath.Join(root, "Makefile")))
	require.NotNil(t, made)
	assert.ElementsMatch(t, strings.Fields(made[1]), platforms, "make cross builds each of them")
	assert.Contains(t, build.Flags, "-trimpath")
	assert.Equal(t, "{{ .CommitTimestamp }}", build.ModTimestamp)

	version := read(t, filepath.Join(root, "internal/cli/version.go"))
	linked := 0
	for _, flag := range build.Ldflags {
		if m := regexp.MustCompile(`^-X github\.com/ctxaudit/ctxaudit/internal/cli\.(\w+)=`).FindStringSubmatch(flag); m != nil {
			linked++
			assert.Regexp(t, `(?m)^var .*\b`+m[1]+`\b.* string$`, version)
		}
	}
	assert.Equal(t, 3, linked)

	script := read(t, filepath.Join(root, "install.sh"))
	assert.Equal(t, "ctxaudit_{{ .Os }}_{{ .Arch }}", archive.NameTemplate)
	assert.Contains(t, script, "archive=ctxaudit_${os}_$arch.$ext")
	assert.Equal(t, []string{"tar.gz"}, archive.Formats)
	require.Len(t, archive.FormatOverrides, 1)
	assert.Equal(t, "windows", archive.FormatOverrides[0].Goos)
	assert.Equal(t, []string{"zip"}, archive.FormatOverrides[0].Formats)
	assert.Equal(t, "sha256", release.Checksum.Algorithm)
	assert.Contains(t, script, "/"+release.Checksum.NameTemplate)
	assert.NotEmpty(t, release.Sboms)
	for _, want := range []string{"ctxaudit.mk", "build/man/man1/*.1", "build/completions/*", "LICENSE"} {
		assert.True(t, slices.ContainsFunc(archive.Files, func(f struct{ Src string }) bool { return f.Src == want }), want)
	}
}

// GoReleaser lays the binary of each platform below its name; the image of a platform has that one, and nothing else.
func TestReleaseImage(t *testing.T) {
	dir := t.TempDir()
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		write(t, filepath.Join(dir, platform, "ctxaudit"), platform)
	}
	write(t, filepath.Join(dir, "Dockerfile"), read(t, filepath.Join(root, "docker/release.Dockerfile")))
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		code, out := run(t, exec.Command(filepath.Join(bin(t), "ctxaudit"), "image", "ls", "--provenance", "--platform", platform, dir))
		require.Zero(t, code, out)
		assert.Contains(t, out, "/usr/local/bin/ctxaudit")
		assert.Contains(t, out, platform+"/ctxaudit")
		assert.NotContains(t, out, "/linux")
	}
}
