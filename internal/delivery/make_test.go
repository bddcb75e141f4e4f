package delivery

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMakeInclude(t *testing.T) {
	gnuMake := tool(t, "make")
	include := "include " + filepath.Join(root, "ctxaudit.mk") + "\n"
	for _, c := range []struct {
		name, part, makefile string
		args                 []string
		code                 int
		want                 []string
	}{
		{"a target of the includer", "broken", include + "image: audit-context\n\t@echo building\n", []string{"image"}, 2, []string{"ImportNotInImage"}},
		{"clean", "repaired", include + "image: audit-context\n\t@echo building\n", []string{"image"}, 0, []string{"0 errors", "building"}},
		{"the default goal stays", "broken", include + "all:\n\t@echo building\n", nil, 0, []string{"building"}},
		{"the default goal that was before", "broken", "all:\n\t@echo building\n" + include + "other:\n\t@false\n", nil, 0, []string{"building"}},
		{"variables before", "broken", "CTXAUDIT_FLAGS = --quiet --require-env X\n" + include, []string{"audit-context"}, 2, []string{"EnvMissing"}},
		{"variables after", "broken", include + "CTXAUDIT_FLAGS = --require-env X\n", []string{"audit-context"}, 2, []string{"EnvMissing"}},
		{"variables on the command line", "broken", include, []string{"audit-context", "CTXAUDIT_FLAGS=--require-env X", "CTXAUDIT=docker-ctxaudit"}, 2, []string{"EnvMissing"}},
		{"another context", "broken", include + "CTXAUDIT_CONTEXT := nowhere\n", []string{"audit-context"}, 2, []string{"nowhere does not exist"}},
		{"a file of that name", "broken", include + "CTXAUDIT_FLAGS := -q\n$(shell touch audit-context)\n", []string{"audit-context"}, 2, []string{"ImportNotInImage"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := example(t, c.part)
			write(t, filepath.Join(dir, "Makefile"), c.makefile)
			bins := t.TempDir()
			assert.NoError(t, os.Symlink(filepath.Join(bin(t), "ctxaudit"), filepath.Join(bins, "docker-ctxaudit")))
			cmd := exec.Command(gnuMake, c.args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin(t)+":"+bins+":"+os.Getenv("PATH"), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir),
				"MAKEFLAGS=", "MAKELEVEL=")
			code, out := run(t, cmd)
			assert.Equal(t, c.code, code, out)
			for _, want := range c.want {
				assert.Contains(t, out, want)
			}
		})
	}
}

func TestMakeInstallsThePlugin(t *testing.T) {
	docker := tool(t, "docker")
	config := filepath.Join(t.TempDir(), "config")
	t.Setenv("DOCKER_CONFIG", config)
	// The program need not be built where it is tested.
	install := exec.Command(tool(t, "make"), "-C", root, "install-plugin", "BIN="+filepath.Join(t.TempDir(), "ctxaudit"))
	install.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	code, out := run(t, install)
	require.Zero(t, code, out)
	code, out = run(t, exec.Command(docker, "ctxaudit", "version"))
	assert.Zero(t, code, out)
	assert.Regexp(t, `^ctxaudit \S+, BuildKit v`, out)
}
