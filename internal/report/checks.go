package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/verify"
)

// StructureTest writes checks as a file for container-structure-test: YAML, in which every text is quoted.
func StructureTest(out io.Writer, name string, c *verify.Checks) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "# What ctxaudit expects of %s.\n# container-structure-test test --image IMAGE --config THIS-FILE\nschemaVersion: 2.0.0\n", theImage(name))
	if len(c.Files)+len(c.Absent) > 0 {
		fmt.Fprintln(w, "fileExistenceTests:")
	}
	for _, f := range c.Files {
		fmt.Fprintf(w, "  - name: %s\n    path: %s\n    shouldExist: true\n", yamlText(f.Why+": "+f.Path), yamlText(f.Path))
		if f.Executable {
			fmt.Fprintln(w, "    isExecutableBy: any")
		}
	}
	for _, p := range c.Absent {
		fmt.Fprintf(w, "  - name: %s\n    path: %s\n    shouldExist: false\n", yamlText("forbidden: "+p), yamlText(p))
	}
	if len(c.Env) > 0 || c.Workdir+c.User != "" {
		fmt.Fprintln(w, "metadataTest:")
	}
	if len(c.Env) > 0 {
		fmt.Fprintln(w, "  envVars:")
	}
	for _, e := range c.Env {
		value, regex := e.Value, true
		switch e.Kind {
		case verify.EnvEquals:
			regex = false
		case verify.EnvMatches:
			value = "^(?:" + value + ")$"
		case verify.EnvContains:
			value = "(^|:)" + escapeRegexp(value) + "(:|$)"
		case verify.EnvSet:
			value = ".*"
		}
		fmt.Fprintf(w, "    - key: %s\n      value: %s\n      isRegex: %t\n", yamlText(e.Name), yamlText(value), regex)
	}
	if c.Workdir != "" {
		fmt.Fprintf(w, "  workdir: %s\n", yamlText(c.Workdir))
	}
	if c.User != "" {
		fmt.Fprintf(w, "  user: %s\n", yamlText(c.User))
	}
	return w.Flush()
}

// yamlText quotes a text for YAML, which has the escapes of Go. Of what the screen would not show as it is, the screen would make
// another text: it is written in escapes.
func yamlText(s string) string {
	quoted := strconv.QuoteToASCII(s)
	if Text(quoted) == quoted {
		return quoted
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		fmt.Fprintf(&b, `\U%08x`, r)
	}
	return b.String() + `"`
}

func escapeRegexp(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// checkScript is what the lines of a script call.
const checkScript = `
failed=0
fail() { echo "$1"; failed=1; }
exists() { [ -e "$1" ] || [ -L "$1" ] || fail "missing: $1 ($2)"; }
executable() { [ -x "$1" ] || fail "not executable: $1 ($2)"; }
absent() { if [ -e "$1" ] || [ -L "$1" ]; then fail "forbidden: $1"; fi; }
is() { [ "$2" = "$3" ] || fail "$1 is $2, not $3"; }
`

// CheckScript writes checks as a shell script that is run in the image. It needs a shell and nothing else.
func CheckScript(out io.Writer, name string, c *verify.Checks) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "#!/bin/sh\n# What ctxaudit expects of %s.\n# docker run --rm -i --entrypoint sh IMAGE -s < THIS-FILE\n%s\n", theImage(name), checkScript)
	for _, f := range c.Files {
		check := "exists"
		if f.Executable {
			check = "executable"
		}
		fmt.Fprintf(w, "%s %s %s\n", check, shellQuoted(f.Path), shellQuoted(f.Why))
	}
	for _, p := range c.Absent {
		fmt.Fprintf(w, "absent %s\n", shellQuoted(p))
	}
	for _, e := range c.Env {
		if !variable(e.Name) {
			continue // a shell cannot ask for it, and must not be told to
		}
		switch e.Kind {
		case verify.EnvEquals:
			fmt.Fprintf(w, "is %s \"${%s-}\" %s\n", shellQuoted(e.Name), e.Name, shellQuoted(e.Value))
		case verify.EnvContains:
			fmt.Fprintf(w, "case \":${%s-}:\" in *:%s:*) ;; *) fail %s ;; esac\n", e.Name, shellQuoted(e.Value), shellQuoted(e.Name+" has no entry "+e.Value))
		default: // a shell has no regular expressions
			fmt.Fprintf(w, "[ -n \"${%s+set}\" ] || fail %s\n", e.Name, shellQuoted(e.Name+" is not set"))
		}
	}
	if c.Workdir != "" {
		fmt.Fprintf(w, "is 'working directory' \"$(pwd)\" %s\n", shellQuoted(c.Workdir))
	}
	fmt.Fprintln(w, "exit $failed")
	return w.Flush()
}

// variable reports whether a name is one that a shell takes for a variable.
func variable(name string) bool {
	for i, c := range name {
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// shellQuoted quotes a word for a shell. What the screen would not show as it is the shell makes out of octal numbers.
func shellQuoted(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	if Text(quoted) == quoted {
		return quoted
	}
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\%03o`, s[i])
	}
	return `"$(printf '` + b.String() + `')"`
}

// theImage names an image; one that nobody has named is the image.
func theImage(name string) string {
	if name == "image" {
		return "the image"
	}
	return "the image " + Name(name)
}
