package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPythonVersions(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3":             "1.2.3",
		"1.2.3-rc.1":        "1.2.3rc1",
		"1.2.3-beta2":       "1.2.3b2",
		"1.2.3-alpha.10":    "1.2.3a10",
		"0.0.1-SNAPSHOT-g0": "0.0.1.dev0+snapshot.g0",
	} {
		have, err := pythonVersion(version)
		require.NoError(t, err)
		assert.Equal(t, want, have)
	}
	for _, version := range []string{"", "v1.2.3", "1.2", "1.2.3+x", "1.2.3-", "1.2.3-../x"} {
		_, err := pythonVersion(version)
		assert.Error(t, err, version)
	}
}

// packed writes the packages of a platform, whose binary is a few bytes, and gives the files by name.
func packed(t *testing.T, goos, goarch string) map[string][]byte {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1700000001")
	dir := t.TempDir()
	binary := filepath.Join(dir, "binary")
	require.NoError(t, os.WriteFile(binary, []byte("\x7fELF"), 0o600))
	require.NoError(t, run(filepath.Join(dir, "out"), "1.2.3", goos, goarch, []string{binary}))
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, "out"))
	require.NoError(t, err)
	for _, e := range entries {
		files[e.Name()], err = os.ReadFile(filepath.Join(dir, "out", e.Name()))
		require.NoError(t, err)
	}
	return files
}

func TestPackagesAreReproducible(t *testing.T) {
	for _, p := range platforms {
		one := packed(t, p.goos, p.goarch)
		assert.Len(t, one, 2)
		assert.Equal(t, one, packed(t, p.goos, p.goarch))
	}
	assert.ErrorContains(t, run(t.TempDir(), "1.2.3", "plan9", "amd64", []string{"x"}), "no packages for plan9/amd64")
}

// An installer refuses a wheel whose record does not have each of its files.
func TestWheelsRecordTheirFiles(t *testing.T) {
	for _, p := range platforms {
		data := packed(t, p.goos, p.goarch)["ctxaudit-1.2.3-py3-none-"+p.tag+".whl"]
		zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		files := map[string]string{}
		for _, f := range zr.File {
			r, err := f.Open()
			require.NoError(t, err)
			content, err := io.ReadAll(r)
			require.NoError(t, err)
			sum := sha256.Sum256(content)
			files[f.Name] = fmt.Sprintf("sha256=%s %d", base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
			if f.Name == "ctxaudit-1.2.3.data/scripts/"+p.program() {
				assert.Equal(t, os.FileMode(0o755), f.Mode())
			}
			if f.Name == "ctxaudit-1.2.3.dist-info/RECORD" {
				files[f.Name] = " 0"
				records, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
				require.NoError(t, err)
				for _, record := range records {
					size, _ := strconv.Atoi(record[2])
					assert.Equal(t, files[record[0]], fmt.Sprintf("%s %d", record[1], size), record[0])
				}
				assert.Len(t, records, len(zr.File))
			}
		}
		assert.Contains(t, files, "ctxaudit-1.2.3.data/scripts/"+p.program())
	}
}
