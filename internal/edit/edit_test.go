package edit

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestApply(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		edits []Edit
		want  string
	}{
		"insert first":              {"a\nb\n", []Edit{{Line: 1, Insert: "x"}}, "x\na\nb\n"},
		"insert at the end":         {"a\nb\n", []Edit{{Line: 3, Insert: "x"}}, "a\nb\nx\n"},
		"into nothing":              {"", []Edit{{Line: 1, Insert: "x"}}, "x\n"},
		"after an unfinished line":  {"a\nb", []Edit{{Line: 3, Insert: "x"}}, "a\nb\nx"},
		"before an unfinished line": {"a\nb", []Edit{{Line: 2, Insert: "x"}}, "a\nx\nb"},
		"replace an unfinished one": {"a\nb", []Edit{{Line: 2, Remove: 1, Insert: "x"}}, "a\nx"},
		"remove an unfinished one":  {"a\nb", []Edit{{Line: 2, Remove: 1}}, "a"},
		"remove all":                {"a\nb\n", []Edit{{Line: 1, Remove: 2}}, ""},
		"carriage returns":          {"a\r\nb\r\n", []Edit{{Line: 2, Insert: "x"}}, "a\r\nx\r\nb\r\n"},
		"mixed ends are kept":       {"a\r\nb\nc\r\n", []Edit{{Line: 3, Insert: "x"}}, "a\r\nb\nx\r\nc\r\n"},
		"byte order mark":           {"\xef\xbb\xbfa\n", []Edit{{Line: 1, Insert: "x"}}, "\xef\xbb\xbfx\na\n"},
		"bytes that are no text":    {"\xff\x00\n", []Edit{{Line: 2, Insert: "x"}}, "\xff\x00\nx\n"},
		"one after the other":       {"a\nb\nc\n", []Edit{{Line: 1, Remove: 1}, {Line: 3, Insert: "a"}}, "b\nc\na\n"},
		"several lines":             {"a\n", []Edit{{Line: 2, Insert: "x\ny"}}, "a\nx\ny\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Apply([]byte(c.in), c.edits)
			require.NoError(t, err)
			assert.Equal(t, c.want, string(got))
		})
	}
	_, err := Apply([]byte("a\n"), []Edit{{File: "f", Line: 3, Insert: "x"}})
	assert.EqualError(t, err, "editing f: it has 1 lines, and line 3 is asked for")
	_, err = Apply([]byte("a\n"), []Edit{{File: "f", Line: 1, Remove: 2}})
	assert.Error(t, err)
}

// Whatever the file is, an insertion that is taken out again leaves no trace, and changes no line but its own.
func FuzzApply(f *testing.F) {
	f.Add([]byte("a\r\nb"), 2, "x")
	f.Add([]byte("\xef\xbb\xbf"), 1, "y")
	f.Fuzz(func(t *testing.T, data []byte, at int, text string) {
		if text == "" || strings.ContainsAny(text, "\r\n") {
			t.Skip()
		}
		if bytes.HasSuffix(data, []byte("\r")) {
			t.Skip() // finishing this line makes its last byte a part of the line end
		}
		inserted, err := Apply(data, []Edit{{Line: at, Insert: text}})
		if err != nil {
			return
		}
		again, err := Apply(inserted, []Edit{{Line: at, Remove: 1}})
		require.NoError(t, err)
		rest, _ := bytes.CutPrefix(data, byteOrderMark)
		if len(split(rest)) > 0 && (at <= len(split(rest)) || !bytes.HasSuffix(data, []byte("\n"))) {
			// What an insertion before the end leaves.
			assert.Equal(t, data, again)
		}
		assert.Equal(t, len(split(rest))+1, len(split(bytes.TrimPrefix(inserted, byteOrderMark))))
	})
}

func TestUnified(t *testing.T) {
	got := string(Unified("f", []byte("a\nb"), []byte("a\nb\nc")))
	assert.Equal(t, "--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n\\ No newline at end of file\n", got)
	assert.Empty(t, Unified("f", []byte("a"), []byte("a")))
}

func TestJoin(t *testing.T) {
	at := func(line, remove int, insert string) Edit {
		return Edit{File: "f", Line: line, Remove: remove, Insert: insert}
	}
	for _, c := range []struct{ first, more, want []Edit }{
		{[]Edit{at(4, 0, "a")}, []Edit{at(4, 1, "a b")}, []Edit{at(4, 0, "a b")}},
		{[]Edit{at(4, 2, "a\nb")}, []Edit{at(5, 1, "c\nd")}, []Edit{at(4, 2, "a\nc\nd")}},
		{[]Edit{at(4, 0, "a")}, []Edit{at(4, 2, "b")}, []Edit{at(4, 0, "a"), at(4, 2, "b")}},
		{[]Edit{at(4, 0, "a")}, []Edit{at(4, 1, "")}, []Edit{at(4, 0, "a"), at(4, 1, "")}},
		{[]Edit{at(4, 0, "a")}, []Edit{at(5, 0, "b")}, []Edit{at(4, 0, "a"), at(5, 0, "b")}},
		{[]Edit{at(4, 0, "a")}, []Edit{{File: "g", Line: 4, Remove: 1, Insert: "b"}}, []Edit{at(4, 0, "a"), {File: "g", Line: 4, Remove: 1, Insert: "b"}}},
	} {
		assert.Equal(t, c.want, Join(c.first, c.more))
		text := []byte("1\n2\n3\n4\n5\n6\n")
		apart, err := Apply(text, append(append([]Edit{}, c.first...), c.more...))
		require.NoError(t, err)
		joined, err := Apply(text, c.want)
		require.NoError(t, err)
		assert.Equal(t, string(apart), string(joined))
	}
}
