package suppress

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// comment is a suppression as it is written:
//
//	# ctxaudit: ignore=RULE[,RULE] [expires=YYYY-MM-DD] -- reason
//
// or, in JavaScript, behind two slashes.
var comment = lazyre.New(`^\s*(?:#|//)\s*ctxaudit:\s*(.*?)\s*$`)

// comments gives the suppressions in the files that images are made from. They are about the next line that is neither
// empty nor a comment.
func comments(images []finding.ImageReport, read func(string) (string, bool)) []*suppression {
	var out []*suppression
	seen := map[string]bool{}
	for i, img := range images {
		files := append([]string{img.Dockerfile, img.IgnoreFile}, img.Followed...)
		for _, f := range img.Findings {
			files = append(files, f.Subject.File)
		}
		for _, file := range files {
			if file == "" || seen[file] {
				continue
			}
			seen[file] = true
			if text, ok := read(file); ok && strings.Contains(text, "ctxaudit:") {
				out = append(out, inFile(file, text, i)...)
			}
		}
	}
	return out
}

func inFile(file, text string, image int) []*suppression {
	var out []*suppression
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		m := comment().FindStringSubmatch(strings.TrimSuffix(line, "\r"))
		if m == nil {
			continue
		}
		s := parse(m[1])
		s.file, s.line, s.image = file, i+1, image
		target := next(lines, i+1)
		s.matches = func(_ string, f finding.Finding) bool { return pointsAt(f, file, target) }
		out = append(out, s)
	}
	return out
}

// next gives the number of the next line that is neither empty nor a comment.
func next(lines []string, from int) int {
	for i := from; i < len(lines); i++ {
		if t := strings.TrimSpace(lines[i]); t != "" && !strings.HasPrefix(t, "#") && !strings.HasPrefix(t, "//") {
			return i + 1
		}
	}
	return 0
}

func parse(text string) *suppression {
	s := &suppression{}
	options, reason, _ := strings.Cut(text, "--")
	s.reason = strings.TrimSpace(reason)
	for word := range strings.FieldsSeq(options) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "ignore":
			for name := range strings.SplitSeq(value, ",") {
				if name != "" {
					s.rules = append(s.rules, name)
				}
			}
		case "expires":
			s.expires = value
		default:
			s.rules = append(s.rules, word) // reported as a rule that does not exist
		}
	}
	return s
}

// pointsAt reports whether a finding is about a line: it stands there, or the line keeps out or copies what is missing. A
// finding about imports in several places is silenced at one of them only if that is the only one.
func pointsAt(f finding.Finding, file string, line int) bool {
	if line == 0 {
		return false
	}
	imports := 0
	for _, p := range f.Related {
		if p.Role == finding.RoleImports {
			imports++
		}
	}
	if f.Subject.File == file && f.Subject.Line == line && imports <= 1 {
		return true
	}
	return slices.ContainsFunc(f.Related, func(p finding.Place) bool {
		return p.Role != finding.RoleImports && p.Role != finding.RoleRequires && p.File == file && p.Line == line
	})
}
