package dockerfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// forms are Dockerfiles with every way of writing words.
var forms = []string{
	"FROM --platform=linux/amd64 scratch AS a\nCOPY --chown=1:2 a b/\n",
	"FROM scratch\nCOPY --from=x \\\n  # why\n\n  a \\\n  b ./\n",
	"\xef\xbb\xbf# escape=`\nFROM scratch\nCOPY a `\n  b\\c .\\\n",
	"FROM scratch\nCOPY [\"a b\", \\\n  \"c\\u0041\" , \"./\"]\nCOPY --chmod=\"7\"55 'a' \"b\" ./\n",
	"FROM scratch\nENV A=1 B=\"x y\" C='p \\\n q' D=a\\ b\nENV E  f g \nLABEL \"a b\"=c\nARG X Y=\"1 2\"\n",
	"FROM scratch\nRUN --mount=type=bind,target=/x \\\n  a && \\\n  b\nCMD [\"a\", \"b\"]\nENTRYPOINT a b\nSHELL [\"sh\"]\n",
	"FROM scratch\nCOPY <<A <<-'B' /x/\n1\nA\n\t2\n\tB\nRUN <<E cat\nCOPY a b\nE\nCOPY c d\n",
	"FROM scratch\nONBUILD COPY --from=a \\\n b c\nONBUILD RUN [\"x\"]\nHEALTHCHECK --interval=1s CMD [\"a\"]\nHEALTHCHECK CMD a b\nHEALTHCHECK NONE\n",
	"from scratch\r\ncopy a \\\r\n  b\r\n\tuser  me \r\nWORKDIR /a b\nEXPOSE 1 2/udp\nVOLUME /a /b\nVOLUME [\"/c\"]\nSTOPSIGNAL 9\nMAINTAINER me too",
	"FROM scratch\nCOPY -- a b\nCOPY --link --exclude=\\*.md \\\n--parents \xc3\xa9 \xff /\nENV A=\xff\\\nENV B=c\\\\\n",
}

// A word has the text that BuildKit's parser reads, and its place is where that is written.
func FuzzWords(f *testing.F) {
	for _, text := range forms {
		f.Add([]byte(text))
	}
	for _, data := range conformanceFiles(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkNesting("", data) != nil {
			t.Skip()
		}
		ast, err := parser.Parse(bytes.NewReader(data))
		if err != nil {
			t.Skip()
		}
		src := newSource("Dockerfile", data)
		for _, n := range ast.AST.Children {
			s := written{src, n.StartLine, ast.EscapeToken}.syntax()
			whole := src.lineRange(n.StartLine, n.EndLine)
			checkWords(t, data, whole, s, n)
		}
	})
}

// checkWords holds the words of an instruction against the parser's.
func checkWords(t *testing.T, data []byte, whole dockerctx.Range, s Syntax, n *parser.Node) {
	t.Helper()
	require.Equal(t, n.Value, s.Keyword.Text)
	require.Equal(t, append([]string(nil), n.Flags...), texts(s.Flags), "flags of %q", n.Original)
	want, known := parsed(n)
	if !known {
		return
	}
	require.Equal(t, n.Attributes["json"], s.JSON, "%q", n.Original)
	if s.OnBuild != nil {
		require.Empty(t, s.Args)
		require.Len(t, n.Next.Children, 1)
		checkWords(t, data, whole, *s.OnBuild, n.Next.Children[0])
		return
	}
	require.Equal(t, want, texts(s.Args), "arguments of %q", n.Original)

	at := whole.Start.Offset
	for i, w := range append(append([]Word{s.Keyword}, s.Flags...), s.Args...) {
		if w.Range == (dockerctx.Range{}) {
			require.Empty(t, w.Text)
			continue
		}
		require.LessOrEqual(t, at, w.Range.Start.Offset, "word %d of %q begins before the one before it ends", i, n.Original)
		require.Less(t, w.Range.Start.Offset, w.Range.End.Offset)
		require.LessOrEqual(t, w.Range.End.Offset, len(data))
		at = w.Range.End.Offset
		quoted := i > 0 && i <= len(s.Flags) || s.JSON && i > len(s.Flags)
		if raw := data[w.Range.Start.Offset:at]; !quoted && w.Range.Start.Line == w.Range.End.Line && utf8.Valid(raw) {
			require.Equal(t, w.Text, string(raw))
		}
	}
}

