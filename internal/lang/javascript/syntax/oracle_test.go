package syntax

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oracleScript prints what TypeScript says of the files below some directories.
//
//go:embed testdata/oracle.cjs
var oracleScript string

// someFiles is how many files are compared at most.
const someFiles = 20000

// oracleAnswer is one line of the script.
type oracleAnswer struct {
	Path    string
	Imports [][]any // line, name, kind, lazy
	Kept    []string
}

// oracle starts the script on the directories of CTXAUDIT_JAVASCRIPT, of which the first is one in which npm has installed typescript. `make
// javascript` makes that.
func oracle(t *testing.T) *bufio.Scanner {
	t.Helper()
	dirs := strings.Split(os.Getenv("CTXAUDIT_JAVASCRIPT"), ":")
	if dirs[0] == "" {
		t.Skip("CTXAUDIT_JAVASCRIPT names no directory with typescript in it")
	}
	command := exec.Command("node", append([]string{"-e", oracleScript, "--", fmt.Sprint(someFiles)}, dirs...)...)
	command.Dir, command.Stderr = dirs[0], os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() { assert.NoError(t, command.Wait()) })
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<28)
	return lines
}

// The imports of every file are those that TypeScript finds, with their lines, and reached in the same way. Of those that TypeScript drops
// none is kept; of those that it keeps nearly all are.
func TestAgainstTypeScript(t *testing.T) {
	lines := oracle(t)
	files, kept, unsure, different := 0, 0, 0, 0
	for lines.Scan() {
		var a oracleAnswer
		require.NoError(t, json.Unmarshal(lines.Bytes(), &a))
		data, err := os.ReadFile(a.Path)
		require.NoError(t, err)
		files++
		f := Scan(data, a.Path)
		want, have, equals := map[string]int{}, map[string]int{}, map[string]bool{}
		for _, i := range a.Imports {
			key := fmt.Sprintf("%v %v", i[0], i[1])
			switch i[2] {
			case "equals": // TypeScript drops all of those where modules are those of ECMAScript
				equals[fmt.Sprint(i[1])] = true
			case "require":
				key += fmt.Sprintf(" lazy=%v", i[3])
			}
			want[key]++
		}
		left := map[string]bool{}
		for _, name := range a.Kept {
			left[name] = true
		}
		sure := map[string]bool{}
		for _, i := range f.Imports {
			if i.Kind == Type && !strings.ContainsAny(f.Text(i.Start, i.End), "\"'`") {
				continue // a reference, which is no node
			}
			key := fmt.Sprintf("%d %s", f.Position(i.Start).Line, i.Spec)
			if i.Kind == Require {
				key += fmt.Sprintf(" lazy=%v", i.Flags&Lazy != 0)
			}
			have[key]++
			if i.Kind != Type && i.Flags&Unsure == 0 {
				sure[i.Spec] = true
			}
		}
		if !assert.Equal(t, want, have, a.Path) {
			different++
		}
		if a.Kept == nil {
			continue
		}
		for name := range sure {
			assert.True(t, left[name] || equals[name], "%s: TypeScript drops %s", a.Path, name)
		}
		for name := range left {
			if kept++; !sure[name] {
				unsure++
				t.Logf("%s: not sure of %s", a.Path, name)
			}
		}
	}
	require.NoError(t, lines.Err())
	require.Positive(t, files)
	t.Logf("%d files, %d different; of %d imports that are kept %d are not sure", files, different, kept, unsure)
}
