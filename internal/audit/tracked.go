package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/secrets"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Clean is what git knows about a clean checkout, as CI builds from. Paths are those of a build context.
type Clean interface {
	// Absent gives those of some files and directories that a clean checkout lacks. It gives none where git tracks nothing
	// of the context.
	Absent(contextDir string, names []string) (map[string]Absence, error)
	// Stray gives files and directories that are here and that git does not track; the directories end with a slash.
	Stray(contextDir string) ([]Stray, error)
	// LFS gives the files that git keeps in its large file storage, Submodules the directories of submodules that were not
	// fetched.
	LFS(contextDir string) ([]string, error)
	Submodules(contextDir string) ([]string, error)
}

// Absence tells why a clean checkout lacks what is here.
type Absence struct {
	// Dir is the topmost directory of the context that holds it and nothing that git tracks; "" if its own directory does.
	Dir string
	// Ignores is the line of git's ignore file that matches it, nil if it was just never added.
	Ignores *finding.Place
}

// Stray is something that lies in a context and that git does not track.
type Stray struct {
	Path    string
	Ignored bool // git ignores it
}

// checkTracked asks git whether a clean checkout would have what is needed, and looks for what is there without its
// content.
func checkTracked(p *pass) error {
	if p.main == nil || p.subject.Clean == nil || p.subject.FromDisk {
		return nil
	}
	p.needSources()
	absent, err := p.subject.Clean.Absent(p.main.Dir, p.needs.Paths())
	if err != nil {
		return err
	}
	groups := map[string][]string{}
	for _, name := range sortedKeys(absent) {
		at := cmp.Or(absent[name].Dir, name)
		groups[at] = append(groups[at], name)
	}
	p.untracked = sortedKeys(groups)
	for _, at := range p.untracked {
		p.reportAbsent(at, groups[at], absent[groups[at][0]])
	}
	return p.checkHollow()
}

// needSources needs what instructions name as their source in the main context.
func (p *pass) needSources() {
	for _, op := range p.image.Plan.Ops {
		for _, a := range op.File {
			cp, isCopy := a.Change.(dockerfile.Copy)
			from, ok := op.Source(a)
			if !isCopy || !ok || strings.ContainsAny(cp.Src, "*?[\\") {
				continue
			}
			s := p.image.Sources[from.Op]
			if s == nil || s.Context.Name != simulate.MainContext {
				continue
			}
			p.needs.Add(cp.Src, func() need.Reason {
				return need.Reason{At: position(op.Location), Place: instruction(finding.RoleCopies, op.Location), Why: "the build fails without it"}
			})
		}
	}
}

// reportAbsent reports needed files that a clean checkout lacks: one, or those of a directory.
func (p *pass) reportAbsent(at string, names []string, why Absence) {
	n := p.needs.Reason(names[0])
	f := finding.Finding{
		Rule: finding.RequiredUntracked, ContextPath: at, Subject: n.At, Related: []finding.Place{n.Place},
		Summary: fmt.Sprintf("%s is needed, but git does not track it", at),
		Detail:  "It exists here; " + n.Why + ". An image built from a clean checkout (as in CI) lacks it: add it to git.",
	}
	if len(names) > 1 {
		f.Files = names
	}
	if why.Ignores != nil {
		f.Related = append(f.Related, *why.Ignores)
		f.Summary = fmt.Sprintf("%s is needed, but git ignores it", at)
	}
	switch {
	case p.subject.Options.Fetched:
		f.Detail = fmt.Sprintf("It exists here; %s. The build fetches its context from git, so nothing can add it before: add it to git, or build a checkout.", n.Why)
	case why.Ignores != nil || p.subject.Prepared || builtPath(at):
		f.Severity = finding.Warning
		f.Detail = fmt.Sprintf("It exists here; %s. An image built from a clean checkout (as in CI) lacks it unless a step before the build creates it.", n.Why)
	}
	p.add(f)
}

// outputs are directories, and endings of files, that builds make by convention.
var (
	outputDirs = []string{"dist", "build", "out", "target", "bin", "obj", "public", "generated", ".next", ".output", "wheels", "wheelhouse"}
	outputExts = []string{".whl", ".jar", ".war", ".so", ".pyd", ".exe", ".deb", ".rpm", ".apk", ".tgz", ".gz", ".zip"}
)

// builtPath reports whether a path is of the kind that a step before the build makes.
func builtPath(p string) bool {
	stem, _, _ := strings.Cut(path.Base(p), ".")
	return slices.Contains(outputExts, path.Ext(p)) || view.GeneratedName(stem) ||
		slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool { return slices.Contains(outputDirs, name) })
}

// lfsPointer is how a file begins that stands for one of git's large file storage (git-lfs, docs/spec.md).
const lfsPointer = "version https://git-lfs.github.com/spec/"

