package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/secrets"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// suspect is a file of a build context that has the name of a secret.
type suspect struct{ context, path string }

// suspects are those that a look through the transfer came across. An audit of a build that differs little looks through no more
// than what differs, and takes the others over.
type suspects struct {
	mu    sync.Mutex
	found map[suspect]bool
}

// suspectsKey is where an image has its suspects noted.
type suspectsKey struct{}

func (s *suspects) see(src *simulate.Source, dir, name string) {
	if !secrets.LooksLike(name) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[suspect{src.Context.Name, path.Join(dir, name)}] = true
}

// verify looks through all that the build transfers, and has the suspects noted.
func verify(ctx context.Context, image, sound *simulate.Image) error {
	seen := suspects{found: map[suspect]bool{}}
	if had, ok := sound.Noted(suspectsKey{}).(map[suspect]bool); ok {
		seen.found = maps.Clone(had)
	}
	err := image.VerifyAndSee(ctx, sound, seen.see)
	image.Note(suspectsKey{}, seen.found)
	return err
}

// maxSuspects bounds the files that are looked at.
const maxSuspects = 1000

// suspects gives the files with names of secrets that the build may transfer, in order. Where nobody looked through the transfer,
// git tells the names.
func (p *pass) suspects() []suspect {
	found, _ := p.image.Noted(suspectsKey{}).(map[suspect]bool)
	if found == nil && p.main != nil && p.subject.Tracked != nil {
		found = map[suspect]bool{}
		tracked, _, _ := p.subject.Tracked(p.main.Dir, ".")
		for _, name := range tracked {
			if secrets.LooksLike(name) {
				found[suspect{p.main.Name, name}] = true
			}
		}
	}
	list := slices.SortedFunc(maps.Keys(found), func(a, b suspect) int {
		return cmp.Or(cmp.Compare(a.context, b.context), cmp.Compare(a.path, b.path))
	})
	return list[:min(len(list), maxSuspects)]
}

// secret is a file that looks like one, and how far it gets.
type secret struct {
	suspect
	at    string // in the image, "" if it is not there
	by    *dockerfile.Op
	place []finding.Place // the instructions that bring it
	fate  fate
	// shown tells that its place or its content says that it is meant to be seen.
	shown bool
}

// fate is how far a file of a context gets.
type fate int

const (
	inImage fate = iota
	inLayer      // a layer of the image has it, and a later one hides it
	inStage      // a stage has it that is no part of the image
)

// checkSecrets looks for files that look like secrets among what instructions copy from a context.
func checkSecrets(p *pass) error {
	groups := map[string][]secret{}
	for _, x := range p.suspects() {
		c := p.contextNamed(x.context)
		if c == nil {
			continue
		}
		s, ok, err := p.trace(x)
		if err != nil {
			return err
		}
		if !ok || p.forbidden(s.at) || !p.weigh(c, &s) || s.shown && s.fate == inStage {
			continue
		}
		key := fmt.Sprint(s.by.ID, s.fate, s.shown, x.context, path.Dir(x.path))
		groups[key] = append(groups[key], s)
	}
	for _, key := range sortedKeys(groups) {
		p.reportSecrets(groups[key])
	}
	return p.checkHistory()
}

// contextNamed gives a context that the build reads, nil for none.
func (p *pass) contextNamed(name string) *simulate.Context {
	for _, s := range p.image.Sources {
		if s.Context.Name == name {
			return s.Context
		}
	}
	return nil
}

// forbidden reports whether it was told of a path of the image already that it must not be there.
func (p *pass) forbidden(at string) bool {
	return at != "" && slices.ContainsFunc(p.report.Findings, func(f finding.Finding) bool {
		return f.Rule == finding.PathForbidden && (f.ImagePath == at || slices.Contains(f.Files, at))
	})
}

