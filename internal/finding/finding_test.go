package finding

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSeverities(t *testing.T) {
	assert.True(t, Error.AtLeast(Warning))
	assert.False(t, Note.AtLeast(Warning))
	_, err := ParseSeverity("fatal")
	assert.Error(t, err)
}

// The worst come first, then the order of files and lines.
func TestOrder(t *testing.T) {
	at := func(s Severity, file string, line int) Finding {
		return Finding{Rule: "A", Severity: s, Subject: Position{File: file, Line: line}}
	}
	want := []Finding{at(Error, "b", 2), at(Warning, "a", 1), at(Warning, "a", 2), at(Warning, "b", 1), at(Note, "a", 1)}
	for i := range want {
		for j := range want {
			assert.Equal(t, cmp.Compare(i, j), Compare(want[i], want[j]), "%d and %d", i, j)
		}
	}
	assert.Equal(t, []Place{{File: "a", Line: 1}, {File: "a", Line: 2}, {File: "b"}},
		SortPlaces([]Place{{File: "b"}, {File: "a", Line: 2}, {File: "a", Line: 1}, {File: "b"}}))
}

func TestReportCounts(t *testing.T) {
	r := NewReport([]ImageReport{
		{Findings: []Finding{{Severity: Error}, {Severity: Warning}, {Severity: Note}}, Imports: 2, Modules: 1},
		{Findings: []Finding{{Severity: Warning}}, Suppressed: []Suppressed{{}}},
	})
	assert.Equal(t, Summary{Errors: 1, Warnings: 2, Notes: 1, Images: 2, Imports: 2, Modules: 1, Suppressed: 1}, r.Summary)
	assert.True(t, r.Worst(Error))
	r.Images = r.Images[1:]
	assert.False(t, r.Worst(Error))
	assert.True(t, r.Worst(Note))
	assert.Equal(t, []ImageReport{}, NewReport(nil).Images, "an empty list, also in JSON")
}
