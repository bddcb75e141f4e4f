package dockerfile_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/budget"
)

func TestRefusals(t *testing.T) {
	cases := []struct {
		name, dockerfile string
		opts             []func(*dockerfile.Options)
		want             string // as Error prints it; a trailing "..." stands for the rest
	}{
		{name: "empty", dockerfile: "", want: "Dockerfile: the Dockerfile cannot be empty"},
		{name: "comments only", dockerfile: "# a\n# b\n", want: "Dockerfile:2:1: file with no instructions"},
		{name: "no FROM", dockerfile: "ARG A\n", want: "Dockerfile: dockerfile contains no stages to build"},
		{name: "instruction before FROM", dockerfile: "ARG A\nRUN x\nFROM y\n", want: "Dockerfile:2:1: no build stage in current context"},
		{name: "unknown instruction", dockerfile: "FROM scratch\n  COPPY a b\n", want: "Dockerfile:2:3: unknown instruction: COPPY (did you mean COPY?)"},
		{name: "unknown flag", dockerfile: "FROM scratch\nCOPY --froom=x a b\n", want: "Dockerfile:2:1: unknown flag: --froom (did you mean from?)"},
		{name: "missing operand", dockerfile: "FROM scratch\n\nCOPY a\n", want: "Dockerfile:3:1: COPY requires at least two arguments, but only one was provided. Destination could not be determined"},
		{name: "unterminated heredoc", dockerfile: "FROM scratch\nCOPY <<E /a\nb\n", want: "Dockerfile:2:1: unterminated heredoc"},
		{name: "escape directive", dockerfile: "# escape=x\nFROM scratch\n", want: "Dockerfile:1:1: invalid escape token 'x' does not match ` or \\"},
		{name: "directive twice", dockerfile: "# escape=`\n# escape=`\nFROM scratch\n", want: "Dockerfile:2:1: only one escape parser directive can be used"},
		{name: "line too long", dockerfile: "FROM scratch\nLABEL a=" + strings.Repeat("x", 70_000) + "\n", want: "Dockerfile:2:1: dockerfile line greater than max allowed size of 65535"},
		{name: "stage index", dockerfile: "FROM scratch\nCOPY --from=7 a b\n", want: "Dockerfile:2:1: invalid stage index 7"},
		{name: "variable in --from", dockerfile: "FROM scratch\nRUN x\nCOPY --from=$x a b\n", want: "Dockerfile:3:1: variable expansion is not supported for --from, ..."},
		{name: "blank base", dockerfile: "FROM $X\n", want: "Dockerfile:1:1: base name ($X) should not be blank"},
		{name: "bad base", dockerfile: "FROM scratch\nFROM a//b:::c\n", want: `Dockerfile:2:1: failed to parse stage name "a//b:::c": invalid reference format`},
		{name: "later stage", dockerfile: "FROM scratch\nCOPY --from=b x y\nFROM scratch AS b\nCOPY a a\n", opts: []func(*dockerfile.Options){withTarget("b")}, want: ""},
		{name: "circular", dockerfile: "FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b\nCOPY --from=a a a\n", want: "Dockerfile:2:1: circular dependency detected on stage: a"},
		{name: "unknown target", dockerfile: "FROM scratch AS build\nFROM build AS final\n", opts: []func(*dockerfile.Options){withTarget("finall")},
			want: `Dockerfile: target stage "finall" could not be found (did you mean final?); the named stages are build, final`},
		{name: "no named stages", dockerfile: "FROM scratch\n", opts: []func(*dockerfile.Options){withTarget("0")},
			want: `Dockerfile: target stage "0" could not be found; no stage of this Dockerfile has a name`},
		{name: "chown by name with link", dockerfile: "FROM scratch\nCOPY --link \\\n --chown=me a b\n", want: "Dockerfile:2:1: --chown=me: user and group names can't be resolved when used with --link, ..."},
		{name: "lint as error", dockerfile: "# check=error=true\nFROM scratch\nCMD a\n", want: "Dockerfile: lint violation found for rules: JSONArgsRecommended"},
		{name: "bad platform", dockerfile: "FROM scratch\n", opts: []func(*dockerfile.Options){func(o *dockerfile.Options) { o.Platform = "a/b/c/d/e" }}, want: "failed to parse target platform a/b/c/d/e..."},
		{name: "two platforms", dockerfile: "FROM scratch\n", opts: []func(*dockerfile.Options){func(o *dockerfile.Options) { o.Platform = "linux/amd64,linux/arm64" }}, want: `platform "linux/amd64,linux/arm64": one platform at a time`},
		{name: "bad trigger", dockerfile: "FROM scratch AS a\nONBUILD COPY --link --chown=x a b\nFROM a\n", want: "Dockerfile:3:1: --chown=x: ..."},
		{name: "CRLF", dockerfile: "FROM scratch\r\nNOPE x\r\n", want: "Dockerfile:2:1: unknown instruction: NOPE (did you mean COPY?)"},
		{name: "byte order mark", dockerfile: "\ufeffNOPE x\n", want: "Dockerfile:1:4: unknown instruction: NOPE (did you mean COPY?)"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := compile(t, c.dockerfile, c.opts...)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			got := asError(t, err).Error()
			if prefix, ok := strings.CutSuffix(c.want, "..."); ok {
				assert.True(t, strings.HasPrefix(got, prefix), got)
				return
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestErrorRange(t *testing.T) {
	_, err := compile(t, "FROM scratch\n\tCOPY --link \\\n  --chown=me a b  \nRUN x\n")
	r := asError(t, err).Range
	assert.Equal(t, 2, r.Start.Line)
	assert.Equal(t, 2, r.Start.Column)
	assert.Equal(t, 3, r.End.Line)
	assert.Equal(t, 17, r.End.Column, "after the last byte that is not blank")
}

func TestIgnoreFileRefusals(t *testing.T) {
	cases := []struct {
		name, ignore, file string
		files              map[string]string
		line               int
	}{
		{name: "lone negation", files: map[string]string{".dockerignore": "a\n!\n"}, file: ".dockerignore", line: 2},
		{name: "malformed glob", files: map[string]string{".dockerignore": "# x\n\n[\n"}, file: ".dockerignore", line: 3},
		{name: "long line", files: map[string]string{".dockerignore": "a\nb\n" + strings.Repeat("x", 70_000) + "\n"}, file: ".dockerignore", line: 3},
		{name: "beside the Dockerfile", files: map[string]string{".dockerignore": "a\n", "Dockerfile.dockerignore": "\n!\n"}, file: "Dockerfile.dockerignore", line: 2},
		{name: "too large", files: map[string]string{".dockerignore": strings.Repeat("x\n", 9<<20)}, file: ".dockerignore"},
		{name: "too large beside the Dockerfile", files: map[string]string{"Dockerfile.dockerignore": strings.Repeat("x\n", 9<<20)}, file: "Dockerfile.dockerignore"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.files["Dockerfile"] = "FROM scratch\nCOPY a b\n"
			_, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: tree(t, c.files)})
			require.Error(t, err)
			e := asError(t, err)
			assert.Equal(t, c.file, e.File, e.Message)
			assert.Equal(t, c.line, e.Range.Start.Line, e.Message)
			assert.NotContains(t, e.Message, "failed")
		})
	}
}

// What would cost too much says nothing against the Dockerfile.
func TestBeyond(t *testing.T) {
	times := strings.Repeat
	numbered := func(n int, line string) string {
		var out strings.Builder
		for i := range n {
			out.WriteString(strings.ReplaceAll(line, "%", strconv.Itoa(i)))
		}
		return out.String()
	}
	for _, c := range []struct{ name, dockerfile, want string }{
		{"settings that double", "FROM scratch\nENV A=0123456789\n" + times("ENV A=$A${A}\n", 60), "Dockerfile:19: ctxaudit does not follow a value of A that can grow beyond 1048576 bytes"},
		{"settings that double through stages", "ARG A=0123456789\nFROM scratch AS s\nARG A\n" + times("ENV A=$A$A\nFROM s AS s\n", 60), "Dockerfile:36: ctxaudit does not follow a value of A that can grow beyond 1048576 bytes"},
		{"a long setting used often", "FROM scratch\nENV A=" + times("0123456789", 1000) + "\nENV B=$A$A$A$A$A$A$A$A$A$A\n" + times("COPY $B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B$B /x\n", 1000), "Dockerfile: ctxaudit does not follow variables that can expand beyond 1073741824 bytes"},
		{"replacements that square", "FROM scratch\nENV A=" + times("a", 2000) + "\nENV B=${A//a/$A}\nENV C=${B//a/$B}\n", "Dockerfile:3: ctxaudit does not follow a value of B that can grow beyond 1048576 bytes"},
		{"replacements of sources", "FROM scratch\nENV A=" + times("a", 2000) + "\n" + times("COPY ${A//a/$A} /x\n", 100), "Dockerfile: ctxaudit does not follow variables that can expand beyond 1073741824 bytes"},
		{"too many ports", "FROM scratch\nEXPOSE" + times(" 0-65535", 1000) + "\n", "Dockerfile:2: ctxaudit does not follow EXPOSE of more than 8388608 ports"},
		{"nested variables", "FROM scratch\nENV A=" + times(times("${A:-", 5000)+"\\\n", 60) + times(times("}", 5000)+"\\\n", 60) + "\n", "Dockerfile: ctxaudit does not follow a Dockerfile with so many nested variables: it is nested more than 10000 deep"},
		{"nested variables before a heredoc", "FROM scratch\nCOPY <<E " + times(times("${A:-", 5000)+"\\\n", 200) + "\n", "Dockerfile: ctxaudit does not follow a Dockerfile with so many nested variables: it is nested more than 10000 deep"},
		{"instructions", "FROM a\n" + times("RUN x\n", 20_000), "Dockerfile:4473: ctxaudit does not follow so many instructions one after the other"},
		{"stages", "FROM a AS s\n" + times("RUN x\nFROM s AS s\n", 20_000), "ctxaudit does not follow so many instructions one after the other"},
		{"triggers", "FROM a AS s\n" + times("ONBUILD RUN x\n", 1000) + times("FROM s\n", 1000), "ctxaudit does not follow so many instructions one after the other"},
		{"settings", "FROM a\nENV" + numbered(20_000, " \\\n A%=1") + "\n", "ctxaudit does not follow so many settings one after the other"},
		{"inherited settings", "FROM a AS s\nENV" + numbered(4000, " \\\n A%=1") + "\n" + times("FROM s\n", 1000), "ctxaudit does not follow so many variables that stages inherit"},
		{"unset variables", "FROM a\nENV" + numbered(2000, " \\\n A%=1") + "\n" + numbered(2000, "LABEL a=$B%\n"), "Dockerfile: ctxaudit does not follow so many variables that nobody sets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := compile(t, c.dockerfile)
			var beyond *budget.Beyond
			require.ErrorAs(t, err, &beyond)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Run("missing Dockerfile", func(t *testing.T) {
		_, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: tree(t, map[string]string{"a": ""})})
		assert.EqualError(t, err, "Dockerfile: the Dockerfile does not exist")
		assert.ErrorIs(t, err, fs.ErrNotExist)
	})
	t.Run("missing directory", func(t *testing.T) {
		_, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: filepath.Join(t.TempDir(), "none")})
		assert.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, "preparing the build context")
	})
	t.Run("Dockerfile is a directory", func(t *testing.T) {
		_, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: tree(t, map[string]string{"Dockerfile/": ""})})
		assert.ErrorContains(t, err, "not a regular file")
	})
	t.Run("links that lead in a circle", func(t *testing.T) {
		// To dockerui, what cannot be found is no ignore file.
		for name, fails := range map[string]bool{"Dockerfile": true, ".dockerignore": false, "Dockerfile.dockerignore": false} {
			files := map[string]string{"Dockerfile": "FROM scratch\nCOPY a b\n"}
			files[name] = "-> " + name
			plan, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: tree(t, files)})
			if fails {
				assert.EqualError(t, err, "Dockerfile: open Dockerfile: too many links")
			} else if assert.NoError(t, err) {
				assert.Empty(t, plan.IgnoreName, name)
			}
		}
	})
	t.Run("no permission", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root reads everything")
		}
		for _, name := range []string{"Dockerfile", ".dockerignore", "Dockerfile.dockerignore"} {
			files := map[string]string{"Dockerfile": "FROM scratch\nCOPY a b\n"}
			files[name] = files["Dockerfile"]
			dir := tree(t, files)
			require.NoError(t, os.Chmod(filepath.Join(dir, name), 0))
			_, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir})
			assert.ErrorIs(t, err, fs.ErrPermission, name)
		}
	})
	t.Run("a link out of the root", func(t *testing.T) {
		outside := tree(t, map[string]string{"Dockerfile": "FROM scratch\n"})
		dir := tree(t, map[string]string{"Dockerfile": "-> " + filepath.Join(outside, "Dockerfile")})
		_, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir})
		assert.ErrorIs(t, err, fs.ErrNotExist)
	})
}

