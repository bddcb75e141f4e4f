package dockerfile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// tree writes files below a new directory. A name that ends in a slash is a directory; content that begins with "-> " is
// the target of a link.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		switch target, isLink := strings.CutPrefix(content, "-> "); {
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(full, 0o755))
		case isLink:
			require.NoError(t, os.Symlink(target, full))
		default:
			require.NoError(t, os.WriteFile(full, []byte(content), 0o644))
		}
	}
	return dir
}

// fixedImages knows the images of a map, by reference.
type fixedImages map[string]string

func (f fixedImages) ResolveImageConfig(_ context.Context, ref, _ string) ([]byte, bool, error) {
	config, ok := f[ref]
	return []byte(config), ok, nil
}

// compile compiles a Dockerfile alone in its context.
func compile(t testing.TB, text string, opts ...func(*dockerfile.Options)) (*dockerfile.Plan, error) {
	t.Helper()
	opt := dockerfile.Options{Context: tree(t, map[string]string{"Dockerfile": text}), Platform: "linux/amd64"}
	for _, set := range opts {
		set(&opt)
	}
	return dockerfile.Compile(t.Context(), opt)
}

func mustCompile(t testing.TB, text string, opts ...func(*dockerfile.Options)) *dockerfile.Plan {
	t.Helper()
	plan, err := compile(t, text, opts...)
	require.NoError(t, err)
	return plan
}

func withArgs(args map[string]string) func(*dockerfile.Options) {
	return func(o *dockerfile.Options) { o.BuildArgs = args }
}

func withTarget(target string) func(*dockerfile.Options) {
	return func(o *dockerfile.Options) { o.Target = target }
}

func withImages(images dockerfile.ImageResolver) func(*dockerfile.Options) {
	return func(o *dockerfile.Options) { o.Images = images }
}

func withContexts(contexts map[string]string) func(*dockerfile.Options) {
	return func(o *dockerfile.Options) { o.BuildContexts = contexts }
}

// describe lists the operations, one a line: kind, what it is about, where it comes from.
func describe(plan *dockerfile.Plan) string {
	var b strings.Builder
	for _, op := range plan.Ops {
		fmt.Fprintf(&b, "%s", op.Kind)
		switch {
		case op.Local != nil:
			fmt.Fprintf(&b, " %s", op.Local.Name)
			if op.Local.FollowPaths != nil {
				fmt.Fprintf(&b, " follow=%q", op.Local.FollowPaths)
			}
			if op.Local.ExcludePatterns != nil {
				fmt.Fprintf(&b, " exclude=%q", op.Local.ExcludePatterns)
			}
		case op.Image != nil:
			fmt.Fprintf(&b, " %s known=%v", op.Image.Ref, op.Image.Known)
		case op.Remote != nil:
			fmt.Fprintf(&b, " %s %s %q", op.Remote.Kind, op.Remote.URL, op.Remote.Filename)
		}
		for _, in := range op.Inputs {
			fmt.Fprintf(&b, " <%d.%d", in.Op, in.Index)
		}
		fmt.Fprintf(&b, " @%d", op.Location.Range.Start.Line)
		if op.Location.Trigger != "" {
			fmt.Fprintf(&b, " trigger=%q", op.Location.Trigger)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "result %d.%d\n", plan.Result.Op, plan.Result.Index)
	return b.String()
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }

func TestOperations(t *testing.T) {
	const image = "docker.io/library/"
	cases := []struct {
		name, dockerfile string
		opts             []func(*dockerfile.Options)
		want             string
	}{
		{
			name:       "an empty image has no operations",
			dockerfile: lines("FROM scratch"),
			want:       lines("result -1.0"),
		},
		{
			name:       "a copy takes the context and an unknown base",
			dockerfile: lines("FROM alpine", "COPY a /b"),
			want: lines(
				"image "+image+"alpine:latest known=false @1",
				`local context follow=["a"] @2`,
				"file <0.0 <1.0 @2", "result 2.0"),
		},
		{
			name:       "stages that are not reached leave nothing",
			dockerfile: lines("FROM alpine AS unused", "COPY x /x", "FROM scratch AS a", "COPY a /a", "FROM scratch", "COPY --from=a /a /b"),
			want:       lines(`local context follow=["a"] @4`, "file <0.0 @4", "file <1.0 @6", "result 2.0"),
		},
		{
			name:       "a target can be any stage",
			dockerfile: lines("FROM scratch AS a", "COPY a /a", "FROM scratch AS b", "COPY b /b"),
			opts:       []func(*dockerfile.Options){withTarget("A")},
			want:       lines(`local context follow=["a"] @2`, "file <0.0 @2", "result 1.0"),
		},
		{
			name:       "a linked copy is merged",
			dockerfile: lines("FROM scratch", "COPY a /a", "COPY --link b /b"),
			want: lines(`local context follow=["a" "b"] @2`, "file <0.0 @2", "file <0.0 @3",
				"merge <1.0 <2.0 @3", "result 3.0"),
		},
		{
			name:       "sources of ADD and heredocs are placed at their instruction",
			dockerfile: lines("FROM scratch", "ADD https://example.com/x/y.tar.gz /a/", "COPY <<EOT /c", "text", "EOT", "ADD https://example.com/r.git#main /r"),
			want: lines(`remote http https://example.com/x/y.tar.gz "y.tar.gz" @2`, "file <0.0 @2",
				"file @3", "file <1.0 <2.0 @3",
				`remote git https://example.com/r.git "" @6`, "file <3.0 <4.0 @6", "result 5.0"),
		},
		{
			name:       "mounts of RUN are placed at the RUN",
			dockerfile: lines("FROM alpine", "RUN --mount=type=bind,target=/m,source=src \\", "  --mount=from=busybox,target=/bb \\", "  true"),
			want: lines("image "+image+"alpine:latest known=false @1",
				"image "+image+"busybox:latest known=false @2", `local context follow=["src"] @2`, "exec <0.0 <1.0 <2.0 @2", "result 3.0"),
		},
		{
			name:       "triggers are placed at the FROM that runs them",
			dockerfile: lines("FROM scratch AS base", "ONBUILD COPY a /a", "ONBUILD WORKDIR /w", "FROM base", "COPY b /b"),
			want: lines(`local context follow=["a" "b"] @4 trigger="COPY a /a"`, `file <0.0 @4 trigger="COPY a /a"`,
				`file <1.0 @4 trigger="WORKDIR /w"`, "file <2.0 <0.0 @5", "result 3.0"),
		},
		{
			name:       "arguments choose the base",
			dockerfile: lines("ARG BASE=a", "FROM scratch AS a", "COPY a /a", "FROM scratch AS b", "COPY b /b", "FROM $BASE"),
			opts:       []func(*dockerfile.Options){withArgs(map[string]string{"BASE": "b"})},
			want:       lines(`local context follow=["b"] @5`, "file <0.0 @5", "result 1.0"),
		},
		{
			name:       "a named context stands in for an image",
			dockerfile: lines("FROM alpine", "COPY --from=busybox /x /x"),
			opts: []func(*dockerfile.Options){withContexts(map[string]string{
				"alpine": "docker-image://debian:12", "busybox": "https://example.com/x.git",
			})},
			want: lines("image "+image+"debian:12 known=false @1",
				`remote git https://example.com/x.git "" @2`, "file <0.0 <1.0 @2", "result 2.0"),
		},
		{
			name:       "the escape directive",
			dockerfile: lines("# escape=`", "FROM scratch", "COPY a `", "  C:/b"),
			want:       lines(`local context follow=["a"] @3`, "file <0.0 @3", "result 1.0"),
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := mustCompile(t, c.dockerfile, c.opts...)
			assert.Equal(t, c.want, describe(plan))
			checkPlan(t, plan)
		})
	}
}

