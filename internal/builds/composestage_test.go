package builds

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// canary is what must not be read: it lies outside of the repository, where every name that leads out of the stage could
// find it.
const canary = "c4n4ry"

// Whatever Compose files say, the library reads nothing but what is on the stage.
func FuzzCompose(f *testing.F) {
	for _, seed := range []struct{ main, inc, env string }{
		{"include: [inc.yaml]\nservices: {web: {build: {context: ., args: {A: $A}}}}", "services: {inner: {build: ., environment: [\"B=$A\"]}}", "A=1"},
		{"include: [{path: inc.yaml, env_file: OUT/env}]\nservices: {web: {build: .}}", "services: {inner: {build: {context: ., args: {A: $CANARY}}}}", ""},
		{"include: [{path: [OUT/compose.yaml]}]", "", "A=OUT"},
		{"include: [{path: inc.yaml, project_directory: OUT}]", "services: {inner: {build: {context: ., args: {A: $CANARY}}}}", ""},
		{"include: [{path: inc.yaml, env_file: $A/env}]", "services: {inner: {build: {context: ., args: {A: $CANARY}}}}", "A=OUT"},
		{"x: &x {env_file: [UP/env]}\ninclude: [{<<: *x, path: inc.yaml}]", "include: [{path: inc.yaml, project_directory: ../../..}]", ""},
		{"services: {web: {extends: {file: OUT/compose.yaml, service: canary}}}", "", ""},
		{"services: {web: {extends: {file: UP/compose.yaml, service: canary}}}", "", ""},
		{"services: {web: {build: ., label_file: OUT/env, env_file: OUT/env, configs: [c]}}\nconfigs: {c: {file: OUT/env}}", "", ""},
		{"include: [{path: inc.yaml, Env_File: OUT/env}]", "services: {inner: {build: {context: ., args: {A: $CANARY}}}}", ""},
		{"include: [{path: inc.yaml, !!binary ZW52X2ZpbGU=: UP/env}]", "services: {inner: {build: {context: ., args: {A: $CANARY}}}}", ""},
		{"include: [{path: inc.yaml, env_file: .env}, {path: \"${NOPE:?m}\"}]", "include: [{path: inc2.yaml, Project_Directory: OUT}]", "A=1"},
		{"include: [inc.yaml]\nservices: {web: {build: ..}}", "include: [{path: inc2.yaml, project_directory: ../..}]", "A=$B\nB=$A"},
	} {
		f.Add(seed.main, seed.inc, seed.env)
	}
	outside := f.TempDir()
	for name, text := range map[string]string{
		"env": "CANARY=" + canary, ".env": "CANARY=" + canary,
		"compose.yaml": "services: {canary: {build: {context: ., args: {A: " + canary + "}}}}", "inc.yaml": "services: {canary: {build: " + canary + "}}",
	} {
		require.NoError(f, os.WriteFile(filepath.Join(outside, name), []byte(text), 0o644))
	}
	// OUT is the directory by its name, UP by climbing.
	names := strings.NewReplacer("OUT", outside, "UP", strings.Repeat("../", 40)+strings.TrimPrefix(outside, "/"))
	f.Fuzz(func(t *testing.T, main, inc, env string) {
		if strings.Contains(main+inc+env, canary) {
			t.Skip("it is said, not read")
		}
		files := map[string][]byte{}
		for name, text := range map[string]string{"a/compose.yaml": main, "a/inc.yaml": inc, "a/inc2.yaml": main, "a/.env": env, "inc.yaml": inc} {
			files[name] = []byte(names.Replace(text))
		}
		r := inMemory(files)
		found, notes := r.compose(t.Context(), []string{"a/compose.yaml", "inc.yaml"})
		again, _ := r.compose(t.Context(), []string{"a/compose.yaml", "inc.yaml"})
		assert.Equal(t, found, again)
		assert.NotContains(t, fmt.Sprintf("%+v %+v", found, notes), canary)
		for _, n := range notes {
			assert.NotContains(t, n.Text, "/ctxaudit-", "the stage shows")
			assert.NotContains(t, n.Text, "\n")
			assert.True(t, filepath.IsLocal(n.File), n.File)
			assert.LessOrEqual(t, n.Line, bytes.Count(files[n.File], []byte("\n"))+1)
		}
		for _, b := range found {
			assert.NotContains(t, fmt.Sprint(b.Context, b.Dockerfile, b.Contexts), "/ctxaudit-", "the stage shows")
		}
	})
}
