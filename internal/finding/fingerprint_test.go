package finding

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// what are the fields of a finding that say what it is about. Another field is how it is told.
var what = map[string]bool{
	"Rule": true, "Module": true, "ContextPath": true, "ImagePath": true,
	"About.Site": true, "About.Name": true, "About.Variable": true, "About.Text": true,
}

// Whatever is said of a finding, and wherever its lines move, it is the same; about something else it is another one.
func TestIdentityIsMadeOfFields(t *testing.T) {
	base := Finding{Rule: "A", Summary: "a", Module: "m"}
	seen := 0
	eachString(t, "", reflect.ValueOf(&Finding{}).Elem().Type(), nil, func(name string, index []int) {
		changed := base
		reflect.ValueOf(&changed).Elem().FieldByIndex(index).SetString("something else")
		same := changed.Identity() == base.Identity()
		assert.Equal(t, !what[name], same, name)
		before, after := ImageReport{Name: "i", Findings: []Finding{base}}, ImageReport{Name: "i", Findings: []Finding{changed}}
		assert.Equal(t, same, Fingerprints(before)[0] == Fingerprints(after)[0], name)
		if what[name] {
			seen++
		}
	})
	assert.Len(t, what, seen, "a field that a finding does not have")

	moved := base
	moved.Subject.Line, moved.Related, moved.Files = 7, []Place{{Line: 3}}, []string{"f"}
	assert.Equal(t, base.Identity(), moved.Identity())
}

// eachString goes through the fields that are strings, those of fields too.
func eachString(t *testing.T, prefix string, typ reflect.Type, index []int, visit func(name string, index []int)) {
	t.Helper()
	for i := range typ.NumField() {
		f := typ.Field(i)
		at := append(append([]int{}, index...), i)
		switch f.Type.Kind() {
		case reflect.String:
			visit(prefix+f.Name, at)
		case reflect.Struct:
			eachString(t, prefix+f.Name+".", f.Type, at, visit)
		}
	}
}

// Findings that are alike in all that they are about are told apart by their order, and by their image.
func TestFingerprintsAreUnique(t *testing.T) {
	f := Finding{Rule: "A", Module: "m"}
	r := ImageReport{Name: "i", Findings: []Finding{f, f, {Rule: "A", ImagePath: "m"}}}
	other := r
	other.Name = "j"
	prints := append(Fingerprints(r), Fingerprints(other)...)
	seen := map[string]bool{}
	for _, p := range prints {
		require.False(t, seen[p])
		seen[p] = true
	}
	r.Findings = r.Findings[:1]
	assert.Equal(t, prints[0], Fingerprints(r)[0])
}
