package builds

import (
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// extract writes the files of an archive and gives the directory and their names.
func extract(t *testing.T, archive string) (root string, names []string) {
	t.Helper()
	root = t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		full := filepath.Join(root, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, f.Data, 0o644))
		if composeName().MatchString(filepath.Base(f.Name)) {
			names = append(names, f.Name)
		}
	}
	return root, names
}

// onDisk gives a reader of a directory.
func onDisk(root string) *Reader {
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	return &Reader{
		Read: func(name string) ([]byte, error) { return os.ReadFile(at(name)) },
		Exists: func(name string) bool {
			fi, err := os.Stat(at(name))
			return err == nil && (fi.Mode().IsRegular() || fi.IsDir())
		},
	}
}

// composeGroup reads Compose files as one.
func composeGroup(t *testing.T, root string, group []string) ([]Build, []Note) {
	t.Helper()
	r := onDisk(root)
	s := newStage(r)
	defer s.close()
	return r.composeGroup(t.Context(), s, group, path.Dir(group[0]))
}

func TestComposeGivesWhatItBuilds(t *testing.T) {
	root, files := extract(t, `
-- .env --
VERSION=3.12
-- compose.yaml --
x-base: &base
  context: .
  args: {COMMON: "1"}
include:
  - more/included.yaml
services:
  short:
    build: ./short
  web:
    build:
      <<: *base
      dockerfile: docker/web.Dockerfile
      target: prod
      args:
        PYTHON: ${VERSION}
        EMPTY: ${NOT_SET}
        HOST_VALUE:
      additional_contexts:
        assets: ../assets
        tools: docker-image://busybox
    platform: linux/arm64
    command: gunicorn shop.wsgi
    environment: [DJANGO_SETTINGS_MODULE=shop.settings, FROM_HOST]
    volumes:
      - ./shop:/srv/shop
      - data:/data/
    env_file: missing.env
  inline:
    profiles: [debug]
    build:
      context: .
      dockerfile_inline: |
        FROM scratch
  pulled:
    image: postgres
  remote:
    build: https://github.com/a/b.git#main
volumes: {data: {}}
-- compose.override.yml --
services:
  web:
    build:
      target: dev
-- more/included.yaml --
services:
  other:
    build: .
-- deploy/docker-compose.prod.yml --
services:
  api:
    build: {context: "${PWD}/..", dockerfile: "$PWD/Dockerfile"}
`)
	found, notes := onDisk(root).compose(t.Context(), files)
	assert.Empty(t, notes)
	byName := map[string]Build{}
	for _, b := range found {
		byName[b.Name] = b
	}
	assert.Len(t, byName, 6)
	assert.Equal(t, "short", byName["short"].Context)
	web := byName["web"]
	assert.Equal(t, Build{
		Name: "web", Kind: "compose", File: "compose.override.yml", Line: 3, Context: ".", Dockerfile: "docker/web.Dockerfile", Target: "dev",
		Platform: "linux/arm64", Args: map[string]string{"PYTHON": "3.12", "EMPTY": ""},
		Contexts: map[string]string{"assets": "../assets", "tools": "docker-image://busybox"},
		Start:    Start{Command: []string{"gunicorn", "shop.wsgi"}, Env: []string{"DJANGO_SETTINGS_MODULE=shop.settings"}},
		Mounts:   []Mount{{From: "shop", At: "/srv/shop", File: "compose.yaml", Line: 25}},
	}, web)
	assert.Equal(t, "FROM scratch\n", byName["inline"].Inline)
	assert.Equal(t, "more", byName["other"].Context)
	assert.Equal(t, "https://github.com/a/b.git#main", byName["remote"].Context)
	api := byName["api"]
	assert.Equal(t, [5]any{"deploy/docker-compose.prod.yml", 3, ".", "deploy/Dockerfile", true},
		[5]any{api.File, api.Line, api.Context, api.Dockerfile, api.Start.IsZero()})
}

