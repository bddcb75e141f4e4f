package report

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
)

//go:embed html
var htmlFiles embed.FS

// page is what the template shows.
type page struct {
	Title, Verdict, Counts, Version, LeftOut, Fix string
	// Outcome is bad, warn or good, Sign what stands for it.
	Outcome, Sign string
	Images        []htmlImage
	Notices       []finding.Notice
	// Data is what the scripts work on, one for each image.
	Data    []htmlData
	Style   template.CSS
	Scripts []template.JS
}

type htmlImage struct {
	finding.ImageReport
	Index      int
	About      string
	Findings   []htmlFinding
	Passed     []finding.Passed
	NotChecked []string
	// LeftOut says what of the image is not shown.
	LeftOut string
	// Errors, Warnings and Notes count its findings.
	Errors, Warnings, Notes int
}

type htmlFinding struct {
	finding.Finding
	Where string
	// ID is the name of its part of the page.
	ID string
	// Before, Marked and After are the line that is to blame, at Blamed; Blame says what it does.
	Before, Marked, After string
	Blamed, Blame         string
	Fixes                 []htmlFix
}

// htmlFix is a fix with the lines that it changes.
type htmlFix struct {
	Title, Effect, Insert string
	Diffs                 []htmlDiff
}

type htmlDiff struct {
	File  string
	Lines []htmlDiffLine
}

type htmlDiffLine struct{ Kind, Text string }

// htmlData is the files of one image as the scripts want them: columns instead of objects, and every text once.
type htmlData struct {
	Texts   []string   `json:"texts"`
	Image   htmlTree   `json:"image"`
	Context htmlTree   `json:"context"`
	Scripts []htmlFile `json:"scripts"`
	// About are the paths of the context that findings are about.
	About []string `json:"about"`
	// Truncated tells that not everything that is ignored is listed.
	Truncated bool `json:"truncated"`
}

// htmlTree is a tree in the order of its paths. Parent is an index into it, -1 for none; By and From are indexes into
// the texts and the scripts' lines, -1 for none.
type htmlTree struct {
	Name   []string `json:"name"`
	Parent []int    `json:"parent"`
	Dir    []int    `json:"dir"`
	Size   []int64  `json:"size"`
	Files  []int    `json:"files"`
	State  string   `json:"state"` // one letter for each: i, u, n, x
	By     []int    `json:"by"`
	From   []int    `json:"from"`
}

type htmlFile struct {
	Name  string     `json:"name"`
	Kind  string     `json:"kind"`
	Lines []htmlLine `json:"lines"`
}

type htmlLine struct {
	Number   int    `json:"n"`
	Text     string `json:"t"`
	Counts   bool   `json:"c"`
	Files    int    `json:"f"`
	Bytes    int64  `json:"b"`
	OutFiles int    `json:"of"`
	OutBytes int64  `json:"ob"`
}

