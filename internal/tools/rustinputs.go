package tools

import (
	"path"
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
)

// vendored looks for the directory that the configuration of cargo takes the packages of the registry from, if the lock has any.
func (x *cargoRun) vendored() {
	lock, _ := x.text(path.Join(x.root.dir, "Cargo.lock"))
	if !strings.Contains(string(lock), `"registry+`) {
		return
	}
	upward(x.call.S.Dir, func(dir string) bool {
		for _, name := range []string{"config", "config.toml"} { // where both are there, that without an ending counts
			file := path.Join(dir, ".cargo", name)
			data, ok := x.text(file)
			if !ok {
				continue
			}
			doc, err := document.TOML(data)
			if err != nil {
				return true
			}
			at := doc.Get("source", doc.Str("source", "crates-io", "replace-with"), "directory")
			if at.Is() {
				x.need(Missing{Path: path.Join(dir, at.Text), Dir: true, What: "what cargo takes packages from", Because: []Line{{File: file, Line: at.At(), Text: textOf(data, at.At())}}})
				return true
			}
			return false
		}
		return false
	})
}

var (
	rustComment = regexp.MustCompile(`(?m)//.*$`)
	rustDecides = regexp.MustCompile(`\bif\b|\bmatch\b|\bcfg\b|\bcfg!|\bfor\b|\bexists\(`)
	protoCall   = regexp.MustCompile(`\bcompile(?:_protos|_fds|_with_config)?\s*\(\s*(?:"([^"]+)"|&?\[([^\]]*)\]|&?vec!\[([^\]]*)\])`)
	rustString  = regexp.MustCompile(`"([^"]+)"`)
)

// protos looks for the definitions that a build script compiles, as their names stand in a call; it works in the directory of its package.
func (b *rustBuild) protos(c crate, script string) {
	data, ok := b.text(script)
	if !ok {
		return
	}
	code := rustComment.ReplaceAllFunc(data, func(text []byte) []byte { return []byte(strings.Repeat(" ", len(text))) })
	doubt := ""
	if rustDecides.Match(code) {
		doubt = "The build script decides what it compiles."
	}
	for _, m := range protoCall.FindAllSubmatchIndex(code, -1) {
		from, to := m[0], m[1]
		for _, at := range rustString.FindAllSubmatchIndex(code[from:to], -1) {
			name := string(code[from+at[2] : from+at[3]])
			if path.Ext(name) != ".proto" || strings.ContainsAny(name, "{}") {
				continue
			}
			n, text := lineAt(data, from+at[2])
			file := path.Join(c.dir, name)
			if path.IsAbs(name) {
				file = path.Clean(name)
			}
			b.need(Missing{Kind: Source, Path: file, What: "what the build script compiles", Because: []Line{{File: script, Line: n, Text: text}}, Doubt: doubt})
		}
	}
}
