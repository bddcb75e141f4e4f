package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// shown is a block of a page that shows commands with what they print. A comment before it, which readers do not see, says
// where they run:
//
//	<!-- run: testdata/outage.txtar DIR without FILE -->
//	<!-- run
//	-- Dockerfile --
//	...
//	-->
//
// an archive of the repository, a directory of it or all, but for a file; or the files themselves. Those below change/ are laid
// over the others once these are committed. What a container is said to have printed lies in "logs".
var shown = regexp.MustCompile("(?s)<!-- run(?:: (\\S+)(?: (\\S+))??(?: without (\\S+))?|\n(.*?)) ?-->\n+```\\w+\n(.*?)```")

// What pages show is what the commands print. -update writes it.
func TestShownOutput(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("the examples are repositories")
	}
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		page, err := filepath.Abs(page)
		require.NoError(t, err)
		data, err := os.ReadFile(page)
		require.NoError(t, err)
		text := string(data)
		assert.Equal(t, strings.Count(text, "```text\n$ "), len(shown.FindAllString(text, -1)), "%s: every block with output says where it runs", page)
		t.Run(filepath.Base(page), func(t *testing.T) {
			out := shown.ReplaceAllStringFunc(text, func(block string) string {
				seen++
				m := shown.FindStringSubmatch(block)
				inRepository(t, git, shownFiles(t, m), m[1] == "")
				return strings.TrimSuffix(block, m[5]+"```") + transcript(t, m[5]) + "```"
			})
			if *update {
				require.NoError(t, os.WriteFile(page, []byte(out), 0o644))
			}
			assert.Equal(t, text, out)
		})
	}
	assert.Greater(t, seen, 10)
}

// shownFiles gives the files that a comment names or has.
func shownFiles(t *testing.T, m []string) map[string][]byte {
	t.Helper()
	archive := txtar.Parse([]byte(m[4]))
	if m[1] != "" {
		var err error
		archive, err = txtar.ParseFile(filepath.Join(repositoryRoot, m[1]))
		require.NoError(t, err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		name := f.Name
		if m[2] != "" {
			var ok bool
			if name, ok = strings.CutPrefix(f.Name, m[2]+"/"); !ok {
				continue
			}
		}
		if name != m[3] {
			files[name] = f.Data
		}
	}
	require.NotEmpty(t, files, m[0])
	return files
}

// repositoryRoot is the repository of ctxaudit itself: tests change their directory.
var repositoryRoot = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// inRepository makes a repository of files the working directory. Archives of conformance cases are trees that git may not hold
// (a case may have a file called .git), so only those that a page brings along are committed.
func inRepository(t *testing.T, git string, files map[string][]byte, commit bool) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	run := func(args ...string) {
		cmd := exec.Command(git, append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	write := func(change bool) {
		for name, data := range files {
			after, changed := strings.CutPrefix(name, "change/")
			if changed == change {
				require.NoError(t, os.MkdirAll(filepath.Dir(after), 0o755))
				require.NoError(t, os.WriteFile(after, data, 0o644))
			}
		}
	}
	write(false)
	if commit {
		run("init", "-q")
		run("add", ".")
		run("commit", "-qm", "one")
		run("tag", "before")
		write(true)
	}
}

// transcript runs the commands of a block and gives it with what they print.
func transcript(t *testing.T, block string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		out.WriteString(line)
		stdin := ""
		if logs, rest, piped := strings.Cut(command, "| "); piped && strings.HasPrefix(logs, "docker logs ") {
			data, err := os.ReadFile("logs")
			require.NoError(t, err)
			stdin, command = string(data), rest
		}
		args := wordsOf(command)
		switch args[0] {
		case "cat":
			data, err := os.ReadFile(args[1])
			require.NoError(t, err)
			out.Write(data)
		case "ctxaudit":
			var b bytes.Buffer
			code := Run(context.Background(), Env{Stdout: &b, Stderr: &b, Given: Given{
				Args: args[1:], Stdin: strings.NewReader(stdin),
				Getenv: func(string) string { return "" }, LookupEnv: func(string) (string, bool) { return "", false },
			}})
			require.NotEqual(t, exitCouldNot, code, b.String())
			out.Write(b.Bytes())
		default:
			require.Fail(t, fmt.Sprintf("%s: the test runs ctxaudit and cat", args[0]))
		}
	}
	return out.String()
}