// A source that cannot be read is one message with its place, and the others are read all the same.
func TestBrokenComposeIsANote(t *testing.T) {
	root, files := extract(t, `
-- a/compose.yaml --
services:
  web:
    build: [this, is, wrong
-- b/compose.yaml --
include: [nowhere.yaml]
-- c/compose.yaml --
services:
  web:
    build: {context: ., nonsense: 1}
-- d/compose.yaml --
services: {ok: {build: .}}
-- e/compose.yaml --
-- f/compose.yaml --
services:
  web:
    build: ${UNCLOSED
-- h/compose.yaml --
services:
  web:
    build:
      context: .
      args:
        A: ${NEEDED:?say it}
        B: ${OTHER:?and it}
-- i/compose.override.yaml --
services:
  web:
    labels: ["${NEEDED:?say it}"]
`)
	require.NoError(t, os.WriteFile(filepath.Join(root, "g-compose.yaml"), []byte{0xff, 0xfe, 0x00}, 0o644))
	found, notes := onDisk(root).compose(t.Context(), append(files, "g-compose.yaml", "none/compose.yaml"))
	require.Len(t, found, 2)
	assert.Equal(t, "d", found[0].Context)
	assert.Equal(t, "h", found[1].Context, "a value that is demanded is stood in for")
	files = nil
	for _, n := range notes {
		if n.File == "h/compose.yaml" {
			assert.Equal(t, Note{"h/compose.yaml", 6, "a value is required for NEEDED (say it), and for 1 more: what is built with it may differ; an .env file beside the Compose file can give it"}, n)
		}
		files = append(files, n.File)
		assert.NotContains(t, n.Text, root, "paths are relative")
		assert.NotContains(t, n.Text, "\n")
	}
	assert.Equal(t, []string{"g-compose.yaml", "a/compose.yaml", "b/compose.yaml", "c/compose.yaml", "f/compose.yaml", "h/compose.yaml", "none/compose.yaml"}, files)
}

// Values that Compose demands hide nothing: what needs none of them is read as it is, and they are told once.
func TestRequiredValuesAreStoodInFor(t *testing.T) {
	root, files := extract(t, `
-- compose.yaml --
x-app: &app
  build:
    context: app
    args: {TOKEN: "${TOKEN:?ask the vault}", PLAIN: "1"}
services:
  web:
    <<: *app
    ports: ["${PORT:?}:80"]
    environment:
      SECRET: ${SECRET?}
      MODE: prod
  db:
    build: ./db
-- other/compose.yaml --
services:
  none:
    image: x:${TAG:?}
`)
	found, notes := onDisk(root).compose(t.Context(), files)
	require.Len(t, found, 2)
	assert.Equal(t, "db", found[1].Name)
	web := found[0]
	assert.Equal(t, 6, web.Line, "of the service, as its build stands elsewhere")
	assert.Equal(t, "app", web.Context)
	assert.Equal(t, map[string]string{"PLAIN": "1"}, web.Args)
	assert.Equal(t, []string{"MODE=prod"}, web.Start.Env)
	assert.Equal(t, []Note{{File: "compose.yaml", Line: 8,
		Text: "a value is required for PORT, and for 2 more: what is built with it may differ; an .env file beside the Compose file can give it"}}, notes)
}

// A mount or a number of nothing is an error of Compose, and none of what is built.
func TestVariablesWithoutAValue(t *testing.T) {
	root, files := extract(t, `
-- compose.yaml --
services:
  web:
    build: {context: web, args: {V: $UNSET, KEPT: $$UNSET, D: "${UNSET:-x}"}}
    volumes: ["${DIR}:/srv/app"]
    cpus: $CPUS
-- wrong/compose.yaml --
services:
  web:
    build: {context: ., nonsense: $X}
`)
	found, notes := onDisk(root).compose(t.Context(), files)
	require.Len(t, found, 1)
	assert.Equal(t, map[string]string{"KEPT": "$UNSET", "D": "x"}, found[0].Args)
	require.Len(t, notes, 2)
	assert.Equal(t, Note{File: "compose.yaml", Line: 5,
		Text: "a value is required for CPUS, and for 2 more: what is built with it may differ; an .env file beside the Compose file can give it"}, notes[0])
	assert.Equal(t, "wrong/compose.yaml", notes[1].File)
	assert.Contains(t, notes[1].Text, "nonsense")
}
