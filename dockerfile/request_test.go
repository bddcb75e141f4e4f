package dockerfile_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// Which Dockerfile and which ignore file. "%" in a field stands for the directory of the files.
func TestFiles(t *testing.T) {
	const text = "FROM scratch\nCOPY a /\n"
	cases := []struct {
		name     string
		files    map[string]string
		opt      dockerfile.Options
		stdin    string
		display  string // "" for an error
		ignore   string
		excludes []string
	}{
		{name: "default", files: map[string]string{"Dockerfile": text, ".dockerignore": "x\n"}, display: "Dockerfile", ignore: ".dockerignore", excludes: []string{"x"}},
		{name: "no ignore file", files: map[string]string{"Dockerfile": text}, display: "Dockerfile"},
		{name: "lower case", files: map[string]string{"dockerfile": text, "dockerfile.dockerignore": "x\n"}, display: "dockerfile", ignore: "dockerfile.dockerignore", excludes: []string{"x"}},
		{name: "both cases", files: map[string]string{"dockerfile": "FROM nope\n", "Dockerfile": text}, display: "Dockerfile"},
		{name: "beside wins", files: map[string]string{"Dockerfile": text, ".dockerignore": "x\n", "Dockerfile.dockerignore": "y\n"}, display: "Dockerfile", ignore: "Dockerfile.dockerignore", excludes: []string{"y"}},
		{name: "empty beside", files: map[string]string{"Dockerfile": text, ".dockerignore": "x\n", "Dockerfile.dockerignore": ""}, display: "Dockerfile", ignore: "Dockerfile.dockerignore"},
		{name: "empty beside with a gateway", files: map[string]string{"Dockerfile": "# syntax=docker/dockerfile:1.7\n" + text, ".dockerignore": "x\n", "Dockerfile.dockerignore": ""}, display: "Dockerfile", ignore: ".dockerignore", excludes: []string{"x"}},
		{name: "sub-directory", files: map[string]string{"docker/My.Dockerfile": text, ".dockerignore": "x\n", "docker/My.Dockerfile.dockerignore": "z\n"},
			opt: dockerfile.Options{Dockerfile: "%/docker/My.Dockerfile"}, display: "%/docker/My.Dockerfile", ignore: "docker/My.Dockerfile.dockerignore", excludes: []string{"z"}},
		{name: "sub-directory without an ignore file", files: map[string]string{"docker/D": text, ".dockerignore": "x\n", "docker/.dockerignore": "no\n"},
			opt: dockerfile.Options{Dockerfile: "%/docker/D"}, display: "%/docker/D", ignore: ".dockerignore", excludes: []string{"x"}},
		{name: "outside", files: map[string]string{"out/D": text, "out/D.dockerignore": "o\n", "ctx/.dockerignore": "x\n"},
			opt: dockerfile.Options{Context: "%/ctx", Dockerfile: "%/out/D"}, display: "%/out/D", ignore: "%/out/D.dockerignore", excludes: []string{"o"}},
		{name: "standard input", files: map[string]string{"Dockerfile": "FROM nope\n", "Dockerfile.dockerignore": "no\n", ".dockerignore": "x\n"},
			opt: dockerfile.Options{Dockerfile: "-"}, stdin: text, display: "Dockerfile", ignore: ".dockerignore", excludes: []string{"x"}},
		{name: "a link inside", files: map[string]string{"Dockerfile": "-> real/D", "real/D": text, ".dockerignore": "-> real/i", "real/i": "x\n"}, display: "Dockerfile", ignore: ".dockerignore", excludes: []string{"x"}},
		{name: "an absolute link is clamped", files: map[string]string{"Dockerfile": "-> /real/D", "real/D": text}, display: "Dockerfile"},
		{name: "an ignore file that is a directory", files: map[string]string{"Dockerfile": text, ".dockerignore/": ""}, display: "Dockerfile"},
		{name: "missing -f", files: map[string]string{"Dockerfile": text}, opt: dockerfile.Options{Dockerfile: "%/nope"}},
		{name: "missing directory of -f", files: map[string]string{"Dockerfile": text}, opt: dockerfile.Options{Dockerfile: "%/nope/Dockerfile"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, c.files)
			at := func(s string) string { return strings.ReplaceAll(s, "%", filepath.ToSlash(dir)) }
			c.opt.Context, c.opt.Dockerfile = at(c.opt.Context), at(c.opt.Dockerfile)
			if c.opt.Context == "" {
				c.opt.Context = dir
			}
			if c.stdin != "" {
				c.opt.Stdin = strings.NewReader(c.stdin)
			}
			plan, err := dockerfile.Compile(t.Context(), c.opt)
			if c.display == "" {
				require.ErrorIs(t, asError(t, err), os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, at(c.display), plan.Dockerfile.Name)
			assert.Equal(t, at(c.ignore), plan.IgnoreName)
			require.Len(t, plan.Ops, 2)
			assert.Equal(t, c.excludes, plan.Ops[0].Local.ExcludePatterns)
			assert.Equal(t, c.opt.Context, plan.Ops[0].Local.Dir)
			if c.stdin != "" {
				assert.Empty(t, plan.Dockerfile.Path)
				return
			}
			data, err := os.ReadFile(plan.Dockerfile.Path)
			if err == nil { // the clamped link leads nowhere outside a build
				assert.Equal(t, data, plan.Dockerfile.Data)
			}
		})
	}
}

