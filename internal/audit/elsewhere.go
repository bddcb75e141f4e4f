package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// elsewhere says of a path that the context lacks where a file of that name is, or may come from; at is where the image has one, "" if it
// has none. It reports whether there is none at all.
func (c *programCheck) elsewhere(f *finding.Finding, target, at string) (nowhere bool) {
	made := c.madeInStage(target)
	file := c.fileAbove(target)
	nowhere = at == "" && made == nil && file == ""
	archive, packedBy := c.packed(target)
	switch {
	case archive != "":
		nowhere = false
		f.Related = append(f.Related, instruction(finding.RoleCopies, packedBy))
		f.Detail = fmt.Sprintf("%s is in %s: COPY unpacks nothing, and ADD no zip. A step must unpack it, with python -m zipfile -e or unzip.", path.Base(target), archive)
	case file != "":
		f.Hint.Found = file
		f.Detail = fmt.Sprintf("%s is a file: nothing can be below it.", file)
	case made != nil && at == "":
		f.Related = append(f.Related, instruction(finding.RoleCopies, made.by))
		f.Detail = fmt.Sprintf("A step of another stage creates %s, but no COPY copies it from there.", made.what)
		switch {
		case made.taken:
			f.Detail = fmt.Sprintf("A COPY takes %s out of another stage, but does not put it there.", made.what)
		case made.at != "" && path.Base(made.at) != path.Base(target):
			f.Detail = fmt.Sprintf("A step of another stage writes to %s, but no COPY copies that from there.", made.what)
		}
		f.Hint.Made, f.Hint.MadeIn = made.at, made.stage
	case nowhere && c.namesake(target) != "":
		f.Detail = fmt.Sprintf("The build context has %s, and the image has no file of that name: it may be mounted, or added by an image that is built on this one.", c.namesake(target))
	case nowhere:
		f.Detail = "Neither the image nor the build context has a file of that name: it may be mounted, or added by an image that is built on this one."
	default:
		f.Hint.Found = at
		f.Detail = fmt.Sprintf("The image has a file of that name at %s.", at)
	}
	if outside := c.declaredOutside(); outside != "" && !nowhere {
		f.Detail += " " + outside
	}
	return nowhere
}

// maxPacked bounds the archives that are looked into.
const maxPacked = 8

// packed gives a zip archive of the image that has what is looked for in the place where it lies, with the instruction that brought it.
func (c *programCheck) packed(target string) (archive string, by dockerfile.Location) {
	looked := 0
	for dir := path.Dir(target); dir != "/"; dir = path.Dir(dir) {
		n, _, err := c.image.Tree.Stat(dir)
		if err != nil {
			continue
		}
		children, err := n.Children()
		if err != nil {
			continue
		}
		for _, child := range children {
			if path.Ext(child.Name) != ".zip" || child.Node.Op < 0 || looked == maxPacked {
				continue
			}
			if looked++; simulate.ZipHolds(child.Node, strings.TrimPrefix(target, dir+"/")) {
				return path.Join(dir, child.Name), c.image.Plan.Ops[child.Node.Op].Location
			}
		}
	}
	return "", dockerfile.Location{}
}

// product is something that a step of another stage makes.
type product struct {
	what  string // as the step says it
	at    string // its path there, "" if that is not known
	stage string // the name of the stage, or its number
	by    dockerfile.Location
	taken bool // a COPY takes it out, and puts it elsewhere
}

// madeInStage gives what a RUN of another stage makes under the name of a target, as its words say, or what a COPY takes out of one to somewhere else; nil
// if none does.
func (p *pass) madeInStage(target string) *product {
	name, stages := path.Base(target), p.image.Plan.Stages
	if made := p.writes(p.image, target, func(op *dockerfile.Op) bool { return !slices.Contains(p.image.Opaque, op.ID) }); made != nil {
		return made
	}
	if made := p.takenOut(target); made != nil {
		return made
	}
	for _, unused := range p.unusedStages() {
		if made := p.writes(unused, target, func(*dockerfile.Op) bool { return true }); made != nil {
			return made
		}
	}
	for i, stage := range stages { // those that nothing is copied from are no part of the build
		dir := ""
		for _, in := range stage.Instructions {
			if words := in.Syntax().Args; in.Keyword == "WORKDIR" && len(words) == 1 {
				if path.IsAbs(words[0].Text) {
					dir = "/"
				}
				dir = path.Join(dir, words[0].Text)
			}
			if stage.Reached || in.Keyword != "RUN" {
				continue
			}
			if word := makes(in.Location.Text, name); word != "" {
				made := product{what: word, stage: p.called(i), by: in.Location}
				if made.at = word; !path.IsAbs(word) {
					made.at = path.Join(dir, word)
				}
				if !path.IsAbs(made.at) || strings.ContainsAny(made.at, " $") {
					made.at = ""
				}
				return &made
			}
		}
	}
	return nil
}

