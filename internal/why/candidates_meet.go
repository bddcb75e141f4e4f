package why

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// meetCandidates give edits that bring together where the image has something and where it is looked for: another destination of the
// instruction that put it there, or another name in the command that looks for it.
func (r *Repairer) meetCandidates(f finding.Finding) []candidate {
	var out []candidate
	if f.Hint.Found != "" && path.IsAbs(f.ImagePath) && !strings.Contains(f.ImagePath, "$") {
		out = append(r.workdirCandidates(), r.placeCandidates(f.Hint.Found, f.ImagePath)...)
	}
	return append(out, r.commandCandidates(f)...)
}

// misplacedCandidates let what copies a path of the context, and to elsewhere, copy it to where it is wanted.
func (r *Repairer) misplacedCandidates(f finding.Finding) (out []candidate) {
	if r.Image == nil || len(f.Hint.Wants) == 0 {
		return nil
	}
	found := ""
	_ = r.Image.Locate(r.Image.Tree, r.main.Name, f.ContextPath, func(l simulate.Located) error {
		if l.ContextPath == f.ContextPath {
			found = l.Path
			return fs.SkipAll
		}
		return nil
	})
	if found == "" {
		return nil
	}
	return r.placeCandidates(found, f.Hint.Wants[0])
}

// meantCandidates copy a module to where the search path expects it, if its destination has another name than its source, and so was
// chosen: first to a directory of the search path that is not there.
func (r *Repairer) meantCandidates(f finding.Finding) (out []candidate) {
	n, _, err := r.Image.Tree.Stat(f.ImagePath)
	if err != nil || n.Op < 0 {
		return nil
	}
	in, ok := r.instructionOf(r.plan.Ops[n.Op])
	if c, isCopy := copyOf(in); !ok || !isCopy || len(c.sources) != 1 || path.Base(path.Clean(c.sources[0])) == path.Base(path.Clean("/"+c.dest)) {
		return nil
	}
	wants := r.likeliest(f.Hint.Wants)
	for _, want := range wants[:min(2, len(wants))] {
		out = append(out, r.placeCandidates(f.ImagePath, want)...)
	}
	return out
}

// likeliest gives the places at which something is wanted, first those in directories that are not there: somebody names them.
func (r *Repairer) likeliest(wants []string) []string {
	there := func(p string) int {
		if dir := path.Dir(p); r.Image == nil || r.Image.Tree.Exists(dir) {
			return 1
		}
		return 0
	}
	wants = slices.Clone(wants)
	slices.SortStableFunc(wants, func(a, b string) int { return there(a) - there(b) })
	return wants
}

// workdirCandidates take out a WORKDIR that goes a second time into a directory of one name.
func (r *Repairer) workdirCandidates() []candidate {
	l, dir := r.plan.ConfigSources.WorkingDir, r.plan.Config.WorkingDir
	s := r.stage()
	if s == nil || l.IsZero() || l.Stage != s.Index || path.Base(dir) != path.Base(path.Dir(dir)) {
		return nil
	}
	for _, in := range s.Instructions {
		if args := in.Syntax().Args; within(l, in) && len(args) == 1 && strings.Trim(args[0].Text, "./") == path.Base(dir) {
			return []candidate{{
				title: fmt.Sprintf("enter %s once", path.Base(dir)),
				edits: []edit.Edit{r.dockerfileEdit(in.Location.Range.Start.Line, in.Location.Range.End.Line-in.Location.Range.Start.Line+1, "")},
			}}
		}
	}
	return nil
}

