package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// listContext writes what the ignore file lets in, or keeps out, entry by entry: a context may have a million files, and the records
// of all of them would take several times what the context itself remembers. Only JSON shows sizes, so that text needs
// no stat for each file.
func (a *app) listContext(opt dockerfile.Options, ignored, asJSON bool) error {
	c, err := simulate.OpenMain(opt)
	if err != nil {
		return a.refused(err, asJSON)
	}
	var out contextWriter = &textWriter{out: a.out, style: a.style()}
	if asJSON {
		out = jsonContext{newJSONWriter(a.out)}
	}
	defer frugal()()
	var failed error // of writing, which is no fault of the build
	write := func(e report.ContextEntry) error {
		failed = out.write(e)
		return failed
	}
	if ignored {
		err = ignoredEntries(c, asJSON, write)
	} else {
		err = c.Tree().List(asJSON, func(e dockerctx.Entry) error { return write(contextEntry(e)) })
	}
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return a.refused(err, asJSON)
	default:
		return out.close()
	}
}

// ignoredEntries hands over what the ignore file keeps out.
func ignoredEntries(c *simulate.Context, sizes bool, fn func(report.ContextEntry) error) error {
	places := map[*dockerctx.Line]*finding.Place{}
	return c.WalkIgnored(sizes, func(e dockerctx.IgnoredEntry) error {
		entry := contextEntry(e.Entry)
		if e.Line != nil {
			if places[e.Line] == nil {
				places[e.Line] = &finding.Place{Role: finding.RoleExcludes, File: c.Ignore.Name, Line: e.Line.Number, Text: strings.TrimSpace(e.Line.Text)}
			}
			entry.IgnoredBy = places[e.Line]
		}
		return fn(entry)
	})
}

// contextWriter writes a list of entries that is not known as a whole.
type contextWriter interface {
	write(report.ContextEntry) error
	close() error
}

// textWriter writes what report.ContextList writes, in parts.
type textWriter struct {
	out   io.Writer
	style report.Style
	part  []report.ContextEntry
}

// partLength is how many entries are rendered at once.
const partLength = 1024

func (w *textWriter) write(e report.ContextEntry) error {
	if w.part = append(w.part, e); len(w.part) < partLength {
		return nil
	}
	return w.close()
}

func (w *textWriter) close() error {
	err := report.ContextList(w.out, w.part, w.style)
	w.part = w.part[:0]
	return err
}

// jsonWriter writes what report.JSON writes of {"files": entries} and what stands behind them.
type jsonWriter struct {
	out   *bufio.Writer
	under *report.Screen
	entry bytes.Buffer
	enc   *json.Encoder
	any   bool
}

// jsonContext is a jsonWriter of entries of a context.
type jsonContext struct{ *jsonWriter }

func (w jsonContext) write(e report.ContextEntry) error { return w.jsonWriter.write(e) }

func newJSONWriter(out io.Writer) *jsonWriter {
	w := &jsonWriter{under: report.JSONScreen(out)}
	w.out = bufio.NewWriterSize(w.under, 64<<10)
	w.enc = json.NewEncoder(&w.entry)
	w.enc.SetEscapeHTML(false)
	w.enc.SetIndent("    ", "  ")
	return w
}

func (w *jsonWriter) write(entry any) error {
	w.entry.Reset()
	if err := w.enc.Encode(entry); err != nil {
		return err
	}
	before := ",\n    "
	if !w.any {
		before = "{\n  \"files\": [\n    "
	}
	w.any = true
	w.out.WriteString(before)
	_, err := w.out.Write(bytes.TrimSuffix(w.entry.Bytes(), []byte("\n")))
	return err
}

func (w *jsonWriter) close() error { return w.closeWith(struct{}{}) }

// closeWith ends the object with the fields of a struct.
func (w *jsonWriter) closeWith(rest any) error {
	var fields bytes.Buffer
	if err := report.JSON(&fields, rest); err != nil {
		return err
	}
	if w.any {
		w.out.WriteString("\n  ]")
	} else {
		w.out.WriteString("{\n  \"files\": []")
	}
	if more, ok := bytes.CutPrefix(fields.Bytes(), []byte("{\n")); ok {
		w.out.WriteString(",\n")
		w.out.Write(more)
	} else {
		w.out.WriteString("\n}\n")
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	return w.under.Flush()
}