// Each of these has to be answered, in whatever way, without a panic and soon.
func TestHostileInput(t *testing.T) {
	cases := map[string]string{
		"binary":             "\x7fELF\x02\x01\x00\x00\xff\xfe",
		"NUL bytes":          "FROM scratch\nCOPY \x00 \x00\n",
		"not UTF-8":          "FROM scratch\nCOPY \xff\xfe /\xff\nENV \xff=\xfe\n",
		"CR only":            "FROM scratch\rCOPY a b\r",
		"5 MB line":          strings.Repeat("x", 5<<20),
		"1 MB of comments":   strings.Repeat("# comment\n", 100_000) + "FROM scratch\n",
		"5 MB of NULs":       strings.Repeat("\x00", 5<<20),
		"many stages":        strings.Repeat("FROM scratch\n", 5_000),
		"many copies":        "FROM scratch\n" + strings.Repeat("COPY a /b\n", 3_000),
		"many settings":      "FROM scratch\n" + strings.Repeat("ENV A=$A.\n", 3_000),
		"open continuation":  "FROM scratch\nRUN a \\",
		"only continuation":  "\\\n\\\n\\",
		"heredoc at the end": "FROM scratch\nRUN <<",
		"nested onbuild":     "FROM scratch\nONBUILD ONBUILD COPY a b\n",
		"trigger of itself":  "FROM scratch AS a\nONBUILD COPY --from=a x y\nFROM a AS b\nONBUILD COPY --from=b x y\nFROM b\n",
		"from itself":        "FROM a AS a\nCOPY --from=a x y\n",
		"bad variable":       "FROM scratch\nENV A=${\nENV ${A=b\n",
		"many ports":         "FROM scratch\nEXPOSE 0-65535 1-65535/udp\n",
		"empty JSON":         "FROM scratch\nCOPY []\nCMD []\n",
		"JSON syntax":        `{"syntax":"docker/dockerfile:1"}`,
		"shebang":            "#!/usr/bin/env x\n# syntax=docker/dockerfile:1\nFROM scratch\n",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			plan, err := compile(t, text)
			if err == nil {
				checkPlan(t, plan)
				return
			}
			checkErrorRange(t, asError(t, err), text)
		})
	}
}