// HTML writes one file that holds everything: it asks for nothing, from whatever it is opened.
func HTML(w io.Writer, a Audit, _ Style) error {
	p := page{Title: "ctxaudit", Counts: strings.ReplaceAll(mdCounts(a), "**", ""), Version: a.Version, Fix: Text(a.FixCommand), LeftOut: a.left.leftOut(), Outcome: "good", Sign: "✓", Notices: a.Notices}
	p.Verdict = verdict(a)
	p.Verdict = strings.ToUpper(p.Verdict[:1]) + p.Verdict[1:]
	switch {
	case a.Failed():
		p.Outcome, p.Sign = "bad", "✕"
	case a.Summary.Errors+a.Summary.Warnings > 0:
		p.Outcome, p.Sign = "warn", "!"
	}
	title, line := headline(a, p.Verdict)
	p.Title, p.Verdict = Text(title), Text(line)
	number := 0
	for i, img := range a.Images {
		h := htmlImage{ImageReport: img, Index: i, About: describe(img, "", Name, Text), Passed: img.Passed, NotChecked: a.of(i).notChecked, LeftOut: a.of(i).leftOut()}
		for _, f := range img.Findings {
			found := a.htmlFinding(f, img)
			number++
			found.ID = fmt.Sprintf("finding-%d", number)
			switch f.Severity {
			case finding.Error:
				h.Errors++
			case finding.Warning:
				h.Warnings++
			default:
				h.Notes++
			}
			h.Findings = append(h.Findings, found)
		}
		p.Images = append(p.Images, h)
		data := htmlData{Texts: []string{}, Scripts: []htmlFile{}}
		if i < len(a.Views) && a.Views[i] != nil {
			data = newHTMLData(a.Views[i])
		}
		data.About = []string{}
		for _, f := range img.Findings {
			if f.ContextPath != "" && !slices.Contains(data.About, f.ContextPath) {
				data.About = append(data.About, f.ContextPath)
			}
		}
		p.Data = append(p.Data, data)
	}
	// No text of the template can be forgotten.
	p.Images, p.Notices, p.Data = mapTexts(p.Images, Text), mapTexts(p.Notices, Text), mapTexts(p.Data, Text)
	for _, name := range []string{"tree.js", "treemap.js", "lines.js", "main.js"} {
		p.Scripts = append(p.Scripts, template.JS(asset(name)))
	}
	p.Style = template.CSS(asset("style.css"))
	t, err := template.New("page.html").Funcs(template.FuncMap{"name": Name, "role": role, "place": placeName, "bytes": finding.Size, "count": count, "at": At, "needed": needed}).ParseFS(htmlFiles, "html/page.html")
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// needed names what a finding is about, at the end of the way to it.
func needed(f htmlFinding) string {
	return cmp.Or(f.Module, f.ImagePath, f.ContextPath)
}

// headline gives the title of the page and its first line: the worst finding and how many more there are, or the verdict.
func headline(a Audit, verdict string) (title, line string) {
	for _, img := range a.Images {
		for _, f := range img.Findings {
			if f.Severity != finding.Error {
				continue
			}
			line = f.Summary
			if more := a.Summary.Errors - 1; more > 0 {
				line += " (and " + count(more, "more error") + ")"
			}
			return f.Summary + " · " + img.Name + " · ctxaudit", line
		}
	}
	return verdict + " · ctxaudit", verdict
}

func asset(name string) string {
	data, err := htmlFiles.ReadFile(path.Join("html", name))
	if err != nil {
		panic(err)
	}
	return string(data)
}

func (a Audit) htmlFinding(f finding.Finding, img finding.ImageReport) htmlFinding {
	h := htmlFinding{Finding: f, Where: position(subject(f, img))}
	at := blamedPosition(f, img)
	if sp, ok := a.Sources.span(at, f, img); ok {
		h.Blamed = At(at.File, at.Line)
		if i := slices.IndexFunc(f.Related, func(p finding.Place) bool { return p.File == at.File && p.Line == at.Line }); i >= 0 {
			h.Blame = role(f.Related[i])
		}
		h.Before, h.Marked, h.After = Text(sp.Line[:sp.Start]), Text(sp.Line[sp.Start:sp.End]), Text(sp.Line[sp.End:])
	}
	for _, fix := range f.Fixes {
		h.Fixes = append(h.Fixes, a.htmlFix(fix))
	}
	return h
}

func (a Audit) htmlFix(fix finding.Fix) htmlFix {
	out := htmlFix{Title: editTitle(fix, Style{}), Effect: Effect(fix)}
	// What is copied is pasted somewhere: one line, and nothing in it that does more than it shows.
	if len(fix.Edits) == 1 && fitName(fix.Edits[0].Insert) {
		out.Insert = fix.Edits[0].Insert
	}
	changes, _ := a.changes(fix)
	for _, c := range changes {
		d := htmlDiff{File: c.file}
		for _, line := range c.diff() {
			kind := ""
			switch {
			case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
				continue
			case strings.HasPrefix(line, "+"):
				kind = "plus"
			case strings.HasPrefix(line, "-"):
				kind = "minus"
			case strings.HasPrefix(line, "@@"):
				kind = "at"
			}
			d.Lines = append(d.Lines, htmlDiffLine{kind, line})
		}
		out.Diffs = append(out.Diffs, d)
	}
	return out
}

// texts keeps every text once.
type texts struct {
	list  []string
	index map[string]int
}

func (t *texts) add(s string) int {
	if s == "" {
		return -1
	}
	i, ok := t.index[s]
	if !ok {
		i = len(t.list)
		t.index[s] = i
		t.list = append(t.list, s)
	}
	return i
}

func newHTMLData(v *inventory.Inventory) htmlData {
	d := htmlData{Scripts: []htmlFile{}, Truncated: v.Truncated}
	lines := map[inventory.Line]int{}
	add := func(kind string, list []inventory.Effect) {
		if len(list) == 0 {
			return
		}
		f := htmlFile{Name: list[0].Line.File, Kind: kind}
		for _, e := range list {
			lines[e.Line] = len(lines)
			f.Lines = append(f.Lines, htmlLine{e.Line.Number, Text(e.Text), e.Pattern || e.Instruction, e.Files, e.Bytes, e.OutFiles, e.OutBytes})
		}
		d.Scripts = append(d.Scripts, f)
	}
	add("dockerfile", v.Dockerfile)
	add("ignore", v.Ignore)
	t := &texts{index: map[string]int{}, list: []string{}}
	d.Image = newHTMLTree(v.Image, t, lines)
	d.Context = newHTMLTree(v.Context, t, lines)
	d.Texts = t.list
	return d
}

func newHTMLTree(entries []inventory.Entry, t *texts, lines map[inventory.Line]int) htmlTree {
	out := htmlTree{Name: []string{}, Parent: []int{}, Dir: []int{}, Size: []int64{}, Files: []int{}, By: []int{}, From: []int{}}
	letters := map[inventory.State]byte{inventory.InImage: 'i', inventory.Used: 'u', inventory.Unused: 'n', inventory.Ignored: 'x'}
	index := map[string]int{}
	var states strings.Builder
	for i, e := range entries {
		index[e.Path] = i
		parent, by, dir := -1, -1, 0
		if j, ok := index[path.Dir(e.Path)]; ok {
			parent = j
		}
		if j, ok := lines[e.By]; ok {
			by = j
		}
		if e.Dir {
			dir = 1
		}
		out.Name = append(out.Name, Name(path.Base(e.Path)))
		out.Parent = append(out.Parent, parent)
		out.Dir = append(out.Dir, dir)
		out.Size = append(out.Size, e.Size)
		out.Files = append(out.Files, e.Files)
		out.By = append(out.By, by)
		out.From = append(out.From, t.add(Name(e.From)))
		states.WriteByte(letters[e.State])
	}
	out.State = states.String()
	return out
}
