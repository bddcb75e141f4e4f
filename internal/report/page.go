package report

import (
	"io"
	"strings"
)

// Page writes the Markdown of a rule's page. A terminal gets it wrapped to its width, with colours if there are some; what is
// piped stays Markdown. It knows the forms that our pages have: a title, paragraphs, lists, blocks of code and code in a line.
// (A renderer of all of Markdown, glamour, would add 9 MB to the binary.)
func Page(w io.Writer, page string, s Style) error {
	if s.Width == 0 {
		_, err := io.WriteString(w, page)
		return err
	}
	p := pageWriter{style: s}
	for line := range strings.Lines(page) {
		p.line(strings.TrimRight(line, "\n"))
	}
	p.flush()
	_, err := io.WriteString(w, p.out.String())
	return err
}

type pageWriter struct {
	style Style
	out   strings.Builder
	// text is the paragraph or the item of a list that is being read, and indent what its lines begin with.
	text, bullet string
	code         bool // in a block of code
}

func (p *pageWriter) line(line string) {
	switch {
	case strings.HasPrefix(line, "```"):
		p.flush()
		p.code = !p.code
	case p.code:
		p.out.WriteString(strings.TrimRight("    "+p.painted(line), " ") + "\n")
	case line == "":
		p.flush()
		p.out.WriteString("\n")
	case strings.HasPrefix(line, "#"):
		p.flush()
		p.out.WriteString(p.style.bold(strings.TrimLeft(line, "# ")) + "\n")
	case strings.HasPrefix(line, "- "):
		p.flush()
		p.bullet, p.text = "- ", line[2:]
	default:
		p.text += " " + line
	}
}

// painted shows comments in a block of code as less than the code.
func (p *pageWriter) painted(line string) string {
	code, comment, found := strings.Cut(line, "# ")
	if !found || code != "" && !strings.HasSuffix(code, " ") {
		return line
	}
	return code + p.style.dim("# "+comment)
}

// flush writes the paragraph that was read.
func (p *pageWriter) flush() {
	words := strings.Fields(p.text)
	label := len(words) > 0 && (words[0] == "Bad:" || words[0] == "Good:")
	most, column, code := p.style.wide(len(p.bullet)), 0, false
	p.out.WriteString(p.bullet)
	for i, word := range words {
		n := width(word)
		if p.style.Color {
			n -= strings.Count(word, "`")
		}
		switch {
		case i == 0:
		case column+1+n > most:
			p.out.WriteString("\n" + strings.Repeat(" ", len(p.bullet)))
			column = 0
		default:
			p.out.WriteString(" ")
			column++
		}
		column += n
		if i == 0 && label {
			p.out.WriteString(p.style.bold(word))
			continue
		}
		code = p.word(word, code)
	}
	if len(words) > 0 || p.bullet != "" {
		p.out.WriteString("\n")
	}
	p.text, p.bullet = "", ""
}

// word writes a word, of which parts between backticks are code; it gives whether the next word is, too. Without colours the
// backticks tell it.
func (p *pageWriter) word(word string, code bool) bool {
	for i, part := range strings.Split(word, "`") {
		if i > 0 {
			code = !code
			if !p.style.Color {
				p.out.WriteString("`")
			}
		}
		if code {
			part = p.style.cyan(part)
		}
		p.out.WriteString(part)
	}
	return code
}
