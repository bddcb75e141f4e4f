package simulate

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// unpackStep gives what a step has surely put below /d from an archive, and whether more may be there.
func unpackStep(t *testing.T, archive []byte, lines string) (found []string, may bool) {
	t.Helper()
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY archive /a\n" + lines})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "archive"), archive, 0o644))
	m, err := Build(t.Context(), dockerfile.Options{Context: dir})
	require.NoError(t, err)
	require.NoError(t, m.Tree.Walk(func(p string, n *rootfs.Node) error {
		if Within(p, "/d") && p != "/d" {
			line := fmt.Sprintf("%s %s %04o %d:%d", strings.TrimPrefix(p, "/d/"), n.Kind, n.Perm, n.Owner.UID, n.Owner.GID)
			if !n.Owner.Known() {
				line = strings.Replace(line, fmt.Sprintf("%d:%d", n.Owner.UID, n.Owner.GID), n.Owner.User+":"+n.Owner.Group, 1)
			}
			found = append(found, line)
		}
		return nil
	}))
	return found, m.Tree.MayHold("/d/other")
}

func zipOf(t *testing.T, mode fs.FileMode, creator uint16, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		h := &zip.FileHeader{Name: name}
		h.SetMode(mode)
		h.CreatorVersion = creator << 8
		_, err := w.CreateHeader(h)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestStepUnpacks(t *testing.T) {
	const mkdir = "RUN mkdir /d && "
	file := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o664, Uid: 7, Gid: 8, Uname: "app", Gname: "root", Size: 1}
	}
	link := func(typ byte, name, to string) tar.Header {
		return tar.Header{Name: name, Typeflag: typ, Linkname: to, Mode: 0o777}
	}
	for name, c := range map[string]struct {
		archive []byte
		lines   string
		want    string // between commas; "?" where it is not followed
	}{
		"numbers where no name is known": {tarOf(t, file("x")), mkdir + "tar xf /a -C /d", "x file 0664 7:8"},
		"names where one is":             {tarOf(t, file("x")), "RUN mkdir -p /etc /d && echo app:x:70:80 > /etc/passwd && tar xf /a -C /d", "x file 0664 70:8"},
		"nobody knows":                   {tarOf(t, file("x")), "RUN mkdir -p /d /etc && curl -o /etc/passwd https://example.com && tar xf /a -C /d", "x file 0664 app:"},
		"nobody's":                       {tarOf(t, file("x")), mkdir + "tar xf /a -C /d --no-same-owner", "x file 0664 0:0"},
		"compressed":                     {compress(t, "xz", tarOf(t, file("x/y"))), mkdir + "tar xJf /a -C /d", "x dir 0755 0:0, x/y file 0664 7:8"},
		"a directory less":               {tarOf(t, file("x/y/z"), file("x/u"), file("v")), mkdir + "tar xf /a -C /d --strip-components 1", "u file 0664 7:8, y dir 0755 0:0, y/z file 0664 7:8"},
		"the directory itself":           {tarOf(t, tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o711}, file("./x")), mkdir + "tar xf /a -C /d", "x file 0664 7:8"},
		"out of the directory":           {tarOf(t, file("../x")), mkdir + "tar xf /a -C /d", "?"},
		"absolute":                       {tarOf(t, file("/x")), mkdir + "tar xf /a -C /d", "?"},
		"through a link":                 {tarOf(t, link(tar.TypeSymlink, "l", "/"), file("l/x")), mkdir + "tar xf /a -C /d", "?"},
		"through a link that was there":  {tarOf(t, file("l/x")), mkdir + "ln -s /bin /d/l && tar xf /a -C /d", "l symlink 0777 0:0, ?"},
		"in the place of a directory":    {tarOf(t, file("l")), mkdir + "mkdir /d/l && tar xf /a -C /d", "l dir 0755 0:0, ?"},
		"a hard link to elsewhere":       {tarOf(t, link(tar.TypeLink, "l", "../a")), mkdir + "tar xf /a -C /d", "?"},
		"a device":                       {tarOf(t, tar.Header{Name: "c", Typeflag: tar.TypeChar}), mkdir + "tar xf /a -C /d", "?"},
		"cut off":                        {tarOf(t, file("x"))[:512], mkdir + "tar xf /a -C /d", "?"},
		"no archive":                     {[]byte("text"), mkdir + "tar xf /a -C /d", "?"},
		"somebody else":                  {tarOf(t, file("x")), "WORKDIR /d\nUSER 1\nRUN tar xf /a", "?"},
		"a mount in it":                  {tarOf(t, file("x")), mkdir[:13] + "\nRUN --mount=type=cache,target=/d/c tar xf /a -C /d", "?"},
		"from a mount":                   {tarOf(t, file("x")), mkdir[:13] + "\nRUN --mount=source=archive,target=/m tar xf /m -C /d", "x file 0664 7:8"},
		"zip":                            {zipOf(t, 0o750, 3, "x/", "x/y"), mkdir + "unzip /a -d /d", "x dir 0750 0:0, x/y file 0750 0:0"},
		"zip, directory made":            {zipOf(t, 0o640, 3, "y"), "RUN unzip /a -d /d", "y file 0640 0:0"},
		"zip of another system":          {zipOf(t, 0o640, 0, "y"), mkdir + "unzip /a -d /d", "?"},
		"zip that the group writes":      {zipOf(t, 0o660, 3, "y"), mkdir + "unzip /a -d /d", "?"},
		"zip over what is there":         {zipOf(t, 0o640, 3, "y"), mkdir + "touch /d/y && unzip /a -d /d", "y file 0644 0:0, ?"},
		"zip out of the directory":       {zipOf(t, 0o640, 3, "../y"), mkdir + "unzip -o /a -d /d", "?"},
	} {
		t.Run(name, func(t *testing.T) {
			found, may := unpackStep(t, c.archive, c.lines)
			if may {
				found = append(found, "?")
			}
			assert.Equal(t, c.want, strings.Join(found, ", "))
		})
	}
}

// What costs more than is given for archives is not followed, and nobody knows what is there.
func TestStepUnpacksWithinBounds(t *testing.T) {
	before := archiveLimits
	defer func() { archiveLimits = before }()
	archiveLimits.Steps = 5 * entrySteps
	var list []tar.Header
	for i := range 10 {
		list = append(list, tar.Header{Name: fmt.Sprint(i), Typeflag: tar.TypeReg})
	}
	found, may := unpackStep(t, tarOf(t, list...), "RUN mkdir /d && tar xf /a -C /d")
	assert.Empty(t, found)
	assert.True(t, may)
	found, may = unpackStep(t, zipOf(t, 0o640, 3, strings.Fields("0 1 2 3 4 5 6 7")...), "RUN mkdir /d && unzip /a -d /d")
	assert.Empty(t, found)
	assert.True(t, may)
}
