package report

import (
	"html/template"
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/imagediff"
)

// maxDiffRows is how many rows the page has of an image, for each kind of change.
const maxDiffRows = 500

// diffPage is what the template of diff shows.
type diffPage struct {
	Base, Head, Verdict, Version, LeftOut string
	Outcome, Sign                         string
	Images                                []diffImage
	Style                                 template.CSS
}

type diffImage struct {
	Name, Dockerfile, Status, LeftOut string
	New, Gone                         []finding.Finding
	Rows                              []diffRow
}

// diffRow is a part of an image before and after; its kind is left, entered or changed.
type diffRow struct{ Kind, What, Before, After, Why string }

// DiffHTML writes one file that shows what a change does to images, before and after side by side.
func DiffHTML(w io.Writer, d *imagediff.Diff, version string) error {
	p := diffPage{Base: Name(d.Base), Head: Name(d.Head), Version: version, Outcome: "good", Sign: "✓", Style: template.CSS(asset("style.css"))}
	images, more := few(d.Images, maxDiffRows)
	p.LeftOut = leftOutOf([]leftKind{{more, "image"}})
	var breaks, fresh int
	for _, img := range images {
		h := newDiffImage(clipped(img, maxDiffText))
		for _, f := range img.New {
			if fresh++; f.Severity == finding.Error {
				breaks++
			}
		}
		p.Images = append(p.Images, h)
	}
	p.Images = mapTexts(p.Images, Text)
	switch {
	case breaks > 0:
		p.Outcome, p.Sign, p.Verdict = "bad", "✕", "This change breaks something: "+count(breaks, "new error")
	case fresh > 0:
		p.Outcome, p.Sign, p.Verdict = "warn", "!", count(fresh, "new finding")+", and no new error"
	default:
		p.Verdict = "No new finding"
	}
	t, err := template.New("diff.html").Funcs(template.FuncMap{"name": Name, "count": count, "position": position, "sentence": sentence}).ParseFS(htmlFiles, "html/diff.html")
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

func newDiffImage(img imagediff.Image) diffImage {
	h := diffImage{Name: img.Name, Dockerfile: img.Dockerfile, Status: statusText(img, Style{})}
	var moreNew, moreGone, moreRows int
	h.New, moreNew = few(img.New, maxChanges)
	h.Gone, moreGone = few(img.Gone, maxChanges)
	settings, moreSettings := few(img.Settings, maxChanges)
	for _, s := range settings {
		h.Rows = append(h.Rows, diffRow{"changed", Name(s.Name), settingText(s.Before), settingText(s.After), ""})
	}
	program, others := ofProgram(img.Changed)
	h.changes(program, &moreRows)
	left, n := few(img.Left, maxDiffRows)
	moreRows += n
	for _, g := range left {
		h.Rows = append(h.Rows, diffRow{"left", groupName(g), groupText(g), "not in the image", groupNote(g)})
	}
	entered, n := few(img.Entered, maxDiffRows)
	moreRows += n
	for _, g := range entered {
		h.Rows = append(h.Rows, diffRow{"entered", groupName(g), "not in the image", groupText(g), groupNote(g)})
	}
	h.changes(others, &moreRows)
	h.LeftOut = leftOutOf([]leftKind{{moreSettings, "setting"}, {moreNew, "new finding"}, {moreGone, "gone finding"}, {moreRows, "file"}})
	return h
}

func (h *diffImage) changes(list []imagediff.Change, more *int) {
	shown, n := few(list, maxDiffRows)
	*more += n
	for _, c := range shown {
		row := diffRow{"changed", Name(c.Path), finding.Size(c.Before), finding.Size(c.After), ""}
		if c.Before == c.After {
			row.After += ", of other content"
		}
		if c.Needed {
			row.Why = "part of the program"
		}
		h.Rows = append(h.Rows, row)
	}
}
