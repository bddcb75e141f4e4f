package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

var markdownBounds = Bounds{Images: 50, Findings: 100, Total: 200, Items: 20, Chars: 500, Bytes: 128 << 10}

// MarkdownWithin gives a report in Markdown of no more than so many bytes.
func MarkdownWithin(a Audit, most int) ([]byte, error) {
	for b := markdownBounds; ; {
		var out strings.Builder
		s := Screen{W: &out}
		if err := Markdown(&s, a.within(b), Style{}); err != nil {
			return nil, err
		}
		if err := s.Flush(); err != nil {
			return nil, err
		}
		switch {
		case out.Len() <= most:
			return []byte(out.String()), nil
		case b.Findings > 1:
			b = Bounds{Images: b.Images/2 + 1, Findings: b.Findings / 2, Total: b.Total / 2, Items: b.Items/2 + 1, Chars: b.Chars, Bytes: b.Bytes / 2}
		default:
			verdict := fmt.Sprintf("## %s\n\n%s\n", mdVerdict(a), mdCounts(a))
			return []byte(verdict)[:max(0, min(len(verdict), most))], nil
		}
	}
}

// Markdown writes the report that one pastes into an issue or a pull request. It is GitHub's Markdown, which GitLab and
// the summaries of jobs take too: tables, and nothing that needs HTML but <details>.
func Markdown(out io.Writer, a Audit, _ Style) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "## %s\n\n%s\n", mdVerdict(a), mdCounts(a))
	for i, img := range a.Images {
		a.mdImage(w, img, a.of(i))
	}
	if len(a.Notices) > 0 {
		fmt.Fprint(w, "\n### Not audited\n\n")
		for _, n := range a.Notices {
			fmt.Fprintf(w, "- %s: %s\n", mdCode(At(n.File, n.Line)), mdText(n.Text))
		}
	}
	if text := a.left.leftOut(); text != "" {
		fmt.Fprintf(w, "\n*%s*\n", mdText(text))
	}
	return w.Flush()
}

func mdVerdict(a Audit) string {
	sign := "✅"
	switch {
	case a.Failed():
		sign = "❌"
	case a.Summary.Errors+a.Summary.Warnings > 0:
		sign = "⚠️"
	}
	return sign + " ctxaudit: " + verdict(a)
}

// verdict says in one line how an audit ended.
func verdict(a Audit) string {
	images := "the image"
	if len(a.Images) != 1 {
		images = "the images"
	}
	switch {
	case a.Failed():
		return "something that " + images + " needs is missing or wrong"
	case a.Summary.Errors+a.Summary.Warnings > 0:
		return images + " would pass, with warnings"
	default:
		return "nothing that " + images + " needs is missing"
	}
}

func mdCounts(a Audit) string {
	s := a.Summary
	line := fmt.Sprintf("**%s**, **%s**, %s in %s", count(s.Errors, "error"), count(s.Warnings, "warning"), count(s.Notes, "note"), count(s.Images, "image"))
	if s.Modules > 0 {
		line += fmt.Sprintf("; %s in %s followed", count(s.Imports, "import"), count(s.Modules, "module"))
	}
	return line + ". Predicted from the Dockerfile, the ignore file and the sources: nothing was built or run."
}

func (a Audit) mdImage(w io.Writer, img finding.ImageReport, l leftOfImage) {
	fmt.Fprintf(w, "\n### Image %s\n\n%s\n", mdCode(img.Name), describe(img, "Dockerfile ", mdCode, mdText))
	if len(img.Findings)+len(img.Passed) > 0 {
		fmt.Fprint(w, "\n| | Result | Evidence |\n| --- | --- | --- |\n")
		for _, f := range img.Findings {
			fmt.Fprintf(w, "| %s | %s | %s |\n", mdMark(f.Severity), mdCell(mdText(f.Summary)), mdEvidence(f.Related))
		}
		for _, p := range img.Passed {
			fmt.Fprintf(w, "| ✅ | %s | %s |\n", mdCell(mdText(p.Requirement)), mdEvidence(p.Evidence))
		}
	}
	for _, f := range img.Findings {
		a.mdFinding(w, f, img)
	}
	if text := l.leftOut(); text != "" {
		fmt.Fprintf(w, "\n*%s*\n", mdText(text))
	}
	if len(img.Suppressed) > 0 {
		fmt.Fprint(w, "\n#### Suppressed\n\n")
		for _, x := range img.Suppressed {
			fmt.Fprintf(w, "- %s: %s (%s: %s)\n", mdText(x.Finding.Rule), mdText(x.Finding.Summary), mdCode(At(x.File, x.Line)), mdText(x.Reason))
		}
	}
	if len(img.Assumptions) > 0 {
		fmt.Fprint(w, "\n#### Assumed\n\n")
		for _, as := range img.Assumptions {
			fmt.Fprintf(w, "- %s %s: %s\n", mdCode(position(finding.Position{File: as.File, Line: as.Line})), mdCode(as.Text), mdText(as.Meaning))
		}
	}
	fmt.Fprint(w, "\n#### Not checked\n\n")
	for _, line := range l.notChecked {
		fmt.Fprintf(w, "- %s\n", mdText(line))
	}
}

