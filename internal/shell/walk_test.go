package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// disk shows the files below a directory.
type disk struct{ root string }

func (d disk) Stat(name string) FileKind {
	if !strings.HasPrefix(name, d.root) {
		return Unknown
	}
	switch info, err := os.Stat(name); {
	case err != nil:
		return Absent
	case info.IsDir():
		return Directory
	default:
		return Regular
	}
}

func (d disk) Read(name string) ([]byte, error) { return os.ReadFile(name) }

// logs are scripts whose calls of `log` are compared with those that real shells make. All that they do can be known.
var logs = map[string]string{
	"words":              `log a "b c" 'd  e' f\ g $X "$X" ${X}y`,
	"split":              `Y="a b"; log $Y "$Y"`,
	"cd":                 `cd sub && log; cd ..; log; cd /; log`,
	"cd of a variable":   `D=$ROOT/sub; cd $D && log .`,
	"subshell":           `(cd sub && log in); log out`,
	"group":              `{ cd sub; log in; }; log still`,
	"false":              `false && log never || log yes; true || log never; ! true && log never`,
	"failure in a list":  `false && cd sub && log never || true; log after`,
	"if":                 `if [ "$X" = x ]; then log then; else log else; fi; if [ -d sub ]; then log dir; fi; if [ -f sub ]; then log file; fi`,
	"elif":               `if false; then log a; elif [ -z "$EMPTY" ] && test -n "$X"; then log b; else log c; fi`,
	"case":               `case $X in a|b) log ab;; x*) log x;; *) log other;; esac`,
	"for":                `for i in a "b c" $X; do log $i; done; log $i`,
	"function":           `f() { log "$1" "$#" "$@"; cd sub; }; f p q; log`,
	"function in a list": `f() { log "$1"; } && f a && log b; g() { log c; } | log d; false && h() { log e; }; log f`,
	"return":             `f() { log a; return; log b; }; f; log c`,
	"arguments":          `set -- a "b c"; log "$@"; shift; log "$1" $#`,
	"defaults":           `log ${A:-b} ${X:-b} ${A-c} ${X:+d} ${A:=e} $A`,
	"suffixes":           `P=/a/b.tar.gz; log ${P##*/} ${P%.*} ${P%%.*} ${#X}`,
	"environment":        `export Z=1; A=2 log $Z`,
	"substitution":       `log $(pwd) "$(dirname /a/b)" $(basename /a/b) $(cd sub && pwd)`,
	"eval":               `C='log a b'; eval "$C; log c"`,
	"source":             `. ./vars.sh; log $FROM_FILE; cd sub; . ../vars.sh; log $FROM_FILE`,
	"exec":               `log a; exec log b; log never`,
	"exit":               `log a; exit 0; log never`,
	"exit in a shell":    `(exit 1; log never); log b`,
	"heredoc":            "cat > out.txt <<END\nx\nEND\nlog done",
	"escapes":            `log "\$X" \$X '$X' "a\"b" a\\b`,
	"command":            `command log a; builtin=1; log $builtin`,
	"loop":               `while false; do log never; done; until true; do log never; done; log end`,
	"background":         `(cd sub; log bg) & wait; log fg`,
}

