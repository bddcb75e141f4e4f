package report

import (
	"bufio"
	"fmt"
	"io"
)

// IgnoreLint writes what was found about the lines of an ignore file.
func IgnoreLint(out io.Writer, a Audit, s Style) error {
	w := bufio.NewWriter(out)
	for i, img := range a.Images {
		if len(img.Findings) == 0 {
			fmt.Fprintf(w, "%s no line of %s needs to change\n", s.green("ok"), Name(img.IgnoreFile))
			continue
		}
		for _, f := range img.Findings {
			a.finding(w, f, img, s)
			fmt.Fprintln(w)
		}
		more := a.of(i).findings
		if more > 0 {
			fmt.Fprintln(w, s.dim("and "+moreOf(more)))
		}
		fmt.Fprintln(w, s.yellow(count(len(img.Findings)+more, "warning")+" about "+Name(img.IgnoreFile)))
	}
	return w.Flush()
}
