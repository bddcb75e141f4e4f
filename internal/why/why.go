// Package why explains why something is in an image or not: a path of the build context, a path of the image, or an
// environment setting.
//
// Every kind of answer has its own [Verdict] and its own sentence. An answer is read from the record of the simulation,
// never guessed from patterns.
package why

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Verdict is the answer in one word.
type Verdict string

// The verdicts, by what was asked about.
const (
	InImage     Verdict = "in-image"    // all of it is in the image
	PartlyThere Verdict = "partly"      // some files of a directory are, others are not
	Ignored     Verdict = "ignored"     // the ignore file keeps it out of the context
	NotCopied   Verdict = "not-copied"  // it is in the context, and no instruction takes it
	Lost        Verdict = "lost"        // an instruction copied it, and it is not there in the end
	Emptied     Verdict = "emptied"     // it arrives without its content
	NotFound    Verdict = "not-found"   // it does not exist where it was looked for
	Unknown     Verdict = "unknown"     // a step that cannot be simulated may have made it
	Set         Verdict = "set"         // the setting has a value
	NotSet      Verdict = "not-set"     // it has none
	EmptyDir    Verdict = "no-files"    // a directory of the context that holds no file
	Remote      Verdict = "remote"      // the build context is not on this machine
	BuildFailed Verdict = "build-fails" // there is no image to ask
)

// Step is one link of the chain.
type Step struct {
	Sentence string       `json:"sentence"`
	Place    *audit.Place `json:"place,omitempty"`
}

// Answer explains one target.
type Answer struct {
	Target  string  `json:"target"`
	Kind    string  `json:"kind"` // context-path, image-path, environment
	Verdict Verdict `json:"verdict"`
	Summary string  `json:"summary"`
	// Steps is the chain, from the source to the image.
	Steps []Step `json:"steps"`
	// ImagePaths is where it lies in the image, at most ten.
	ImagePaths []string `json:"imagePaths,omitempty"`
	// Missing are files that do not reach the image, at most ten, MissingCount how many there are.
	Missing      []string `json:"missing,omitempty"`
	MissingCount int      `json:"missingCount,omitempty"`
	// Usage tells who imports a Python module of the context; nil for anything else.
	Usage       *Usage             `json:"usage,omitempty"`
	Remedy      string             `json:"remedy,omitempty"`
	Assumptions []audit.Assumption `json:"assumptions"`
}

// Usage tells who imports a module: at most ten places unless all were asked for, and how many there are.
type Usage struct {
	Module  string        `json:"module"`
	Imports []audit.Place `json:"imports"`
	Count   int           `json:"count"`
	Exports []string      `json:"exports,omitempty"`
}

// maxListed bounds the paths that an answer lists.
const maxListed = 10

// Explainer answers for one image.
type Explainer struct {
	Image *simulate.Image
	// Main is the main context; nil if it is remote.
	Main *simulate.Context
	// Policy adds entry points; nil for none. All asks for every import of a module.
	Policy *policy.Image
	All    bool
}

