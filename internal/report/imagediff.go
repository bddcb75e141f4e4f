package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/imagediff"
)

// maxGroups is how many groups of files text shows of an image, maxChanges how many findings and settings of each kind.
// maxNeeded how many changed files that the program needs.
const maxGroups, maxChanges, maxNeeded = 20, 50, 500

// maxDiffText is the length of one text, maxDiffBytes of the whole, after which whole images are left out.
const maxDiffText, maxDiffBytes = 500, 512 << 10

// eachImage writes images until there is no more room, and gives how many are left out.
func eachImage(w io.Writer, images []imagediff.Image, write func(io.Writer, imagediff.Image)) (more int) {
	room := maxDiffBytes
	for i, img := range images {
		var b strings.Builder
		write(&b, clipped(img, maxDiffText))
		if room -= b.Len(); room < 0 && i > 0 {
			return len(images) - i
		}
		fmt.Fprint(w, b.String())
	}
	return 0
}

// Diff writes what a change does to images as text.
func Diff(out io.Writer, d *imagediff.Diff, s Style) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s\n", s.dim(Name(d.Base)+" -> "+Name(d.Head)))
	more := eachImage(w, d.Images, func(w io.Writer, img imagediff.Image) {
		fmt.Fprintf(w, "%s  %s  %s\n", s.bold(Name(img.Name)), s.dim(Name(img.Dockerfile)), statusText(img, s))
		settings, moreSettings := few(img.Settings, maxChanges)
		fresh, moreNew := few(img.New, maxChanges)
		gone, moreGone := few(img.Gone, maxChanges)
		for _, f := range fresh {
			fmt.Fprintf(w, "  %s %s %s  %s\n", s.red("new"), s.severity(f.Severity), s.bold(Text(f.Rule)), s.cyan(position(f.Subject)))
			fmt.Fprintf(w, "      %s\n", sentence(f.Summary))
		}
		for _, set := range settings {
			fmt.Fprintf(w, "  ~ %s: %s -> %s\n", Name(set.Name), settingText(set.Before), settingText(set.After))
		}
		program, others := ofProgram(img.Changed)
		changeLines(w, program, maxNeeded, s)
		groupLines(w, "-", img.Left, s.red, s)
		groupLines(w, "+", img.Entered, s.green, s)
		changeLines(w, others, maxGroups, s)
		for _, f := range gone {
			fmt.Fprintf(w, "  %s %s  %s\n", s.green("gone"), Text(f.Rule), Text(f.Summary))
		}
		if text := leftOutOf([]leftKind{{moreSettings, "setting"}, {moreNew, "new finding"}, {moreGone, "gone finding"}}); text != "" {
			fmt.Fprintf(w, "  %s\n", s.dim(text))
		}
	})
	if text := leftOutOf([]leftKind{{more, "image"}}); text != "" {
		fmt.Fprintln(w, s.dim(text))
	}
	if len(d.Images) == 0 {
		fmt.Fprintln(w, "no image in either state")
	}
	return w.Flush()
}

func statusText(img imagediff.Image, s Style) string {
	left, entered := totalFiles(img.Left), totalFiles(img.Entered)
	switch img.Status {
	case imagediff.Same:
		return s.green("unchanged")
	case imagediff.Added:
		return s.green("new image, " + count(entered, "file"))
	case imagediff.Removed:
		return s.yellow("no longer an image")
	case imagediff.Fails:
		return s.red("the build fails in one of the states, so its files cannot be compared")
	}
	text := fmt.Sprintf("%s removed, %s added", count(left, "file"), count(entered, "file"))
	if n := len(img.Changed); n > 0 {
		text += ", " + fmt.Sprint(n) + " changed"
	}
	return text
}

func totalFiles(groups []imagediff.Group) (n int) {
	for _, g := range groups {
		n += g.Files
	}
	return n
}

func settingText(v *string) string {
	if v == nil {
		return "not set"
	}
	return quoted(*v)
}

func groupLines(w io.Writer, mark string, groups []imagediff.Group, paint func(string) string, s Style) {
	for _, g := range groups[:min(len(groups), maxGroups)] {
		fmt.Fprintf(w, "  %s  %s\n", paint(mark+" "+groupName(g)), groupText(g))
		if note := groupNote(g); note != "" {
			fmt.Fprintf(w, "      %s\n", s.dim(note))
		}
	}
	if more := groups[min(len(groups), maxGroups):]; len(more) > 0 {
		fmt.Fprintf(w, "  %s\n", s.dim(fmt.Sprintf("%s and %s more", mark, count(totalFiles(more), "file"))))
	}
}

// ofProgram parts the changed files of the program from the others.
func ofProgram(changes []imagediff.Change) (program, others []imagediff.Change) {
	n := 0
	for n < len(changes) && changes[n].Needed {
		n++
	}
	return changes[:n], changes[n:]
}

func changeLines(w io.Writer, changes []imagediff.Change, most int, s Style) {
	shown, more := few(changes, most)
	for _, c := range shown {
		fmt.Fprintf(w, "  %s  %s\n", s.yellow("~ "+Name(c.Path)), changeText(c))
	}
	if more > 0 {
		fmt.Fprintf(w, "  %s\n", s.dim(fmt.Sprintf("~ and %s more", count(more, "file"))))
	}
}

func changeText(c imagediff.Change) string {
	text := fmt.Sprintf("%s -> %s", finding.Size(c.Before), finding.Size(c.After))
	if c.Before == c.After {
		text = finding.Size(c.After) + " as before, of other content"
	}
	if c.Needed {
		text += "; part of the program"
	}
	return text
}