// checkHollow looks for files and directories that reach the image without their content: pointers of git's large file
// storage, and submodules that were not fetched.
func (p *pass) checkHollow() error {
	large, err := p.subject.Clean.LFS(p.main.Dir)
	if err != nil {
		return err
	}
	for _, name := range large {
		if !p.isPointer(name) {
			continue
		}
		if err := p.reportHollow(name, "is a Git LFS pointer here", "Its content was not fetched (git lfs pull), so the image gets the pointer."); err != nil {
			return err
		}
	}
	modules, err := p.subject.Clean.Submodules(p.main.Dir)
	if err != nil {
		return err
	}
	for _, name := range modules {
		if err := p.reportHollow(name, "is a submodule that was not fetched", "It is an empty directory here, so the image lacks its content (git submodule update --init)."); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) isPointer(name string) bool {
	r, err := p.main.FS.Open(name)
	if err != nil {
		return false
	}
	defer r.Close()
	head := make([]byte, len(lfsPointer))
	_, err = io.ReadFull(r, head)
	return err == nil && string(head) == lfsPointer
}

// reportHollow reports what reaches the image without its content.
func (p *pass) reportHollow(name, what, detail string) error {
	at, node, err := p.inImage(name)
	if err != nil || node == nil {
		return err
	}
	f := finding.Finding{
		Rule: finding.RequiredUntracked, Severity: finding.Warning, ContextPath: name, ImagePath: at, Related: p.origin(node), Subject: p.last(),
		Summary: name + " " + what, Detail: detail,
	}
	if steps := p.image.Provenance(node); len(steps) > 0 {
		f.Subject = position(steps[0].Op.Location)
	}
	p.add(f)
	return nil
}

// errFound ends a search.
var errFound = errors.New("found")

// inImage gives the first place of the image that has something of a path of the main context; a nil node if none does.
func (p *pass) inImage(name string) (at string, node *rootfs.Node, err error) {
	err = p.image.Locate(p.image.Tree, p.main.Name, name, func(l simulate.Located) error {
		if l.Node.IsDir() && l.ContextPath != name {
			return nil
		}
		at, node = l.Path, l.Node
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return at, node, err
}

// checkStray looks for files that enter the image from here and that git does not track: an image that is built elsewhere
// is another one.
func checkStray(p *pass) error {
	if p.main == nil || p.subject.Clean == nil || p.subject.FromDisk {
		return nil
	}
	stray, err := p.subject.Clean.Stray(p.main.Dir)
	if err != nil {
		return err
	}
	var untracked, ignored strayFiles
	for _, s := range stray {
		if path.Base(s.Path) == policy.FileName {
			continue // it was just made for this, and belongs into git
		}
		if secrets.LooksLike(s.Path) {
			continue // SecretInImage tells of it
		}
		if slices.ContainsFunc(p.untracked, func(needed string) bool { return simulate.Within(strings.TrimSuffix(s.Path, "/"), needed) }) {
			continue // it is no stray: it is needed, and was told of
		}
		at, node, err := p.inImage(strings.TrimSuffix(s.Path, "/"))
		if err != nil {
			return err
		}
		switch {
		case node == nil:
		case !s.Ignored:
			untracked.add(s.Path, at, node)
		default:
			ignored.add(s.Path, at, node)
		}
	}
	p.reportStray(untracked, finding.Warning, "that git does not track", "An image built from a clean checkout (as in CI) differs. Add to git what belongs there, and exclude the rest in the ignore file.")
	p.reportStray(ignored, finding.Note, "that git ignores", "A clean checkout (as in CI) has it only if a step before the build creates it. Exclude it in the ignore file if the image does not need it.")
	return nil
}

// strayFiles are untracked files with the place of the first in the image.
type strayFiles struct {
	paths []string
	at    string
	node  *rootfs.Node
	parts []weighed
}

func (s *strayFiles) add(name, at string, node *rootfs.Node) {
	if len(s.paths) == 0 {
		s.at, s.node = at, node
	}
	s.paths = append(s.paths, name)
	w := weighed{name: name}
	w.mass.add(node)
	s.parts = append(s.parts, w)
}

// weight says how much they are, and what weighs the most of it.
func (s *strayFiles) weight() string {
	var all mass
	for _, w := range s.parts {
		all.files, all.bytes, all.more = all.files+w.mass.files, all.bytes+w.mass.bytes, all.more || w.mass.more
	}
	out := all.String()
	if most := heaviest(s.parts, all.bytes); most != "" && len(s.parts) > 1 {
		out += ", most of it: " + most
	}
	return out
}

func (p *pass) reportStray(s strayFiles, severity finding.Severity, which, detail string) {
	if len(s.paths) == 0 {
		return
	}
	noun := "a file"
	if strings.HasSuffix(s.paths[0], "/") {
		noun = "a directory"
	}
	summary := fmt.Sprintf("%s, %s %s, is copied into the image", s.paths[0], noun, which)
	if n := len(s.paths) - 1; n > 0 {
		summary = fmt.Sprintf("%s and %s more %s are copied into the image", s.paths[0], fmt.Sprint(n), which)
	}
	f := finding.Finding{
		Rule: finding.UntrackedInImage, Severity: severity, ContextPath: strings.TrimSuffix(s.paths[0], "/"), ImagePath: s.at, Subject: p.last(),
		Summary: summary, Detail: fmt.Sprintf("%s (%s.)", detail, s.weight()), Related: p.origin(s.node),
	}
	if len(s.paths) > 1 {
		f.Files = slices.Clone(s.paths)
	}
	if steps := p.image.Provenance(s.node); len(steps) > 0 {
		f.Subject = position(steps[0].Op.Location)
	}
	p.add(f)
}