// declareCandidates give the arguments a value in the stage that are declared before the first FROM alone.
func (r *Repairer) declareCandidates() []candidate {
	var out []candidate
	for _, s := range r.plan.Stages {
		var names []string
		for _, in := range s.Instructions {
			for _, name := range r.plan.Unset(in.Location).Outside {
				if s.Reached && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		if len(names) > 0 {
			out = append(out, candidate{
				title: fmt.Sprintf("declare %s in the stage, too", strings.Join(names, ", ")),
				edits: []edit.Edit{r.dockerfileEdit(s.Location.Range.End.Line+1, 0, "ARG "+strings.Join(names, "\nARG "))},
			})
		}
	}
	return out
}

// instructionOf gives the instruction that an operation belongs to.
func (r *Repairer) instructionOf(op *dockerfile.Op) (in dockerfile.Instruction, ok bool) {
	for _, s := range r.plan.Stages {
		for _, in := range s.Instructions {
			if in.Location.Range == op.Location.Range {
				return in, true
			}
		}
	}
	return in, false
}

// placeCandidates let the instruction that put a file where it lies put it where it is wanted, with all that it copies.
func (r *Repairer) placeCandidates(found, want string) []candidate {
	if r.Image == nil {
		return nil
	}
	n, at, err := r.Image.Tree.Stat(found)
	if err != nil || n.Op < 0 {
		return nil
	}
	op := r.plan.Ops[n.Op]
	in, ok := r.instructionOf(op)
	c, isCopy := copyOf(in)
	if !ok || !isCopy {
		return nil
	}
	if _, parents := c.Flag("parents"); parents {
		return r.pivotCandidates(c, at, want)
	}
	var out []candidate
	for _, action := range op.File {
		cp, ok := action.Change.(dockerfile.Copy)
		if !ok {
			continue
		}
		dest, isDir := movedTo(path.Clean(cp.Dest), at, want, n)
		if dest == "" {
			continue
		}
		text, ok := c.Quote(destination(c.dest, path.Clean(cp.Dest), dest, isDir))
		if !ok {
			continue
		}
		out = append(out, candidate{
			title: fmt.Sprintf("make line %d of %s copy to %s", in.Location.Range.Start.Line, in.Location.File, dest),
			edits: []edit.Edit{r.put(c.Args[len(c.Args)-1].Range, text)},
		})
	}
	return out
}

// movedTo gives the destination in the place of another one with which a copy puts at want what it puts at a path now; "" if none does.
func movedTo(dest, at, want string, n *rootfs.Node) (moved string, isDir bool) {
	switch rest := strings.TrimPrefix(strings.TrimPrefix(at, dest), "/"); {
	case !strings.HasPrefix(at+"/", strings.TrimSuffix(dest, "/")+"/"):
		return "", false
	case rest == "" && strings.HasPrefix(want, at+"/") && path.Base(n.Origin) == strings.TrimPrefix(want, at+"/"):
		return at, true // it was meant to be a directory
	case rest == "":
		return want, n.IsDir()
	case strings.HasSuffix(want, "/"+rest):
		return path.Join("/", strings.TrimSuffix(want, rest)), true
	}
	return "", false
}

// destination writes a destination as the one in whose place it stands is written: relative to the same directory, where it can be.
func destination(written, was, now string, isDir bool) string {
	if isDir {
		now = strings.TrimSuffix(now, "/") + "/"
	}
	if path.IsAbs(written) {
		return now
	}
	dir, ok := strings.CutSuffix(was, strings.TrimPrefix(path.Join("/", written), "/"))
	dir = strings.TrimSuffix(dir, "/")
	if rest, below := strings.CutPrefix(now, dir+"/"); ok && below && dir != "" {
		return "./" + rest
	}
	return now
}

// pivotCandidates let --parents keep only those parents of its sources that are wanted: they stand behind a "/./".
func (r *Repairer) pivotCandidates(c copying, found, want string) []candidate {
	text := string(r.plan.Dockerfile.Data[c.Args[0].Range.Start.Offset:c.Args[len(c.sources)-1].Range.End.Offset])
	for dir := path.Dir(found); dir != "/"; dir = path.Dir(dir) {
		// /srv/out/main.py is wanted at /srv/main.py: the parent "out" is one too many.
		name := path.Base(dir)
		if path.Join(path.Dir(dir), strings.TrimPrefix(found, dir)) != want || strings.Contains(text, "/./") {
			continue
		}
		pivot := regexp.MustCompile(`(^|\s|")(/?` + regexp.QuoteMeta(name) + `)/`)
		if fixed := pivot.ReplaceAllString(text, "${1}${2}/./"); fixed != text {
			return []candidate{{
				title: fmt.Sprintf("copy without the parent %s", name),
				edits: []edit.Edit{r.put(dockerctx.Range{Start: c.Args[0].Range.Start, End: c.Args[len(c.sources)-1].Range.End}, fixed)},
			}}
		}
	}
	return nil
}

// commandCandidates let the command that looks for something name it as the image has it.
func (r *Repairer) commandCandidates(f finding.Finding) []candidate {
	for _, s := range r.plan.Stages {
		for _, in := range s.Instructions {
			l := in.Location
			if l.File != f.Subject.File || f.Subject.Line < l.Range.Start.Line || f.Subject.Line > l.Range.End.Line || !slices.Contains(commands, in.Keyword) {
				continue
			}
			syntax := in.Syntax()
			for _, w := range syntax.Args {
				if c, ok := r.renamed(f, syntax.JSON, w); ok {
					return []candidate{c}
				}
			}
		}
	}
	return nil
}

// commands are the instructions that say what a container runs.
var commands = []string{"CMD", "ENTRYPOINT", "HEALTHCHECK"}

// words cuts a command in shell form.
var words = regexp.MustCompile(`[^\s'";&|()<>]+`)

// renamed gives the edit of a word of a command, or of the whole command in shell form, that names what the image has.
func (r *Repairer) renamed(f finding.Finding, list bool, w dockerfile.Word) (candidate, bool) {
	data := r.plan.Dockerfile.Data
	edited := func(from, to int, name string) (candidate, bool) {
		at := dockerctx.Range{Start: w.Range.Start, End: w.Range.End}
		at.Start.Line += bytes.Count(data[at.Start.Offset:from], []byte("\n"))
		at.Start.Offset, at.End.Offset = from, to
		return candidate{title: "start " + strings.Trim(name, `"`), edits: []edit.Edit{r.put(at, name)}}, true
	}
	if list {
		name, ok := r.instead(f, w.Text)
		if !ok {
			return candidate{}, false
		}
		text, err := json.Marshal(name)
		if err != nil {
			return candidate{}, false
		}
		return edited(w.Range.Start.Offset, w.Range.End.Offset, string(text))
	}
	start := w.Range.Start.Offset
	for _, at := range words.FindAllIndex(data[start:w.Range.End.Offset], -1) {
		if name, ok := r.instead(f, string(data[start+at[0]:start+at[1]])); ok {
			return edited(start+at[0], start+at[1], name)
		}
	}
	return candidate{}, false
}

// instead gives the name under which the image has what a word of a command names.
func (r *Repairer) instead(f finding.Finding, word string) (string, bool) {
	if f.Hint.Asked != "" {
		rest, ok := strings.CutPrefix(word, f.Hint.Asked)
		return f.Hint.Instead + rest, ok && f.Hint.Instead != "" && (rest == "" || rest[0] == ':')
	}
	dir := path.Join("/", r.plan.Config.WorkingDir)
	found := f.Hint.Found
	switch {
	case found == "" || word == "" || strings.HasPrefix(f.ImagePath, found+"/"):
		return "", false
	case word == path.Base(found) && f.ImagePath == found: // it is looked for in PATH
		return found, true
	case path.IsAbs(word) && path.Clean(word) == f.ImagePath:
		return found, true
	case !path.IsAbs(word) && path.Join(dir, word) == f.ImagePath:
		if rest, below := strings.CutPrefix(found, dir+"/"); below && !strings.Contains(word, "$") {
			return rest, true
		}
		return found, true
	}
	return "", false
}

// listCandidates write a command as the list that it was meant to be.
func (r *Repairer) listCandidates(f finding.Finding) []candidate {
	if !strings.HasPrefix(f.About.Name, "[") {
		return nil
	}
	data := r.plan.Dockerfile.Data
	for _, s := range r.plan.Stages {
		for _, in := range s.Instructions {
			if !slices.Contains(commands, in.Keyword) || in.Location.Range.Start.Line != f.Subject.Line {
				continue
			}
			for _, w := range in.Syntax().Args {
				text := strings.TrimSpace(string(data[w.Range.Start.Offset:w.Range.End.Offset]))
				fixed := strings.NewReplacer("'", `"`, "“", `"`, "”", `"`).Replace(text)
				var list []string
				if json.Unmarshal([]byte(fixed), &list) == nil && len(list) > 0 && fixed != text {
					return []candidate{{title: "write the list with double quotes", edits: []edit.Edit{r.put(w.Range, fixed)}}}
				}
			}
		}
	}
	return nil
}

// installCandidates let an install find what it leaves out: a package that its manifest looks for, or what is copied only behind it.
func (r *Repairer) installCandidates(f finding.Finding) []candidate {
	var out []candidate
	if r.Image == nil {
		return nil
	}
	if f.Hint.Marker != "" {
		out = append(out, candidate{
			title: fmt.Sprintf("make a package of %s", path.Dir(f.Hint.Marker)),
			edits: []edit.Edit{{
				File: simulate.Shown(r.main.Dir, f.Hint.Marker), Path: r.real(joinContext(r.main.Dir, f.Hint.Marker)), Line: 1,
				Insert: fmt.Sprintf(`"""The package %s."""`, f.Module),
			}},
		})
	}
	n, _, err := r.Image.Tree.Stat(f.ImagePath)
	if f.Hint.Before == 0 || f.ImagePath == "" || err != nil || n.Op < 0 {
		return out
	}
	in, ok := r.instructionOf(r.plan.Ops[n.Op])
	l := in.Location.Range
	if !ok || l.Start.Line <= f.Hint.Before {
		return out
	}
	lines := strings.Split(strings.ReplaceAll(string(r.plan.Dockerfile.Data), "\r\n", "\n"), "\n")
	return append(out, candidate{
		title: fmt.Sprintf("copy %s before it is installed", f.ContextPath),
		edits: []edit.Edit{
			r.dockerfileEdit(l.Start.Line, l.End.Line-l.Start.Line+1, ""),
			r.dockerfileEdit(f.Hint.Before, 0, strings.Join(lines[l.Start.Line-1:l.End.Line], "\n")),
		},
	})
}

// heredoc is the word that begins one.
var heredoc = regexp.MustCompile(`<<(-?)([A-Za-z_]\w*)`)

// quoteCandidates keep the text of a heredoc as it is, and make the script executable that it is.
func (r *Repairer) quoteCandidates(f finding.Finding) []candidate {
	n, _, err := r.Image.Tree.Stat(f.ImagePath)
	if err != nil || n.Op < 0 {
		return nil
	}
	in, ok := r.instructionOf(r.plan.Ops[n.Op])
	if c, isCopy := copyOf(in); ok && isCopy {
		last := c.Args[len(c.Args)-1].Range
		at := dockerctx.Range{Start: c.Args[0].Range.Start, End: last.End}
		text := heredoc.ReplaceAllString(string(r.plan.Dockerfile.Data[at.Start.Offset:at.End.Offset]), "<<$1'$2'")
		if _, set := c.Flag("chmod"); !set && f.Hint.Mode != "" {
			text = "--chmod=" + f.Hint.Mode + " " + text
		}
		return []candidate{{title: "keep the text of the heredoc as it is", edits: []edit.Edit{r.put(at, text)}}}
	}
	return nil
}

// maxRewritten bounds the lines of a script that is written anew.
const maxRewritten = 400

// lineEndCandidates write a script of the context with the line ends of Unix.
func (r *Repairer) lineEndCandidates(f finding.Finding) []candidate {
	if !f.Hint.Returns || f.ContextPath == "" {
		return nil
	}
	data, err := readAll(r.main.FS, f.ContextPath)
	n := bytes.Count(data, []byte("\n"))
	if err != nil || n == 0 || n > maxRewritten || !bytes.HasSuffix(data, []byte("\n")) {
		return nil
	}
	file := edit.Edit{File: simulate.Shown(r.main.Dir, f.ContextPath), Path: r.real(joinContext(r.main.Dir, f.ContextPath)), Line: 1}
	empty, whole := file, file
	empty.Remove = n
	whole.Insert = strings.TrimSuffix(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	return []candidate{{title: fmt.Sprintf("write %s with LF", f.ContextPath), edits: []edit.Edit{empty, whole}}}
}