// trace follows a file of a context into the image, or else to the first stage that has it.
func (p *pass) trace(x suspect) (s secret, ok bool, err error) {
	s = secret{suspect: x}
	at, node, err := p.located(p.image.Tree, x)
	if node != nil || err != nil {
		s.at, s.place = at, p.origin(node)
		if steps := p.image.Provenance(node); len(steps) > 0 {
			s.by = steps[0].Op
		}
		return s, s.by != nil, err
	}
	layers := layersOf(p.image.Plan)
	for _, op := range p.image.Plan.Ops {
		after := p.image.After(op.ID)
		if op.Kind != dockerfile.OpFile || after == nil || !p.copies(op, x.context) {
			continue
		}
		if _, node, err = p.located(after.Tree, x); err != nil {
			return s, false, err
		}
		switch {
		case node == nil:
		case layers[op.ID]:
			s.by, s.fate = op, inLayer
		case s.by == nil:
			s.by, s.fate = op, inStage
		}
		if s.fate == inLayer {
			break
		}
	}
	if s.by != nil {
		s.place = []finding.Place{instruction(finding.RoleCopies, s.by.Location)}
	}
	return s, s.by != nil, nil
}

// layersOf gives the operations that make layers of the image.
func layersOf(plan *dockerfile.Plan) map[int]bool {
	out := map[int]bool{}
	for refs := []dockerfile.OutputRef{plan.Result}; len(refs) > 0; refs = refs[1:] {
		if refs[0].Op < 0 || out[refs[0].Op] {
			continue
		}
		op := plan.Ops[refs[0].Op]
		out[op.ID] = true
		switch op.Kind {
		case dockerfile.OpFile:
			if in := op.File[0].Input; in >= 0 && in < len(op.Inputs) {
				refs = append(refs, op.Inputs[in])
			}
		case dockerfile.OpExec:
			if root, ok := op.Root(); ok {
				refs = append(refs, root)
			}
		case dockerfile.OpMerge, dockerfile.OpDiff:
			refs = append(refs, op.Inputs...)
		}
	}
	return out
}

// copies reports whether an operation copies from a context.
func (p *pass) copies(op *dockerfile.Op, context string) bool {
	return slices.ContainsFunc(op.File, func(a dockerfile.FileAction) bool {
		from, ok := op.Source(a)
		return ok && p.image.Sources[from.Op] != nil && p.image.Sources[from.Op].Context.Name == context
	})
}

