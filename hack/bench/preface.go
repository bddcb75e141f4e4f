package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// preface says what the tables are and what they were made on.
func preface(o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\n`make bench` writes this file. It generates trees (the same ones every time), runs the contenders in turn for %d rounds\nand takes medians. Milliseconds are those of one machine; the ratios, taken within one run, are what can be compared.\nThe cache is warm. BuildKit's walk is fsutil's filtered walk, called as BuildKit's client calls it.\nProcessor time is that of all threads; where other work runs beside, it is the figure to go by.\n\n", o.rounds)
	fmt.Fprintf(&b, "Machine: %s, %d cores, %s, temporary files on %s, %s. Load when it began: %s.\n", firstOf("/proc/cpuinfo", "model name"), runtime.NumCPU(), command("uname", "-sr"), filesystem(), runtime.Version(), load())
	return b.String()
}

// firstOf gives the first value of a name in a file of "name : value" lines.
func firstOf(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// load gives the load averages.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(data)); err == nil && len(fields) > 2 {
		return strings.Join(fields[:3], " ")
	}
	return "unknown"
}

func filesystem() string {
	if fields := strings.Fields(command("findmnt", "-n", "-o", "FSTYPE", "-T", os.TempDir())); len(fields) > 0 {
		return fields[0]
	}
	return "an unknown file system"
}

func command(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
