package main

import (
	_ "embed"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/internal/bases"
)

//go:embed told.txtar
var told []byte

// addTold makes the rows of images that are not built from Dockerfiles, and gives those of which there are no sources.
func addTold(known bases.Table, sources fs.FS, archive *txtar.Archive) (kept []string, err error) {
	for _, f := range archive.Files {
		here, err := said(sources, string(f.Data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if !here {
			kept = append(kept, strings.Fields(f.Name)...)
			continue
		}
		facts, _, err := of(known, strings.Fields(f.Name)[0], f.Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		for row := range strings.FieldsSeq(f.Name) {
			known[row] = maps.Clone(facts)
		}
	}
	return kept, nil
}

// said finds what a text names as said in its sources; here is false if a source is absent.
func said(sources fs.FS, text string) (here bool, err error) {
	for line := range strings.Lines(text) {
		repo, rest, _ := strings.Cut(strings.TrimPrefix(line, "# "), " ")
		file, want, ok := strings.Cut(rest, ": ")
		if !strings.HasPrefix(line, "# ") || !ok {
			continue
		}
		found, err := fs.Glob(sources, repo+"*")
		if err != nil || len(found) == 0 {
			return false, err
		}
		ok = false
		for _, dir := range found {
			if data, err := fs.ReadFile(sources, dir+"/"+file); err == nil {
				ok = ok || strings.Contains(spaced(string(data)), spaced(want))
			}
		}
		if !ok {
			return false, fmt.Errorf("%s does not say %s", file, want)
		}
	}
	return true, nil
}

func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }
