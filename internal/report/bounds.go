package report

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Bounds are how much of an audit a format shows; 0 is no bound. Whoever writes the repository decides how much there is to
// show, and whoever reads the report, or stores it, must not suffer from it. What is left out is counted; JSON has everything.
type Bounds struct {
	// Images are those that are shown although nothing was found in them.
	Images int
	// Findings are those of one image, Total those of all: the worst first. As many of what holds, is suppressed and is
	// assumed are shown of an image.
	Findings, Total int
	// Items are the lines, files and so on that one finding names.
	Items int
	// Chars is the length of one text, be it a name, a line or a sentence.
	Chars int
	// Bytes is the text of all that is shown together.
	Bytes int
}

// left is what a report leaves out.
type left struct {
	images, notices int
	of              []leftOfImage // in the order of the images that are shown
}

// leftOfImage is what a report leaves out of an image, and what must be taken from the whole of it.
type leftOfImage struct {
	findings, passed, suppressed, assumptions int

	notChecked                    []string
	fingerprints, suppressedPrint []string
}

// of gives what is left out of an image.
func (a Audit) of(i int) leftOfImage {
	if i < len(a.left.of) {
		return a.left.of[i]
	}
	// Nothing is.
	img := a.Images[i]
	return leftOfImage{notChecked: notChecked(img), fingerprints: finding.Fingerprints(img), suppressedPrint: suppressedPrints(img)}
}

// allLeft counts the findings that are left out.
func (a Audit) allLeft() (n int) {
	for _, l := range a.left.of {
		n += l.findings
	}
	return n
}

// room is what a report may still take.
type room struct{ findings, bytes int }

// take reports whether there is room for a finding. There is always room for the first.
func (r *room) take(b Bounds, size int) bool {
	if r.findings > 0 && (b.Total > 0 && r.findings >= b.Total || b.Bytes > 0 && r.bytes+size > b.Bytes) {
		return false
	}
	r.findings++
	r.bytes += size
	return true
}

// within gives the part of an audit that is within bounds.
func (a Audit) within(b Bounds) Audit {
	if b == (Bounds{}) {
		return a
	}
	whole := a.Images
	kept := make([][]*finding.Finding, len(whole)) // nil for one that is left out
	count := make([]int, len(whole))
	var r room
	for i, img := range whole {
		kept[i] = make([]*finding.Finding, len(img.Findings))
	}
	for _, severity := range []finding.Severity{finding.Error, finding.Warning, ""} {
		for i, img := range whole {
			for j, f := range img.Findings {
				if s := f.Severity; s != severity && (severity != "" || s == finding.Error || s == finding.Warning) || b.Findings > 0 && count[i] >= b.Findings {
					continue
				}
				f = b.finding(f)
				if !r.take(b, size(reflect.ValueOf(f))) {
					continue
				}
				kept[i][j] = &f
				count[i]++
			}
		}
	}
	a.Images = nil
	views := a.Views
	a.Views, a.left = nil, left{}
	for i, img := range whole {
		if count[i] == 0 && b.Images > 0 && len(a.Images) >= b.Images {
			a.left.images++
			continue
		}
		out := b.image(img)
		l := leftOfImage{findings: len(img.Findings) - count[i], notChecked: notChecked(img)}
		prints := finding.Fingerprints(img)
		out.Findings = []finding.Finding{}
		for j, f := range kept[i] {
			if f != nil {
				out.Findings = append(out.Findings, *f)
				l.fingerprints = append(l.fingerprints, prints[j])
			}
		}
		out.Suppressed, l.suppressed, l.suppressedPrint = b.suppressed(img, &r)
		out.Passed, l.passed = within(b, &r, img.Passed, func(p finding.Passed) finding.Passed {
			p.Evidence = fewPlaces(p.Evidence, b.Items)
			return p
		})
		out.Assumptions, l.assumptions = within(b, &r, img.Assumptions, nil)
		a.Images = append(a.Images, out)
		a.left.of = append(a.left.of, l)
		if i < len(views) {
			a.Views = append(a.Views, views[i])
		}
	}
	a.Notices, a.left.notices = within(b, &r, a.Notices, nil)
	return a
}

// within gives the part of a list for which there is room, and how many are left out; each is prepared, if that is not nil.
func within[T any](b Bounds, r *room, list []T, prepare func(T) T) (out []T, more int) {
	shown, _ := few(list, b.Findings)
	for _, v := range shown {
		if prepare != nil {
			v = prepare(v)
		}
		v = clipped(v, b.Chars)
		if r.bytes += size(reflect.ValueOf(v)); b.Bytes > 0 && r.bytes > b.Bytes {
			break
		}
		out = append(out, v)
	}
	return out, len(list) - len(out)
}

