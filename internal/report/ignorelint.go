package report

import (
	"bufio"
	"fmt"
	"io"
)

// maxLinted is how many findings about an ignore file text shows.
const maxLinted = 200

// IgnoreLint writes what was found about the lines of an ignore file.
func IgnoreLint(out io.Writer, a Audit, s Style) error {
	w := bufio.NewWriter(out)
	for _, img := range a.Images {
		if len(img.Findings) == 0 {
			fmt.Fprintf(w, "%s every line of %s has an effect\n", s.green("ok"), Name(img.IgnoreFile))
			continue
		}
		for _, f := range img.Findings[:min(len(img.Findings), maxLinted)] {
			a.finding(w, f, img, s)
			fmt.Fprintln(w)
		}
		if more := len(img.Findings) - maxLinted; more > 0 {
			fmt.Fprintln(w, s.dim(fmt.Sprintf("and %d more (--format json has all)", more)))
		}
		fmt.Fprintln(w, s.yellow(count(len(img.Findings), "warning")+" about "+Name(img.IgnoreFile)))
	}
	return w.Flush()
}
