package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var semver = regexp.MustCompile(`^(\d+\.\d+\.\d+)(?:-([0-9A-Za-z.-]+))?$`)

var prerelease = regexp.MustCompile(`^(alpha|beta|rc)\.?(\d+)$`)

// pythonVersion gives the version that Python has for one of npm and Go: 1.2.3-rc.1 is 1.2.3rc1. What is neither a release
// nor on its way to one is a development version, which pip takes only if it is asked for.
func pythonVersion(version string) (string, error) {
	m := semver.FindStringSubmatch(version)
	if m == nil {
		return "", fmt.Errorf("%q is not a version as in 1.2.3 or 1.2.3-rc.1", version)
	}
	if m[2] == "" {
		return m[1], nil
	}
	if pre := prerelease.FindStringSubmatch(m[2]); pre != nil {
		return m[1] + map[string]string{"alpha": "a", "beta": "b", "rc": "rc"}[pre[1]] + pre[2], nil
	}
	return m[1] + ".dev0+" + strings.ToLower(strings.ReplaceAll(m[2], "-", ".")), nil
}

// wheel writes a package of Python that is nothing but the binary: an installer puts what lies in .data/scripts into the
// directory of programs, and makes it executable.
func (r *release) wheel(out string, p platform, binary []byte) error {
	version, err := pythonVersion(r.version)
	if err != nil {
		return err
	}
	name := "ctxaudit-" + version
	var tags strings.Builder
	for tag := range strings.SplitSeq(p.tag, ".") {
		fmt.Fprintf(&tags, "Tag: py3-none-%s\n", tag)
	}
	metadata := "Metadata-Version: 2.1\nName: ctxaudit\nVersion: " + version + "\nSummary: " + summary +
		"\nHome-page: " + homepage + "\nLicense: " + licence +
		"\nRequires-Python: >=3.7\nDescription-Content-Type: text/markdown\n\n" + string(readme)
	files := []file{
		{name + ".data/scripts/" + p.program(), 0o755, binary},
		{name + ".dist-info/METADATA", 0o644, []byte(metadata)},
		{name + ".dist-info/WHEEL", 0o644, []byte("Wheel-Version: 1.0\nGenerator: ctxaudit\nRoot-Is-Purelib: false\n" + tags.String())},
	}
	record := name + ".dist-info/RECORD"
	var records strings.Builder
	for _, f := range files {
		sum := sha256.Sum256(f.data)
		fmt.Fprintf(&records, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.data))
	}
	files = append(files, file{record, 0o644, []byte(records.String() + record + ",,\n")})

	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.date}
		h.SetMode(f.mode)
		w, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	if err := zw.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, name+"-py3-none-"+p.tag+".whl"), b.Bytes(), 0o644)
}
