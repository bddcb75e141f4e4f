package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// processes measures the commands as people run them, at twice the largest size.
func processes(w io.Writer, o options) error {
	files := 2 * o.large
	fmt.Fprintf(w, "\n## Commands\n\nWhole processes, start to end, on %d files: the best of 3 rounds of wall time, and the peak of resident memory.\n\n| command | s | peak, MB | bytes a file |\n| --- | ---: | ---: | ---: |\n", files)
	return inTemp(func(dir string) error {
		if err := writeBuild(dir); err != nil {
			return err
		}
		if err := generate(dir, files, (*generator).areas); err != nil {
			return err
		}
		list := [][]string{{"version"}, {"context", "ls"}, {"context", "ls", "--format", "json"}, {"context", "ls", "--ignored"}, {"image", "ls"}, {"image", "ls", "--format", "json"}}
		for _, args := range slices.Concat(list, answers, [][]string{{"why", ".dockerignore:21"}}) {
			seconds, peak, err := process(o.binary, dir, 3, args)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "| `ctxaudit %s` | %.3f | %.1f | %.0f |\n", strings.Join(args, " "), seconds, peak/1e6, peak/float64(files))
		}
		return nil
	})
}

// answers are commands that need not read the whole repository, or only look it through.
var answers = [][]string{
	{"why", "area0/pkg0/mod0/file0.js"}, {"why", "area0/pkg0/mod0/file4.log3"}, {"why", "area0/pkg0"}, {"why", "shop.m1"},
	{"why", "/app/shop/m1.py"}, {"check", "--assume-sendable", "--require-path", "/app/shop/m0.py"},
	{"check", "--require-path", "/app/shop/m0.py"}, {"check"},
}

// answerGrowth measures one answer in ever larger repositories.
func answerGrowth(w io.Writer, o options) error {
	fmt.Fprint(w, "\n## One answer\n\nWhole processes, the best of 7 rounds of wall time in seconds. The last column is the largest repository's share of the\nsmallest's. The second file is ignored, as are some files of the directory: the edit that brings them in is searched, and tried.\n`check` looks every directory through for what BuildKit cannot send, unless told to assume that there is nothing, and without\narguments for Dockerfiles too: so it grows. Everything else reads what the answer is about.\n\n| command |")
	var sizes []int
	for files := o.large / 100; files <= o.large; files *= 10 {
		sizes = append(sizes, files)
		fmt.Fprintf(w, " %d files |", files)
	}
	fmt.Fprint(w, " grows to |\n| --- |", strings.Repeat(" ---: |", len(sizes)+1), "\n")
	times := make([][]float64, len(answers))
	for _, files := range sizes {
		err := inTemp(func(dir string) error {
			if err := writeBuild(dir); err != nil {
				return err
			}
			if err := generate(dir, files, (*generator).areas); err != nil {
				return err
			}
			for i, args := range answers {
				seconds, _, err := process(o.binary, dir, 7, args)
				if err != nil {
					return err
				}
				times[i] = append(times[i], seconds)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i, args := range answers {
		fmt.Fprintf(w, "| `ctxaudit %s` |", strings.Join(args, " "))
		for _, seconds := range times[i] {
			fmt.Fprintf(w, " %.3f |", seconds)
		}
		fmt.Fprintf(w, " %.2f |\n", times[i][len(sizes)-1]/times[i][0])
	}
	return nil
}

// process gives the shortest time in seconds and the largest peak of memory in bytes of some runs of a command.
func process(binary, dir string, rounds int, args []string) (best, peak float64, err error) {
	abs, err := filepath.Abs(binary)
	if err != nil {
		return 0, 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	best = math.Inf(1)
	for range rounds {
		cmd := exec.Command(self, append([]string{"-measure", "--", abs}, args...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			return 0, 0, fmt.Errorf("%v: %w", args, err)
		}
		var seconds, bytes float64
		if _, err := fmt.Sscan(string(out), &seconds, &bytes); err != nil {
			return 0, 0, fmt.Errorf("%v: reading %q: %w", args, out, err)
		}
		best, peak = min(best, seconds), max(peak, bytes)
	}
	return best, peak, nil
}

// measure runs a command. It is a process of its own, and a small one, because Linux counts the memory of the process
// that starts a command as the command's.
func measure(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
		return fmt.Errorf("running %v: %w", args, err)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.ErrUnsupported
	}
	_, err = fmt.Println(took.Seconds(), usage.Maxrss*1024)
	return err
}
