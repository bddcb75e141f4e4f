// Command untxtar writes the files of a txtar archive below a directory.
package main

import (
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/txtar"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "untxtar:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want ARCHIVE DIRECTORY")
	}
	a, err := txtar.ParseFile(args[0])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args[1], 0o755); err != nil {
		return err
	}
	return txtar.Write(a, args[1])
}