func (a Audit) mdFinding(w io.Writer, f finding.Finding, img finding.ImageReport) {
	fmt.Fprintf(w, "\n#### %s %s at %s\n\n**%s.**", mdMark(f.Severity), mdText(f.Rule), mdCode(position(subject(f, img))), mdText(f.Summary))
	if f.Detail != "" {
		fmt.Fprintf(w, " %s", mdText(f.Detail))
	}
	fmt.Fprintln(w)
	if len(f.Related) > 0 {
		fmt.Fprint(w, "\n| Where | Line | What it does |\n| --- | --- | --- |\n")
		for _, p := range f.Related {
			fmt.Fprintf(w, "| %s | %s | %s |\n", mdCell(mdCode(placeName(p))), mdCell(mdCode(p.Text)), mdCell(mdText(role(p))))
		}
	}
	for _, fix := range f.Fixes {
		fmt.Fprintf(w, "\n**Fix:** %s. Simulated: %s.\n", mdText(editTitle(fix, Style{})), mdText(Effect(fix)))
		changes, _ := a.changes(fix)
		for _, c := range changes {
			diff := strings.Join(c.diff(), "\n")
			fence := mdFence(diff)
			fmt.Fprintf(w, "\n%sdiff\n%s\n%s\n", fence, diff, fence)
		}
	}
	if len(f.Fixes) == 0 && len(f.Tried) > 0 {
		fmt.Fprint(w, "\nNo fix found. Simulated:\n\n")
		for _, t := range f.Tried {
			fmt.Fprintf(w, "- %s\n", mdText(t))
		}
	}
	if len(f.Files) > 0 {
		fmt.Fprintf(w, "\n<details><summary>%s concerned</summary>\n\n", count(len(f.Files), "file"))
		for _, name := range f.Files {
			fmt.Fprintf(w, "- %s\n", mdCode(name))
		}
		fmt.Fprint(w, "\n</details>\n")
	}
}

// notChecked says what an audit of this image did not look at.
func notChecked(img finding.ImageReport) []string {
	var out []string
	kinds := map[string]int{}
	for _, as := range img.Assumptions {
		kinds[as.Kind]++
	}
	if n := kinds["base-image"]; n > 0 {
		out = append(out, "The files of "+count(n, "base image")+": nothing was downloaded.")
	}
	if n := kinds["run"]; n > 0 {
		out = append(out, "What "+count(n, "RUN step")+" would do: nothing was run.")
	}
	if n := kinds["remote"]; n > 0 {
		out = append(out, "What "+count(n, "download")+" would add.")
	}
	if img.Modules == 0 {
		out = append(out, "Imports: the image starts no program whose imports can be followed.")
	}
	if len(img.Passed) == 0 {
		out = append(out, "Requirements of your own: none is configured.")
	}
	return append(out, "What is known only at run time: computed names, settings given then, volumes mounted over the image.")
}

func mdMark(s finding.Severity) string {
	switch s {
	case finding.Error:
		return "❌"
	case finding.Warning:
		return "⚠️"
	default:
		return "ℹ️"
	}
}

// maxEvidence is how many lines one cell of the table names.
const maxEvidence = 4

