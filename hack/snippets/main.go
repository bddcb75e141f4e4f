// Command snippets writes the files that documentation shows into a directory, so that they can be checked: every code
// block that begins with a comment which is nothing but the file's name, as in "# .github/workflows/ctxaudit.yml".
//
//	snippets -o DIR FILE.md...
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	out := flag.String("o", "", "directory to write to")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "snippets:", err)
		os.Exit(1)
	}
}

func run(out string, names []string) error {
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, s := range find(string(data)) {
			file := filepath.Join(out, filepath.FromSlash(s.name))
			if _, err := os.Stat(file); err == nil {
				// Another page shows the same file: each is a file of its own.
				file = filepath.Join(filepath.Dir(file), strings.TrimSuffix(filepath.Base(name), ".md")+"-"+filepath.Base(file))
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(s.text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// snippet is a file that a page shows.
type snippet struct{ name, text string }

var (
	block = regexp.MustCompile("(?ms)^```[a-z]+\n(.*?)^```$")
	title = regexp.MustCompile(`^(?:#|//) ([A-Za-z0-9._/-]+)\n`)
)

// find gives the files that a page shows, in its order.
func find(page string) []snippet {
	var out []snippet
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		if name := title.FindStringSubmatch(m[1]); name != nil && filepath.IsLocal(name[1]) {
			out = append(out, snippet{name: name[1], text: m[1]})
		}
	}
	return out
}