func checkErrorRange(t testing.TB, e *dockerfile.Error, text string) {
	t.Helper()
	require.NotEmpty(t, e.Message)
	require.NotContains(t, e.Message, "panicked", "%v", e.Err)
	if e.Range.Start.Line == 0 {
		return
	}
	require.LessOrEqual(t, e.Range.Start.Offset, e.Range.End.Offset)
	require.LessOrEqual(t, e.Range.End.Offset, len(text))
	require.LessOrEqual(t, e.Range.End.Line, strings.Count(text, "\n")+1)
}

func TestTooLargeDockerfile(t *testing.T) {
	text := "FROM scratch\n" + strings.Repeat("#\n", 9<<20)
	_, err := compile(t, text)
	assert.EqualError(t, err, "Dockerfile: Dockerfile exceeds maximum allowed size of 16777216 bytes")
	_, err = dockerfile.Compile(t.Context(), dockerfile.Options{
		Context: t.TempDir(), Dockerfile: "-", Stdin: bytes.NewReader([]byte(text)),
	})
	assert.EqualError(t, err, "Dockerfile: Dockerfile exceeds maximum allowed size of 16777216 bytes")
}

func TestTriggersWithoutEnd(t *testing.T) {
	for _, trigger := range []string{"COPY --from=loop /a /b", "RUN --mount=from=loop,target=/x true"} {
		images := fixedImages{"docker.io/library/loop:latest": `{"config":{"OnBuild":["` + trigger + `"]}}`}
		_, err := compile(t, "FROM loop\n", withImages(images))
		e := asError(t, err)
		assert.Contains(t, e.Message, "without end")
		assert.Equal(t, 1, e.Range.Start.Line)
	}
}

func TestCancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := dockerfile.Compile(ctx, dockerfile.Options{Context: tree(t, map[string]string{"Dockerfile": "FROM a\n"})})
	assert.ErrorIs(t, err, context.Canceled)
}

type panickyImages struct{}

func (panickyImages) ResolveImageConfig(context.Context, string, string) ([]byte, bool, error) {
	panic("boom")
}

func TestPanicIsAnError(t *testing.T) {
	_, err := compile(t, "FROM a\n", func(o *dockerfile.Options) { o.Images = panickyImages{} })
	assert.ErrorContains(t, err, "panic: boom")
}