func groupName(g imagediff.Group) string {
	if g.Dir {
		return Name(g.Path) + "/"
	}
	return Name(g.Path)
}

func groupText(g imagediff.Group) string {
	out := finding.Size(g.Bytes)
	if g.Dir {
		out = count(g.Files, "file") + ", " + out
	}
	if g.Imports > 0 {
		out += "; " + broken(g.Imports)
	} else if g.Needed > 0 {
		out += "; " + neededText(g)
	}
	return out
}

// neededText says what of a group is part of the program, in the state that has it.
func neededText(g imagediff.Group) string {
	if g.Files == 1 {
		return "part of the program"
	}
	return fmt.Sprintf("%d of them are part of the program", g.Needed)
}

// broken says how many imports break.
func broken(n int) string {
	if n == 1 {
		return "1 import of it breaks"
	}
	return fmt.Sprintf("%d imports of it break", n)
}

func groupNote(g imagediff.Group) string {
	var parts []string
	if g.Reason != "" {
		parts = append(parts, sentence(g.Reason))
	}
	if g.Place != nil {
		parts = append(parts, groupPlace(g))
	}
	return strings.Join(parts, ": ")
}

func groupPlace(g imagediff.Group) string {
	return fmt.Sprintf("%s:%d %s", Name(g.Place.File), g.Place.Line, shorten(Text(g.Place.Text), 60))
}

// DiffMarkdown writes what a change does to images as Markdown, for a pull request.
func DiffMarkdown(out io.Writer, d *imagediff.Diff) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "## What this change does to the images\n\n%s → %s\n", mdCode(d.Base), mdCode(d.Head))
	more := eachImage(w, d.Images, func(w io.Writer, img imagediff.Image) {
		settings, moreSettings := few(img.Settings, maxChanges)
		fresh, moreNew := few(img.New, maxChanges)
		gone, moreGone := few(img.Gone, maxChanges)
		fmt.Fprintf(w, "\n### %s\n\n%s: %s.\n", mdCode(img.Name), mdCode(img.Dockerfile), statusText(img, Style{}))
		for _, f := range fresh {
			mark := "⚠️"
			if f.Severity == finding.Error {
				mark = "❌"
			}
			fmt.Fprintf(w, "\n- %s **%s** %s: %s", mark, mdText(f.Rule), mdCode(position(f.Subject)), mdText(f.Summary))
		}
		for _, f := range gone {
			fmt.Fprintf(w, "\n- ✅ %s is gone: %s", mdText(f.Rule), mdText(f.Summary))
		}
		if len(img.New)+len(img.Gone) > 0 {
			fmt.Fprintln(w)
		}
		if len(img.Left)+len(img.Entered) > 0 {
			fmt.Fprint(w, "\n| | in the image | files | bytes | why |\n|---|---|---:|---:|---|\n")
			rows(w, "leaves", img.Left)
			rows(w, "enters", img.Entered)
		}
		changeRows(w, img.Changed)
		if len(img.Settings) > 0 {
			fmt.Fprint(w, "\n| setting | before | after |\n|---|---|---|\n")
			for _, set := range settings {
				fmt.Fprintf(w, "| %s | %s | %s |\n", mdCell(mdCode(set.Name)), mdCell(mdCode(settingText(set.Before))), mdCell(mdCode(settingText(set.After))))
			}
		}
		if text := leftOutOf([]leftKind{{moreSettings, "setting"}, {moreNew, "new finding"}, {moreGone, "gone finding"}}); text != "" {
			fmt.Fprintf(w, "\n*%s*\n", mdText(text))
		}
	})
	if text := leftOutOf([]leftKind{{more, "image"}}); text != "" {
		fmt.Fprintf(w, "\n*%s*\n", mdText(text))
	}
	return w.Flush()
}

func changeRows(w io.Writer, changes []imagediff.Change) {
	if len(changes) == 0 {
		return
	}
	fmt.Fprint(w, "\n| changed in the image | |\n|---|---|\n")
	program, others := ofProgram(changes)
	program, moreOfProgram := few(program, maxNeeded)
	others, more := few(others, maxGroups)
	for _, c := range slices.Concat(program, others) {
		fmt.Fprintf(w, "| %s | %s |\n", mdCell(mdCode(c.Path)), mdCell(mdText(changeText(c))))
	}
	if more += moreOfProgram; more > 0 {
		fmt.Fprintf(w, "| %d more | |\n", more)
	}
}

func rows(w io.Writer, what string, groups []imagediff.Group) {
	for _, g := range groups[:min(len(groups), maxGroups)] {
		name := g.Path
		if g.Dir {
			name += "/"
		}
		var why []string
		if g.Reason != "" {
			why = append(why, mdCell(mdText(g.Reason)))
		}
		if g.Place != nil {
			why = append(why, mdCell(mdCode(groupPlace(g))))
		}
		if g.Imports > 0 {
			why = append(why, broken(g.Imports))
		} else if g.Needed > 0 {
			why = append(why, neededText(g))
		}
		fmt.Fprintf(w, "| %s | %s | %d | %s | %s |\n", what, mdCell(mdCode(name)), g.Files, finding.Size(g.Bytes), strings.Join(why, "; "))
	}
	if more := groups[min(len(groups), maxGroups):]; len(more) > 0 {
		fmt.Fprintf(w, "| %s | %d more | %d | | |\n", what, len(more), totalFiles(more))
	}
}
