package dockerfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// checkCompile holds whatever Compile answers against what it promises: a plan that is well-formed, or a refusal whose
// range lies in the file.
func checkCompile(t testing.TB, dir string, text []byte, target string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), text, 0o644))
	plan, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir, Target: target, Platform: "linux/amd64"})
	if err == nil {
		checkPlan(t, plan)
		checkEnvironment(t, plan)
		return
	}
	var beyond *budget.Beyond
	if errors.As(err, &beyond) {
		return
	}
	var e *dockerfile.Error
	require.True(t, errors.As(err, &e), "%T: %v", err, err)
	checkErrorRange(t, e, string(text))
}

// checkEnvironment: without known base images every setting but BuildKit's own PATH comes from an instruction.
func checkEnvironment(t testing.TB, plan *dockerfile.Plan) {
	t.Helper()
	for _, kv := range plan.Config.Env {
		k := kv
		for i := range kv {
			if kv[i] == '=' {
				k = kv[:i]
				break
			}
		}
		if k != "PATH" {
			require.Contains(t, plan.ConfigSources.Env, k)
		}
	}
	for k := range plan.Config.Labels {
		require.Contains(t, plan.ConfigSources.Labels, k)
	}
	for k := range plan.Config.ExposedPorts {
		require.Contains(t, plan.ConfigSources.ExposedPorts, k)
	}
	if plan.Config.User != "" {
		require.False(t, plan.ConfigSources.User.IsZero())
	}
	if len(plan.Config.Entrypoint) > 0 {
		require.False(t, plan.ConfigSources.Entrypoint.IsZero())
	}
	if len(plan.Config.Cmd) > 0 {
		require.False(t, plan.ConfigSources.Cmd.IsZero())
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"FROM scratch\nCOPY a /b\n", "FROM a AS b\nONBUILD ADD x y\nFROM b\nENV A=1 B=\"x y\" \\\n C=2\n",
		"# escape=`\nFROM a\nRUN x `\n y\n", "ARG A=1\nFROM $A\nCOPY <<E <<F /\n1\nE\n2\nF\n", "\ufeffFROM a\r\nEXPOSE 1-2/udp\r\n",
		"FROM scratch\nENV a b c\nLABEL \"x y\"=1 'z'=2\n", "# syntax=x\n# check=error=true\nFROM a\nCMD b\n",
	} {
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, text []byte, target string) {
		checkCompile(t, t.TempDir(), text, target)
	})
}

// Dockerfiles out of likely pieces get further than arbitrary bytes do.
func TestPieces(t *testing.T) {
	dir := t.TempDir()
	pieces := []string{
		"FROM scratch", "FROM scratch AS a", "FROM a", "FROM a AS b", "FROM alpine", "FROM $V AS c", "ARG V=a", "ARG V", "ARG X=$V.",
		"ENV A=1", "ENV A=$A$V B='x y' C=\\\n  z", "ENV A=1 \\\n# c\n\n  D=$X", "ENV old form $A", "ENV \"K$V\"=1 E=\\ x", "LABEL l=$A m=\"$B\"",
		"COPY a b", "COPY --link a b", "COPY --from=a x y", "COPY --from=0 x y", "COPY --from=other x y", "COPY <<E /h\ntext $A\nE", "ADD http://x.org/y /z",
		"RUN x", "RUN --mount=from=a,target=/m \\\n x", "RUN <<E\nx\nE", "ONBUILD COPY t u", "ONBUILD ENV O=1 P=$A", "ONBUILD RUN --mount=from=a,target=/q y",
		"WORKDIR $A", "WORKDIR /w", "USER u$A", "CMD x", "CMD [\"y\"]", "ENTRYPOINT [\"z\"]", "EXPOSE 80 $V 90-92/UDP", "VOLUME /v $A", "STOPSIGNAL 9",
		"HEALTHCHECK CMD x", "SHELL [\"s\"]", "MAINTAINER m", "# comment", "# escape=`", "# check=skip=all", "", "\\", "BAD x",
	}
	rapid.Check(t, func(r *rapid.T) {
		text := ""
		if rapid.IntRange(0, 9).Draw(r, "directive") == 0 {
			text = "# escape=`\n"
		}
		text += rapid.SampledFrom(pieces[:6]).Draw(r, "first")
		for _, p := range rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 14).Draw(r, "pieces") {
			text += rapid.SampledFrom([]string{"\n", "\r\n", "\n\t"}).Draw(r, "end") + p
		}
		target := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(r, "target")
		checkCompile(t, dir, []byte(text), target)
	})
}