// image gives what stands in an image beside lists that are cut elsewhere.
func (b Bounds) image(img finding.ImageReport) finding.ImageReport {
	img.Findings, img.Passed, img.Assumptions, img.Suppressed, img.Followed = nil, nil, nil, nil, nil
	return clipped(img, b.Chars)
}

// finding gives a finding within bounds.
func (b Bounds) finding(f finding.Finding) finding.Finding {
	f.Related = fewPlaces(f.Related, b.Items)
	f.Files, f.Tried = fewNames(f.Files, b.Items), fewNames(f.Tried, b.Items)
	f.Fixes, _ = few(f.Fixes, b.Items)
	f.Assumptions, _ = few(f.Assumptions, b.Items) // the first few of them are named, the image has all
	f.Hint = finding.Hint{}
	return clipped(f, b.Chars)
}

func (b Bounds) suppressed(img finding.ImageReport, r *room) (out []finding.Suppressed, more int, prints []string) {
	all := suppressedPrints(img)
	for i, x := range img.Suppressed {
		x = clipped(finding.Suppressed{Finding: b.finding(x.Finding), Reason: x.Reason, File: x.File, Line: x.Line}, b.Chars)
		if b.Findings > 0 && len(out) >= b.Findings || !r.take(b, size(reflect.ValueOf(x))) {
			return out, len(img.Suppressed) - i, prints
		}
		out, prints = append(out, x), append(prints, all[i])
	}
	return out, 0, prints
}

// suppressedPrints gives the fingerprints of findings that do not count.
func suppressedPrints(img finding.ImageReport) []string {
	alone := finding.ImageReport{Name: img.Name}
	for _, x := range img.Suppressed {
		alone.Findings = append(alone.Findings, x.Finding)
	}
	return finding.Fingerprints(alone)
}

// few gives the first of a list, and how many are left out.
func few[T any](list []T, most int) (shown []T, more int) {
	if most <= 0 || len(list) <= most {
		return list, 0
	}
	return list[:most:most], len(list) - most
}

// roleMore is the part of what stands for lines that are left out.
const roleMore finding.Role = "and"

func fewPlaces(list []finding.Place, most int) []finding.Place {
	shown, more := few(list, most)
	if more > 0 {
		shown = append(shown, finding.Place{Role: roleMore, Note: moreOf(more)})
	}
	return shown
}

func fewNames(list []string, most int) []string {
	shown, more := few(list, most)
	if more > 0 {
		shown = append(shown, "and "+moreOf(more))
	}
	return shown
}

// moreOf says that something is left out, and where it stands.
func moreOf(n int) string { return fmt.Sprintf("%d more (--format json has all)", n) }

// clipped gives a copy of a record in which no text is longer than so many characters. Edits are left alone: what they insert
// is inserted.
func clipped[T any](v T, chars int) T {
	if chars <= 0 {
		return v
	}
	return mapTexts(v, func(s string) string { return clip(s, chars) })
}

// clip shortens a text to so many characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// mapTexts gives a copy of a record with every text in it changed.
func mapTexts[T any](v T, fn func(string) string) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	copyTexts(out, reflect.ValueOf(v), fn)
	return out.Interface().(T)
}

var editType = reflect.TypeFor[edit.Edit]()

func copyTexts(to, from reflect.Value, fn func(string) string) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(fn(from.String()))
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			copyTexts(to.Elem(), from.Elem(), fn)
		}
	case reflect.Slice:
		if from.IsNil() || !holdsText(from.Type().Elem()) {
			to.Set(from)
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyTexts(to.Index(i), from.Index(i), fn)
		}
	case reflect.Struct:
		if from.Type() == editType {
			to.Set(from)
			return
		}
		for i := range from.NumField() {
			copyTexts(to.Field(i), from.Field(i), fn)
		}
	default:
		to.Set(from)
	}
}

func holdsText(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Slice, reflect.Struct:
		return true
	}
	return false
}

// perText is what a text takes beside itself, about.
const perText = 40

// size gives about how much a report of a record takes.
func size(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.String:
		return v.Len() + perText
	case reflect.Pointer:
		if !v.IsNil() {
			return size(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += size(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += size(v.Field(i))
		}
	}
	return n
}

// leftOut says what a report leaves out, "" if that is nothing.
func (l leftOfImage) leftOut() string {
	return leftOutOf([]leftKind{{l.findings, "finding"}, {l.suppressed, "suppressed finding"}, {l.passed, "requirement"}, {l.assumptions, "assumption"}})
}

// leftOut says what a report leaves out beside the parts of images.
func (l left) leftOut() string {
	return leftOutOf([]leftKind{{l.images, "image"}, {l.notices, "notice"}})
}

type leftKind struct {
	n    int
	noun string
}

func leftOutOf(kinds []leftKind) string {
	var parts []string
	for _, k := range kinds {
		if k.n > 0 {
			parts = append(parts, count(k.n, k.noun))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "not shown: " + strings.Join(parts, ", ") + " (--format json has all)"
}
