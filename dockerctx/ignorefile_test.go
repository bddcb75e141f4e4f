package dockerctx

import (
	"bytes"
	"strings"
	"testing"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var ignoreFiles = map[string]string{
	"empty":                    "",
	"byte order mark alone":    "\xEF\xBB\xBF",
	"mark, then comment":       "\xEF\xBB\xBF# c\na\n",
	"mark in the second line":  "a\n\xEF\xBB\xBFb\n",
	"two marks":                "\xEF\xBB\xBF\xEF\xBB\xBF#a",
	"carriage returns":         "a\r\nb\r\r\nc\r",
	"lone carriage returns":    "a\rb\rc",
	"comments":                 "#a\n #b\n\\#c\n!#d\n",
	"negations":                "!\n! \n! a\n!!a\n!/\n!/a\n! /a//b/../c/\n./!a\n/!a\n",
	"blanks":                   "\n \n\t\n\u00a0\n\v\f\n  a  b  \n",
	"roots":                    "/\n//\n/.\n.\n./\n..\n/..\n//a\n/ a\n/\t/\n",
	"escapes":                  "\\a\n\\\n\\ \na\\\n[\\]]\n",
	"zero bytes":               "a\x00b\n\x00\n",
	"no UTF-8":                 "\xff\n!\xfe\n",
	"no line end":              "a\nb",
	"line of 65535 bytes":      strings.Repeat("x", maxLine-1) + "\na",
	"line of 65535 bytes, end": strings.Repeat("x", maxLine-1),
}

func checkParse(t *testing.T, data []byte) {
	t.Helper()
	want, wantErr := ignorefile.ReadAll(bytes.NewReader(data))
	file, err := ParseIgnoreFile("x", data)
	require.Equal(t, wantErr != nil, err != nil, "oracle: %v, we: %v", wantErr, err)
	if err == nil {
		require.Equal(t, want, file.Patterns())
	} else {
		var ie *IgnoreError
		require.ErrorAs(t, err, &ie)
		require.Equal(t, file.Lines[ie.Line-1].Text, ie.Text)
	}
	require.True(t, bytes.Equal(data, file.Bytes()), "the bytes are lost")
	for i, line := range file.Lines {
		require.Equal(t, i+1, line.Number)
		start, end := line.Range.Start, line.Range.End
		require.Equal(t, line.Number, start.Line)
		require.Equal(t, line.Number, end.Line)
		require.Equal(t, strings.TrimSpace(line.Text), string(data[start.Offset:end.Offset]))
		require.Equal(t, strings.TrimSpace(line.Text), line.Text[start.Column-1:end.Column-1])
		require.Equal(t, line.Kind == LinePattern, line.Pattern != "")
		if r, err := newRule(line.Pattern, nil); err == nil && r != nil {
			require.Equal(t, r.negated, line.Negated, "%q", line.Pattern)
		}
	}
}

func TestParseIgnoreFile(t *testing.T) {
	for name, data := range ignoreFiles {
		t.Run(name, func(t *testing.T) { checkParse(t, []byte(data)) })
	}
}

func TestParseIgnoreFileTooLong(t *testing.T) {
	for name, data := range map[string]string{
		"finished":                strings.Repeat("x", maxLine) + "\n",
		"at the end":              strings.Repeat("x", maxLine),
		"carriage return counts":  strings.Repeat("x", maxLine-1) + "\r\n",
		"byte order mark counts":  "\xEF\xBB\xBF" + strings.Repeat("x", maxLine-3) + "\n",
		"a comment too":           "#" + strings.Repeat("x", maxLine) + "\n",
		"behind many short lines": strings.Repeat("a\n", 70000) + strings.Repeat("x", maxLine) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			checkParse(t, []byte(data))
			_, err := ParseIgnoreFile("x", []byte(data))
			require.ErrorContains(t, err, "too long")
		})
	}
}

func TestParseIgnoreFileLine(t *testing.T) {
	file, err := ParseIgnoreFile("x", []byte("\xEF\xBB\xBF# why\r\n\t! /a//b/ \r\n"))
	require.NoError(t, err)
	assert.Equal(t, []Line{
		{Number: 1, Text: "# why", EOL: "\r\n", Kind: LineComment, Range: Range{Position{3, 1, 1}, Position{8, 1, 6}}},
		{Number: 2, Text: "\t! /a//b/ ", EOL: "\r\n", Kind: LinePattern, Pattern: "!a/b", Negated: true,
			Range: Range{Position{11, 2, 2}, Position{19, 2, 10}}},
	}, file.Lines)
	assert.Equal(t, "2:2-2:10", file.Lines[1].Range.String())
}

func TestPositionString(t *testing.T) {
	assert.Equal(t, "?:?", Position{}.String())
	assert.Equal(t, "3:?", Position{Line: 3}.String())
	assert.Equal(t, "3:4", Range{Start: Position{Line: 3, Column: 4}}.String())
	assert.False(t, Range{}.IsValid())
}

func FuzzParseIgnoreFile(f *testing.F) {
	for _, data := range ignoreFiles {
		// The fuzzer loses its time minimizing long seeds; the tables above
		// have every length around the limit.
		if len(data) < 1000 {
			f.Add([]byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, data) })
}
