package main

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/internal/cli"
)

// points are the lines of a finding that getting-started.md explains, in the order of its list.
var points = []string{" error ", "is not in the image", "excludes", "fix: ", "It is needed"}

// picture draws what check prints for the example that replays an outage, with a number at each line that is explained.
func picture() ([]byte, error) {
	text, err := outage()
	if err != nil {
		return nil, err
	}
	const row, left, top, glyph = 20, 20, 30, 7.83 // 7.83 is the width of a character of 13 pixels
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(escape.ReplaceAllString(line, "")))
	}
	width, height := left*2+int(float64(columns)*glyph)+40, top*2+(len(lines)-1)*row
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="A finding of ctxaudit check, with numbers at five of its lines">
<rect width="100%%" height="100%%" rx="8" fill="#161b22"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="#e6edf3">
`, width, height)
	next := 0
	for i, line := range lines {
		y := top + i*row
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">%s</text>\n", left, y, spans(line))
		if next < len(points) && strings.Contains(escape.ReplaceAllString(line, ""), points[next]) {
			next++
			fmt.Fprintf(&b, "<circle cx=\"%d\" cy=\"%d\" r=\"9\" fill=\"#1f6feb\"/><text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-weight=\"bold\">%d</text>\n",
				width-30, y-5, width-30, y, next)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	if next < len(points) {
		return nil, fmt.Errorf("the picture of a finding: no line has %q", points[next])
	}
	return b.Bytes(), nil
}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// styles are those of the terminal.
var styles = map[string]string{
	"1": `font-weight="bold"`, "2": `fill="#8b949e"`, "36": `fill="#76e3ea"`,
	"31;1": `fill="#ff7b72" font-weight="bold"`, "33;1": `fill="#e3b341" font-weight="bold"`, "32;1": `fill="#56d364" font-weight="bold"`,
}

// spans turns a line with colours into parts of a text.
func spans(line string) string {
	var b strings.Builder
	open, at := false, 0
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		b.WriteString(shown(line[at:m[0]]))
		if at = m[1]; open {
			b.WriteString("</tspan>")
		}
		style, ok := styles[line[m[2]:m[3]]]
		if open = ok; ok {
			fmt.Fprintf(&b, "<tspan %s>", style)
		}
	}
	b.WriteString(shown(line[at:]))
	if open {
		b.WriteString("</tspan>")
	}
	return b.String()
}

// shown gives a text that keeps its blanks, which a browser would join.
func shown(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), " ", "\u00a0")
}

// outage runs check on the example, without its configuration, as on a terminal.
func outage() (string, error) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "outage.txtar"))
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "picture")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	for _, f := range archive.Files {
		name, ok := strings.CutPrefix(f.Name, "broken/")
		if !ok || name == ".ctxaudit.yaml" {
			continue
		}
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return "", err
		}
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if err := os.Chdir(dir); err != nil {
		return "", err
	}
	defer os.Chdir(here) // it was there a moment ago
	var out, errs bytes.Buffer
	cli.Run(context.Background(), cli.Env{Stdout: &out, Stderr: &errs, Given: cli.Given{Width: 100,
		Args: []string{"check", "--color", "always"}, Stdin: strings.NewReader(""),
		Getenv: func(string) string { return "" }, LookupEnv: func(string) (string, bool) { return "", false },
	}})
	return out.String(), nil
}