// checkPlan holds a plan against what every plan promises.
func checkPlan(t testing.TB, plan *dockerfile.Plan) {
	t.Helper()
	count := strings.Count(string(plan.Dockerfile.Data), "\n") + 1
	for i, op := range plan.Ops {
		require.Equal(t, i, op.ID)
		for _, in := range op.Inputs {
			require.Less(t, in.Op, i, "inputs come first")
			require.GreaterOrEqual(t, in.Op, -1)
		}
		require.Equal(t, op.Kind == dockerfile.OpLocal, op.Local != nil)
		require.Equal(t, op.Kind == dockerfile.OpImage, op.Image != nil)
		require.Equal(t, op.Kind == dockerfile.OpRemote, op.Remote != nil)
		require.Equal(t, op.Kind == dockerfile.OpExec, op.Exec != nil)
		checkLocation(t, plan, op.Location)
		require.GreaterOrEqual(t, op.Location.Range.Start.Line, 1, "operation %d of kind %s is nowhere", i, op.Kind)
		require.LessOrEqual(t, op.Location.Range.End.Line, count)
	}
	require.Less(t, plan.Result.Op, len(plan.Ops))
	for _, w := range plan.Warnings {
		checkLocation(t, plan, dockerfile.Location{File: plan.Dockerfile.Name, Range: w.Range})
	}
	env := map[string]bool{}
	for _, kv := range plan.Config.Env {
		k, _, _ := strings.Cut(kv, "=")
		env[k] = true
	}
	for k, loc := range plan.ConfigSources.Env {
		require.True(t, env[k], k)
		require.False(t, loc.IsZero(), k)
		checkLocation(t, plan, loc)
	}
	require.GreaterOrEqual(t, plan.TargetStage, 0)
	for i, st := range plan.Stages {
		require.Equal(t, i, st.Index)
		require.Less(t, st.BaseStage, i)
		checkLocation(t, plan, st.Location)
		for _, ins := range st.Instructions {
			checkLocation(t, plan, ins.Location)
			require.Equal(t, i, ins.Location.Stage)
		}
	}
}

func checkLocation(t testing.TB, plan *dockerfile.Plan, loc dockerfile.Location) {
	t.Helper()
	r := loc.Range
	if r.Start.Line == 0 {
		return
	}
	require.Equal(t, plan.Dockerfile.Name, loc.File)
	require.LessOrEqual(t, r.Start.Offset, r.End.Offset)
	require.LessOrEqual(t, r.End.Offset, len(plan.Dockerfile.Data))
	require.GreaterOrEqual(t, r.Start.Offset, 0)
	before := plan.Dockerfile.Data[:r.Start.Offset]
	require.Equal(t, strings.Count(string(before), "\n")+1, r.Start.Line)
	require.Equal(t, len(before)-strings.LastIndexByte(string(before), '\n'), r.Start.Column)
}

func asError(t testing.TB, err error) *dockerfile.Error {
	t.Helper()
	var e *dockerfile.Error
	require.True(t, errors.As(err, &e), "%T: %v", err, err)
	return e
}