// called gives the name by which COPY --from knows a stage.
func (p *pass) called(stage int) string {
	return cmp.Or(p.image.Plan.Stages[stage].Name, strconv.Itoa(stage))
}

// means reports whether a path has the name of a target, or is a directory of products that the target lies in by its name.
func means(p, target string) bool {
	base := path.Base(p)
	return base == path.Base(target) || slices.Contains(outputDirs, base) && strings.Contains(target, "/"+base+"/")
}

// writes gives what some steps write in their project, as their words say, and that means a target: first something of its name.
func (p *pass) writes(m *simulate.Image, target string, of func(*dockerfile.Op) bool) (made *product) {
	for _, op := range m.Plan.Ops {
		s := m.Script(op)
		if op.Kind != dockerfile.OpExec || s == nil || op.Location.Stage < 0 || op.Location.Stage >= len(p.image.Plan.Stages) || !of(op) {
			continue
		}
		dir := path.Join("/", op.Exec.Dir)
		for _, at := range s.Named {
			same := path.Base(at) == path.Base(target)
			if same || made == nil && dir != "/" && at != dir && simulate.Within(at, dir) && means(at, target) {
				made = &product{what: at, at: at, stage: p.called(op.Location.Stage), by: op.Location}
			}
			if same {
				return made
			}
		}
	}
	return made
}

// takenOut gives what means a target and a COPY of the last stage takes out of another one, and puts elsewhere.
func (p *pass) takenOut(target string) (made *product) {
	last := p.image.Plan.Stages[len(p.image.Plan.Stages)-1].Index
	for _, stage := range p.image.Plan.Stages {
		if stage.Reached {
			last = stage.Index
		}
	}
	for _, op := range p.image.Plan.Ops {
		for _, action := range op.File {
			cp, is := action.Change.(dockerfile.Copy)
			if !is || op.Location.Stage != last {
				continue
			}
			if simulate.Within(target, path.Clean(cp.Dest)) && action.Source != action.Input {
				return nil
			}
			from, given := op.Source(action)
			if made == nil && given && from.Op >= 0 && means(cp.Src, target) && p.image.Plan.Ops[from.Op].Kind != dockerfile.OpLocal {
				made = &product{what: cp.Src, at: cp.Src, by: op.Location, taken: true}
			}
		}
	}
	return made
}

// maxUnused bounds the stages that are predicted though nothing is copied from them.
const maxUnused = 4

// unusedStages are the stages with steps that the image does without, each as if it were asked for: the last of those that build upon each other.
func (p *pass) unusedStages() (out []*simulate.Image) {
	type key struct{}
	if noted, ok := p.image.Noted(key{}).([]*simulate.Image); ok {
		return noted
	}
	stages := p.image.Plan.Stages
	for _, stage := range slices.Backward(stages) {
		name := stage.Name
		done := slices.ContainsFunc(out, func(m *simulate.Image) bool {
			return slices.ContainsFunc(m.Plan.Stages, func(s dockerfile.Stage) bool { return s.Name == name && s.Reached })
		})
		if stage.Reached || name == "" || done || len(out) == maxUnused ||
			!slices.ContainsFunc(stage.Instructions, func(in dockerfile.Instruction) bool { return strings.EqualFold(in.Keyword, "RUN") }) {
			continue
		}
		opt := p.subject.Options
		opt.Target = name
		if m, err := simulate.Build(p.ctx, opt); err == nil {
			out = append(out, m)
		}
	}
	p.image.Note(key{}, out)
	return out
}

