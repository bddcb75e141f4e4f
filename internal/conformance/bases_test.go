package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// Base images of random layers are what the daemon makes of them. What it cannot unpack nobody can build on.
func TestRandomBases(t *testing.T) {
	d := daemon(t)
	random := rand.New(rand.NewPCG(*seed, 1))
	refused, unlisted := uint64(0), 0
	for n := range *builds / 4 {
		c := &Case{Name: fmt.Sprint(n), Sections: []txtar.File{
			{Name: "base base", Data: []byte(randomBase(random))}, {Name: "Dockerfile", Data: []byte("FROM base\nCOPY Dockerfile /copied\n")},
		}}
		built, predicted, err := compare(t.Context(), d, c, t.TempDir())
		if built != nil && built.Failure != nil && strings.Contains(built.Failure.Message, "failed to") || err != nil && built == nil {
			refused++
			continue
		}
		require.NoError(t, err, "seed %d\n%s", *seed, c.Sections[0].Data)
		diff := Diff(built, predicted)
		switch {
		case diff == "":
		case behindWhiteout(diff, string(c.Sections[0].Data)):
			unlisted++
		default:
			t.Errorf("seed %d (- built, + predicted)\n%s\n%s", *seed, diff, c.Sections[0].Data)
		}
	}
	assert.LessOrEqual(t, refused, *builds/4*9/10, "few of the random images are any good")
	t.Logf("%d of %d images cannot be unpacked, %d not listed", refused, *builds/4, unlisted)
}

// behindWhiteout tells whether a build seems to lack nothing but what the daemon does not list. Where no directory lies below
// one of a layer, Linux leaves the layer's whiteouts in it as names without a file, and at such a name the daemon's walk
// leaves the directory (fsutil, Walk in fs.go).
func behindWhiteout(diff, base string) bool {
	for line := range strings.Lines(diff) {
		at, found := strings.CutPrefix(strings.TrimSpace(line), "+ ")
		_, at, _ = strings.Cut(at, "/")
		if !found || !slices.ContainsFunc(strings.Split(base, "\n"), func(entry string) bool {
			dir, gone, _ := strings.Cut(entry, "/.wh.")
			dir, isFile := strings.CutPrefix(dir, "file ")
			rest, below := strings.CutPrefix(at, dir+"/")
			return isFile && below && strings.Fields(gone)[0] < rest
		}) {
			return false
		}
	}
	return true
}

func randomBase(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	name := func() string {
		return strings.Join([]string{pick("a", "b", "c"), pick("a", "b", "c", "d"), pick("x", "y")}[:1+r.IntN(3)], "/")
	}
	var b strings.Builder
	b.WriteString("config {}\n")
	for layer := range 1 + r.IntN(4) {
		b.WriteString("layer " + pick("plain", "gzip", "zstd") + "\n")
		var files [][2]string // with mode and owner, which all names of a file share
		for range 1 + r.IntN(6) {
			mode := fmt.Sprintf("%04o %d:%d", 0o700|r.IntN(64), r.IntN(3), r.IntN(3))
			kinds := 10
			if layer == 0 {
				kinds = 7 // there is nothing to take away, and the daemon unpacks the first layer in another way
			}
			switch r.IntN(kinds) {
			case 0, 1, 2:
				files = append(files, [2]string{name(), mode})
				fmt.Fprintf(&b, "file %s %s %s\n", files[len(files)-1][0], mode, strings.Repeat("x", 1+r.IntN(3)))
			case 3, 4:
				fmt.Fprintf(&b, "dir %s %s\n", name(), mode)
			case 5:
				fmt.Fprintf(&b, "symlink %s %s %s\n", name(), mode, pick("a", "b", "../c", "/c", "a/b", "..", "nowhere"))
			case 6:
				if len(files) > 0 {
					file := files[r.IntN(len(files))]
					fmt.Fprintf(&b, "link %s %s %s\n", name(), file[1], file[0])
				}
			case 7, 8:
				at := name()
				dir, base := "", at
				if i := strings.LastIndexByte(at, '/'); i >= 0 {
					dir, base = at[:i+1], at[i+1:]
				}
				fmt.Fprintf(&b, "file %s.wh.%s 0644 0:0\n", dir, base)
			case 9:
				fmt.Fprintf(&b, "file %s/.wh..wh..opq 0644 0:0\n", pick("a", "b", "c"))
			}
		}
	}
	return b.String()
}
