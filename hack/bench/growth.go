package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// imports times the import closure of a program beside CPython's parser.
func imports(w io.Writer, o options) error {
	fmt.Fprintf(w, "\n## Imports\n\nThe closure of %d modules. CPython only parses and looks files up; the audit also compiles the Dockerfile and\nfollows every import through the image.\n\n| | modules | ms | of CPython |\n| --- | ---: | ---: | ---: |\n", modules)
	return inTemp(func(dir string) error {
		if err := writeBuild(dir); err != nil {
			return err
		}
		results, err := race(o.rounds, []contender{
			{"CPython's ast", func() (int, error) { return pythonClosure(dir) }, false},
			{"import audit", func() (int, error) { return importAudit(dir) }, false},
		})
		if err != nil {
			return err
		}
		for _, r := range results {
			fmt.Fprintf(w, "| %s | %d | %s | %s |\n", r.name, r.entries, ms(r.median), ratio(r.median, results[0].median))
		}
		return nil
	})
}

// writeBuild writes a program with a Dockerfile of two stages and an ignore file.
func writeBuild(dir string) error {
	for name, text := range map[string]string{
		"Dockerfile":    "FROM scratch AS a\nCOPY . /src/\nFROM scratch\nWORKDIR /app\nCOPY --from=a /src /app\nCMD [\"python\", \"-m\", \"shop.m0\"]\n",
		".dockerignore": commonLines() + "!**/keep/*.spec.js\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return generateProgram(filepath.Join(dir, "shop"))
}

// growth times one answer and whole listings at growing sizes of the repository.
func growth(w io.Writer, o options) error {
	fmt.Fprint(w, "\n## Growth\n\nThe same question to a repository of the same shape, ever larger: a build of two stages that copies all of it.\n\n",
		"| files | build predicted, ms | and one file located, ms | of the smallest | image listed, ms | µs a file |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	var smallest result
	for files := o.large / 100; files <= o.large; files *= 10 {
		err := inTemp(func(dir string) error {
			if err := writeBuild(dir); err != nil {
				return err
			}
			if err := generate(dir, files, (*generator).areas); err != nil {
				return err
			}
			r, err := race(4*o.rounds, []contender{
				{"predicted", func() (int, error) { return predict(dir, "") }, false},
				{"located", func() (int, error) { return predict(dir, "area0/pkg0/mod0/file0.js") }, false},
			})
			if err != nil {
				return err
			}
			listed, err := race(3, []contender{{"listed", func() (int, error) { return list(dir) }, false}})
			if err != nil {
				return err
			}
			if smallest.name == "" {
				smallest = r[1]
			}
			fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %.2f |\n", files, ms(r[0].median), ms(r[1].median), ratio(r[1].median, smallest.median),
				ms(listed[0].median), float64(listed[0].median.Microseconds())/float64(files))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// predict simulates the build and, if a path is given, finds it in the image.
func predict(dir, path string) (int, error) {
	m, err := simulate.Build(context.Background(), dockerfile.Options{Context: dir})
	if err != nil || path == "" {
		return 0, err
	}
	n := 0
	err = m.Locate(m.Tree, simulate.MainContext, path, func(simulate.Located) error { n++; return nil })
	if n != 1 && err == nil {
		err = fmt.Errorf("%s was found %d times", path, n)
	}
	return n, err
}

func list(dir string) (int, error) {
	m, err := simulate.Build(context.Background(), dockerfile.Options{Context: dir})
	if err != nil {
		return 0, err
	}
	if err := m.Read(context.Background()); err != nil {
		return 0, err
	}
	n := 0
	err = m.Tree.List(func(string, *rootfs.Node) error { n++; return nil })
	return n, err
}
