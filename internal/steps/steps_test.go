package steps

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

func TestFollow(t *testing.T) {
	for script, want := range map[string]struct {
		dirs   []string // of each program and builtin
		missed bool
		takes  bool // /app/x may be taken away
	}{
		"cd /app && rm -rf x":           {dirs: []string{"/w", "/app"}, takes: true},
		"rm -rf /app":                   {dirs: []string{"/w"}, takes: true},
		"rm -rf /app/xy /w .":           {dirs: []string{"/w"}},
		"find /app -name x -delete":     {dirs: []string{"/w"}, takes: true},
		"sudo mv $A/x /y":               {dirs: []string{"/w", "/w"}, takes: true},
		"$UNKNOWN x":                    {missed: true},
		"bash build.sh":                 {missed: true},
		"echo $(make x)":                {dirs: []string{"/w", "/w"}},
		"false && make; true || make":   {dirs: []string{"/w", "/w"}},
		"if [ $A = /app ]; then a; fi":  {dirs: []string{"/w", "/w"}},
		"if [ $A != /app ]; then a; fi": {dirs: []string{"/w"}},
	} {
		s := Follow(&dockerfile.Exec{Args: []string{"/bin/sh", "-c", script}, Dir: "/w", Env: []string{"A=/app"}}, nil)
		var dirs []string
		for _, c := range s.Calls {
			dirs = append(dirs, c.S.Dir)
		}
		assert.Equal(t, want.dirs, dirs, script)
		assert.Equal(t, want.missed, s.Missed, script)
		assert.Equal(t, want.takes, s.MayTake("/app/x"), script)
	}
	s := Follow(&dockerfile.Exec{Args: []string{"rm", "/app/x"}, Dir: "/w"}, nil)
	assert.True(t, s.MayTake("/app/x"), "the exec form")
}
