package bases

import (
	"encoding/json"
	"path"
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
		"registry.docker.com/library/node:20-slim":      "home/node/.* opt/yarn*",
		"localhost:5000/library/node":                   "?",
		"docker.io/library/nodes:20":                    "?",
		"docker.io/library/composer:2":                  "docker-entrypoint.sh tmp",
		"docker.io/own/python:3":                        "?",
		"gcr.io/distroless/static-debian12:debug":       "home busybox nodejs",
		"gcr.io/distroless/python3-debian11":            "home busybox nodejs",
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

// Of an image without a shell it is known that it has none, and not which other programs it has.
func TestShellless(t *testing.T) {
	for ref, want := range map[string]bool{
		"gcr.io/distroless/static-debian12:nonroot": true, "gcr.io/distroless/base:debug-nonroot": false, "gcr.io/distroless/python3-debian12": true, "gcr.io/distroless/python3": false,
		"mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled-extra": true, "mcr.microsoft.com/dotnet/aspnet:8.0": false, "docker.io/oven/bun:1-distroless": true, "docker.io/oven/bun:1": false,
	} {
		paths, ok := Holds(ref)
		assert.True(t, ok, ref)
		for program, held := range map[string]bool{"sh": !want, "bash": !want, "python3": true, "dotnet": true, "shasum": true, "java": true} {
			assert.Equal(t, held, slices.ContainsFunc(paths, func(p string) bool { ok, _ := path.Match(p, "usr/bin/"+program); return ok || p == "usr/bin" }), "%s %s", ref, program)
		}
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
		"docker.io/library/golang:1.22@sha256:abc":       `{"config":{"Env":["GOPATH=/go","GOTOOLCHAIN=local","PATH=/go/bin:/usr/local/go/bin:` + usual + `"],"User":"","WorkingDir":"/go"}}`,
		"docker.io/library/python:3.12-slim":             `{"config":{"Cmd":["python3"],"Env":["LANG=C.UTF-8","PATH=/usr/local/bin:` + usual + `"],"User":"","WorkingDir":"/"}}`,
		"docker.io/library/python:latest":                `{"config":{"Env":["PATH=/usr/local/bin:` + usual + `"],"User":"","WorkingDir":"/"}}`,
		"public.ecr.aws/docker/library/node:20":          `{"config":{"Env":["PATH=` + usual + `"],"User":"","WorkingDir":"/"}}`, // its script has its own mind about CMD
		"docker.io/library/node:8-onbuild":               string(Config("docker.io/library/node:onbuild")),
		"docker.io/library/redis:7-onbuild":              "",
		"docker.io/library/golang:1.22-nanoserver-ltsc2": "",
		"gcr.io/distroless/nodejs22-debian12:nonroot":    `{"config":{"Entrypoint":["/nodejs/bin/node"],"Env":["PATH=` + usual + `","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],"User":"65532","WorkingDir":"/home/nonroot"}}`,
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

// Every row is read, written as it was, and gives a configuration.
func TestOfficialTable(t *testing.T) {
	assert.Equal(t, table, settings().String())
	for name, row := range settings() {
		for what, value := range row {
			assert.True(t, json.Valid([]byte(value)), "%s %s %s", name, what, value)
			assert.True(t, strings.HasPrefix(what, "env ") || slices.Contains([]string{"workdir", "user", "entrypoint", "cmd", "onbuild"}, what), "%s %s", name, what)
		}
		assert.True(t, json.Valid(row.Config()), name)
	}
}

func TestFind(t *testing.T) {
	known := ReadTable(`# Imagined.
docker.io/library/a cmd ["a"]
docker.io/library/a:* user "none"
docker.io/library/a:*-fat user "fat"
docker.io/library/a:*-thin user "thin"
docker.io/library/a:1 env X "1"
docker.io/library/a:1.2 env X "1.2"
docker.io/library/a:onbuild onbuild ["RUN x"]
r.io/b/* workdir "/b"
`)
	for ref, want := range map[string]Facts{
		"docker.io/library/a:1.2.3":                     {"cmd": `["a"]`, "user": `"none"`, "env X": `"1.2"`},
		"docker.io/library/a:1.20":                      {"cmd": `["a"]`, "user": `"none"`, "env X": `"1"`},
		"docker.io/library/a:10-thin2.3@sha256:abc":     {"cmd": `["a"]`, "user": `"thin"`},
		"docker.io/arm64v8/a:thin-fat":                  {"cmd": `["a"]`, "user": `"thin"`},
		"public.ecr.aws/docker/library/a:1-fat-onbuild": {"onbuild": `["RUN x"]`},
		"docker.io/library/a:1-windowsservercore":       nil,
		"docker.io/own/a:1":                             nil,
		"r.io/b/c:latest":                               {"workdir": `"/b"`},
		"r.io/b/c/d":                                    nil,
	} {
		assert.Equal(t, want, known.Find(ref), ref)
	}
}

func TestWorkdir(t *testing.T) {
	for ref, want := range map[string]string{
		"docker.io/library/golang:1": "/go", "docker.io/library/redis:7-alpine": "/data", "docker.io/library/python:3": "/", "docker.io/library/fedora:40": "/",
		"gcr.io/distroless/static-debian12:nonroot": "/home/nonroot", "docker.io/own/x": "?", "docker.io/library/php:8.3-fpm-alpine": "/var/www/html",
		"docker.io/library/php:8": "/", "public.ecr.aws/lambda/python:3.12": "/var/task", "ghcr.io/astral-sh/uv:0.5-python3.12-bookworm-slim": "/", "ghcr.io/astral-sh/uv:0.5": "/io",
		"registry.access.redhat.com/ubi9/python-312:1": "/opt/app-root/src", "mcr.microsoft.com/dotnet/aspnet:8.0": "/", "docker.io/oven/bun:1-alpine": "/home/bun/app",
		"mcr.microsoft.com/dotnet/core/sdk:3.1": "/", "docker.io/library/tomcat:10": "/usr/local/tomcat", "docker.io/library/maven:3": "?",
	} {
		got, ok := Workdir(ref)
		if !ok {
			got = "?"
		}
		assert.Equal(t, want, got, ref)
	}
}
