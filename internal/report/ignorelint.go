package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ctxaudit/ctxaudit/internal/audit"
)

// IgnoreLint writes what was found about the lines of an ignore file.
func IgnoreLint(out io.Writer, r audit.Report, s Style) error {
	w := bufio.NewWriter(out)
	for _, img := range r.Images {
		for _, f := range img.Findings {
			finding(w, f, s)
		}
		if len(img.Findings) == 0 {
			fmt.Fprintf(w, "%s every line of %s has an effect\n", s.green("ok"), Name(img.IgnoreFile))
			continue
		}
		fmt.Fprintln(w)
		fmt.Fprintln(w, s.yellow(count(len(img.Findings), "warning")+" about "+Name(img.IgnoreFile)))
	}
	return w.Flush()
}
