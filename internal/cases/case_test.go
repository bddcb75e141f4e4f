package cases

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// aCase is a repository with what is right about it.
type aCase struct {
	name  string
	finds []string // as lines of want
	// unrepaired is why no edit repairs it, "" if one does.
	unrepaired string
	has, lacks []string // paths of the image
	runs       []run
	answers    []answer
	refuses    string // what BuildKit says
	request    map[string][]string

	made  []string
	files []txtar.File
}

// run is a command that something real runs in the image, and what it says.
type run struct {
	kind, args, says string
	// was tells that the repaired image runs another command.
	was bool
}

// answer is what why says, asked about something or with what a program printed.
type answer struct {
	traceback bool
	about     string
	says      string
}

// loadCases reads all cases.
func loadCases(t *testing.T) (out []*aCase) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(t, err)
		c := &aCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), request: map[string][]string{}}
		require.NotEmpty(t, bytes.TrimSpace(archive.Comment), "%s does not say what it is about", file)
		for _, f := range archive.Files {
			switch f.Name {
			case "want":
				for line := range strings.Lines(string(f.Data)) {
					require.NoError(t, c.want(strings.TrimSpace(line)), file)
				}
			case "made":
				c.made = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
			default:
				c.files = append(c.files, f)
			}
		}
		require.NotEmpty(t, c.finds, "%s does not say what is found", file)
		out = append(out, c)
	}
	return out
}

// want reads a line of what is right.
func (c *aCase) want(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	was := word == "was"
	if was {
		word, rest, _ = strings.Cut(rest, " ")
	}
	switch word {
	case "error", "warning", "nothing":
		c.finds = append(c.finds, line)
	case "unrepaired":
		c.unrepaired = rest
	case "image":
		c.has = append(c.has, rest)
	case "no":
		c.lacks = append(c.lacks, rest)
	case "python", "exec":
		args, says, ok := strings.Cut(rest, " | ")
		if !ok {
			return fmt.Errorf("%q does not tell what is said", line)
		}
		c.runs = append(c.runs, run{word, args, says, was})
	case "why", "traceback":
		about, says, ok := strings.Cut(rest, " | ")
		if !ok {
			return fmt.Errorf("%q does not tell what is said", line)
		}
		c.answers = append(c.answers, answer{word == "traceback", about, says})
	case "refuses":
		c.refuses = rest
	case "context", "file", "build-arg", "build-context", "target":
		c.request[word] = append(c.request[word], rest)
	default:
		return fmt.Errorf("%q is not known", line)
	}
	return nil
}

// materialize makes the repository in a directory, committed as its lines say.
func (c *aCase) materialize(t *testing.T, dir string) {
	for _, f := range c.files {
		at := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, f.Data, 0o644))
	}
	var untracked, modes []string
	git := true
	for _, line := range c.made {
		words := strings.Fields(line)
		switch words[0] {
		case "nogit":
			git = false
		case "untracked":
			untracked = append(untracked, words[1])
		case "gitmode":
			modes = append(modes, words[2])
		default:
			make, ok := makers[words[0]]
			require.True(t, ok, line)
			require.NoError(t, make(dir, words[1:]), line)
		}
	}
	if git {
		commit(t, dir, untracked, modes)
	}
}

// makers make what a text cannot hold.
var makers = map[string]func(dir string, args []string) error{
	"link": func(dir string, args []string) error { return os.Symlink(args[1], filepath.Join(dir, args[0])) },
	"chmod": func(dir string, args []string) error {
		mode, err := strconv.ParseUint(args[0], 8, 12)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(dir, args[1]), os.FileMode(mode))
	},
	"crlf": func(dir string, args []string) error {
		return rewrite(filepath.Join(dir, args[0]), func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")) })
	},
	"bom": func(dir string, args []string) error {
		return rewrite(filepath.Join(dir, args[0]), func(data []byte) []byte { return append([]byte("\ufeff"), data...) })
	},
	"zip": func(dir string, args []string) error {
		return rewrite(filepath.Join(dir, args[0]), func([]byte) []byte {
			var out bytes.Buffer
			w := zip.NewWriter(&out)
			for _, name := range args[1:] {
				if _, err := w.Create(name); err != nil {
					panic(err) // to a buffer
				}
			}
			if err := w.Close(); err != nil {
				panic(err)
			}
			return out.Bytes()
		})
	},
}

func rewrite(file string, change func([]byte) []byte) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, change(data), 0o644)
}

// commit records all but what is left out, some of it as files that are no programs.
func commit(t *testing.T, dir string, untracked, modes []string) {
	runGit(t, dir, "init", "-q")
	runGit(t, dir, "add", "-A", "-f")
	if len(untracked) > 0 {
		runGit(t, dir, append([]string{"rm", "-q", "--cached"}, untracked...)...)
	}
	for _, name := range modes {
		runGit(t, dir, "update-index", "--chmod=-x", name)
	}
	runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "as it is")
}

func runGit(t *testing.T, dir string, args ...string) {
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GIT_") }), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
}
