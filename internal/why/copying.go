package why

import (
	"bytes"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
)

// copying is a COPY or ADD as it is written.
type copying struct {
	dockerfile.Syntax
	in dockerfile.Instruction
	// sources and dest are what it names: what its words say, or the words themselves where variables have a part in them.
	sources []string
	dest    string
}

// copyOf reads a COPY or ADD; ok is false for any other instruction, and for one without a source and a destination.
func copyOf(in dockerfile.Instruction) (c copying, ok bool) {
	if !isCopy(in) {
		return copying{}, false
	}
	c = copying{Syntax: in.Syntax(), in: in}
	last := len(c.Args) - 1
	if last < 1 {
		return copying{}, false
	}
	for i, w := range c.Args {
		text, literal := c.Literal(w)
		if !literal {
			text = w.Text
		}
		if i == last {
			c.dest = text
		} else {
			c.sources = append(c.sources, text)
		}
	}
	return c, true
}

// from gives the stage or image that it copies from, "" for the context.
func (c copying) from() string {
	from, _ := c.Flag("from")
	return from
}

// excludes reports whether it leaves some of its sources out.
func (c copying) excludes() bool {
	_, ok := c.Flag("exclude")
	return ok
}

// put gives the edit that puts a text in the place of a part of the Dockerfile. All else stays as it is, and lines that do
// not change are no part of the edit.
func (r *Repairer) put(at dockerctx.Range, text string) edit.Edit {
	data := r.plan.Dockerfile.Data
	first, last := linesAround(data, at)
	lines := func(s string) []string { return strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") }
	before := lines(string(data[first:last]))
	after := lines(string(data[first:at.Start.Offset]) + text + string(data[at.End.Offset:last]))
	line := at.Start.Line
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after, line = before[1:], after[1:], line+1
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return r.dockerfileEdit(line, len(before), strings.Join(after, "\n"))
}

// drop gives the edit that takes a word out, with the blanks that part it from the others, and with its line if nothing else
// stands there.
func (r *Repairer) drop(at dockerctx.Range) edit.Edit {
	data := r.plan.Dockerfile.Data
	first, last := linesAround(data, at)
	before, after := string(data[first:at.Start.Offset]), string(data[at.End.Offset:last])
	const blanks = " \t"
	atEnd := strings.Trim(after, blanks+string(r.plan.Dockerfile.Escape)) == ""
	switch {
	case atEnd && strings.Trim(before, blanks) == "":
		return r.dockerfileEdit(at.Start.Line, at.End.Line-at.Start.Line+1, "")
	case atEnd:
		at.Start.Offset = first + len(strings.TrimRight(before, blanks))
	default:
		at.End.Offset = last - len(strings.TrimLeft(after, blanks))
	}
	return r.put(at, "")
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// linesAround gives where the lines begin and end on which a part of a file stands, without their last line end.
func linesAround(data []byte, at dockerctx.Range) (first, last int) {
	first = bytes.LastIndexByte(data[:at.Start.Offset], '\n') + 1
	if first == 0 && bytes.HasPrefix(data, byteOrderMark) {
		first = len(byteOrderMark)
	}
	last = len(data)
	if i := bytes.IndexByte(data[at.End.Offset:], '\n'); i >= 0 {
		last = at.End.Offset + len(bytes.TrimSuffix(data[at.End.Offset:at.End.Offset+i], []byte("\r")))
	}
	return first, last
}

// addSource gives the edit that adds a source behind the others, parted from them as they are from each other.
func (r *Repairer) addSource(c copying, source string) (edit.Edit, bool) {
	text, ok := c.Quote(source)
	if !ok {
		return edit.Edit{}, false
	}
	last := c.Args[len(c.sources)-1].Range
	gap := " "
	if c.JSON {
		gap = ", "
	}
	if n := len(c.sources); n > 1 {
		between := string(r.plan.Dockerfile.Data[c.Args[n-2].Range.End.Offset:last.Start.Offset])
		if !strings.Contains(between, "#") {
			gap = between
		}
	}
	return r.put(dockerctx.Range{Start: last.End, End: last.End}, gap+text), true
}
