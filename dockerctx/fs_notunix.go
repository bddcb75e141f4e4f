//go:build !unix

package dockerctx

import "io/fs"

const (
	openDirFlags  = 0
	openFileFlags = 0
)

// sent gives an entry as BuildKit's client sends it from Windows (mkrootstat in fsutil's diff.go), which has no
// permissions that mean anything elsewhere: everything can be executed, and nothing be written by others.
func sent(i fs.FileInfo) fs.FileInfo { return sentInfo{i} }

type sentInfo struct{ fs.FileInfo }

func (i sentInfo) Mode() fs.FileMode {
	mode := i.FileInfo.Mode()
	return mode&^fs.ModePerm | (mode.Perm()|0o111)&0o755
}

func sentEntries(entries []fs.DirEntry) []fs.DirEntry {
	for i, e := range entries {
		entries[i] = sentEntry{e}
	}
	return entries
}

type sentEntry struct{ fs.DirEntry }

func (e sentEntry) Info() (fs.FileInfo, error) {
	i, err := e.DirEntry.Info()
	if err != nil {
		return nil, err
	}
	return sent(i), nil
}
