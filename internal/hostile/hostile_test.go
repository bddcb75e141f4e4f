package hostile

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// programDir is where the program is that the scripts run: as users have it, without the race detector.
var programDir string

func TestMain(m *testing.M) {
	testscript.Main(building{m}, map[string]func(){"traced": traced, "bounded": bounded})
}

// building builds the program before the tests run. The commands that scripts run are this same binary, and build nothing.
type building struct{ m *testing.M }

func (b building) Run() int {
	dir, err := os.MkdirTemp("", "ctxaudit-hostile-")
	if err == nil {
		defer os.RemoveAll(dir)
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, "../../cmd/ctxaudit")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = build.CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building ctxaudit:", err)
		return 1
	}
	programDir = dir
	return b.m.Run()
}

func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CTXAUDIT_JUDGES") == "require" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed")
	}
	scripts, err := filepath.Glob("testdata/*")
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, s := range scripts {
		require.Equal(t, ".txtar", filepath.Ext(s), "a script that would not be run")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", programDir+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			e.Setenv("GIT_AUTHOR_NAME", "a")
			e.Setenv("GIT_AUTHOR_EMAIL", "a@b")
			e.Setenv("GIT_COMMITTER_NAME", "a")
			e.Setenv("GIT_COMMITTER_EMAIL", "a@b")
			e.Setenv("GIT_CEILING_DIRECTORIES", e.WorkDir)
			return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fifo": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(unix.Mkfifo(ts.MkAbs(args[0]), 0o644))
			},
			// bytes FILE HEX writes bytes that txtar cannot hold.
			"bytes": func(ts *testscript.TestScript, _ bool, args []string) {
				data, err := hex.DecodeString(args[1])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
			},
			"harmless": harmless,
			// sparse FILE SIZE makes a file of zeros that takes no room.
			"sparse": func(ts *testscript.TestScript, _ bool, args []string) {
				size, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), nil, 0o644))
				ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
			},
			// repeat FILE N TEXT [BEFORE [AFTER]] writes a text many times, %d in it being the number, \n a line end.
			"repeat": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				lines := strings.NewReplacer(`\n`, "\n", `\t`, "\t")
				var text strings.Builder
				if len(args) > 3 {
					text.WriteString(lines.Replace(args[3]))
				}
				for i := range n {
					text.WriteString(strings.ReplaceAll(lines.Replace(args[2]), "%d", strconv.Itoa(i)))
				}
				if len(args) > 4 {
					text.WriteString(lines.Replace(args[4]))
				}
				ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text.String()), 0o644))
			},
		},
	})
}