// located gives the first place of a tree that has a file of a context; a nil node if none has.
func (p *pass) located(t *rootfs.Tree, x suspect) (at string, node *rootfs.Node, err error) {
	err = p.image.Locate(t, x.context, x.path, func(l simulate.Located) error {
		at, node = l.Path, l.Node
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return at, node, err
}

// exampleDirs are directories whose files are made to be shown.
var exampleDirs = []string{"test", "tests", "__tests__", "testdata", "fixtures", "spec", "mocks", "__mocks__", "example", "examples", "sample", "samples", "demo", "node_modules"}

// weigh decides whether a file that has the name of a secret may be one, by where it lies and by how it begins.
func (p *pass) weigh(c *simulate.Context, s *secret) bool {
	head, ok := p.head(c, s.path)
	if ok && secrets.Public(s.path, head) {
		return false
	}
	s.shown = slices.ContainsFunc(strings.Split(path.Dir(s.path), "/"), func(dir string) bool { return slices.Contains(exampleDirs, dir) })
	if ok && secrets.IsSettings(s.path) && !secrets.Sets(head) && p.subject.Tracked != nil {
		tracked, known, _ := p.subject.Tracked(c.Dir, s.path)
		// One that an ignore file of git names was added by force.
		forced := p.subject.GitMatched != nil && len(p.subject.GitMatched(c.Dir, []string{s.path})) > 0
		s.shown = s.shown || known && len(tracked) > 0 && !forced
	}
	return true
}

// head gives how a file of a context begins.
func (p *pass) head(c *simulate.Context, name string) ([]byte, bool) {
	r, err := c.FS.Open(name)
	if err != nil {
		return nil, false
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, secrets.MaxRead))
	return head, err == nil
}

// reportSecrets reports files of one directory of a context that get equally far by one instruction.
func (p *pass) reportSecrets(list []secret) {
	first := list[0]
	f := finding.Finding{
		Rule: finding.SecretInImage, ContextPath: first.path, ImagePath: first.at, Subject: position(first.by.Location), Related: first.place,
	}
	what, verb := first.path+", a file that looks like a secret,", "is copied into"
	if len(list) > 1 {
		for _, s := range list {
			f.Files = append(f.Files, s.path)
		}
		what, verb = fmt.Sprintf("%s and %d more files that look like secrets", first.path, len(list)-1), "are copied into"
		if len(list) == 2 {
			what = fmt.Sprintf("%s and %s, files that look like secrets,", first.path, list[1].path)
		}
	}
	switch first.fate {
	case inImage:
		f.Summary = fmt.Sprintf("%s %s the image", what, verb)
		f.Detail = "Everybody who has the image has it. Exclude it in the ignore file."
	case inLayer:
		f.Summary = fmt.Sprintf("%s %s a layer of the image", what, verb)
		f.Detail = "A later step removes it, but the earlier layer still has it. Exclude it in the ignore file, and give it to the step that needs it as a secret mount (RUN --mount=type=secret)."
	default:
		f.Severity = finding.Note
		f.Summary = fmt.Sprintf("%s %s a stage of the build", what, verb)
		f.Detail = "It is not in the image, but it is in the build cache, wherever that is exported. Give it to the step that needs it as a secret mount (RUN --mount=type=secret)."
	}
	if s := p.subject; s.Discovered && len(s.Sources) == 0 && path.Dir(filepath.ToSlash(s.Options.Dockerfile)) != path.Clean(filepath.ToSlash(s.Options.Context)) {
		f.Severity = finding.Note
		f.Detail += " Nothing in the repository builds it with this directory as its context."
	}
	if first.shown {
		f.Severity = finding.Note
		f.Detail += " It may be harmless: git tracks it, or it is among tests or examples, and its content does not look like a secret."
	}
	p.add(f)
}

// history is where git has all revisions of a repository.
const history = ".git"

// checkHistory looks for the history of the repository in the image, where an instruction copies it with all else.
func (p *pass) checkHistory() error {
	if p.main == nil {
		return nil
	}
	x := suspect{p.main.Name, history}
	at, node, err := p.located(p.image.Tree, x)
	if node == nil || !node.IsDir() || err != nil {
		return err
	}
	steps := p.image.Provenance(node)
	if len(steps) == 0 || !hasRevisions(node) || slices.ContainsFunc(steps, func(s simulate.Step) bool { return namesHistory(s.Op) }) {
		return nil
	}
	var size mass
	size.add(node)
	p.add(finding.Finding{
		Rule: finding.SecretInImage, Severity: finding.Note, ContextPath: history, ImagePath: at, Subject: position(steps[0].Op.Location), Related: p.origin(node),
		Summary: fmt.Sprintf("%s, the history of the repository (%s), is copied into the image", history, size),
		Detail:  "Everybody who has the image has every revision, including files deleted since, and the settings of this clone. Exclude it in the ignore file.",
	})
	return nil
}

// hasRevisions reports whether a .git directory has any: git keeps a log from the first one on, and a clone packs the names of its own.
func hasRevisions(n *rootfs.Node) bool {
	children, err := n.Children()
	return err == nil && slices.ContainsFunc(children, func(c rootfs.Child) bool { return c.Name == "logs" || c.Name == "packed-refs" })
}

// namesHistory reports whether an instruction asks for the history by its name.
func namesHistory(op *dockerfile.Op) bool {
	return slices.ContainsFunc(op.File, func(a dockerfile.FileAction) bool {
		cp, ok := a.Change.(dockerfile.Copy)
		return ok && slices.Contains(strings.Split(cp.Src, "/"), history)
	})
}
