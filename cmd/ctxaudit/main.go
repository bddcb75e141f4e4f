// Command ctxaudit tells, before anything is built and without a daemon, whether what a program needs will be in its
// Docker image; if not, which line is to blame.
package main

import (
	"os"

	"github.com/ctxaudit/ctxaudit/internal/cli"
	_ "github.com/ctxaudit/ctxaudit/internal/gcstart" // before the heavy packages are initialized
)

func main() { os.Exit(cli.Main()) }
