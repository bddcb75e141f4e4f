package document

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFormats(t *testing.T) {
	for name, parse := range map[string]func() (*Node, *Error){
		"json": func() (*Node, *Error) {
			return JSON([]byte("{\n // one\n \"a\": {\"b\": [\"x\", /* two */ \"y\",\n ],},\n \"u\": \"http://h/,]\",\n}"))
		},
		"toml": func() (*Node, *Error) { return TOML([]byte("\n\na.b = [\"x\", \"y\"]\n\nu = \"http://h/,]\"\n")) },
		"yaml": func() (*Node, *Error) { return YAML([]byte("\n\na: {b: [x, y]}\n\nu: 'http://h/,]'\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			n, err := parse()
			require.Nil(t, err)
			assert.Equal(t, []string{"x", "y"}, n.Texts("a", "b"))
			assert.Equal(t, 3, n.Get("a", "b").At())
			assert.Equal(t, "http://h/,]", n.Str("u"))
			assert.Equal(t, 5, n.Get("u").At())
			assert.Equal(t, []string{"a", "u"}, n.Keys)
			assert.Zero(t, n.Get("a", "c", "d").At())
			assert.Empty(t, n.Str("a"))
		})
	}
}

func TestBroken(t *testing.T) {
	_, err := JSON([]byte("{\n\"a\": 1,\n\"b\" 2}"))
	require.NotNil(t, err)
	assert.Equal(t, 3, err.Line)
	_, err = JSON([]byte(strings.Repeat("[", 10_000)))
	require.NotNil(t, err)
	_, err = YAML([]byte("a: [\n"))
	require.NotNil(t, err)
	n, err := TOML([]byte("a = 1\nb =\n"))
	require.NotNil(t, err)
	assert.Equal(t, 2, err.Line)
	assert.Equal(t, "1", n.Str("a"), "what stands before the error is read")
}

func TestXML(t *testing.T) {
	n, err := XML([]byte("\xef\xbb\xbf<?xml version='1.0'?>\n<p xmlns='urn:x'>\n<m> a\n</m><m v='1'>b</m>\n<g><r i='x'/></g><g><r i='y'/><r i='z'>t</r></g><e/></p>"))
	require.Nil(t, err)
	assert.Equal(t, []string{"a", "b"}, n.Texts("p", "m"))
	assert.Equal(t, 4, n.Get("p", "m").Items[1].At())
	var all []string
	for _, r := range n.Every("p", "g", "r") {
		all = append(all, r.Str("@i")+r.Text)
	}
	assert.Equal(t, []string{"x", "y", "zt"}, all)
	assert.True(t, n.Get("p", "e").Is())
	assert.False(t, n.Get("p").Is())
	_, err = XML([]byte("<a>\n<b></a>"))
	require.NotNil(t, err)
	assert.Equal(t, 2, err.Line)
	_, err = XML([]byte(strings.Repeat("<a>", 10_000)))
	require.NotNil(t, err)
}

func FuzzXML(f *testing.F) {
	f.Add([]byte("<a b='c'>\n<d>e</d><d/></a>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := XML(data)
		if (n == nil) == (err == nil) {
			t.Fatal("neither a value nor an error, or both")
		}
		var inside func(n *Node)
		inside = func(n *Node) {
			if n.Line < 1 || n.Line > len(NewLines(data)) {
				t.Fatalf("line %d of %q", n.Line, data)
			}
			for _, x := range n.Items {
				inside(x)
			}
			for _, x := range n.All() {
				inside(x)
			}
		}
		if n != nil {
			inside(n)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a": [1, true, null, "x"]}`, "{// c\n\"a\":1,}", "/* */ [,]", `"\"//"`, "\xef\xbb\xbf{}", "[1,/*", "//"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := JSON(data)
		if (n == nil) == (err == nil) {
			t.Fatal("neither a value nor an error, or both")
		}
		if json.Valid(data) && err != nil && err.Message != errDepth.Error() {
			t.Fatalf("%q is JSON: %v", data, err)
		}
		if err == nil && (n.Line < 1 || n.Line > len(NewLines(data))) {
			t.Fatalf("line %d of %q", n.Line, data)
		}
	})
}

func FuzzTOML(f *testing.F) {
	f.Add([]byte("[[a]]\nb = {c = [1, 2]}\n[a.d]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, _ := TOML(data); n == nil {
			t.Fatal("no value")
		}
	})
}
