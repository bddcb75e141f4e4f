// Command bench times ctxaudit beside find, BuildKit's own context walk and CPython's parser, on generated trees, several
// rounds in turn, and writes medians and ratios as tables. Absolute times are the machine's; the ratios are what counts.
package main

import (
	_ "embed" // the record
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// record tells what was done about the time; it is written by hand.
//
//go:embed record.md
var record string

func main() {
	var o options
	flag.IntVar(&o.files, "files", 50_000, "files in a tree")
	flag.IntVar(&o.large, "large", 500_000, "files in the largest tree of the growth table")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds")
	flag.StringVar(&o.binary, "binary", "bin/ctxaudit", "the command, for the tables of whole processes")
	out := flag.String("o", "", "file to write the tables to, besides standard output")
	page := flag.String("chart", "", "only draw the chart again that lies beside this page, of its numbers")
	only := flag.String("only", "", "run only this section: repairs")
	measured := flag.Bool("measure", false, "only run the command that follows, and print its seconds and its peak of resident memory in bytes")
	flag.Parse()
	if *measured {
		if err := measure(flag.Args()); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if *page != "" {
		if err := drawChart(*page); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if *only == "repairs" {
		if err := repairs(os.Stdout, o); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(o, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	files, large, rounds int
	binary               string
}

func run(o options, out string) error {
	var doc strings.Builder
	w := io.MultiWriter(os.Stdout, &doc)
	fmt.Fprint(w, preface(o))
	for _, section := range []func(io.Writer, options) error{walks, patterns, imports, repairs, growth, answerGrowth, processes} {
		if err := section(w, o); err != nil {
			return err
		}
	}
	fmt.Fprint(w, record)
	if out == "" {
		return nil
	}
	if err := os.WriteFile(out, []byte(doc.String()), 0o644); err != nil {
		return err
	}
	return drawChart(out)
}

// contender is one of those that are timed against each other.
type contender struct {
	name string
	run  func() (entries int, err error)
	once bool // one round is enough
}

// result is what came of a contender.
type result struct {
	name    string
	entries int
	median  time.Duration
	// processor is the median of processor time, of this process and of those that it ran.
	processor time.Duration
}

// race times the contenders in turn, so that what else the machine does falls on all of them.
func race(rounds int, list []contender) ([]result, error) {
	times, cpus := make([][]time.Duration, len(list)), make([][]time.Duration, len(list))
	results := make([]result, len(list))
	for round := range rounds {
		for i, c := range list {
			if c.once && round > 0 {
				continue
			}
			start, cpu := time.Now(), processorTime()
			n, err := c.run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			times[i], cpus[i] = append(times[i], time.Since(start)), append(cpus[i], processorTime()-cpu)
			results[i] = result{name: c.name, entries: n}
		}
	}
	for i := range results {
		slices.Sort(times[i])
		slices.Sort(cpus[i])
		results[i].median, results[i].processor = times[i][len(times[i])/2], cpus[i][len(cpus[i])/2]
	}
	return results, nil
}

// processorTime is what this process and those that it waited for have used so far.
func processorTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f", float64(a)/float64(b)) }

// inTemp calls fn with a directory that is removed afterwards.
func inTemp(fn func(dir string) error) error {
	dir, err := os.MkdirTemp("", "ctxaudit-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return fn(dir)
}
