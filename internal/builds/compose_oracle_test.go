package builds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The images of the Compose files in the repositories of CTXAUDIT_REPOS are what the program that CTXAUDIT_COMPOSE names says.
func TestAgainstCompose(t *testing.T) {
	program, dir := os.Getenv("CTXAUDIT_COMPOSE"), os.Getenv("CTXAUDIT_REPOS")
	if program == "" || dir == "" {
		t.Skip("CTXAUDIT_COMPOSE and CTXAUDIT_REPOS name no docker-compose and no repositories to hold this against")
	}
	repositories, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, root := range repositories {
		t.Run(filepath.Base(root), func(t *testing.T) {
			var files []string
			require.NoError(t, filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", "testdata", "fixtures"}, d.Name()) {
					return filepath.SkipDir
				}
				if rel, _ := filepath.Rel(root, p); d.Type().IsRegular() && composeName().MatchString(d.Name()) {
					files = append(files, filepath.ToSlash(rel))
				}
				return nil
			}))
			for _, group := range composeGroups(files) {
				found, notes := composeGroup(t, root, group)
				args := []string{"--profile", "*"}
				for _, f := range group {
					args = append(args, "-f", filepath.Join(root, filepath.FromSlash(f)))
				}
				cmd := exec.Command(program, append(args, "config", "--format", "json", "--no-env-resolution")...)
				cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=/nowhere", "PWD=" + filepath.Join(root, filepath.FromSlash(path.Dir(group[0])))}
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Run(); err != nil {
					t.Logf("%v: compose refuses: %s; here %d images, notes %v", group, stderr.String(), len(found), notes)
					continue
				}
				sameAsConfig(t, root, group, found, stdout.Bytes())
			}
		})
	}
}

func sameAsConfig(t *testing.T, root string, group []string, found []Build, config []byte) {
	t.Helper()
	var want struct {
		Services map[string]struct {
			Build *struct {
				Context    string             `json:"context"`
				Dockerfile string             `json:"dockerfile"`
				Inline     string             `json:"dockerfile_inline"`
				Target     string             `json:"target"`
				Args       map[string]*string `json:"args"`
				Contexts   map[string]string  `json:"additional_contexts"`
			} `json:"build"`
		} `json:"services"`
	}
	require.NoError(t, json.Unmarshal(config, &want))
	byName := map[string]Build{}
	for _, b := range found {
		byName[b.Name] = b
	}
	for name, s := range want.Services {
		if s.Build == nil {
			assert.NotContains(t, byName, name, "%v", group)
			continue
		}
		b, ok := byName[name]
		if !assert.True(t, ok, "%v builds %s", group, name) {
			continue
		}
		delete(byName, name)
		abs := func(p string) string {
			if remotePath(p) || filepath.IsAbs(p) {
				return p
			}
			return filepath.Join(root, filepath.FromSlash(p))
		}
		assert.Equal(t, s.Build.Context, abs(b.Context), "%v %s", group, name)
		if s.Build.Inline == "" && !remotePath(s.Build.Context) {
			df := cmp.Or(s.Build.Dockerfile, "Dockerfile")
			if !filepath.IsAbs(df) {
				df = filepath.Join(s.Build.Context, df)
			}
			assert.Equal(t, df, abs(cmp.Or(b.Dockerfile, filepath.Join(b.Context, "Dockerfile"))), "%v %s", group, name)
		}
		assert.Equal(t, s.Build.Inline, b.Inline)
		assert.Equal(t, s.Build.Target, b.Target)
		args := map[string]string{}
		for k, v := range s.Build.Args {
			if v != nil {
				args[k] = *v
			}
		}
		assert.Equal(t, args, b.Args, "%v %s", group, name)
		for k, v := range s.Build.Contexts {
			assert.Equal(t, v, abs(b.Contexts[k]), "%v %s", group, name)
		}
	}
	assert.Empty(t, byName, "%v", group)
}
