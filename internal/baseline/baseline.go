// Package baseline remembers findings that a repository has when it begins to use ctxaudit, so that only new ones fail.
//
// A finding is known by its fingerprint, which depends neither on line numbers nor on sentences: a baseline survives edits
// elsewhere in the files, and another wording. It is JSON, sorted, so that a change of it can be read in a review.
package baseline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Baseline is a list of known findings.
type Baseline struct {
	Version  int     `json:"version"`
	Findings []Known `json:"findings"`
}

// Known is a finding of a baseline. Only the fingerprint counts, the rest is for readers.
type Known struct {
	Fingerprint string `json:"fingerprint"`
	Image       string `json:"image"`
	Rule        string `json:"rule"`
	Summary     string `json:"summary"`
}

// Parse reads a baseline.
func Parse(name string, data []byte) (*Baseline, error) {
	var b Baseline
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&b); err != nil {
		return nil, fmt.Errorf("reading baseline %s: %w", name, err)
	}
	if dec.More() {
		return nil, fmt.Errorf("reading baseline %s: something follows the end of it", name)
	}
	if b.Version != version && !b.Outdated() {
		return nil, fmt.Errorf("reading baseline %s: version %d is not supported; this ctxaudit reads version %d", name, b.Version, version)
	}
	return &b, nil
}

// version is that of the baselines that are written.
const version = 2

// Outdated reports whether the next release will not read it.
func (b *Baseline) Outdated() bool { return b.Version == 1 }

// fingerprints gives the findings of an image the names by which it knows them.
func (b *Baseline) fingerprints(r finding.ImageReport) []string {
	if b.Outdated() {
		return b.sentencePrints(r)
	}
	return finding.Fingerprints(r)
}

// Take makes a baseline of all findings.
func Take(images []finding.ImageReport) *Baseline {
	b := &Baseline{Version: version, Findings: []Known{}}
	for _, img := range images {
		prints := b.fingerprints(img)
		for i, f := range img.Findings {
			b.Findings = append(b.Findings, Known{prints[i], img.Name, f.Rule, f.Summary})
		}
	}
	slices.SortFunc(b.Findings, func(a, c Known) int {
		return cmp.Or(cmp.Compare(a.Image, c.Image), cmp.Compare(a.Rule, c.Rule), cmp.Compare(a.Summary, c.Summary), cmp.Compare(a.Fingerprint, c.Fingerprint))
	})
	return b
}

// Bytes gives the file.
func (b *Baseline) Bytes() ([]byte, error) {
	data, err := json.MarshalIndent(b, "", "  ")
	return append(data, '\n'), err
}

// Apply takes known findings out of reports and gives how many there were, and which of the baseline are gone.
func (b *Baseline) Apply(images []finding.ImageReport) (known int, gone []Known) {
	have := map[string]bool{}
	for _, k := range b.Findings {
		have[k.Fingerprint] = true
	}
	met := map[string]bool{}
	for i := range images {
		img := &images[i]
		prints := b.fingerprints(*img)
		fresh := []finding.Finding{}
		for k, f := range img.Findings {
			if have[prints[k]] {
				met[prints[k]] = true
				known++
				continue
			}
			fresh = append(fresh, f)
		}
		img.Findings = fresh
	}
	for _, k := range b.Findings {
		if !met[k.Fingerprint] {
			gone = append(gone, k)
		}
	}
	return known, gone
}
