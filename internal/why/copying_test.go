package why

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
)

// repairerOf gives a repairer for a Dockerfile, and its last COPY.
func repairerOf(t *testing.T, text string) (*Repairer, copying) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
	plan, err := dockerfile.Compile(t.Context(), dockerfile.Options{Context: dir, Platform: "linux/amd64"})
	require.NoError(t, err)
	instructions := plan.Stages[0].Instructions
	c, ok := copyOf(instructions[len(instructions)-1])
	require.True(t, ok)
	return &Repairer{plan: plan}, c
}

func edited(t *testing.T, text string, e edit.Edit) string {
	t.Helper()
	out, err := edit.Apply([]byte(text), []edit.Edit{e})
	require.NoError(t, err)
	return string(out)
}

// What a COPY names is read in every form.
func TestCopyOf(t *testing.T) {
	for text, want := range map[string]copying{
		"COPY a b/\n": {sources: []string{"a"}, dest: "b/"},
		"COPY --from=busybox 'a' \\\n \"b\" \\\n c": {sources: []string{"a", "b"}, dest: "c"},
		"ADD [\"a b\", \"c\"]\n":                    {sources: []string{"a b"}, dest: "c"},
		"COPY $a/b \\$c .\n":                        {sources: []string{"$a/b", "$c"}, dest: "."},
	} {
		_, c := repairerOf(t, "FROM scratch\n"+text)
		assert.Equal(t, want.sources, c.sources, "%q", text)
		assert.Equal(t, want.dest, c.dest, "%q", text)
	}
}

// headed puts a FROM before a COPY, with the line ends and the escape character that it has.
func headed(text string) string {
	head := "FROM scratch\n"
	if strings.Contains(text, "`") {
		head = "\xef\xbb\xbf# escape=`\n" + head
	}
	if strings.Contains(text, "\r") {
		head = strings.ReplaceAll(head, "\n", "\r\n")
	}
	return head + text
}

// A source joins the others as they are parted from each other.
func TestAddSource(t *testing.T) {
	for text, want := range map[string]string{
		"COPY a ./\n":                       "COPY a new.py ./\n",
		"COPY  a   ./ \r\n":                 "COPY  a new.py   ./ \r\n",
		"COPY a \\\n  b \\\n  ./\n":         "COPY a \\\n  b \\\n  new.py \\\n  ./\n",
		"COPY a \\\n # c\n  b \\\n  ./\n":   "COPY a \\\n # c\n  b new.py \\\n  ./\n",
		"COPY [\"a\",\"b\",\"./\"]\n":       "COPY [\"a\",\"b\",\"new.py\",\"./\"]\n",
		"COPY [ \"a\", \\\r\n \"./\" ]\r\n": "COPY [ \"a\", \"new.py\", \\\r\n \"./\" ]\r\n",
	} {
		text, want = headed(text), headed(want)
		r, c := repairerOf(t, text)
		e, ok := r.addSource(c, "new.py")
		require.True(t, ok)
		assert.Equal(t, want, edited(t, text, e))
	}
	r, c := repairerOf(t, "FROM scratch\nCOPY a ./\n")
	_, ok := r.addSource(c, "a b")
	assert.False(t, ok, "a blank parts words in this form")
}

// An edit is about the lines that change, and no others.
func TestPutIsSmall(t *testing.T) {
	r, c := repairerOf(t, "FROM scratch\nCOPY a \\\n  b \\\n  ./\n")
	e, ok := r.addSource(c, "new.py")
	require.True(t, ok)
	assert.Equal(t, edit.Edit{File: r.plan.Dockerfile.Name, Path: r.dockerfilePath(), Line: 4, Insert: "  new.py \\"}, e)
}

// A flag goes with the blanks around it, or with its line.
func TestDrop(t *testing.T) {
	for text, want := range map[string]string{
		"COPY --exclude=x a b\n":                 "COPY a b\n",
		"COPY --chown=1 --exclude=\"x\"   a b\n": "COPY --chown=1 a b\n",
		"COPY \\\n  --exclude=x \\\n  a b\n":     "COPY \\\n  a b\n",
		"COPY --exclude=x \\\n  a b\n":           "COPY \\\n  a b\n",
		"COPY `\r\n --exclude=x ` \r\n a b\r\n":  "COPY `\r\n a b\r\n",
	} {
		text, want := headed(text), headed(want)
		r, c := repairerOf(t, text)
		require.True(t, c.excludes(), "%q", text)
		assert.Equal(t, want, edited(t, text, r.drop(c.Flags[len(c.Flags)-1].Range)))
	}
}