var moduleName = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$`)

// Explain answers for a target: `$NAME` for an environment setting, a path that starts with a slash for an image path,
// anything else for a path of the build context or, with dots for slashes, a module of it.
func (e *Explainer) Explain(target string) (*Answer, error) {
	a := &Answer{Target: target, Steps: []Step{}, Assumptions: []audit.Assumption{}}
	var err error
	switch {
	case strings.HasPrefix(target, "$"):
		e.environment(a, strings.Trim(strings.TrimPrefix(target, "$"), "{}"))
	case path.IsAbs(target):
		e.imagePath(a, path.Clean(target))
	default:
		err = e.contextPath(a, target)
	}
	return a, err
}

func (a *Answer) step(sentence string, place *audit.Place) {
	a.Steps = append(a.Steps, Step{sentence, place})
}

func instruction(role audit.Role, l dockerfile.Location) *audit.Place {
	text := l.Text
	if l.Trigger != "" {
		text = l.Trigger
	}
	return &audit.Place{Role: role, File: l.File, Line: l.Range.Start.Line, Text: text}
}

// environment explains a setting.
func (e *Explainer) environment(a *Answer, name string) {
	a.Kind = "environment"
	cfg := e.Image.Plan.Config
	var names []string
	for _, kv := range cfg.Env {
		k, v, _ := strings.Cut(kv, "=")
		names = append(names, k)
		if k != name {
			continue
		}
		a.Verdict, a.Summary = Set, fmt.Sprintf("%s is %q in the image", name, v)
		if loc := e.Image.Plan.ConfigSources.Env[name]; !loc.IsZero() {
			a.step("the last instruction that sets it", instruction(audit.RoleSets, loc))
		} else {
			a.step("no instruction of this Dockerfile sets it: it is the base image's, or BuildKit's default", nil)
			a.Assumptions = e.assumptions()
		}
		if strings.Contains(v, "/") {
			e.searchPath(a, v)
		}
		return
	}
	a.Verdict, a.Summary = NotSet, fmt.Sprintf("%s is not set in the image", name)
	for _, s := range e.Image.Plan.Stages {
		for _, in := range s.Instructions {
			if in.Keyword == "ENV" && strings.Contains(in.Location.Text, name) && s.Index != e.Image.Plan.TargetStage {
				a.step("an ENV of another stage does not count", instruction(audit.RoleNoEffect, in.Location))
			}
			if in.Keyword == "ARG" && strings.Contains(in.Location.Text, name) {
				a.step("an ARG is not part of the image's environment", instruction(audit.RoleNoEffect, in.Location))
			}
		}
	}
	if near, ok := suggest.Search(name, names, true); ok {
		a.Remedy = fmt.Sprintf("did you mean $%s?", near)
	} else {
		a.Remedy = fmt.Sprintf("an ENV %s=... in the stage that is built would set it", name)
	}
	a.Assumptions = e.assumptions()
}

// searchPath tells of each entry of a list whether it is a directory of the image.
func (e *Explainer) searchPath(a *Answer, list string) {
	for _, entry := range strings.Split(list, ":") {
		if !path.IsAbs(entry) {
			continue
		}
		n, at, err := e.Image.Tree.Stat(entry)
		switch {
		case err == nil && n.IsDir():
			a.step(entry+" is a directory of the image", nil)
		case err == nil:
			a.step(entry+" is in the image and no directory", nil)
		case e.Image.Tree.MayHold(at):
			a.step(entry+" is not made by this Dockerfile; a base image or a RUN step may have it", nil)
		default:
			a.step(entry+" does not exist in the image", nil)
		}
	}
}

// imagePath explains a path of the image.
func (e *Explainer) imagePath(a *Answer, p string) {
	a.Kind = "image-path"
	n, at, err := e.Image.Tree.Stat(p)
	if at != p && err == nil {
		a.step(fmt.Sprintf("links lead to %s", at), nil)
	}
	switch {
	case err == nil && n.Kind == rootfs.KindUnknown && n.Op >= 0:
		a.Verdict, a.Summary = InImage, fmt.Sprintf("%s is in the image, but what it holds is made by a step that cannot be simulated", p)
		a.ImagePaths = []string{at}
		a.step("copied by", instruction(audit.RoleCopies, e.Image.Plan.Ops[n.Op].Location))
		a.Assumptions = e.assumptions()
	case err == nil && n.Kind == rootfs.KindUnknown, err != nil && e.Image.Tree.MayHold(at):
		a.Verdict = Unknown
		a.Summary = fmt.Sprintf("%s is not known to be in the image: no instruction that can be simulated puts it there", p)
		e.nearest(a, at)
		a.Assumptions = e.assumptions()
	case err != nil:
		a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s is not in the image", p)
		e.nearest(a, at)
		e.formerly(a, at)
	default:
		a.Verdict = InImage
		a.Summary = fmt.Sprintf("%s is in the image: %s", p, describe(n))
		a.ImagePaths = []string{at}
		e.provenance(a, n)
		a.Assumptions = e.assumptions()
	}
}

func describe(n *rootfs.Node) string {
	switch n.Kind {
	case rootfs.KindFile:
		return fmt.Sprintf("a file of %d bytes, mode %04o", n.Size, n.Perm)
	case rootfs.KindDir:
		return fmt.Sprintf("a directory, mode %04o", n.Perm)
	case rootfs.KindSymlink:
		return "a link to " + n.Link
	default:
		return "a " + n.Kind.String()
	}
}

// provenance tells how an entry came to be where it is.
func (e *Explainer) provenance(a *Answer, n *rootfs.Node) {
	for _, s := range e.Image.Provenance(n) {
		switch {
		case s.Node.Member != "":
			a.step(fmt.Sprintf("unpacked from an archive, where it is %s", s.Node.Member), instruction(audit.RoleCopies, s.Op.Location))
		case s.Op.Kind == dockerfile.OpLocal:
			a.step(fmt.Sprintf("it comes from %s of the %s", s.Node.Origin, contextName(s.Op.Local.Name)), nil)
		case s.Op.Kind == dockerfile.OpImage:
			a.step("every image is taken to have it", instruction(audit.RoleCopies, s.Op.Location))
		case s.Op.Kind == dockerfile.OpRemote:
			a.step("it comes from "+s.Op.Remote.URL, nil)
		case s.Node.Implied:
			a.step("made on the way to something below it", instruction(audit.RoleCopies, s.Op.Location))
		case s.Node.Source == nil:
			a.step("made by", instruction(audit.RoleCopies, s.Op.Location))
		default:
			a.step("copied by", instruction(audit.RoleCopies, s.Op.Location))
		}
	}
}

func contextName(name string) string {
	if name == simulate.MainContext {
		return "build context"
	}
	return "named context " + name
}

// nearest tells of a similar name.
func (e *Explainer) nearest(a *Answer, p string) {
	dir := path.Dir(p)
	for dir != "/" && !e.Image.Tree.Exists(dir) {
		dir = path.Dir(dir)
	}
	a.step(fmt.Sprintf("the nearest directory that exists is %s", dir), nil)
	n, err := e.Image.Tree.Lstat(dir)
	if err != nil {
		return
	}
	children, err := n.Children()
	if err != nil {
		return
	}
	names := make([]string, len(children))
	for i, c := range children {
		names[i] = c.Name
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p, dir), "/"), "/")
	if near, ok := suggest.Search(name, names, true); ok {
		a.Remedy = fmt.Sprintf("did you mean %s?", path.Join(dir, near, rest))
	}
}

// formerly tells of a step before which the path was there, or of another stage that has it.
func (e *Explainer) formerly(a *Answer, p string) {
	for _, op := range slices.Backward(e.Image.Plan.Ops) {
		s := e.Image.After(op.ID)
		if op.Kind != dockerfile.OpFile || s == nil || !s.Tree.Exists(p) {
			continue
		}
		stage := op.Location.StageName
		if stage == "" {
			stage = fmt.Sprint(op.Location.Stage)
		}
		a.step(fmt.Sprintf("stage %s has it after this instruction; the image does not take it from there", stage),
			instruction(audit.RoleCopies, op.Location))
		return
	}
}

func (e *Explainer) assumptions() []audit.Assumption {
	return audit.Assumptions(e.Image, e.Image.Opaque)
}

// contextPath explains a path of the build context.
func (e *Explainer) contextPath(a *Answer, target string) error {
	a.Kind = "context-path"
	if e.Main == nil {
		a.Verdict, a.Summary = Remote, fmt.Sprintf("%s cannot be explained: the build context %s is not on this machine, and has no ignore file", target, e.Image.Plan.RemoteContext)
		return nil
	}
	p, ok := e.find(target)
	if !ok {
		a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s does not exist in the build context %s", target, e.Main.Dir)
		if near, ok := simulate.NearestInContext(e.Main, p); ok {
			a.Remedy = fmt.Sprintf("did you mean %s?", near)
		}
		return e.judgeAbsent(a, p)
	}
	if p != target {
		a.step(fmt.Sprintf("%s is %s in the build context", target, p), nil)
	}
	files, err := simulate.FilesBelow(e.Main.FS, p)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		a.Verdict, a.Summary = EmptyDir, fmt.Sprintf("%s is a directory that holds no file", p)
		return e.ignoreSteps(a, p)
	}
	r, err := e.Image.Reach(e.Main, p, files, nil)
	if err != nil {
		return err
	}
	if err := e.reached(a, p, r); err != nil {
		return err
	}
	return e.usage(a, p, files)
}

// usage adds who imports a path that holds Python code.
func (e *Explainer) usage(a *Answer, p string, files []string) error {
	if p == "." || !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, ".py") }) {
		return nil
	}
	pol := e.Policy
	if pol == nil {
		pol = &policy.Image{}
	}
	u, err := audit.Importers(e.Image, e.Main, pol, p)
	if err != nil || len(u.Imports) == 0 {
		return err
	}
	a.Usage = &Usage{Module: u.Module, Imports: u.Imports, Count: len(u.Imports), Exports: u.Exports}
	if !e.All {
		a.Usage.Imports = u.Imports[:min(len(u.Imports), maxListed)]
	}
	return nil
}

// find gives the context path that a target names: itself, or the directory or file of a module.
func (e *Explainer) find(target string) (string, bool) {
	p := path.Clean(target)
	if p == ".." || strings.HasPrefix(p, "../") {
		return p, false
	}
	if _, err := e.Main.FS.Lstat(p); err == nil {
		return p, true
	}
	if moduleName.MatchString(target) {
		for _, root := range []string{"", "src/"} {
			for _, ext := range []string{"", ".py"} {
				q := root + strings.ReplaceAll(target, ".", "/") + ext
				if _, err := e.Main.FS.Lstat(q); err == nil {
					return q, true
				}
			}
		}
	}
	return p, false
}

// judgeAbsent tells what the ignore file would do to a path that does not exist.
func (e *Explainer) judgeAbsent(a *Answer, p string) error {
	if p == ".." || strings.HasPrefix(p, "../") {
		a.Remedy = "paths are relative to the build context, and nothing outside it can be copied"
		return nil
	}
	t, err := e.Main.Explain(p)
	if err != nil || t.Included {
		return err
	}
	a.step("if it existed, the ignore file would keep it out", e.place(audit.RoleExcludes, t.Decisive))
	return nil
}

func (e *Explainer) place(role audit.Role, l *dockerctx.Line) *audit.Place {
	if l == nil {
		return nil
	}
	return &audit.Place{Role: role, File: e.Main.Ignore.Name, Line: l.Number, Text: strings.TrimSpace(l.Text)}
}

// ignoreSteps adds each ignore line that had to do with a path.
func (e *Explainer) ignoreSteps(a *Answer, p string) error {
	t, err := e.Main.Explain(p)
	if err != nil {
		return err
	}
	if e.Main.Ignore == nil {
		a.step("there is no ignore file: everything is allowed in", nil)
		return nil
	}
	if len(t.Steps) == 0 {
		a.step(fmt.Sprintf("no line of %s matches it", e.Main.Ignore.Name), nil)
	}
	for _, s := range t.Steps {
		role, what := audit.RoleNoEffect, "no effect on "
		switch s.Effect {
		case dockerctx.EffectExcludes:
			role, what = audit.RoleExcludes, "excludes "
		case dockerctx.EffectReincludes:
			role, what = audit.RoleReincludes, "re-includes "
		}
		sentence := what + s.Path
		if role == audit.RoleNoEffect {
			sentence += ": " + s.Reason.Sentence()
		}
		a.step(sentence, e.place(role, s.Line))
	}
	if t.PrunedAt != "" && t.PrunedAt != p {
		a.step(fmt.Sprintf("BuildKit does not enter %s, so no later line can bring anything in it back", t.PrunedAt), nil)
	}
	return nil
}

// reached explains files that exist.
func (e *Explainer) reached(a *Answer, p string, r *simulate.Reach) error {
	missing := r.Missing()
	a.MissingCount = len(missing)
	example := p
	if len(missing) > 0 {
		a.Missing = missing[:min(len(missing), maxListed)]
		example = missing[0]
	} else if len(r.Files) > 1 || r.Files[0] != p {
		example = r.Files[0]
	}
	if err := e.ignoreSteps(a, example); err != nil {
		return err
	}
	copied, err := e.Image.CopiedBy(e.Main, p, r.Files)
	if err != nil {
		return err
	}
	for _, c := range copied {
		a.step(fmt.Sprintf("copied to %s", c.Entry.Path), instruction(audit.RoleCopies, e.Image.Plan.Ops[c.Op].Location))
	}
	for _, f := range r.Files {
		if l, ok := r.Found[f]; ok && len(a.ImagePaths) < maxListed {
			a.ImagePaths = append(a.ImagePaths, l.Path)
		}
	}
	e.verdict(a, p, r, copied)
	a.Assumptions = e.assumptions()
	return nil
}

func (e *Explainer) verdict(a *Answer, p string, r *simulate.Reach, copied []simulate.Copied) {
	total, missing := len(r.Files), a.MissingCount
	what := p
	if total > 1 {
		what = fmt.Sprintf("%s (%d files)", p, total)
	}
	switch {
	case missing == 0:
		a.Verdict, a.Summary = InImage, fmt.Sprintf("%s is in the image, at %s", what, a.ImagePaths[0])
	case missing < total:
		a.Verdict, a.Summary = PartlyThere, fmt.Sprintf("%s is only partly in the image: %d of its files are missing", what, missing)
	case len(r.Emptied) == total:
		a.Verdict, a.Summary = Emptied, fmt.Sprintf("%s is in the image without its content", what)
	case len(r.Ignored) > 0:
		line := r.Trails[r.Ignored[0]].Decisive
		a.Verdict, a.Summary = Ignored, fmt.Sprintf("%s is not in the image: the ignore file keeps it out of the context", what)
		if line != nil {
			a.Summary = fmt.Sprintf("%s is not in the image: %s:%d keeps it out of the context", what, e.Main.Ignore.Name, line.Number)
			dir := p
			if fi, err := e.Main.FS.Lstat(p); err == nil && fi.IsDir() {
				dir += "/"
			}
			a.Remedy = fmt.Sprintf("a line !%s after line %d of %s", dir, line.Number, e.Main.Ignore.Name)
		}
	case len(copied) > 0:
		a.Verdict, a.Summary = Lost, fmt.Sprintf("%s is not in the image, although an instruction copies it: it is removed or replaced later, or stays in another stage", what)
	default:
		a.Verdict, a.Summary = NotCopied, fmt.Sprintf("%s is not in the image: it is in the build context, but no COPY or ADD that the image is built from takes it", what)
		for _, s := range e.Image.Plan.Stages {
			for _, in := range s.Instructions {
				if s.Reached && (in.Keyword == "COPY" || in.Keyword == "ADD") {
					a.step("takes something else", instruction(audit.RoleCopies, in.Location))
				}
			}
		}
	}
}
