package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

//go:embed launcher.js
var launcher []byte

// manifest is what a package.json has.
type manifest struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Description  string            `json:"description"`
	License      string            `json:"license"`
	Homepage     string            `json:"homepage"`
	Repository   map[string]string `json:"repository"`
	Bin          map[string]string `json:"bin,omitempty"`
	OS           []string          `json:"os,omitempty"`
	CPU          []string          `json:"cpu,omitempty"`
	PreferUnplug bool              `json:"preferUnplugged,omitempty"` // Yarn leaves it outside of zip files
	Engines      map[string]string `json:"engines,omitempty"`
	Optional     map[string]string `json:"optionalDependencies,omitempty"`
}

func (r *release) manifest(name, description string) manifest {
	return manifest{
		Name: name, Version: r.version, Description: description, License: licence, Homepage: homepage,
		Repository: map[string]string{"type": "git", "url": "git+" + homepage + ".git"},
	}
}

// npmName is the package of a platform, as the launcher looks for it.
func (p platform) npmName() string { return "@ctxaudit/" + p.os + "-" + p.cpu }

// npmMain writes the package that people install. npm takes of its optional dependencies the one for the machine.
func (r *release) npmMain(out string) error {
	m := r.manifest("ctxaudit", summary)
	m.Bin = map[string]string{"ctxaudit": "bin/ctxaudit.js"}
	m.Engines = map[string]string{"node": ">=18"}
	m.Optional = map[string]string{}
	for _, p := range platforms {
		m.Optional[p.npmName()] = r.version
	}
	return r.npm(filepath.Join(out, "ctxaudit-npm-"+r.version+".tgz"), m, file{"bin/ctxaudit.js", 0o755, launcher})
}

func (r *release) npmPlatform(out string, p platform, binary []byte) error {
	m := r.manifest(p.npmName(), "The ctxaudit binary for "+p.goos+" on "+p.goarch)
	m.OS, m.CPU, m.PreferUnplug = []string{p.os}, []string{p.cpu}, true
	name := "ctxaudit-npm-" + p.os + "-" + p.cpu + "-" + r.version + ".tgz"
	return r.npm(filepath.Join(out, name), m, file{"bin/" + p.program(), 0o755, binary})
}

// npm writes a package: a tar file whose names begin with "package/".
func (r *release) npm(name string, m manifest, files ...file) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	files = append([]file{{"package.json", 0o644, append(data, '\n')}, {"README.md", 0o644, readme}}, files...)
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, f := range files {
		h := &tar.Header{Name: "package/" + f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: r.date.Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := tw.Write(f.data); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	if err := zw.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
