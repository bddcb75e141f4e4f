package main

import (
	"context"
	"fmt"
	"io"
	gofs "io/fs"
	"os/exec"
	"strings"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// picture is where the page shows the chart.
const picture = "![Milliseconds to list the build context of each tree, on a logarithmic axis](performance.svg)"

// walks times the whole context of each tree, under the ignore file that forbids pruning.
func walks(w io.Writer, o options) error {
	fmt.Fprintf(w, "\n## The whole context\n\nTrees of %d files under an ignore file of 203 lines with a wildcard negation.\n\n%s\n\n", o.files, picture)
	for _, t := range trees {
		fmt.Fprintf(w, "- %s: %s\n", t.name, t.text)
	}
	walkHeader(w, "tree")
	for _, t := range trees {
		err := inTemp(func(dir string) error {
			if err := generate(dir, o.files, t.make); err != nil {
				return err
			}
			for _, ig := range ignores() {
				if ig.name == "203 lines" {
					return walkRows(w, o, t.name, dir, ig)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// patterns times one tree under different ignore files.
func patterns(w io.Writer, o options) error {
	fmt.Fprintf(w, "\n## Ignore files\n\nThe monorepo of %d files under\n\n", o.files)
	for _, ig := range ignores() {
		fmt.Fprintf(w, "- %s: %s\n", ig.name, ig.text)
	}
	walkHeader(w, "ignore file")
	return inTemp(func(dir string) error {
		if err := generate(dir, o.files, (*generator).monorepo); err != nil {
			return err
		}
		for _, ig := range ignores() {
			if err := walkRows(w, o, ig.name, dir, ig); err != nil {
				return err
			}
		}
		return nil
	})
}

func walkHeader(w io.Writer, first string) {
	fmt.Fprintf(w, "\n| %s | | entries | ms | of find | of find with sizes | faster than BuildKit's walk | processor ms | less than BuildKit's walk |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n", first)
}

func walkRows(w io.Writer, o options, label, dir string, ig ignore) error {
	results, err := race(o.rounds, []contender{
		{"find", func() (int, error) { return find(dir, "%p\n") }, false},
		{"find with sizes", func() (int, error) { return find(dir, "%s %p\n") }, false},
		{"BuildKit's walk", func() (int, error) { return buildkitWalk(dir, ig.lines) }, ig.slow},
		{"context ls", func() (int, error) { return ours(dir, ig.lines, (*dockerctx.Tree).WalkTypes) }, false},
		{"context ls with sizes", func() (int, error) { return ours(dir, ig.lines, (*dockerctx.Tree).Walk) }, false},
	})
	if err != nil {
		return err
	}
	if results[2].entries != results[3].entries || results[3].entries != results[4].entries {
		return fmt.Errorf("%s: the walks list %d, %d and %d entries", label, results[2].entries, results[3].entries, results[4].entries)
	}
	for _, r := range results {
		fmt.Fprintf(w, "| %s | %s | %d | %s | %s | %s | %s | %s | %s |\n", label, r.name, r.entries, ms(r.median),
			ratio(r.median, results[0].median), ratio(r.median, results[1].median), ratio(results[2].median, r.median),
			ms(r.processor), ratio(results[2].processor, r.processor))
		label = ""
	}
	return nil
}

func find(dir, format string) (int, error) {
	args := []string{dir, "-mindepth", "1"}
	if format != "%p\n" {
		args = append(args, "-printf", format)
	}
	out, err := exec.Command("find", args...).Output()
	return strings.Count(string(out), "\n"), err
}

func buildkitWalk(dir, lines string) (int, error) {
	list, err := ignorefile.ReadAll(strings.NewReader(lines))
	if err != nil {
		return 0, err
	}
	fsys, err := fsutil.NewFS(dir)
	if err != nil {
		return 0, err
	}
	if fsys, err = fsutil.NewFilterFS(fsys, &fsutil.FilterOpt{ExcludePatterns: list}); err != nil {
		return 0, err
	}
	n := 0
	err = fsys.Walk(context.Background(), "", func(string, gofs.DirEntry, error) error { n++; return nil })
	return n, err
}

func ours(dir, lines string, walk func(*dockerctx.Tree, func(dockerctx.Entry) error) error) (int, error) {
	fsys, err := dockerctx.DirFS(dir)
	if err != nil {
		return 0, err
	}
	file, err := dockerctx.ParseIgnoreFile(".dockerignore", []byte(lines))
	if err != nil {
		return 0, err
	}
	c, err := dockerctx.New(fsys, file)
	if err != nil {
		return 0, err
	}
	n := 0
	err = walk(c.Tree(), func(dockerctx.Entry) error { n++; return nil })
	return n, err
}