func mdEvidence(list []finding.Place) string {
	var parts []string
	for _, p := range list[:min(len(list), maxEvidence)] {
		parts = append(parts, mdCode(placeName(p))+" "+mdText(string(p.Role)))
	}
	switch more := len(list) - len(parts); {
	case more > 0 && list[len(list)-1].Role == roleMore:
		parts = append(parts, "and more")
	case more > 0:
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return mdCell(strings.Join(parts, ", "))
}

func placeName(p finding.Place) string { return position(finding.Position{File: p.File, Line: p.Line}) }

// role says what a place does, with its note.
func role(p finding.Place) string {
	if p.Role == roleMore {
		return "and " + p.Note
	}
	said, known := phrases[p.Role]
	switch {
	case p.Role == finding.RoleImports && reaches[p.Note] != "":
		return reaches[p.Note]
	case known && p.Note == "":
		return said[0]
	case known:
		return fmt.Sprintf(said[1], Text(p.Note))
	case p.Note == "":
		return Text(string(p.Role))
	}
	return Text(string(p.Role)) + ": " + Text(p.Note)
}

// phrases say what a line does, by itself and with a note. Of another role the name says it.
var phrases = map[finding.Role][2]string{
	finding.RoleExcludes:   {"excludes it", "excludes %s"},
	finding.RoleReincludes: {"re-includes it", "re-includes %s"},
	finding.RoleNoEffect:   {"no effect", "no effect (%s)"},
	finding.RoleRedundant:  {"redundant", "redundant (%s)"},
	finding.RoleRequires:   {"the policy", "the policy (%s)"},
	finding.RoleImports:    {"imports it", "imports it: %s"},
	finding.RoleReads:      {"reads", "%s"}, // the note is what it does: "asks for it", "starts it"
	finding.RoleStarts:     {"starts it", "starts it: %s"},
	finding.RoleWithholds:  {"excludes it from the upload", "excludes %s from the upload"},
	finding.RoleGitIgnores: {"git ignores it", "git ignores it: %s"},
	finding.RoleSearchPath: {"sets the search path", "search path: %s"},
}

// reaches say how an import is reached.
var reaches = map[string]string{
	"startup": "imports it at startup", "conditional": "imports it under a condition", "lazy": "imports it in a function", "guarded": "imports it in a try",
}

// mdText escapes what Markdown would take for markup, and no more, so that the source stays readable: an underscore in
// a word is only an underscore. A word of which GitHub would make a link or a mention, which tells somebody, becomes code.
func mdText(s string) string {
	words := strings.Fields(Text(s))
	for i, word := range words {
		if linked().MatchString(word) {
			words[i] = codeSpan(word)
		} else {
			words[i] = mdWord(word, i == 0)
		}
	}
	text := strings.Join(words, " ")
	if m := listItem().FindStringSubmatchIndex(text); m != nil {
		return text[:m[3]] + `\` + text[m[3]:]
	}
	return text
}

// linked are words that GitHub links: addresses, mentions and numbers of issues. listItem is the number that begins one.
var (
	linked   = lazyre.New(`(?i)@|://|www\.|#[0-9]|\bgh-[0-9]`)
	listItem = lazyre.New(`^([0-9]+)[.)]( |$)`)
)

// mdWord escapes a word, the first of a text or another one.
func mdWord(word string, first bool) string {
	var b strings.Builder
	text := []rune(word)
	alone := func(r rune) bool { return r != '_' && isWord(r) }
	inWord := func(i int) bool { return i > 0 && i < len(text)-1 && alone(text[i-1]) && alone(text[i+1]) }
	for i, r := range text {
		switch {
		case strings.ContainsRune("\\`*[]<&|~$", r), r == '_' && !inWord(i), first && i == 0 && strings.ContainsRune("#+-=>", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mdCode makes a code span of a text, whatever backticks it holds.
func mdCode(s string) string {
	if s = Name(s); s == "" {
		return ""
	}
	return codeSpan(s)
}

func codeSpan(s string) string {
	fence := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.TrimSpace(s) != s {
		s = " " + s + " "
	}
	return fence + s + fence
}

// mdCell keeps bars from ending a cell; those that are escaped already stay as they are.
func mdCell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, `\|`, "|"), "|", `\|`)
}

// mdFence gives a fence that a text cannot end.
func mdFence(s string) string { return strings.Repeat("`", max(3, longestRun(s)+1)) }

// longestRun gives the length of the longest run of backticks.
func longestRun(s string) int {
	longest, n := 0, 0
	for _, r := range s {
		if n++; r != '`' {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}
