package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// lost is how many packages of the program of [repairs] are kept out of the image, each by a line of its own.
const lost = 20

// writeBroken writes the program and its build, packages that it imports and the ignore file keeps out, and several images
// that start it.
func writeBroken(dir string, images int) error {
	if err := writeBuild(dir); err != nil {
		return err
	}
	write := func(name, text string) error {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		return os.WriteFile(full, []byte(text), 0o644)
	}
	ignore, start := commonLines(), "from shop import m0\n"
	for i := range lost {
		ignore += fmt.Sprintf([]string{"shop/lost%d\n", "**/lost%d/\n", "shop/lost%d*\n", "shop/lost%d/*\n"}[i%4], i)
		start += fmt.Sprintf("from shop.lost%d import core\n", i)
		for _, name := range []string{"__init__", "core"} {
			if err := write(fmt.Sprintf("shop/lost%d/%s.py", i, name), "x = 1\n"); err != nil {
				return err
			}
		}
	}
	files := map[string]string{".dockerignore": ignore + "!**/keep/*.spec.js\n", "main.py": start}
	for i := range images {
		name := "Dockerfile"
		if i > 0 {
			name = fmt.Sprintf("image%d.Dockerfile", i)
		}
		files[name] = "FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n"
	}
	for name, text := range files {
		if err := write(name, text); err != nil {
			return err
		}
	}
	return nil
}

// repairs times what people wait for on a repository with faults, whole processes, beside find, CPython's parser and BuildKit's
// walk.
func repairs(w io.Writer, o options) error {
	fmt.Fprintf(w, "\n## Findings and repairs\n\nWhole processes on %d files of the monorepo, %d modules and %d packages that the ignore file keeps out, in turn. Processor\ntime is that of the median.\n\n| | ms | processor, ms | of find's |\n| --- | ---: | ---: | ---: |\n", o.files, modules, lost)
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	return inTemp(func(dir string) error {
		one, several := filepath.Join(dir, "one"), filepath.Join(dir, "several")
		for at, images := range map[string]int{one: 1, several: 6} {
			if err := generate(at, o.files, (*generator).monorepo); err != nil {
				return err
			}
			if err := writeBroken(at, images); err != nil {
				return err
			}
		}
		run := func(in, name string, args ...string) contender {
			return contender{name, func() (int, error) {
				cmd := exec.Command(binary, args...)
				cmd.Dir = in
				err := cmd.Run()
				if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 1 {
					err = nil // findings
				}
				return 0, err
			}, false}
		}
		results, err := race(o.rounds, []contender{
			{"find", func() (int, error) { return 0, exec.Command("find", one).Run() }, false},
			{"CPython's ast, the modules", func() (int, error) { return pythonClosure(one) }, false},
			{"BuildKit's walk", func() (int, error) { return buildkitWalk(one, commonLines()) }, false},
			run(one, "`check --fixes none`", "check", "--fixes", "none"),
			run(one, "`check`", "check"),
			run(one, "`why` of a file of the image", "why", "packages"),
			run(one, "`why` of a package that is kept out", "why", "shop/lost1"),
			run(several, "`check --fixes none`, 6 images", "check", "--fixes", "none"),
			run(several, "`check`, 6 images", "check"),
		})
		if err != nil {
			return err
		}
		for _, r := range results {
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", r.name, ms(r.median), ms(r.processor), ratio(r.processor, results[0].processor))
		}
		return nil
	})
}