func TestNamedContexts(t *testing.T) {
	other := tree(t, map[string]string{".dockerignore": "secret\n", "f": ""})
	text := lines("FROM scratch", "COPY --from=Other f /f", "COPY --from=ctx g /g")
	plan := mustCompile(t, strings.Replace(text, "Other", "other", 1), withContexts(map[string]string{"other": other, "ctx": other}))
	assert.Equal(t, lines(
		`local other follow=["f"] exclude=["secret"] @2`, "file <0.0 @2",
		`local ctx follow=["g"] exclude=["secret"] @3`, "file <1.0 <2.0 @3", "result 3.0"), describe(plan))
	assert.Equal(t, other, plan.Ops[0].Local.Dir)

	plan = mustCompile(t, lines("FROM other"), withContexts(map[string]string{"other": other}))
	assert.Equal(t, lines(`local other exclude=["secret"] @1`, "result 0.0"), describe(plan))

	plan = mustCompile(t, lines("FROM scratch AS other", "COPY never /", "FROM other AS x", "COPY a /"), withContexts(map[string]string{"other": other}))
	assert.Equal(t, lines(`local other exclude=["secret"] @1`, `local context follow=["a"] @4`, "file <0.0 <1.0 @4", "result 2.0"), describe(plan))

	_, err := compile(t, text, withContexts(map[string]string{"other": filepath.Join(other, "f")}))
	assert.ErrorContains(t, err, "preparing build context other")
	assert.ErrorContains(t, err, "not a directory")
	_, err = compile(t, text, withContexts(map[string]string{"A B": other}))
	assert.ErrorContains(t, asError(t, err), "invalid context name A B")
}

func TestRemoteContexts(t *testing.T) {
	dir := tree(t, map[string]string{"Dockerfile": lines("FROM scratch", "COPY a /"), "Dockerfile.dockerignore": "x\n"})
	for url, want := range map[string]string{
		"https://example.com/r.git#main:sub": lines(`remote git https://example.com/r.git "" @2`, "file <0.0 @2", "result 1.0"),
		"git@example.com:r.git":              lines(`remote git git@example.com:r.git "" @2`, "file <0.0 @2", "result 1.0"),
		// an archive, which BuildKit unpacks
		"https://example.com/file": lines(`remote http https://example.com/file "context" @2`, "file <0.0 @2", "file <1.0 @2", "result 2.0"),
	} {
		plan, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: url, Dockerfile: filepath.Join(dir, "Dockerfile")})
		require.NoError(t, err, url)
		assert.Equal(t, want, describe(plan))
		assert.Equal(t, url, plan.RemoteContext)
		assert.Empty(t, plan.IgnoreName)
		kinds := map[string]bool{}
		for _, a := range plan.Assumptions {
			kinds[a.Kind] = true
		}
		assert.Equal(t, map[string]bool{dockerfile.AssumedRemoteContext: true, dockerfile.AssumedRemoteSource: true}, kinds)

		_, err = dockerfile.Compile(t.Context(), dockerfile.Options{Context: url})
		assert.ErrorContains(t, asError(t, err), "name a local one with -f")
	}
}

