package why

import (
	"bytes"
	"cmp"
	"errors"
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

// stage gives the stage that is built.
func (r *Repairer) stage() *dockerfile.Stage {
	if i := r.plan.TargetStage; i >= 0 && i < len(r.plan.Stages) {
		return &r.plan.Stages[i]
	}
	return nil
}

func isCopy(in dockerfile.Instruction) bool { return in.Keyword == "COPY" || in.Keyword == "ADD" }

// site is where something must be: in a stage, for those of its instructions that stand before a line.
type site struct {
	*dockerfile.Stage
	// before is the line of the step that needs it, 0 if the image does.
	before int
	// dir is the working directory there.
	dir string
}

// site gives where what a finding asks for must be: in the image, or before a step. ok is false if there is no such stage.
func (r *Repairer) site(f finding.Finding) (site, bool) {
	if n := f.Hint.Step; n > 0 && n <= len(r.plan.Ops) {
		op := r.plan.Ops[n-1]
		if i := op.Location.Stage; i >= 0 && i < len(r.plan.Stages) && op.Exec != nil && op.Location.Trigger == "" {
			return site{&r.plan.Stages[i], op.Location.Range.Start.Line, path.Join("/", op.Exec.Dir)}, true
		}
		return site{}, false
	}
	s := r.stage()
	return site{s, 0, path.Join("/", r.plan.Config.WorkingDir)}, s != nil
}

// copies gives the COPY and ADD instructions that count there, in order.
func (s site) copies() (out []copying) {
	for _, in := range s.Instructions {
		if s.before > 0 && in.Location.Range.Start.Line >= s.before {
			break
		}
		if c, ok := copyOf(in); ok {
			out = append(out, c)
		}
	}
	return out
}

// afterCopies gives the line behind the last COPY or ADD, and behind the steps that install what its manifests say, or behind the
// stage's FROM; before a step, nothing that counts may stand between.
func (s site) afterCopies() int {
	at, layer := s.Location.Range.End.Line, false
	for _, in := range s.Instructions {
		c, copies := copyOf(in)
		if copies {
			layer = s.before == 0 && c.manifests()
		}
		switch {
		case s.before > 0 && in.Location.Range.Start.Line >= s.before:
			return at + 1
		case isCopy(in), layer && in.Keyword == "RUN", s.before > 0 && in.Keyword != "ARG" && in.Keyword != "ENV" && in.Keyword != "LABEL":
			at = in.Location.Range.End.Line
		}
	}
	return at + 1
}

// afterRemovals gives the line after the last COPY of a site, and after the last step of it that surely removes a path.
func (r *Repairer) afterRemovals(s site, p string) int {
	at := s.afterCopies()
	if r.Image == nil || s.before > 0 {
		return at
	}
	for _, op := range r.plan.Ops {
		for _, in := range s.Instructions {
			if op.Location.Range == in.Location.Range && r.Image.Removes(op, p) {
				at = max(at, in.Location.Range.End.Line+1)
			}
		}
	}
	return at
}

// copyCandidates gives edits that copy what no instruction copies.
func (r *Repairer) copyCandidates(f finding.Finding) ([]candidate, error) {
	s, ok := r.site(f)
	if !ok || strings.ContainsAny(f.ContextPath, "\t\n\"'\\[]*?<$") {
		return nil, nil
	}
	wants := r.likeliest(f.Hint.Wants)
	if len(wants) == 0 {
		var err error
		if wants, err = r.besides(f.ContextPath); err != nil {
			return nil, err
		}
	}
	isDir := false
	if fi, err := r.main.FS.Lstat(f.ContextPath); err == nil {
		isDir = fi.IsDir()
	}
	from := ""
	if r.main.Name != simulate.MainContext {
		from = r.main.Name
	}
	out := append(r.earlier(f, s), r.widened(f, s, wants, from, isDir)...)
	for i, want := range wants {
		if i == 2 {
			break
		}
		if from == "" {
			out = append(out, r.fromStages(f, s, want, isDir)...)
		}
		out = append(out, r.newCopy(s, f.ContextPath, want, from, isDir))
	}
	// With what lies beside it, if it cannot do without.
	if dir := path.Dir(f.ContextPath); dir != "." && len(wants) > 0 && path.Dir(wants[0]) != "/" {
		if path.Base(dir) == path.Base(path.Dir(wants[0])) || f.Rule == finding.EntrypointNotInImage && !isDir {
			out = append(out, r.newCopy(s, dir, path.Dir(wants[0]), from, true))
		}
	}
	// Where nothing of the context is copied to the working directory, all of it is usually meant to be.
	if dir := path.Join("/", r.plan.Config.WorkingDir); from == "" && s.before == 0 && dir != "/" && slices.Contains(wants, path.Join(dir, f.ContextPath)) {
		flags, _ := r.habits(s.Stage, dir)
		out = append(out, candidate{
			title: "copy the build context",
			edits: []edit.Edit{r.dockerfileEdit(s.afterCopies(), 0, strings.Join(append(append([]string{"COPY"}, strings.Fields(flags)...), ".", "."), " "))},
		})
	}
	for _, c := range s.copies() {
		for _, flag := range c.Flags {
			if strings.HasPrefix(flag.Text, "--exclude=") {
				out = append(out, candidate{
					title: fmt.Sprintf("remove %s from line %d of %s", flag.Text, c.in.Location.Range.Start.Line, c.in.Location.File),
					edits: []edit.Edit{r.drop(flag.Range)},
				})
			}
		}
	}
	return out, nil
}

// modeCandidates gives edits that set the mode of a file where it is copied: at its own COPY, or at one behind that of many files.
func (r *Repairer) modeCandidates(f finding.Finding) (out []candidate) {
	if f.Hint.Quoted {
		return r.quoteCandidates(f)
	}
	s, ok := r.site(f)
	if !ok || f.Hint.Mode == "" || strings.ContainsAny(f.ContextPath+f.ImagePath, "\t\n\"'\\[]*?<$ ") {
		return nil
	}
	for _, in := range s.Instructions {
		c, ok := copyOf(in)
		if !ok || len(c.sources) != 1 || c.from() != "" {
			continue
		}
		what := path.Clean(strings.TrimPrefix(c.sources[0], "/"))
		if heredoc := strings.HasPrefix(what, "<<"); heredoc && f.ContextPath == "" {
			what = f.ImagePath
		} else if what != f.ContextPath {
			continue
		}
		if _, set := c.Flag("chmod"); !set {
			at := dockerctx.Range{Start: c.Args[0].Range.Start, End: c.Args[0].Range.Start}
			out = append(out, candidate{
				title: fmt.Sprintf("give %s the mode %s at line %d of %s", what, f.Hint.Mode, in.Location.Range.Start.Line, in.Location.File),
				edits: []edit.Edit{r.put(at, "--chmod="+f.Hint.Mode+" ")},
			})
		}
	}
	if f.ContextPath == "" {
		return out
	}
	flags, _ := r.habits(s.Stage, f.ImagePath)
	words := slices.DeleteFunc(strings.Fields(flags), func(flag string) bool { return strings.HasPrefix(flag, "--chmod=") })
	words = append(append([]string{"COPY", "--chmod=" + f.Hint.Mode}, words...), f.ContextPath, f.ImagePath)
	return append(out, candidate{
		title: fmt.Sprintf("copy %s again, with mode %s", f.ContextPath, f.Hint.Mode),
		edits: []edit.Edit{r.dockerfileEdit(r.afterRemovals(s, f.ImagePath), 0, strings.Join(words, " "))},
	})
}

// earlier moves a COPY of just what a step needs before that step.
func (r *Repairer) earlier(f finding.Finding, s site) (out []candidate) {
	if s.before == 0 {
		return nil
	}
	for _, in := range s.Instructions {
		c, ok := copyOf(in)
		if !ok || in.Location.Range.Start.Line < s.before || c.from() != "" || len(c.sources) != 1 ||
			path.Clean(strings.TrimPrefix(c.sources[0], "/")) != f.ContextPath {
			continue
		}
		lines := bytes.Split(r.plan.Dockerfile.Data, []byte("\n"))
		first, last := in.Location.Range.Start.Line, in.Location.Range.End.Line
		text := strings.TrimSuffix(string(bytes.Join(lines[first-1:last], []byte("\n"))), "\r")
		out = append(out, candidate{
			title: fmt.Sprintf("move line %d of %s before the step that needs it", first, in.Location.File),
			edits: []edit.Edit{r.dockerfileEdit(first, last-first+1, ""), r.dockerfileEdit(s.afterCopies(), 0, text)},
		})
	}
	return out
}

// newCopy gives a COPY of its own behind the others.
func (r *Repairer) newCopy(s site, source, want, from string, isDir bool) candidate {
	flags, relative := r.habits(s.Stage, want)
	dest := want
	if dir := s.dir; relative && dir != "/" && strings.HasPrefix(want, dir+"/") {
		dest = "./" + strings.TrimPrefix(want, dir+"/")
		if !isDir && from == "" && path.Base(source) == path.Base(dest) { // what another stage has may be a directory
			dest = strings.TrimSuffix(dest, path.Base(dest)) // as a directory it takes others, too
		}
	}
	if isDir {
		source, dest = source+"/", dest+"/"
	}
	words := []string{"COPY"}
	if from != "" {
		words = append(words, "--from="+from)
	}
	if flags != "" {
		words = append(words, flags)
	}
	text := strings.Join(append(words, source, dest), " ")
	if strings.Contains(source+dest, " ") {
		// Only the JSON form takes a name with a blank.
		text = strings.Join(words, " ") + fmt.Sprintf(" [%q, %q]", source, dest)
	}
	title := fmt.Sprintf("copy %s to %s", strings.TrimSuffix(source, "/"), want)
	switch {
	case from != "" && from == r.main.Name:
		title += " from the context " + from
	case from != "":
		title += " from stage " + from
	}
	return candidate{title: title, edits: []edit.Edit{r.dockerfileEdit(r.afterRemovals(s, want), 0, text)}}
}

// habits gives how the COPY instructions of a stage, or of those that it goes on from, are written: the owner and mode of that which
// brings the neighbours of a path, or else of the last one, and whether destinations are relative to the working directory.
func (r *Repairer) habits(s *dockerfile.Stage, want string) (flags string, relative bool) {
	for {
		found, nearest := false, -1
		for _, in := range s.Instructions {
			c, ok := copyOf(in)
			if !ok {
				continue
			}
			found = true
			relative = relative || !path.IsAbs(c.dest)
			near := 0
			if dir := path.Join("/", r.plan.Config.WorkingDir, c.dest); path.IsAbs(c.dest) && simulate.Within(want, path.Clean(c.dest)) || simulate.Within(want, dir) {
				near = 1
			}
			if near < nearest || len(c.sources) == 1 && strings.HasPrefix(c.sources[0], "<<") {
				continue
			}
			nearest, flags = near, strings.Join(c.kept(), " ")
		}
		if found || s.BaseStage < 0 || s.BaseStage >= s.Index {
			return flags, relative
		}
		s = &r.plan.Stages[s.BaseStage]
	}
}

// kept are the flags of a copy that hold for its neighbours, too: owner and mode. The mode that makes one program executable is its own.
func (c copying) kept() (out []string) {
	for _, flag := range c.Flags {
		own := strings.HasPrefix(flag.Text, "--chmod=") && len(c.sources) == 1 && path.Ext(c.sources[0]) != ""
		if strings.HasPrefix(flag.Text, "--chown=") || strings.HasPrefix(flag.Text, "--chmod=") && !own {
			out = append(out, flag.Text)
		}
	}
	return out
}

// fromStages copies what an earlier stage has and the one that is built does not take.
func (r *Repairer) fromStages(f finding.Finding, s site, want string, isDir bool) []candidate {
	if r.Image == nil {
		return nil
	}
	var out []candidate
	for i, other := range r.plan.Stages {
		if i >= s.Index || !other.Reached {
			continue
		}
		var tree *rootfs.Tree
		for _, op := range r.plan.Ops {
			if op.Location.Stage == i {
				if st := r.Image.After(op.ID); st != nil && op.Kind != dockerfile.OpLocal {
					tree = st.Tree
				}
			}
		}
		if tree == nil {
			continue
		}
		at := ""
		_ = r.Image.Locate(tree, simulate.MainContext, f.ContextPath, func(l simulate.Located) error {
			if l.ContextPath == f.ContextPath {
				at = l.Path
				return fs.SkipAll
			}
			return nil
		})
		if at == "" {
			continue
		}
		name := other.Name
		if name == "" {
			name = fmt.Sprint(i)
		}
		out = append(out, r.newCopy(s, at, want, name, isDir))
	}
	return out
}

// widened adds a file to a COPY that lists its neighbours.
func (r *Repairer) widened(f finding.Finding, s site, wants []string, from string, isDir bool) []candidate {
	var out []candidate
	for _, c := range slices.Backward(s.copies()) {
		// All that is copied before a step decides over its cache.
		layer := s.before == 0 && c.manifests() && slices.ContainsFunc(s.Instructions, func(in dockerfile.Instruction) bool {
			return in.Keyword == "RUN" && in.Location.Range.Start.Line > c.in.Location.Range.Start.Line
		})
		if isDir || c.from() != from || layer {
			continue
		}
		sources, dest := c.sources, c.dest
		if !slices.ContainsFunc(sources, func(src string) bool { return path.Dir(path.Clean(src)) == path.Dir(f.ContextPath) }) {
			continue
		}
		if len(sources) == 1 && !strings.HasSuffix(dest, "/") && dest != "." {
			continue // the destination is a file, or it is a directory whose content is copied
		}
		dir := dest
		if !path.IsAbs(dir) {
			dir = path.Join(s.dir, dir)
		}
		if !slices.Contains(wants, path.Join(dir, path.Base(f.ContextPath))) {
			continue
		}
		more, ok := r.addSource(c, f.ContextPath)
		if !ok {
			continue
		}
		out = append(out, candidate{
			title: fmt.Sprintf("add %s to the files that line %d of %s copies", f.ContextPath, c.in.Location.Range.Start.Line, c.in.Location.File),
			edits: []edit.Edit{more},
		})
	}
	return out
}

// manifests reports whether all its sources say what is installed, as those of a layer of dependencies do.
func (c copying) manifests() bool {
	return !slices.ContainsFunc(c.sources, func(s string) bool { return !manifest.MatchString(path.Base(s)) })
}

// manifest is the name of a file that says what is installed.
var manifest = regexp.MustCompile(`(?i)^(.*requirements.*\.(txt|in)|constraints.*\.txt|.*\.(toml|lock|cfg)|setup\.py|pipfile.*|package.*\.json|yarn\.lock|pnpm-.*|go\.(mod|sum)|readme.*|environment.*\.ya?ml|\.python-version)$`)

// besides gives where a path of the context would lie beside its neighbours that are in the image.
func (r *Repairer) besides(p string) ([]string, error) {
	if r.Image == nil {
		return nil, nil
	}
	rest := path.Base(p)
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		var out []string
		err := r.Image.Locate(r.Image.Tree, r.main.Name, dir, func(l simulate.Located) error {
			at := ""
			switch {
			case l.ContextPath == dir:
				at = l.Path
			case path.Dir(l.ContextPath) == dir && path.Base(l.Path) == path.Base(l.ContextPath):
				at = path.Dir(l.Path)
			default:
				return nil
			}
			if at = path.Join(at, rest); !slices.Contains(out, at) {
				out = append(out, at)
			}
			if len(out) == 2 {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.SkipAll) {
			return nil, err
		}
		if len(out) > 0 {
			return out, nil
		}
		if dir == "." {
			return []string{path.Join("/", r.plan.Config.WorkingDir, p)}, nil
		}
		rest = path.Join(path.Base(dir), rest)
	}
}

// destinationCandidates give a package that was copied without its name a directory of its own: where it is the only source, by another
// destination; where it is one of several, by a line of its own; where a pattern matches it, by the directory in the pattern's place.
func (r *Repairer) destinationCandidates(f finding.Finding) []candidate {
	s := r.stage()
	name := f.Module[strings.LastIndexByte(f.Module, '.')+1:]
	if s == nil || f.Hint.SearchDir != "" || path.Base(f.ContextPath) != name {
		return nil
	}
	var out []candidate
	for _, in := range s.Instructions {
		c, ok := copyOf(in)
		if !ok {
			continue
		}
		line := in.Location.Range.Start.Line
		own := strings.TrimSuffix(c.dest, "/") + "/" + name + "/"
		if c.dest == "." || c.dest == "./" {
			own = "./" + name + "/"
		}
		text, quotes := c.Quote(own)
		for i, source := range c.sources {
			dir, last := path.Split(path.Clean(strings.TrimPrefix(source, "/")))
			switch itself := path.Join(dir, last) == f.ContextPath; {
			case itself && quotes && len(c.sources) == 1:
				out = append(out, candidate{
					title: fmt.Sprintf("copy %s into a directory of the same name", f.ContextPath),
					edits: []edit.Edit{r.put(c.Args[1].Range, text)},
				})
			case itself:
				more := r.alone(c, c.Args[i], own)
				out = append(out, candidate{
					title: fmt.Sprintf("copy %s by itself, into a directory of the same name", f.ContextPath),
					edits: []edit.Edit{r.drop(c.Args[i].Range), r.dockerfileEdit(line, 0, more)},
				})
			case last == "*" && path.Clean(dir) == path.Dir(f.ContextPath):
				if from, ok := c.Quote(cmp.Or(dir, ".")); ok {
					out = append(out, candidate{
						title: fmt.Sprintf("copy the directory %s instead of what a pattern matches in it", cmp.Or(dir, ".")),
						edits: []edit.Edit{r.put(c.Args[i].Range, from)},
					})
				}
			}
		}
	}
	return out
}

// alone gives a copy of one of the sources of another one, with its flags, to a directory.
func (r *Repairer) alone(c copying, source dockerfile.Word, dest string) string {
	data := r.plan.Dockerfile.Data
	text := func(w dockerfile.Word) string { return string(data[w.Range.Start.Offset:w.Range.End.Offset]) }
	words := []string{text(c.Keyword)}
	for _, flag := range c.Flags {
		words = append(words, text(flag))
	}
	if c.JSON {
		return strings.Join(append(words, fmt.Sprintf("[%s, %q]", text(source), dest)), " ")
	}
	return strings.Join(append(words, text(source), dest), " ")
}
