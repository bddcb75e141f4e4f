package finding

import (
	"reflect"
	"slices"
)

// Share leaves each finding that several images have with the first of them, which names the others, and what repairs it there where that
// differs; those count what they share. The images keep their order.
func Share(images []ImageReport) {
	var first []*Finding
	for i := range images {
		img := &images[i]
		var own []Finding
		for _, f := range img.Findings {
			at := slices.IndexFunc(first, func(have *Finding) bool { return have.same(f) })
			if at < 0 {
				own = append(own, f)
				continue
			}
			img.Shared++
			if name := img.Name; !slices.Contains(first[at].Images, name) {
				first[at].Images = append(first[at].Images, name)
			}
			first[at].repairs(f, img.Name)
		}
		if img.Shared > 0 {
			img.Findings = append([]Finding{}, own...)
		}
		for k := range img.Findings {
			first = append(first, &img.Findings[k])
		}
	}
}

// Number numbers findings in the order of their images, from 1. One that an image before has, too, gets the number that it has there.
func Number(images []ImageReport) {
	var all []*Finding
	last := 0
	for i := range images {
		for k := range images[i].Findings {
			f := &images[i].Findings[k]
			if at := slices.IndexFunc(all, func(have *Finding) bool { return have.same(*f) }); at >= 0 {
				f.Number = all[at].Number
				continue
			}
			last++
			f.Number = last
		}
		for k := range images[i].Findings {
			all = append(all, &images[i].Findings[k])
		}
	}
}

// repairs adds what repairs a finding in another image.
func (f *Finding) repairs(g Finding, image string) {
	for _, fix := range g.Fixes[:min(1, len(g.Fixes))] {
		if !slices.ContainsFunc(f.Fixes, func(have Fix) bool { return reflect.DeepEqual(have.Edits, fix.Edits) }) {
			fix.Title += " (for " + image + ")"
			f.Fixes = append(slices.Clip(f.Fixes), fix)
		}
	}
}

// same reports whether two findings of different images say the same, whatever each rests on and whatever repairs it.
func (f *Finding) same(g Finding) bool {
	if f.Rule == g.Rule && f.Severity == Note && g.Severity == Note && f.ContextPath != "" && f.ContextPath == g.ContextPath && f.Summary == g.Summary && f.Detail == g.Detail {
		return true // it is about what the context has, wherever it is copied
	}
	return f.Rule == g.Rule && f.Severity == g.Severity && f.Subject == g.Subject && f.Summary == g.Summary && f.Detail == g.Detail && reflect.DeepEqual(f.Related, g.Related)
}
