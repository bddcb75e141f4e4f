package manifest

import (
	"net/url"
	"path"
	"strings"
)

// requirement is one dependency specifier: PEP 508, or what pip takes beside it.
type requirement struct {
	name string // as written; may be empty for a path or URL
	path string // local directory or file as written, percent-decoded; empty: none
}

// parseRequirement reads a specifier. Of a URL only the name behind #egg= is known. bare says that a word without a
// slash may name a directory, as it does after -e.
func parseRequirement(text string, bare bool) (requirement, bool) {
	text = strings.TrimSpace(text)
	name, rest := cutName(text)
	if name != "" {
		after := skipExtras(strings.TrimLeft(rest, " \t"))
		if at, ok := strings.CutPrefix(after, "@"); ok {
			return requirement{name: name, path: localPath(strings.TrimSpace(at))}, true
		}
		if !bare && !looksLikePath(text) && (after == "" || strings.ContainsRune("=<>!~;(,", rune(after[0]))) {
			return requirement{name: name}, true
		}
	}
	if location, _, ok := strings.Cut(text, ";"); ok && !strings.Contains(text, "://") {
		text = strings.TrimSpace(location)
	}
	if strings.Contains(text, "://") || strings.HasPrefix(text, "file:") {
		req := requirement{name: eggName(text), path: localPath(text)}
		return req, req.name != "" || req.path != ""
	}
	if text == "" || !bare && !looksLikePath(text) {
		return requirement{}, false
	}
	if !path.IsAbs(text) {
		text = "./" + text
	}
	return requirement{name: eggName(text), path: localPath(text)}, true
}

// cutName cuts the name off a specifier.
func cutName(s string) (name, rest string) {
	i := 0
	for i < len(s) && isNameByte(s[i]) {
		i++
	}
	name = s[:i]
	if _, ok := Normalise(name); !ok {
		return "", s
	}
	return name, s[i:]
}

func isNameByte(c byte) bool {
	return c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func skipExtras(s string) string {
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i >= 0 {
			return strings.TrimLeft(s[i+1:], " \t")
		}
	}
	return s
}

// looksLikePath is pip's rule: a slash in it, or a dot in front. What follows a specifier's name does not count.
func looksLikePath(s string) bool {
	if i := strings.IndexAny(s, ";[ =<>!~@"); i >= 0 {
		s = s[:i]
	}
	return strings.HasPrefix(s, ".") || strings.Contains(s, "/")
}

// eggName gives the name in the fragment of a URL or path.
func eggName(s string) string {
	_, fragment, _ := strings.Cut(s, "#")
	for part := range strings.SplitSeq(fragment, "&") {
		if egg, ok := strings.CutPrefix(part, "egg="); ok {
			name, _ := cutName(egg)
			return name
		}
	}
	return ""
}

// localPath gives the path of a local directory: of a file: URL, or of a path. Archives and other URLs have none.
func localPath(s string) string {
	s, _, _ = strings.Cut(s, "#")
	if i := strings.Index(s, " ;"); i >= 0 {
		s = s[:i]
	}
	if file, ok := strings.CutPrefix(s, "file:"); ok {
		file = strings.TrimPrefix(strings.TrimPrefix(file, "//localhost"), "//")
		if decoded, err := url.PathUnescape(file); err == nil {
			file = decoded
		}
		s = file
	} else if strings.Contains(s, "://") || strings.HasPrefix(s, "git+") || !looksLikePath(s) {
		return ""
	}
	if i := strings.IndexByte(s, '['); i > 0 && strings.HasSuffix(s, "]") {
		s = s[:i]
	}
	for _, root := range []string{"${PROJECT_ROOT}/", "{root:uri}/", "{root}/", "/${PROJECT_ROOT}/"} {
		if rest, ok := strings.CutPrefix(s, root); ok {
			s = "./" + rest
		}
	}
	switch path.Ext(s) {
	case ".whl", ".zip", ".gz", ".bz2", ".xz", ".tgz", ".tar":
		return ""
	}
	if s == "" || strings.ContainsAny(s, "$\n") {
		return ""
	}
	return path.Clean(s)
}

// require records a specifier found in a manifest. Directories are resolved against dir.
func (p *Project) require(text, dir, file string, line int, origin Origin, editable bool) bool {
	req, ok := parseRequirement(text, editable)
	if !ok {
		return false
	}
	if req.path != "" {
		p.local(req.name, dir, req.path, file, line, editable)
		return true
	}
	p.depend(req.name, file, line, origin)
	return true
}

// depend records a distribution by its name.
func (p *Project) depend(written, file string, line int, origin Origin) {
	normal, ok := Normalise(written)
	if !ok {
		return
	}
	p.Dependencies = append(p.Dependencies, Dependency{Name: normal, Written: written, File: file, Line: line, Origin: origin})
}

// local records a directory. One outside the repository is an ordinary dependency, if it has a name.
func (p *Project) local(name, dir, location, file string, line int, editable bool) {
	joined, ok := inside(dir, location)
	if !ok {
		p.depend(name, file, line, FromManifest)
		return
	}
	normal, _ := Normalise(name)
	p.Local = append(p.Local, Local{Name: normal, Path: joined, Editable: editable, File: file, Line: line})
}
