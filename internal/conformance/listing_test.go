package conformance

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadListing(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "x/", Typeflag: tar.TypeDir, Mode: 0o1777, Uid: 1, Gid: 2},
		{Name: "x/z", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 3},
		{Name: "x/b", Typeflag: tar.TypeLink, Mode: 0o4755, Linkname: "x/z"},
		{Name: "x/a\xff", Typeflag: tar.TypeSymlink, Mode: 0o755, Linkname: "../q"},
		{Name: "p", Typeflag: tar.TypeFifo, Mode: 0o600},
	} {
		require.NoError(t, w.WriteHeader(&h))
		if h.Size > 0 {
			_, err := w.Write([]byte("abc"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	listing, err := ReadListing(&b)
	require.NoError(t, err)
	assert.Equal(t, Listing{
		{Path: "/p", Type: TypeFIFO, Mode: "0600"},
		{Path: "/x", Type: TypeDir, Mode: "1777", UID: 1, GID: 2},
		{Path: "/x/a\xff", Type: TypeSymlink, Mode: "0777", Link: "../q"},
		{Path: "/x/b", Type: TypeFile, Mode: "4755", Size: 3},
		{Path: "/x/z", Type: TypeFile, Mode: "4755", Size: 3},
	}, listing)
}

// The comparison is what the whole suite rests on: every field has to count.
func TestDiffSeesEveryField(t *testing.T) {
	entry := Entry{Path: "/a", Type: TypeFile, Mode: "0644", UID: 1, GID: 2, Size: 3}
	config := Config{Env: []string{"A=b"}, Labels: map[string]string{"l": "m"}}
	result := func(change func(*Result)) *Result {
		r := &Result{Listing: Listing{entry}, Config: config}
		if change != nil {
			change(r)
		}
		return r
	}
	same := result(nil)
	assert.Empty(t, Diff(same, result(nil)))
	for name, change := range map[string]func(*Result){
		"path":      func(r *Result) { r.Listing[0].Path = "/b" },
		"type":      func(r *Result) { r.Listing[0].Type = TypeDir },
		"mode":      func(r *Result) { r.Listing[0].Mode = "4644" },
		"uid":       func(r *Result) { r.Listing[0].UID = 0 },
		"gid":       func(r *Result) { r.Listing[0].GID = 0 },
		"size":      func(r *Result) { r.Listing[0].Size = 0 },
		"link":      func(r *Result) { r.Listing[0].Link = "x" },
		"missing":   func(r *Result) { r.Listing = nil },
		"more":      func(r *Result) { r.Listing = append(r.Listing, Entry{Path: "/z"}) },
		"env":       func(r *Result) { r.Config.Env = nil },
		"labels":    func(r *Result) { r.Config.Labels = map[string]string{"l": "n"} },
		"user":      func(r *Result) { r.Config.User = "5" },
		"command":   func(r *Result) { r.Config.Cmd = []string{"x"} },
		"directory": func(r *Result) { r.Config.WorkingDir = "/x" },
		"failure":   func(r *Result) { r.Failure = &Failure{Line: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			assert.NotEmpty(t, Diff(same, result(change)), "predicted another")
			assert.NotEmpty(t, Diff(result(change), same), "built another")
		})
	}
}

func TestDiffOfFailures(t *testing.T) {
	fails := func(line int) *Result { return &Result{Failure: &Failure{Line: line, Message: "why"}} }
	assert.Empty(t, Diff(fails(3), fails(3)))
	assert.Empty(t, Diff(fails(0), fails(3)), "BuildKit names no line")
	assert.Equal(t, "- fails at line 3: why\n+ fails at line 2: why\n", Diff(fails(3), fails(2)))
	assert.Equal(t, "- fails at line 3: why\n+ fails at line 0: why\n", Diff(fails(3), fails(0)))
}

func TestDiffShowsBothSides(t *testing.T) {
	built := Listing{{Path: "/a", Type: TypeDir, Mode: "0755"}, {Path: "/b c", Type: TypeFile, Mode: "0644", Size: 1}}
	predicted := Listing{{Path: "/a", Type: TypeDir, Mode: "0700"}, {Path: "/d", Type: TypeSymlink, Mode: "0777", Link: "e"}}
	assert.Equal(t, strings.TrimLeft(`
- dir 0755 0:0 /a
+ dir 0700 0:0 /a
- file 0644 0:0 "/b c" 1 bytes
+ symlink 0777 0:0 /d -> e
`, "\n"), Diff(&Result{Listing: built}, &Result{Listing: predicted}))
}
