package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
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
	made := c.madeInStage(path.Base(target))
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
}

// madeInStage gives what a RUN of another stage makes under a name, as its words say; nil if none does.
func (c *programCheck) madeInStage(name string) *product {
	stages := c.image.Plan.Stages
	called := func(i int) string { return cmp.Or(stages[i].Name, fmt.Sprint(i)) }
	for _, op := range c.image.Plan.Ops {
		if op.Kind != dockerfile.OpExec || slices.Contains(c.image.Opaque, op.ID) || op.Location.Stage < 0 || op.Location.Stage >= len(stages) {
			continue
		}
		if s := c.image.Script(op); s != nil {
			for _, p := range s.Named {
				if path.Base(p) == name {
					return &product{p, p, called(op.Location.Stage), op.Location}
				}
			}
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
				made := product{what: word, stage: called(i), by: in.Location}
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
	if c.madeInStage(name) == nil {
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
			if script.Missed || !slices.Contains(c.image.Opaque, op.ID) || strings.Contains(op.Location.Text, name) ||
				slices.ContainsFunc(script.Calls, func(call *command.Call) bool { return call.Footprint().Unknown }) {
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
