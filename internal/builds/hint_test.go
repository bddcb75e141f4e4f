package builds

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHints(t *testing.T) {
	r := inMemory(map[string][]byte{
		"Makefile": []byte(`
IMAGE ?= org/app
DIR   := services/api
NOT    = $(shell pwd)
TWICE := a
TWICE := b
image:
	@docker build -t $(IMAGE):$(VERSION) --build-arg A=$(VERSION) .
	docker build -f $(DIR)/Dockerfile \
		--target prod \
		${DIR}
	docker build $(NOT)
	docker build $(TWICE)
	docker build nowhere
	cd web && docker build .
	docker build $$DIR
	docker build ../outside
	docker compose build
	cat web/Dockerfile | DOCKER_BUILDKIT=1 docker build web -f -
`),
		"Dockerfile": nil, "services/api/Dockerfile": nil, "web/Dockerfile": nil, "a/Dockerfile": nil, "b/Dockerfile": nil,
		"hack/build.sh": []byte("#!/bin/bash\nset -e\ncd \"$(dirname \"$0\")/..\"\ndocker build -t x --target dev .\n" +
			"docker build -f \"$(dirname \"${BASH_SOURCE[0]}\")/Dockerfile\" .\nfor d in a b c; do docker build $d; done\ndocker build $1\nif x; then docker build 'web'; fi\n"),
		"hack/Dockerfile":    nil,
		"own/image.mk":       []byte("x:\n\tdocker build .\n"),
		"own/Dockerfile":     nil,
		"own/run.sh":         []byte("docker build own; docker build sub"),
		"own/sub/Dockerfile": nil, "quiet.sh": []byte("docker run x"),
	})
	found := r.Hints(t.Context(), []string{"Makefile", "gone.mk", "hack/build.sh", "own/image.mk", "own/run.sh", "quiet.sh"})
	assert.Equal(t, `hint Makefile:8 app: . file=Dockerfile
hint Makefile:9 -: services/api file=services/api/Dockerfile target=prod
hint Makefile:15 -: web file=web/Dockerfile
hint Makefile:19 -: web file=web/Dockerfile
hint hack/build.sh:4 x: . file=Dockerfile target=dev
hint hack/build.sh:5 -: . file=hack/Dockerfile
hint hack/build.sh:6 -: a file=a/Dockerfile
hint hack/build.sh:6 -: b file=b/Dockerfile
hint hack/build.sh:8 -: web file=web/Dockerfile
hint own/image.mk:2 -: own file=own/Dockerfile
hint own/run.sh:1 -: own file=own/Dockerfile
`, show(found, nil))
}

func TestParseCommand(t *testing.T) {
	for in, want := range map[string]string{
		"docker build .":                            ". file= target=",
		"sudo -E docker build -qt name -f x .":      ". file=x target=",
		"docker --context remote image build -fx .": ". file=x target=",
		"docker buildx build --target=a --platform linux/arm64,linux/amd64 --push . ": ". file= target=a linux/amd64",
		"docker build --no-cache --pull --squash .":                                   ". file= target=",
		"docker build --wonder .":                                                     "the option --wonder is not known",
		"docker build --wonder=x .":                                                   ". file= target=",
		"docker build -Z .":                                                           "the option -Z is not known",
		"docker build a b":                                                            "its words are not known here",
		"docker build -t":                                                             "it names no context",
		"docker build -- .":                                                           ". file= target=",
		"docker build -":                                                              "- file= target=",
		"podman build":                                                                ". file= target=",
		"buildah bud --layers -t x dir":                                               "dir file= target=",
		"podman build --ignorefile x .":                                               "it names another ignore file",
		"docker run build .":                                                          "nothing",
		"docker":                                                                      "nothing",
		"docker buildx bake":                                                          "nothing",
		"env A=b nerdctl -n k8s.io build .":                                           ". file= target=",
	} {
		got := "nothing"
		found, err := script(in, "/r", "/r", nil, nil)
		require.NoError(t, err)
		for _, s := range found {
			if c := s.command; c.problem != "" {
				got = c.problem
			} else {
				got = strings.TrimSpace(fmt.Sprintf("%s file=%s target=%s %s", c.context, c.file, c.target, c.platform))
			}
		}
		assert.Equal(t, want, got, in)
	}
}

func TestScriptKnowsDirectories(t *testing.T) {
	for in, want := range map[string][]string{
		"cd a; docker build .":                                    {"a"},
		"(cd a && docker build .); docker build .":                {"a", "."},
		"pushd a; docker build .; popd; docker build .":           {"a", "."},
		"cd $X && docker build .":                                 {"?"},
		"if x; then cd a; fi; docker build .":                     {"?"},
		"cd a/b/..; docker build \"$PWD/c\"":                      {"a/c"},
		"case $1 in a) docker build a;; b) docker build b;; esac": {"a", "b"},
		"D=x; docker build $D; D=$(date); docker build $D":        {"x", "?"},
		"docker build ${DIR:-sub}":                                {"sub"},
		"while read x; do docker build $x; done":                  {"?"},
		"docker build $(git rev-parse --show-toplevel)":           {"."},
		"docker build a | tee log; docker build b &":              {"a", "b"},
		"export X=a Y=b; docker build $X$Y":                       {"ab"},
		"for x in a $Y; do docker build $x; done":                 {"a", "?"},
		"docker build a; docker build 'b":                         {"a"},
		"cd -; docker build .":                                    {"?"},
		"x() { docker build never; }":                             nil,
		"docker build a -f - < b; docker build c -f -":            {"a", "c"},
	} {
		var got []string
		found, err := script(in, "/r", "/r", nil, nil)
		require.NoError(t, err)
		for _, s := range found {
			b, problem := s.command.build(func(string) bool { return true }, s.cwd)
			b.Context = strings.TrimPrefix(b.Context, "/r")
			if problem != "" {
				b.Context = "?"
			}
			got = append(got, cmp.Or(strings.TrimPrefix(b.Context, "/"), "."))
		}
		assert.Equal(t, want, got, in)
	}
}

// Whatever a Makefile or a script holds: a hint is about files that exist, on a line that exists.
func FuzzHints(f *testing.F) {
	f.Add("Makefile", "A := x\nx:\n\tdocker build $(A) \\\n\t  -f $(A)/Dockerfile\n")
	f.Add("x.sh", "for x in x y; do cd $x && docker build .; done")
	f.Fuzz(func(t *testing.T, name, text string) {
		if !IsHint(name) || path.Clean(name) != name {
			t.Skip("another file")
		}
		r := inMemory(map[string][]byte{name: []byte(text), "x/Dockerfile": nil, "Dockerfile": nil})
		found := r.Hints(t.Context(), []string{name})
		again := r.Hints(t.Context(), []string{name})
		require.Equal(t, show(found, nil), show(again, nil))
		for _, b := range found {
			assert.True(t, b.Line >= 1 && b.Line <= strings.Count(text, "\n")+1)
			assert.True(t, slices.Contains([]string{"x/Dockerfile", "Dockerfile", name}, b.Dockerfile), b.Dockerfile)
			assert.True(t, r.Exists(b.Context) || b.Context == ".", b.Context)
		}
	})
}
