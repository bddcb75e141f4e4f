package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// maxClean is how many images without findings get a line each.
const maxClean = 4

// cleanImages writes the images in which nothing was found: a line each, or a count if there are many.
func (a Audit) cleanImages(w io.Writer, images []int, s Style) {
	if len(images) > maxClean {
		var sum finding.ImageReport
		left, names := 0, []string{}
		for _, i := range images {
			img := a.Images[i]
			sum.Imports, sum.Modules = sum.Imports+img.Imports, sum.Modules+img.Modules
			sum.Unchecked = append(sum.Unchecked, img.Unchecked...)
			left += len(img.Passed) + a.of(i).passed
			names = append(names, Name(img.Name))
		}
		shown, more := few(names, maxClean)
		text := strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", more)
		line := strings.Join(append([]string{count(len(images), "image") + " without errors or warnings (" + text + ")"}, followed(sum, left)...), ", ")
		for i, part := range wrap(line, s.wide(3)) {
			if i == 0 {
				part = s.green("ok") + " " + part
			} else {
				part = "   " + part
			}
			fmt.Fprintln(w, part)
		}
		return
	}
	for _, i := range images {
		img := a.Images[i]
		parts := followed(img, len(img.Passed)+a.of(i).passed)
		if len(img.Passed)+a.of(i).passed+img.Modules+img.Shared == 0 {
			parts = append([]string{"the build would succeed"}, parts...)
		}
		if img.Modules > 0 {
			parts = append(parts, "started from "+starts(img.Started))
		}
		parts = append(parts, aside(img, a.of(i))...)
		text := strings.Join(parts, ", ")
		line := s.green("ok") + " " + s.bold(Name(img.Name)) + "  " + s.dim(brief(img))
		if 3+width(Name(img.Name))+2+width(brief(img))+2+width(text) <= s.columns() {
			fmt.Fprintf(w, "%s  %s\n", line, text)
			continue
		}
		fmt.Fprintln(w, line)
		paragraph(w, text, "   ", s)
	}
}

// followed says how much of an image was checked.
func followed(img finding.ImageReport, passed int) (parts []string) {
	if img.Modules > 0 {
		parts = append(parts, count(img.Imports, "import")+" in "+count(img.Modules, "module")+" followed")
	}
	if passed > 0 {
		parts = append(parts, count(passed, "requirement")+" met")
	}
	if n := len(img.Unchecked); n > 0 {
		parts = append(parts, unchecked(img.Unchecked)+" not followed")
	}
	return parts
}

// unchecked names programs that were not followed.
func unchecked(paths []string) string {
	if len(paths) == 1 {
		return Name(paths[0])
	}
	return count(len(paths), "program")
}

// aside says which findings of an image are not shown with it.
func aside(img finding.ImageReport, l leftOfImage) (parts []string) {
	if img.Shared > 0 {
		parts = append(parts, count(img.Shared, "finding")+" shared with an image above")
	}
	if n := len(img.Suppressed) + l.suppressed; n > 0 {
		parts = append(parts, count(n, "finding")+" suppressed")
	}
	return parts
}

// brief says in a few words what an image is built from.
func brief(img finding.ImageReport) string {
	var parts []string
	if img.Dockerfile != "" {
		parts = append(parts, Name(img.Dockerfile))
	}
	if img.Target != "" {
		parts = append(parts, "target "+Name(img.Target))
	}
	if img.Context != "." {
		parts = append(parts, "context "+Name(img.Context))
	}
	return strings.Join(parts, ", ")
}

// isClean reports whether an image has nothing but notes.
func isClean(img finding.ImageReport) bool {
	for _, f := range img.Findings {
		if f.Severity.AtLeast(finding.Warning) {
			return false
		}
	}
	return true
}

// noteGroup is what several notes say alike.
type noteGroup struct {
	first  finding.Finding
	places []string
}

// notes writes the notes of all images, those that say the same as one.
func (a Audit) notes(w io.Writer, s Style) {
	var groups []*noteGroup
	index := map[string]*noteGroup{}
	for _, img := range a.Images {
		for _, f := range img.Findings {
			if f.Severity.AtLeast(finding.Warning) {
				continue
			}
			key := f.Rule + "\x00" + f.Summary
			g := index[key]
			if g == nil {
				g = &noteGroup{first: f}
				index[key], groups = g, append(groups, g)
			}
			place := "image " + Name(img.Name)
			if f.Subject.File != "" {
				place = position(f.Subject)
			}
			g.places = append(g.places, place)
		}
	}
	for _, g := range groups {
		shown, more := few(g.places, maxStarts)
		where := strings.Join(shown, ", ")
		if more > 0 {
			where += fmt.Sprintf(" and %d more", more)
		}
		fmt.Fprintf(w, "%s %s  %s\n", s.severity(g.first.Severity), s.bold(Text(g.first.Rule)), s.cyan(cutRight(where, max(20, s.columns()-7-width(g.first.Rule)))))
		paragraph(w, g.first.Summary, "  ", s)
		if len(g.places) > 1 {
			continue
		}
		if detail := firstSentences(g.first.Detail, 2, s); !strings.HasSuffix(strings.Join(detail, ""), "…") {
			paragraph(w, strings.Join(detail, " "), "  ", s)
		}
	}
}
