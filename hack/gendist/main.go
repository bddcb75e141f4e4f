// Command gendist writes what a release has beside the binary: a manual page of every command and the completions of
// every shell. They are generated from the commands themselves, here, because what makes pages is no part of the program.
//
//	gendist -o build -version v1.2.3
//
// writes build/man/man1/*.1 and build/completions/*. The same version and SOURCE_DATE_EPOCH give the same bytes.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra/doc"

	"github.com/ctxaudit/ctxaudit/internal/cli"
)

func main() {
	out := flag.String("o", "build", "directory to write to")
	version := flag.String("version", "", "version that the pages name")
	flag.Parse()
	if err := run(*out, *version, os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		fmt.Fprintln(os.Stderr, "gendist:", err)
		os.Exit(1)
	}
}

func run(out, version, epoch string) error {
	if err := manual(filepath.Join(out, "man", "man1"), version, epoch); err != nil {
		return fmt.Errorf("writing manual pages: %w", err)
	}
	if err := completions(filepath.Join(out, "completions")); err != nil {
		return fmt.Errorf("writing completions: %w", err)
	}
	return nil
}

func manual(dir, version, epoch string) error {
	// The pages of commands that are gone must not stay.
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	date := time.Unix(0, 0).UTC()
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		date = time.Unix(seconds, 0).UTC()
	}
	root := cli.Command()
	root.DisableAutoGenTag = true
	root.InitDefaultCompletionCmd("completion")
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1", Date: &date, Source: strings.TrimSpace("ctxaudit " + version), Manual: "ctxaudit manual",
	}, dir)
}

func completions(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for shell, name := range map[string]string{
		"bash": "ctxaudit.bash", "zsh": "_ctxaudit", "fish": "ctxaudit.fish", "powershell": "ctxaudit.ps1",
	} {
		var out, errs bytes.Buffer
		code := cli.Run(context.Background(), cli.Env{Stdout: &out, Stderr: &errs, Given: cli.Given{
			Args: []string{"completion", shell}, Stdin: strings.NewReader(""),
			Getenv: func(string) string { return "" }, LookupEnv: func(string) (string, bool) { return "", false },
		}})
		if code != 0 {
			return fmt.Errorf("completion %s: %s", shell, errs.String())
		}
		if err := os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