// installedIn gives the directory of packages of another stage in which a step installs one, or into which a COPY puts it there; nil if there is
// none.
func (p *pass) installedIn(dir, name string) *product {
	for _, m := range append([]*simulate.Image{p.image}, p.unusedStages()...) {
		for _, op := range slices.Backward(m.Plan.Ops) {
			if at := installedBy(m, op, dir, name); at != "" && op.Location.Stage >= 0 {
				return &product{what: at, at: at, stage: p.called(op.Location.Stage), by: op.Location}
			}
		}
	}
	return nil
}

// installedBy gives the directory into which an operation puts a package: for a step the one in its working directory; "" if it does not.
func installedBy(m *simulate.Image, op *dockerfile.Op, dir, name string) string {
	after, script := m.After(op.ID), m.Script(op)
	switch {
	case after == nil:
	case op.Kind == dockerfile.OpFile:
		if n, _, err := after.Tree.Stat(path.Join(dir, name)); err == nil && int(n.Op) == op.ID {
			return dir
		}
	case script != nil && slices.ContainsFunc(script.Calls, func(c *command.Call) bool { return slices.Contains([]string{"npm", "pnpm", "yarn", "bun"}, c.Base) }):
		for _, at := range []string{path.Join("/", op.Exec.Dir, path.Base(dir)), dir} {
			if slices.Contains(after.Tree.HeldBy(path.Join(at, name)).Ops(), op.ID) {
				return at
			}
		}
	}
	return ""
}

// compilers are what makes files whose names the words of a step do not tell, by the ending of those.
var compilers = map[string][]string{".jar": {"mvn", "mvnw", "gradle", "gradlew"}, ".war": {"mvn", "mvnw", "gradle", "gradlew"}, ".dll": {"dotnet"}}

// makes gives the word by which a step that nobody follows makes something of a name, "" if none is known to: a path, what an option of a
// compiler names, or what it calls a product.
func makes(text, name string) string {
	words := strings.Fields(text)
	for i, word := range words {
		before := ""
		if i > 0 {
			before = words[i-1]
		}
		word = strings.Trim(word, `"'`)
		switch base := path.Base(word); {
		case strings.Contains(word, "/") && base == name, word == name && slices.Contains([]string{"-o", "--output", "--bin", "-p", "--package", "make"}, before):
			return word
		case slices.Contains(compilers[path.Ext(name)], base) && (path.Ext(name) != ".dll" || strings.Contains(text, strings.TrimSuffix(name, ".dll"))):
			return word + " makes " + name
		}
	}
	return ""
}

// leftBehind reports whether a program that is not surely missing was made in another stage, and nothing in this one is known to bring it: a
// distribution without more has no program that somebody compiles.
func (c *programCheck) leftBehind(at string) bool {
	name := path.Base(at)
	if c.madeInStage(at) == nil {
		return false
	}
	for _, id := range c.image.Tree.HeldBy(at).Ops() {
		if id < 0 {
			return false
		}
		switch op := c.image.Plan.Ops[id]; op.Kind {
		case dockerfile.OpImage:
			if !bases.Bare(op.Image.Ref) && (compilers[path.Ext(at)] == nil || !bases.Plain(op.Image.Ref)) {
				return false
			}
		case dockerfile.OpExec:
			// Packages of a distribution that are called otherwise do not bring it.
			script := c.build.Script(op)
			if script.Missed || !slices.Contains(c.image.Opaque, op.ID) || slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
				known := command.Is(call.Base, command.Helper|command.Looker|command.Account) && !command.Is(call.Base, command.Installer)
				named := slices.ContainsFunc(call.Words(), func(w string) bool { return strings.Contains(w, name) || strings.Contains(w, shell.Hole) })
				return !call.Builtin && (!known || named && !command.Is(call.Base, command.Account|command.Looker|command.Mover))
			}) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// fileAbove gives the file of the image that stands where a path needs a directory, "" if none does.
func (c *programCheck) fileAbove(p string) string {
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if c.build.Tree.Stat(dir) == shell.Regular {
			return dir
		}
	}
	return ""
}