// TestAgainstShells compares the programs that are handed over with those that shells start.
func TestAgainstShells(t *testing.T) {
	for name, script := range logs {
		for _, real := range []string{"sh", "bash"} {
			t.Run(name+"/"+real, func(t *testing.T) {
				program, err := exec.LookPath(real)
				if err != nil {
					t.Skip("no " + real)
				}
				root, err := filepath.EvalSymlinks(t.TempDir())
				require.NoError(t, err)
				dir := filepath.Join(root, "work")
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
				require.NoError(t, os.Mkdir(filepath.Join(root, "bin"), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, "vars.sh"), []byte("FROM_FILE=${FROM_FILE}y\n"), 0o644))
				stub := "#!/bin/sh\n{ printf %s \"$PWD\"; for a; do printf '|%s' \"$a\"; done; echo; } >>\"$LOG\"\n"
				require.NoError(t, os.WriteFile(filepath.Join(root, "bin", "log"), []byte(stub), 0o755))
				env := []string{"PATH=" + filepath.Join(root, "bin") + ":/usr/bin:/bin", "X=x", "ROOT=" + dir, "LOG=" + filepath.Join(root, "log"), "EMPTY="}

				// Ours comes first: it must not see what the script makes.
				var ours strings.Builder
				sh := &Interp{Files: disk{dir}, Fixed: true, Note: func(n Note) { t.Errorf("note: %s", n.Text) }}
				sh.Run = func(s *State, c Call) {
					if c.Argv[0].Text == "log" {
						assert.False(t, s.Conditional, "%v", Texts(c.Argv))
						ours.WriteString(strings.Join(append([]string{s.Dir}, Texts(c.Argv[1:])...), "|") + "\n")
					}
				}
				s := NewState(dir, env)
				s.Dash = real == "sh"
				sh.Walk(s, script)

				cmd := exec.CommandContext(t.Context(), program, "-c", script)
				cmd.Dir, cmd.Env = dir, env
				out, err := cmd.CombinedOutput()
				if err != nil && len(out) > 0 {
					t.Fatalf("%s: %v: %s", real, err, out)
				}
				theirs, err := os.ReadFile(filepath.Join(root, "log"))
				require.NoError(t, err, "the script logs nothing")
				assert.Equal(t, string(theirs), ours.String(), script)
			})
		}
	}
}

// What only a running shell knows is never guessed.
func TestUnknown(t *testing.T) {
	tests := map[string][]string{
		`log $UNSET "a$UNSET"`:                                      {"/w log ? a?"},
		`log *.py`:                                                  {"/w log ?.py"},
		`log .[dev]`:                                                {"/w log .[dev]"},
		`log $(date) $(cat f | head)`:                               {"/w log ? ?"},
		`cd $UNSET && log`:                                          {"? log"},
		`cd $(mktemp -d) && log`:                                    {freshDir + " log"},
		`if test -n "$U"; then log a; fi`:                           {"/w log a maybe"},
		`grep -q x f && log a || log b`:                             {"/w log a maybe", "/w log b maybe"},
		`for x in $U; do log $x; done`:                              {"/w log ? maybe"},
		`mkdir x; cd "$_" && log`:                                   {"/w/x log"},
		`read X; log $X`:                                            {"/w log ?"},
		`X=a; grep q f && X=b; log $X`:                              {"/w log a", "/w log b"},
		`case $(uname) in a) log a;; esac`:                          {"/w log a maybe"},
		`while grep q f; do log a; done`:                            {"/w log a maybe"},
		`D=a; while read v; do D=$v; done < f; log $D`:              {"/w log ?"},
		`n=0; until curl x; do n=$((n+1)); cd /; done; log $n`:      {"? log ?"},
		`while grep q f; do X=; done; [ -n "$X" ] || exit 1; log a`: {"/w log a"},
		`log $(wget u -O -) $(cat -) $(basename - x)`:               {"/w log ? ? x"},
		`log a |& log b`:                                            {"/w log a", "/w log b"},
		`f() { log never; }`:                                        nil,
		`echo $(log inside)`:                                        nil,
		`log "${A[0]}" $((1+2))`:                                    {"/w log ? ?"},
		`mkdir -p /a/{b,c} && log /a/{b,c}`:                         {"/w log /a/b /a/c"},
		"log \\\n  a":                                               {"/w log a"},
		`log a; log (`:                                              {"note: the command line cannot be parsed as shell to its end: 1:8: `foo(` must be followed by `)`", "/w log a"},
		`. ./gone.sh; log a`:                                        {`note: the file "./gone.sh" that a script reads is unknown, so what it sets could not be determined`, "/w log a"},
		`. /venv/bin/activate; log $PATH`:                           {"/w log /venv/bin:"},
		`trap 'log never' EXIT; log a`:                              {"/w log a"},
		`log <<< "$X" > /f; tee g <<END` + "\nx\nEND\n":             {"/w log"},
	}
	for script, want := range tests {
		var got []string
		sh := &Interp{Note: func(n Note) { got = append(got, "note: "+n.Text) }}
		sh.Run = func(s *State, c Call) {
			if c.Argv[0].Text != "log" {
				return
			}
			line := strings.TrimSpace(s.Dir + " " + strings.Join(Texts(c.Argv), " "))
			if s.Dir == "" {
				line = "? " + line
			}
			if s.Conditional {
				line += " maybe"
			}
			got = append(got, strings.ReplaceAll(line, Hole, "?"))
		}
		sh.Walk(NewState("/w", nil), script)
		assert.Equal(t, want, got, script)
	}
}

