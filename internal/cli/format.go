package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// output is a format and where it goes: a file, or standard output if File is "".
type output struct {
	report.Format
	File string
}

// outputsFlag registers --format NAME[=FILE], which may be given several times, one of them for standard output.
func outputsFlag(cmd *cobra.Command) func() ([]output, error) {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	v := cmd.Flags().StringArray("format", nil, "output `NAME[=FILE]`, repeatable: "+strings.Join(names, ", ")+", or a Go template (default text)")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return func() ([]output, error) {
		if len(*v) == 0 {
			*v = []string{"text"}
		}
		var out []output
		taken := map[string]string{}
		for _, arg := range *v {
			name, file, _ := strings.Cut(arg, "=")
			f, ok := report.FindFormat(name)
			if report.IsTemplate(arg) {
				var err error
				if f, err = report.Template(arg); err != nil {
					return nil, usagef(cmd, "--format: %w", err)
				}
				name, file, ok = f.Name, "", true
			}
			if !ok {
				return nil, usagef(cmd, "--format must be one of %s, not %q", strings.Join(names, ", "), name)
			}
			if strings.HasSuffix(arg, "=") && f.Name != "template" {
				return nil, usagef(cmd, "--format %s: the name of the file is missing", arg)
			}
			if file == "-" {
				file = ""
			}
			if other, ok := taken[file]; ok {
				where := "standard output"
				if file != "" {
					where = file
				}
				return nil, usagef(cmd, "--format %s and %s both go to %s; give one of them a file, as in %s=FILE", other, name, where, name)
			}
			taken[file] = name
			out = append(out, output{f, file})
		}
		return out, nil
	}
}

func needsViews(outputs []output) bool {
	return slices.ContainsFunc(outputs, func(o output) bool { return o.NeedsViews })
}

// write writes an audit in every format that was asked for. A report that cannot be written is an error, but the others
// are written all the same.
func (a *app) write(outputs []output, r report.Audit, style report.Style) error {
	var first error
	for _, o := range outputs {
		var err error
		if o.File == "" {
			err = o.WriteTo(a.out, r, style)
		} else {
			var b bytes.Buffer
			plain := style
			plain.Color, plain.Width = false, 0
			if err = o.WriteTo(&report.Screen{W: &b}, r, plain); err == nil {
				err = a.world.WriteNamed(o.File, b.Bytes())
			}
		}
		if err == nil && o.Name == "github" {
			err = a.jobSummary(r)
		}
		if err != nil && first == nil {
			first = fmt.Errorf("writing the %s report: %w", o.Name, err)
		}
	}
	return first
}

// maxSummary is less than what GitHub takes of a step, which is 1 MiB; of more it shows nothing.
const maxSummary = 1000 << 10

// jobSummary adds the report to the summary of a job of GitHub Actions, which other steps may have begun.
func (a *app) jobSummary(r report.Audit) error {
	name := a.env.Getenv("GITHUB_STEP_SUMMARY")
	if name == "" {
		return nil
	}
	room := maxSummary
	if fi, err := files.Lstat(name); err == nil {
		room -= int(min(fi.Size(), maxSummary))
	}
	text, err := report.MarkdownWithin(r, room)
	if err != nil {
		return err
	}
	return a.world.AppendNamed(name, text)
}

// sources reads the files that findings point into. What cannot be read is left out: a report then shows no line of it.
func (a *app) sources(images []finding.ImageReport) report.Sources {
	out := report.Sources{}
	read := func(file, context string) {
		if _, ok := out[file]; ok || file == "" {
			return
		}
		if data, ok := a.engine().ReadSource(file, context); ok {
			out[file] = report.NewSource(data)
		}
	}
	for _, img := range images {
		for _, f := range img.Findings {
			read(f.Subject.File, img.Context)
			if i, ok := f.Blamed(); ok {
				read(f.Related[i].File, img.Context)
			}
			for _, fix := range f.Fixes {
				for _, e := range fix.Edits {
					read(e.File, img.Context)
				}
			}
		}
	}
	return out
}
