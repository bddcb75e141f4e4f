// Package edit changes text files line by line and leaves everything else in them byte for byte as it is: line ends, a byte
// order mark, a missing final line end.
package edit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Edit takes lines out of a file and puts others in their place. Several edits of one file apply one after the other: each
// counts lines in what the ones before it left.
type Edit struct {
	// File is the name by which people know the file.
	File string `json:"file"`
	// Line is where the edit is, from 1: Insert stands there afterwards. One more than there are lines is the end.
	Line int `json:"line"`
	// Remove is how many lines are taken out.
	Remove int `json:"remove,omitempty"`
	// Insert is what is put in, without its line end, lines separated by "\n". Empty: nothing is.
	Insert string `json:"insert,omitempty"`
	// Path is where the file lies; "" for one that is on no disk.
	Path string `json:"-"`
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// line is a line with its end, which the last one may lack.
type line struct{ text, end string }

func split(data []byte) []line {
	var out []line
	for l := range bytes.Lines(data) {
		text, ended := strings.CutSuffix(string(l), "\n")
		if ended {
			text = strings.TrimSuffix(text, "\r")
		}
		out = append(out, line{text, string(l[len(text):])})
	}
	return out
}

// Apply edits a file. An edit beyond the end of the file is an error.
func Apply(data []byte, edits []Edit) ([]byte, error) {
	rest, marked := bytes.CutPrefix(data, byteOrderMark)
	lines := split(rest)
	for _, e := range edits {
		at := e.Line - 1
		if at < 0 || e.Remove < 0 || at+e.Remove > len(lines) {
			return nil, fmt.Errorf("editing %s: it has %d lines, and line %d is asked for", e.File, len(lines), max(e.Line, e.Line+e.Remove-1))
		}
		lines = apply(lines, at, e)
	}
	var out bytes.Buffer
	if marked {
		out.Write(byteOrderMark)
	}
	for _, l := range lines {
		out.WriteString(l.text)
		out.WriteString(l.end)
	}
	return out.Bytes(), nil
}

// Join appends edits to others that are made before them. One that changes only lines that the edit before it put in is made part of that.
func Join(first, more []Edit) []Edit {
	out := slices.Clone(first)
	for _, e := range more {
		if len(out) == 0 || !out[len(out)-1].absorb(e) {
			out = append(out, e)
		}
	}
	return out
}

// absorb makes a following edit part of this one, if that changes only lines of it; it reports whether it does.
func (e *Edit) absorb(next Edit) bool {
	lines := strings.Split(e.Insert, "\n")
	from := next.Line - e.Line
	if e.File != next.File || e.Path != next.Path || e.Insert == "" || next.Insert == "" || next.Remove == 0 || from < 0 || from+next.Remove > len(lines) {
		return false
	}
	e.Insert = strings.Join(slices.Concat(lines[:from], []string{next.Insert}, lines[from+next.Remove:]), "\n")
	return true
}

func apply(lines []line, at int, e Edit) []line {
	end := "\n"
	if len(lines) > 0 && strings.HasSuffix(lines[0].end, "\r\n") {
		end = "\r\n"
	}
	unfinished := len(lines) > 0 && lines[len(lines)-1].end == ""
	var out []line
	out = append(out, lines[:at]...)
	if e.Insert != "" {
		for text := range strings.SplitSeq(e.Insert, "\n") {
			out = append(out, line{text, end})
		}
	}
	out = append(out, lines[at+e.Remove:]...)
	for i := range out {
		if out[i].end == "" {
			out[i].end = end
		}
	}
	if unfinished && len(out) > 0 {
		out[len(out)-1].end = ""
	}
	return out
}

// Unified gives the difference between two states of a file in the unified format; nil if there is none.
func Unified(name string, before, after []byte) []byte {
	d := diff.Diff("a/"+name, before, "b/"+name, after)
	// The command line that would have made it says nothing here.
	_, d, _ = bytes.Cut(d, []byte("\n"))
	return d
}