// What scripts write is known by its path, with the text where that is plain.
func TestWritten(t *testing.T) {
	tests := map[string]map[string]string{
		`echo /app > a.pth`:                                  {"/w/a.pth": "/app\n"},
		`echo a > f; printf '%s\n' b c >> f`:                 {"/w/f": "a\nb\nc\n"},
		`{ echo a; echo b; } > f`:                            {"/w/f": "a\nb\n"},
		`cd /d; echo a | tee f >/dev/null`:                   {"/d/f": "a\n"},
		"cat > f <<END\n$X and $HOMELESS\nEND\n":             {"/w/f": "x and ?\n"},
		"tee f <<'END'\n/app\nEND\n":                         {"/w/f": "/app\n"},
		`make > log 2>&1`:                                    {"/w/log": ""},
		`echo a > $(python -c x)/a.pth`:                      {"?/a.pth": "a\n"},
		`cd $(x); echo a > f`:                                {"?/f": "a\n"},
		`echo a > /dev/null; echo b >&2`:                     {},
		`echo -n a > f; echo -e 'x\ny' > g; printf %d 1 > h`: {"/w/f": "a", "/w/g": "x\ny\n", "/w/h": "?"},
	}
	for script, want := range tests {
		sh := &Interp{}
		sh.Walk(NewState("/w", []string{"X=x"}), script)
		got := map[string]string{}
		for file, w := range sh.Written() {
			got[strings.ReplaceAll(file, Hole, "?")] = strings.ReplaceAll(w.Text, Hole, "?")
		}
		assert.Equal(t, want, got, script)
	}
}

// FuzzWalk walks whatever parses: it ends, a word holds no more than it may, and two walks agree.
func FuzzWalk(f *testing.F) {
	for _, script := range logs {
		f.Add(script)
	}
	f.Add("A=aaaa; for i in 1 2 3 4 5 6 7 8 9; do A=$A$A$A$A; done; log $A")
	f.Add("f() { f; f; }; f")
	f.Add("if a; then X=1; fi; if b; then Y=1; fi; if c; then Z=1; fi; if d; then W=1; fi; log $X$Y$Z$W")
	f.Fuzz(func(t *testing.T, script string) {
		if len(script) > 4096 {
			t.Skip("long")
		}
		walk := func(merge bool) []string {
			var got []string
			sh := &Interp{Merge: merge, Substitutions: true}
			sh.Run = func(s *State, c Call) {
				got = append(got, s.Dir+" "+strings.Join(Texts(c.Argv), " "))
				if s.Dir != "" && s.Dir[0] != '/' {
					t.Errorf("a directory that is not absolute: %q", s.Dir)
				}
			}
			sh.Walk(NewState("/w", []string{"X=x"}), script)
			return got
		}
		for _, merge := range []bool{false, true} {
			if first := walk(merge); !assert.Equal(t, first, walk(merge)) {
				return
			}
		}
	})
}
