package audit

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/steps"
	"github.com/ctxaudit/ctxaudit/internal/tools"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// keptFrom gives what the programs of a step miss that git tracks and the ignore file keeps out, where a step before may have written anything
// around it: what git tracks no step makes, unless it is of the kind that builds make, and what is kept out none moves.
func (p *pass) keptFrom(op *dockerfile.Op, script *steps.Script) (out []input) {
	before := p.image.Before(op.ID).Tree
	if p.main.Ignore == nil || p.subject.Tracked == nil {
		return nil
	}
	s := keptSight{Sight: p.image.Sight(op), pass: p, op: op}
	opaque := false
	for _, c := range script.Calls {
		known := !opaque && !before.MayHold(path.Join(c.S.Dir, "-")) && (c.Base != "go" || before.HeldBy(path.Join(c.S.Dir, "go.mod")) == nil)
		opaque = opaque || !c.Wraps && c.Footprint().Unknown
		if known || c.Builtin || !c.S.Sure() || !c.S.Needed() || c.S.Dir == "" {
			continue
		}
		for _, m := range tools.Read(c, s).Missing {
			if m.Doubt != "" || m.Refused != "" || asksAgain(script, c, m.Path) {
				continue
			}
			in, ok := p.inputOf(op, steps.Missing{Missing: m, Call: c, Fails: true})
			if ok && in.late == nil && in.above == "" && p.kept(in.source, path.Base(m.Path)) && !p.mayBring(op, in) {
				out = append(out, in)
			}
		}
	}
	return out
}

// maxKept bounds the files of a directory that are looked at.
const maxKept = 200

// kept reports whether git tracks something of the build context all of which the ignore file keeps out, and not all of which is of the kind
// that builds make: of a directory, of which files of a pattern are wanted, these.
func (p *pass) kept(source, pattern string) bool {
	files, git, err := p.build.Tracked(source)
	if strings.Contains(pattern, "*") {
		files = slices.DeleteFunc(slices.Clone(files), func(f string) bool {
			matched, err := path.Match(path.Join(source, pattern), f)
			return err != nil || !matched
		})
	}
	if err != nil || !git || len(files) == 0 || len(files) > maxKept {
		return false
	}
	included := slices.ContainsFunc(files, func(f string) bool {
		t, err := p.main.Explain(f)
		return err != nil || t.Included
	})
	return !included && slices.ContainsFunc(files, func(f string) bool { return !builtPath(f) && !generated(f) })
}

// generated reports whether a source has a name that generators give.
func generated(file string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(file), func(c rune) bool { return strings.ContainsRune("/._-", c) }), func(word string) bool {
		return slices.Contains([]string{"gen", "generated", "pb", "pb2", "pb3", "grpc", "proto", "mock", "mocks", "zz", "bindata", "locales", "locale", "version"}, word)
	})
}

// mayBring reports whether a step up to this one may bring something that is kept out: it names it, or gets trees of files from elsewhere.
func (p *pass) mayBring(op *dockerfile.Op, in input) bool {
	named := func(text string) bool { return strings.Contains(text, path.Base(in.source)) }
	for _, held := range p.image.Before(op.ID).Tree.HeldBy(in.at).Ops() {
		if held < 0 {
			return true
		}
		by := p.image.Plan.Ops[held]
		if by.Kind == dockerfile.OpImage {
			continue
		}
		script := p.image.Script(by)
		if script == nil || script.Missed || !p.follows(op, by) || p.build.Mentions(by, named) || slices.ContainsFunc(script.Calls, in.fetched) {
			return true
		}
	}
	calls := p.image.Script(op).Calls // what asks for it names it, and does not make it
	return slices.ContainsFunc(calls[:max(0, slices.Index(calls, in.m.Call))], func(c *command.Call) bool {
		return in.fetched(c) || slices.ContainsFunc(c.Words(), named)
	})
}

// fetched reports whether a program may get what is missing as a part of a tree from elsewhere.
func (in input) fetched(c *command.Call) bool {
	return slices.Contains(fetchers, c.Base) && slices.ContainsFunc(c.Footprint().Paths, func(p string) bool { return rootfs.Covers(p, in.at) })
}

// fetchers get trees of files from elsewhere, or change them.
var fetchers = strings.Fields("git hg svn tar bsdtar unzip rsync patch degit gitpick")

// keptSight is what a step sees if no step before changed what lies there, nor made anything but products.
type keptSight struct {
	steps.Sight
	pass *pass
	op   *dockerfile.Op
}

// Stat implements [steps.Sight].
func (s keptSight) Stat(p string) shell.FileKind {
	kind := s.Sight.Stat(p)
	if kind != shell.Unknown {
		return kind
	}
	if tree, in, ok := s.pass.image.Seen(s.op, p); ok {
		if kind := (steps.Files{Tree: tree}).Stat(in); kind != shell.Unknown {
			return kind
		}
	}
	source, ok := s.pass.counterpart(s.op, p)
	if !ok || builtPath(source) || generated(source) || view.Installed(source) {
		return kind
	}
	if _, err := s.pass.main.FS.Lstat(source); err != nil || s.pass.kept(source, "") {
		return shell.Absent // what the build context does not have is no other reading of what is kept out
	}
	return kind
}

// Content implements [steps.Sight].
func (s keptSight) Content(p string) ([]byte, error) {
	if data, err := s.Sight.Content(p); err == nil {
		return data, nil
	}
	return s.Read(p)
}

// List implements [steps.Sight].
func (s keptSight) List(dir string) ([]fs.DirEntry, error) {
	entries, err := s.Sight.List(dir)
	if err == nil {
		return entries, nil
	}
	tree, in, ok := s.pass.image.Seen(s.op, dir)
	if source, copied := s.pass.counterpart(s.op, dir); !ok || !copied || source == "" {
		return entries, err
	}
	return steps.Files{Tree: tree}.Known(in)
}
