package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// ConfigLine is one setting of an image's configuration, with the instruction that set it (nil: none of this
// Dockerfile).
type ConfigLine struct {
	Key, Value string
	Source     *finding.Place
}

// Config writes settings, one a line.
func Config(out io.Writer, lines []ConfigLine, s Style) error {
	w := bufio.NewWriter(out)
	key, value := 0, 0
	for _, l := range lines {
		key = max(key, len(Name(l.Key)))
		value = max(value, min(len(Name(l.Value)), 60))
	}
	for _, l := range lines {
		fmt.Fprintf(w, "%s  %-*s", s.bold(fmt.Sprintf("%-*s", key, Name(l.Key))), value, Name(l.Value))
		if l.Source != nil {
			fmt.Fprint(w, "  ", s.dim(fmt.Sprintf("%s:%d %s", Name(l.Source.File), l.Source.Line, Text(l.Source.Text))))
		} else {
			fmt.Fprint(w, "  ", s.dim("(base image or default)"))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
