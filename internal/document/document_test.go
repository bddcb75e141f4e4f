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
