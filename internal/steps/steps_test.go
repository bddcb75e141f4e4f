package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
)

func follow(t *testing.T, x *dockerfile.Exec) *Script {
	t.Helper()
	s, err := Run(x, nil, func([]command.Effect, bool) Outcome { return Outcome{Known: true} }, func(command.Footprint) error { return nil })
	require.NoError(t, err)
	return s
}

func TestFollow(t *testing.T) {
	for script, want := range map[string]struct {
		dirs   []string // of each program and builtin
		missed bool
		takes  bool // /app/x may be taken away
	}{
		"cd /app && rm -rf x":       {dirs: []string{"/w", "/app"}, takes: true},
		"rm -rf /app":               {dirs: []string{"/w"}, takes: true},
		"rm -rf /app/xy /w .":       {dirs: []string{"/w"}},
		"find /app -name x -delete": {dirs: []string{"/w"}, takes: true},
		"sudo mv $A/x /y":           {dirs: []string{"/w", "/w"}, takes: true},
		"$UNKNOWN x":                {missed: true},
		"bash build.sh":             {missed: true},
		"for i in " + strings.Repeat("a ", 65) + "; do true; done": {dirs: slices.Repeat([]string{"/w"}, 64), missed: true},
		"echo $(make x)":                {dirs: []string{"/w", "/w"}},
		"false && make; true || make":   {dirs: []string{"/w", "/w"}},
		"if [ $A = /app ]; then a; fi":  {dirs: []string{"/w", "/w"}},
		"if [ $A != /app ]; then a; fi": {dirs: []string{"/w"}},
	} {
		s := follow(t, &dockerfile.Exec{Args: []string{"/bin/sh", "-c", script}, Dir: "/w", Env: []string{"A=/app"}})
		var dirs []string
		for _, c := range s.Calls {
			dirs = append(dirs, c.S.Dir)
		}
		assert.Equal(t, want.dirs, dirs, script)
		assert.Equal(t, want.missed, s.Missed, script)
		assert.Equal(t, want.takes, s.MayTake("/app/x"), script)
	}
	s := follow(t, &dockerfile.Exec{Args: []string{"rm", "/app/x"}, Dir: "/w"})
	assert.True(t, s.MayTake("/app/x"), "the exec form")
}
