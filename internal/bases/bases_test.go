package bases

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHolds(t *testing.T) {
	for ref, want := range map[string]string{ // beyond the standard directories; "?" where it is not known
		"docker.io/library/python:3.12-slim":            "opt/aws* opt/pypy* opt/rh* anaconda-post.log local",
		"docker.io/library/node:20@sha256:abc":          "home/node/.* opt/yarn*",
		"docker.io/library/golang":                      "opt/aws* opt/pypy* opt/rh* anaconda-post.log local",
		"public.ecr.aws/docker/library/node:20":         "home/node/.* opt/yarn*",
		"localhost:5000/library/node":                   "?",
		"docker.io/library/nodes:20":                    "?",
		"docker.io/library/composer:2":                  "docker-entrypoint.sh tmp",
		"docker.io/own/python:3":                        "?",
		"gcr.io/distroless/static-debian12:nonroot":     "home busybox nodejs",
		"ghcr.io/astral-sh/uv:python3.12-bookworm-slim": "uv uvx io opt",
		"ghcr.io/astral-sh/uvicorn":                     "?",
		"mcr.microsoft.com/dotnet/sdk:8.0":              "home/*/.* opt",
		"mcr.microsoft.com/dotnet/samples:aspnetapp":    "?",
	} {
		got, ok := Holds(ref)
		if want == "?" {
			assert.False(t, ok, ref)
			continue
		}
		assert.True(t, ok, ref)
		assert.Equal(t, strings.Fields(want), got[len(standard):], ref)
		assert.Equal(t, standard, got[:len(standard)], ref)
	}
}

func TestBare(t *testing.T) {
	assert.True(t, Bare("docker.io/library/debian:12@sha256:abc"))
	assert.False(t, Bare("docker.io/library/node:20"))
	assert.False(t, Bare("docker.io/own/debian"))
}

// A name stands in one row, and is one of an image that is published for everybody.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range holds {
		for name := range strings.FieldsSeq(row.names) {
			assert.False(t, seen[name], "%s stands twice", name)
			seen[name] = true
			assert.True(t, slices.Contains(official, name), "%s is no official image", name)
		}
	}
}

func TestSettings(t *testing.T) {
	for ref, want := range map[string]string{
		"docker.io/library/golang:1.22@sha256:abc":       `{"config":{"Env":["GOPATH=/go","PATH=/go/bin:/usr/local/go/bin:` + usual + `"],"User":"","WorkingDir":"/go"}}`,
		"docker.io/library/python:3.12-slim":             `{"config":{"Cmd":["python3"],"Env":["PATH=/usr/local/bin:` + usual + `"],"User":"","WorkingDir":"/"}}`,
		"docker.io/library/python:latest":                `{"config":{"Env":["PATH=/usr/local/bin:` + usual + `"],"User":"","WorkingDir":"/"}}`,
		"public.ecr.aws/docker/library/node:20":          `{"config":{"Env":["PATH=` + usual + `"],"User":"","WorkingDir":"/"}}`, // its script has its own mind about CMD
		"docker.io/library/node:8-onbuild":               string(Config("docker.io/library/node:onbuild")),
		"docker.io/library/redis:7-onbuild":              "",
		"docker.io/library/golang:1.22-nanoserver-ltsc2": "",
		"docker.io/own/python:3.12":                      "",
		"localhost:5000/library/python":                  "",
	} {
		assert.Equal(t, want, string(Config(ref)), ref)
	}
}

// A tag that runs the build of whoever builds on it is none of the versions.
func TestOnbuild(t *testing.T) {
	config := string(Config("docker.io/library/python:3-onbuild"))
	assert.Contains(t, config, `"OnBuild":["COPY requirements.txt /usr/src/app/",`)
	assert.NotContains(t, config, `"Cmd"`)
	assert.NotContains(t, string(Config("docker.io/library/python:3")), "OnBuild")
}

const usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Every row is read, and gives a configuration.
func TestOfficialTable(t *testing.T) {
	n := 0
	for name, row := range rows() {
		for what, value := range row {
			n++
			assert.True(t, json.Valid([]byte(value)), "%s %s %s", name, what, value)
			assert.True(t, strings.HasPrefix(what, "env ") || slices.Contains([]string{"workdir", "user", "entrypoint", "cmd", "onbuild"}, what), "%s %s", name, what)
		}
		assert.True(t, json.Valid(Config(name)), name)
	}
	assert.Equal(t, strings.Count(table, "\n")-1, n)
}

func TestWorkdir(t *testing.T) {
	for ref, want := range map[string]string{
		"docker.io/library/golang:1": "/go", "docker.io/library/redis:7-alpine": "/data", "docker.io/library/python:3": "/", "docker.io/library/fedora:40": "/",
		"gcr.io/distroless/static-debian12:nonroot": "?", "docker.io/own/x": "?", "docker.io/library/php:8-fpm": "?",
	} {
		got, ok := Workdir(ref)
		if !ok {
			got = "?"
		}
		assert.Equal(t, want, got, ref)
	}
}
