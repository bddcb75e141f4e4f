package manifest

import (
	"bytes"
	"path"
	"strings"
)

// logicalLine is a line of a requirements file with its continuations.
type logicalLine struct {
	text string
	line int // of its beginning
}

// logicalLines follows pip: a backslash at the very end continues a line, a comment begins at a # that starts the line
// or follows a blank, and a comment line ends a continuation.
func logicalLines(data []byte) []logicalLine {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	var lines []logicalLine
	var current strings.Builder
	start, n := 0, 0
	flush := func() {
		s := strings.TrimSpace(stripComment(current.String()))
		if s != "" {
			lines = append(lines, logicalLine{s, start})
		}
		current.Reset()
		start = 0
	}
	for physical := range strings.SplitSeq(text, "\n") {
		n++
		if start == 0 {
			start = n
		}
		head, goesOn := strings.CutSuffix(physical, "\\")
		if goesOn && !strings.HasPrefix(strings.TrimSpace(physical), "#") {
			current.WriteString(head)
			current.WriteByte(' ')
			continue
		}
		current.WriteString(physical)
		flush()
	}
	flush()
	return lines
}

func stripComment(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t') {
			return s[:i]
		}
	}
	return s
}

// optionValue gives the value of an option in any of its spellings: -r x, -rx, --requirement x, --requirement=x.
func optionValue(s, short, long string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, long); ok && rest != "" && strings.ContainsRune("= \t", rune(rest[0])) {
		return strings.TrimSpace(strings.TrimLeft(rest, "= \t")), true
	}
	if rest, ok := strings.CutPrefix(s, short); ok && !strings.HasPrefix(s, "--") && rest != "" {
		return strings.TrimSpace(strings.TrimLeft(rest, "= \t")), true
	}
	return "", false
}

func (r *reader) requirementsFile(p *project, file string, data []byte) {
	r.requirements(p.Project, file, data, FromManifest)
}

func (r *reader) constraintsFile(p *project, file string, data []byte) {
	r.requirements(p.Project, file, data, FromConstraints)
}

// requirements reads a requirements file with all that it includes. A file is read once, which ends loops.
func (r *reader) requirements(p *Project, file string, data []byte, origin Origin) {
	if r.seen[seenKey(file, origin)] {
		return
	}
	r.seen[seenKey(file, origin)] = true
	for _, l := range logicalLines(data) {
		if name, ok := optionValue(l.text, "-r", "--requirement"); ok {
			r.include(p, file, l.line, name, origin)
			continue
		}
		if name, ok := optionValue(l.text, "-c", "--constraint"); ok {
			r.include(p, file, l.line, name, FromConstraints)
			continue
		}
		// A relative path is relative to pip's working directory, not to the file. Builds run pip where the file lies
		// or at the root; the file's directory is tried first.
		if target, ok := optionValue(l.text, "-e", "--editable"); ok {
			target = strings.Trim(target, `"'`)
			if !p.require(target, r.baseOf(file, target), file, l.line, origin, true) && !strings.Contains(target, "://") {
				p.fail(file, l.line, "no project in %q", l.text)
			}
			continue
		}
		if strings.HasPrefix(l.text, "-") {
			continue
		}
		text := stripOptions(l.text)
		if !p.require(text, r.baseOf(file, text), file, l.line, origin, false) && !strings.Contains(text, "://") && !isArchive(text) {
			p.fail(file, l.line, "no requirement in %q", l.text)
		}
	}
}

func seenKey(file string, origin Origin) string { return file + "\x00" + string(rune('0'+origin)) }

func isArchive(s string) bool {
	return strings.HasSuffix(s, ".whl") || strings.HasSuffix(s, ".zip") || strings.HasSuffix(s, ".gz") || strings.Contains(s, "$")
}

// stripOptions cuts per-requirement options off, such as --hash.
func stripOptions(s string) string {
	if i := strings.Index(s, " --"); i >= 0 {
		return strings.TrimSpace(s[:i])
	}
	return s
}

// baseOf gives the directory that a path in a requirements file is relative to.
func (r *reader) baseOf(file, target string) string {
	dir := path.Dir(file)
	req, ok := parseRequirement(target, true)
	if dir == "." || !ok || req.path == "" {
		return dir
	}
	if joined, ok := inside(dir, req.path); ok && r.isDir(joined) {
		return dir
	}
	if joined, ok := inside(".", req.path); ok && r.isDir(joined) {
		return "."
	}
	return dir
}

// include reads a file that another one names, relative to it.
func (r *reader) include(p *Project, from string, line int, name string, origin Origin) {
	name = strings.Trim(strings.TrimPrefix(name, "file:"), `"'`)
	if strings.Contains(name, "://") || strings.Contains(name, "$") {
		return
	}
	file, ok := inside(path.Dir(from), name)
	if !ok {
		p.fail(from, line, "%s lies outside the repository", name)
		return
	}
	if r.seen[seenKey(file, origin)] {
		return
	}
	data, err := r.files.ReadFile(file)
	if err != nil {
		p.fail(from, line, "reading %s: %v", name, err)
		return
	}
	r.requirements(p, file, data, origin)
}

// Requirements reads one requirements file, or a Pipfile or environment.yml, with all that it includes: its
// dependencies and its local ones.
func Requirements(f Files, name string) (*Project, error) {
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r := newReader(f)
	p := &project{Project: &Project{Dir: path.Dir(name), Scripts: map[string]Script{}}}
	read := manifestReader(path.Base(name), true)
	if read == nil {
		read = (*reader).requirementsFile
	}
	read(r, p, path.Clean(name), data)
	return p.Project, nil
}
