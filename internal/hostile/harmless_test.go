package hostile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// annotation is a command of GitHub Actions that ctxaudit itself writes.
var annotation = regexp.MustCompile(`^::(error|warning|notice) file=[^:]*,title=\w+::`)

// harmless [github] [FILE...] fails if what the last command wrote, or a file, has anything that a terminal or a CI system
// would obey. It is written apart from what it judges.
func harmless(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! harmless")
	}
	github := len(args) > 0 && args[0] == "github"
	if github {
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"stdout", "stderr"}
	}
	for _, name := range args {
		text := ts.ReadFile(name)
		if !utf8.ValidString(text) {
			ts.Fatalf("%s is no UTF-8: %.300q", name, text)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if i := strings.IndexFunc(line, obeyed); i >= 0 {
				ts.Fatalf("%s has %U: %.300q", name, []rune(line[i:])[0], line)
			}
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "::") && (!github || !annotation.MatchString(line)) {
				ts.Fatalf("%s has a command: %.300q", name, line)
			}
			if strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
				ts.Fatalf("%s has a command: %.300q", name, line)
			}
		}
	}
}

func obeyed(r rune) bool {
	return r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == '\u3164'
}