// parsed gives the arguments that the parser read.
func parsed(n *parser.Node) (out []string, known bool) {
	switch strings.ToLower(n.Value) {
	case "env", "label":
		for v := n.Next; v != nil; v = v.Next.Next.Next {
			if v.Next.Next.Value == "=" {
				out = append(out, v.Value+"="+v.Next.Value)
			} else {
				out = append(out, v.Value, v.Next.Value)
			}
		}
		return out, true
	case "add", "arg", "cmd", "copy", "entrypoint", "expose", "from", "healthcheck", "maintainer", "onbuild", "run", "shell", "stopsignal", "user", "volume", "workdir":
		for v := n.Next; v != nil; v = v.Next {
			out = append(out, v.Value)
		}
		return out, true
	}
	return nil, false // the parser keeps nothing of what it does not know
}

func texts(words []Word) (out []string) {
	for _, w := range words {
		out = append(out, w.Text)
	}
	return out
}

// conformanceFiles gives the Dockerfiles that are built for real elsewhere.
func conformanceFiles(f *testing.F) (out [][]byte) {
	names, err := filepath.Glob("../testdata/conformance/*/*.txtar")
	require.NoError(f, err)
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		require.NoError(f, err)
		for _, file := range archive.Files {
			if strings.Contains(file.Name, "Dockerfile") {
				out = append(out, file.Data)
			}
		}
	}
	require.NotEmpty(f, out)
	return out
}

// Every form of an instruction gives its words with their places.
func TestWordsOfEveryForm(t *testing.T) {
	text := "FROM scratch AS base\n" +
		"COPY --chown=1:2 \\\n" +
		"  # the first\n" +
		"  a.py \\\n" +
		"  [b].py ./\n" +
		"COPY [\"a b\", \\\n" +
		"  \"c\"]\n" +
		"ONBUILD ADD 'x' y\n"
	plan, err := Compile(t.Context(), Options{Context: withDockerfile(t, text), Platform: "linux/amd64"})
	require.NoError(t, err)
	s := plan.Stages[0]
	assert.Equal(t, []string{"1:6-1:13 scratch", "1:14-1:16 AS", "1:17-1:21 base"}, places(s.Syntax().Args))

	first := s.Instructions[0].Syntax()
	assert.Equal(t, []string{"2:6-2:17 --chown=1:2"}, places(first.Flags))
	assert.Equal(t, []string{"4:3-4:7 a.py", "5:3-5:9 [b].py", "5:10-5:12 ./"}, places(first.Args))
	owner, ok := first.Flag("chown")
	assert.True(t, ok)
	assert.Equal(t, "1:2", owner)

	list := s.Instructions[1].Syntax()
	assert.True(t, list.JSON)
	assert.Equal(t, []string{"6:7-6:12 a b", "7:3-7:6 c"}, places(list.Args))

	kept := s.Instructions[2].Syntax()
	assert.Empty(t, kept.Args)
	require.NotNil(t, kept.OnBuild)
	assert.Equal(t, "8:9-8:12 ADD", places([]Word{kept.OnBuild.Keyword})[0])
	assert.Equal(t, []string{"8:13-8:16 'x'", "8:17-8:18 y"}, places(kept.OnBuild.Args))
}

func places(words []Word) (out []string) {
	for _, w := range words {
		out = append(out, w.Range.String()+" "+w.Text)
	}
	return out
}

func withDockerfile(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
	return dir
}

// What is quoted says the text again, in every form that can say it.
func TestQuoteIsReadBack(t *testing.T) {
	for _, escape := range []rune{'\\', '`'} {
		for _, keyword := range []string{"COPY", "ENV"} {
			for _, list := range []bool{false, true} {
				s := Syntax{Keyword: Word{Text: keyword}, JSON: list, escape: escape}
				for _, text := range []string{"a", "a/b.py", "a b", `a"b`, "a'b", "a$b", "${a}", `a\b`, "a`b", "#a", "\t", "é", "a\nb"} {
					quoted, ok := s.Quote(text)
					if !ok {
						assert.True(t, strings.ContainsAny(text, "\n") || keyword == "COPY" && !list && strings.ContainsAny(text, " \t"), "%q", text)
						continue
					}
					in := scanInstruction(keyword+" "+map[bool]string{false: quoted, true: "[" + quoted + "]"}[list && keyword == "COPY"], byte(escape))
					if keyword == "COPY" {
						require.Len(t, in.args, 1, "%q as %s", text, quoted)
						quoted = in.args[0].text
					} else if list {
						continue // there is no such form
					}
					back, ok := s.Literal(Word{Text: quoted})
					assert.True(t, ok, "%q as %s", text, quoted)
					assert.Equal(t, text, back, "as %s", quoted)
				}
			}
		}
	}
	_, ok := Syntax{escape: '\\'}.Literal(Word{Text: "a$b"})
	assert.False(t, ok, "a variable decides")
}
