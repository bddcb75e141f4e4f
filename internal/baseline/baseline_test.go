package baseline

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

func TestWhatIsNoBaseline(t *testing.T) {
	for _, text := range []string{"", "x", "[]", `{"version":3}`, `{"version":1} {"version":1}`, `{"version":1,"findings":{}}`} {
		_, err := Parse("known.json", []byte(text))
		assert.ErrorContains(t, err, "reading baseline known.json", "%q", text)
	}
}

// Whatever stands in a baseline: it is refused, or it is one that is written and read back as it is; and it takes out what it
// names and nothing else.
func FuzzBaseline(f *testing.F) {
	images := func() []finding.ImageReport {
		return []finding.ImageReport{{Name: "a", Findings: []finding.Finding{{Rule: "A", Summary: "x"}, {Rule: "A", Summary: "x"}, {Rule: "B", Summary: "\xff"}}}}
	}
	data, err := Take(images()).Bytes()
	require.NoError(f, err)
	f.Add(data)
	f.Add(bytes.Replace(data, []byte(`"version": 2`), []byte(`"version": 1`), 1))
	f.Add([]byte(`{"version":1,"findings":[{"fingerprint":"\ud800"},{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse("known.json", data)
		if err != nil {
			return
		}
		written, err := b.Bytes()
		require.NoError(t, err)
		again, err := Parse("known.json", written)
		require.NoError(t, err)
		assert.Equal(t, b, again)

		list := images()
		prints := b.fingerprints(list[0])
		known, gone := b.Apply(list)
		assert.Equal(t, 3, known+len(list[0].Findings))
		assert.LessOrEqual(t, len(gone), len(b.Findings))
		want := 0
		for _, p := range prints {
			for _, k := range b.Findings {
				if k.Fingerprint == p {
					want++
					break
				}
			}
		}
		assert.Equal(t, want, known)
	})
}