func TestSyntaxDirective(t *testing.T) {
	for ref, ours := range map[string]bool{
		"docker/dockerfile": true, "docker/dockerfile:1.7-labs": true, "docker.io/docker/dockerfile-upstream:master": true,
		"docker/dockerfile:1@sha256:" + strings.Repeat("a", 64): true,
		"example.com/docker/dockerfile:1":                       false, "mine/frontend": false, "docker/dockerfile/x": false,
	} {
		plan := mustCompile(t, lines("# syntax="+ref, "FROM scratch", "COPY a /"))
		require.Len(t, plan.Ops, 2)
		if ours {
			assert.Empty(t, plan.Assumptions, ref)
			continue
		}
		require.Len(t, plan.Assumptions, 1, ref)
		assert.Equal(t, dockerfile.AssumedFrontend, plan.Assumptions[0].Kind)
		assert.Equal(t, ref, plan.Assumptions[0].Text)
		assert.Equal(t, 1, plan.Assumptions[0].Location.Range.Start.Line)
	}
	plan := mustCompile(t, lines("FROM scratch"), withArgs(map[string]string{"BUILDKIT_SYNTAX": "x/y z"}))
	require.Len(t, plan.Assumptions, 1)
	assert.Equal(t, "x/y", plan.Assumptions[0].Text)
}

// partlyKnown knows of every image in which directory it works.
type partlyKnown struct{}

func (partlyKnown) ResolveImageConfig(context.Context, string, string) ([]byte, bool, error) {
	return []byte(`{"config":{"WorkingDir":"/go"}}`), false, nil
}

func TestBaseImages(t *testing.T) {
	images := fixedImages{"docker.io/library/known:1": `{"config":{"Env":["K=1"]}}`}
	plan := mustCompile(t, lines("FROM known:1 AS a", "FROM unknown", "COPY --from=a / /"), withImages(images))
	require.Len(t, plan.Assumptions, 2)
	assert.Equal(t, "FROM known:1 AS a", plan.Assumptions[0].Text)
	assert.NotContains(t, plan.Assumptions[0].Meaning, "configuration")
	assert.Equal(t, "FROM unknown", plan.Assumptions[1].Text)
	assert.Contains(t, plan.Assumptions[1].Meaning, "configuration")

	plan = mustCompile(t, lines("FROM x", "COPY a b"), withImages(partlyKnown{}))
	assert.Equal(t, dockerfile.ImageSource{Ref: "docker.io/library/x:latest", Partly: true}, *plan.Ops[0].Image)
	assert.Equal(t, "/go", plan.Config.WorkingDir)
	assert.Contains(t, plan.Assumptions[0].Meaning, "its configuration is that of the table of official images")

	_, err := compile(t, lines("FROM known:1"), withImages(fixedImages{"docker.io/library/known:1": "not JSON"}))
	e := asError(t, err)
	assert.Contains(t, e.Message, "reading the configuration of image docker.io/library/known:1")
	assert.Equal(t, 1, e.Range.Start.Line)
}

func TestPlatform(t *testing.T) {
	text := lines("FROM --platform=$BUILDPLATFORM a AS build", "ARG TARGETARCH", "ENV T=$TARGETARCH", "FROM b", "COPY --from=build x /$TARGETARCH")
	plan := mustCompile(t, text, func(o *dockerfile.Options) { o.Platform = "linux/arm64" }, withTarget("build"))
	assert.Equal(t, "linux/arm64", plan.Platform)
	assert.Contains(t, plan.Config.Env, "T=arm64")
	plan = mustCompile(t, text, func(o *dockerfile.Options) { o.Platform = "linux/arm/v7" })
	assert.Equal(t, "linux/arm/v7", plan.Platform)
}

func TestParallel(t *testing.T) {
	dir := tree(t, map[string]string{"Dockerfile": lines("ARG V=1", "FROM alpine AS a", "ENV A=$V", "FROM busybox AS b", "COPY --from=a x /", "COPY . /w", "CMD x"), ".dockerignore": "y\n"})
	want, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			target := []string{"", "a", "b"}[i%3]
			plan, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir, Target: target})
			if assert.NoError(t, err) && target != "a" {
				assert.Equal(t, describe(want), describe(plan))
			}
		})
	}
	wg.Wait()
}

func BenchmarkCompile(b *testing.B) {
	dir := tree(b, map[string]string{".dockerignore": "y\n", "Dockerfile": lines(
		"# syntax=docker/dockerfile:1", "FROM golang:1.26 AS build", "WORKDIR /src", "COPY go.mod go.sum ./", "RUN go mod download", "COPY . .",
		"RUN --mount=type=cache,target=/root/.cache go build -o /out/app .", "FROM gcr.io/distroless/static", "COPY --from=build /out/app /app",
		"ENV A=1 B=2", "USER nonroot", "EXPOSE 8080", `ENTRYPOINT ["/app"]`)})
	for b.Loop() {
		if _, err := dockerfile.Compile(b.Context(), dockerfile.Options{Context: dir}); err != nil {
			b.Fatal(err)
		}
	}
}
