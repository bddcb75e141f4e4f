// Package verify holds a built image against what was predicted of it: what is absent, what nobody predicted, and what differs, each
// with the line of the Dockerfile, and whether the prediction was called certain.
package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Kind is what a difference is about.
type Kind string

// The kinds of differences. The last ones are those of settings.
const (
	Absent      Kind = "absent"      // predicted, and not there
	Unexplained Kind = "unexplained" // there, where nothing was predicted that may bring it
	Type        Kind = "type"
	Mode        Kind = "mode"
	Owner       Kind = "owner"
	Size        Kind = "size"
	Link        Kind = "link"
	Setting     Kind = "setting"
)

// Difference is one between the prediction and the image.
type Difference struct {
	Kind Kind `json:"kind"`
	// Path is that of a file, Name that of a setting, such as "ENV PATH".
	Path string `json:"path,omitempty"`
	Name string `json:"name,omitempty"`
	// Predicted and Built are what each has, as people read it; "" is nothing.
	Predicted string `json:"predicted"`
	Built     string `json:"built"`
	// Place is the instruction that was predicted to make it, or the one that has made what nobody predicted; nil if it is none.
	Place *finding.Place `json:"place,omitempty"`
	// By are the instructions of which it was said that they may change it; none if the prediction was called certain.
	By []finding.Place `json:"by,omitempty"`
	// Below counts what lies below a directory that is absent or unexplained, and is not named by itself.
	Below int `json:"below,omitempty"`
}

// Group is what is there and was not predicted, and what may bring it.
type Group struct {
	By    finding.Place `json:"by"`
	Count int           `json:"count"`
	Bytes int64         `json:"bytes"`
	// Paths are the first few; a directory stands for all that it holds.
	Paths []string `json:"paths"`
}

// maxPaths bounds the paths of a group.
const maxPaths = 5

// Report is what came of it.
type Report struct {
	Version int `json:"version"`
	// Name is the image of the repository, Built the image that it was held against, as it was named; Digest is that one's.
	Name   string `json:"name"`
	Built  string `json:"built"`
	Digest string `json:"digest"`
	// Agreed counts the files and settings that are as they were predicted.
	Agreed int `json:"agreed"`
	// Contradicted are the differences from what was called certain, Open those that some step may have made.
	Contradicted []Difference         `json:"contradicted"`
	Open         []Difference         `json:"open"`
	Unpredicted  []Group              `json:"unpredicted"`
	Assumptions  []finding.Assumption `json:"assumptions"`
}

// comparison is one run.
type comparison struct {
	image  *simulate.Image
	built  *baseimage.Index
	report *Report
	groups map[int]*Group // by operation
}

// Compare holds an image against a prediction.
func Compare(m *simulate.Image, built *baseimage.Index) (*Report, error) {
	c := &comparison{image: m, built: built, groups: map[int]*Group{}, report: &Report{
		Version: 1, Digest: built.Digest, Contradicted: []Difference{}, Open: []Difference{}, Unpredicted: []Group{}, Assumptions: []finding.Assumption{},
	}}
	if err := rootfs.Compare("", m.Tree.Root(), built.Tree.Root(), c.entry); err != nil {
		return nil, err
	}
	c.settings()
	for _, op := range m.Plan.Ops {
		if g := c.groups[op.ID]; g != nil {
			c.report.Unpredicted = append(c.report.Unpredicted, *g)
		}
	}
	slices.SortStableFunc(c.report.Unpredicted, func(a, b Group) int { return cmp.Compare(a.By.Line, b.By.Line) })
	return c.report, nil
}

// entry compares what both have at a path.
func (c *comparison) entry(p string, want, have *rootfs.Node) (enter bool, err error) {
	switch {
	case want != nil && (want.Kind == rootfs.KindUnknown || c.image.Supposed(want)) && have == nil:
		return false, nil // it was only taken to be there
	case have == nil && c.built.Legacy() && c.image.Stub(p, want):
		return false, nil // BuildKit leaves it, and the builder before it does not
	case want == nil || want.Kind == rootfs.KindUnknown:
		return false, c.unpredicted(p, have)
	case have == nil:
		n, err := below(p, want)
		c.differ(p, want, Difference{Kind: Absent, Predicted: describe(want), Below: n})
		return false, err
	case c.image.Supposed(want):
		return have.IsDir(), nil
	}
	agreed := true
	differ := func(kind Kind, predicted, built string) {
		if predicted != built {
			agreed = false
			c.differ(p, want, Difference{Kind: kind, Predicted: predicted, Built: built})
		}
	}
	if want.Kind != have.Kind {
		differ(Type, want.Kind.String(), have.Kind.String())
		return false, nil
	}
	if want.Kind != rootfs.KindSymlink {
		differ(Mode, fmt.Sprintf("%04o", want.Perm), fmt.Sprintf("%04o", have.Perm))
	}
	if want.Owner.Known() {
		differ(Owner, owner(want.Owner), owner(have.Owner))
	}
	if want.Kind == rootfs.KindFile && want.Content != nil {
		differ(Size, fmt.Sprint(want.Size), fmt.Sprint(have.Size))
	}
	differ(Link, want.Link, have.Link)
	if agreed {
		c.report.Agreed++
	}
	return want.IsDir(), nil
}

func owner(o rootfs.Owner) string { return fmt.Sprintf("%d:%d", o.UID, o.GID) }

func describe(n *rootfs.Node) string {
	s := fmt.Sprintf("%s %04o %s", n.Kind, n.Perm, owner(n.Owner))
	switch n.Kind {
	case rootfs.KindFile:
		s += fmt.Sprintf(" %d bytes", n.Size)
	case rootfs.KindSymlink:
		s += " -> " + n.Link
	}
	return s
}

// below counts what lies below a directory.
func below(p string, n *rootfs.Node) (count int, err error) {
	if n.IsDir() {
		err = rootfs.ScanNode(p, n, func(string, *rootfs.Node) error { count++; return nil })
	}
	return count, err
}

// differ notes a difference at a path: a contradiction, unless the prediction had a doubt.
func (c *comparison) differ(p string, want *rootfs.Node, d Difference) {
	d.Path = p
	for _, s := range c.image.Provenance(want) {
		d.Place = c.place(s.Op.ID)
		break
	}
	for _, op := range c.image.Tree.HeldBy(p).Ops() {
		// A directory that was there before keeps its mode and its owner.
		if op == rootfs.AnyOp || op > int(want.Op) || want.IsDir() && d.Kind != Absent {
			d.By = append(d.By, *c.place(op))
		}
	}
	if want.Unsure && len(d.By) == 0 { // a step may have taken it away, which is marked at the entry alone
		for _, op := range c.image.Opaque {
			if op > int(want.Op) && c.image.Plan.Ops[op].Kind == dockerfile.OpExec {
				d.By = append(d.By, *c.place(op))
			}
		}
	}
	c.add(d)
}

func (c *comparison) add(d Difference) {
	if len(d.By) > 0 {
		c.report.Open = append(c.report.Open, d)
	} else {
		c.report.Contradicted = append(c.report.Contradicted, d)
	}
}

// place gives the instruction of an operation.
func (c *comparison) place(op int) *finding.Place {
	if op < 0 {
		return &finding.Place{Role: finding.RoleCopies, File: c.image.Plan.Dockerfile.Name, Text: "several steps"}
	}
	l := c.image.Plan.Ops[op].Location
	return &finding.Place{Role: finding.RoleCopies, File: l.File, Line: l.Range.Start.Line, Text: l.Text}
}

// unpredicted books what is there and was not predicted on what may have brought it.
func (c *comparison) unpredicted(p string, have *rootfs.Node) error {
	op, ok := c.explain(p, have)
	if !ok {
		n, err := below(p, have)
		d := Difference{Kind: Unexplained, Path: p, Built: describe(have), Below: n}
		if made := c.made(have); made >= 0 {
			d.Place = c.place(made)
		}
		c.report.Contradicted = append(c.report.Contradicted, d)
		return err
	}
	c.book(op, p, have, true)
	if !have.IsDir() {
		return nil
	}
	return rootfs.ScanNode(p, have, func(at string, n *rootfs.Node) error {
		by, ok := c.explain(at, n)
		if !ok {
			by = op // it came with the directory
		}
		c.book(by, at, n, by != op)
		return nil
	})
}

func (c *comparison) book(op int, p string, n *rootfs.Node, named bool) {
	g := c.groups[op]
	if g == nil {
		g = &Group{By: *c.place(op)}
		c.groups[op] = g
	}
	g.Count++
	g.Bytes += n.Size
	if named && len(g.Paths) < maxPaths {
		g.Paths = append(g.Paths, p)
	}
}

// explain gives the operation that was said to hold something at a path: of several the one whose layer has it, else the last.
func (c *comparison) explain(p string, have *rootfs.Node) (op int, ok bool) {
	ops := c.image.Tree.HeldBy(p).Ops()
	made := c.made(have)
	switch {
	case slices.Contains(ops, made), len(ops) == 0 && c.image.Tree.CouldHold(p) && made >= 0:
		return made, true
	case len(ops) == 0:
		return c.mountPoint(p, have)
	}
	op = ops[len(ops)-1]
	if made < 0 { // no instruction of this build has made it
		for _, o := range ops {
			if o >= 0 && c.image.Plan.Ops[o].Kind == dockerfile.OpImage {
				op = o
			}
		}
	}
	if op < 0 {
		op = c.image.Opaque[len(c.image.Opaque)-1]
	}
	return op, true
}

// mountPoints are what a RUN step leaves where nothing was: BuildKit mounts something there (executor/oci).
var mountPoints = []string{"/dev", "/etc", "/etc/hosts", "/etc/resolv.conf", "/proc", "/sys"}

// mountPoint gives the first RUN step if an entry is one that it leaves.
func (c *comparison) mountPoint(p string, have *rootfs.Node) (op int, ok bool) {
	if !slices.Contains(mountPoints, p) || have.Kind == rootfs.KindFile && have.Size > 0 {
		return 0, false
	}
	for _, o := range c.image.Opaque {
		if c.image.Plan.Ops[o].Kind == dockerfile.OpExec {
			return o, true
		}
	}
	return 0, false
}

// made gives the operation whose layer an entry is in, by what the image says of its layers; -1 if that is none of this build.
func (c *comparison) made(have *rootfs.Node) int {
	by := c.built.CreatedBy(int(have.Op))
	if by == "" {
		return -1
	}
	for _, op := range slices.Backward(c.image.Plan.Ops) {
		switch op.Kind {
		case dockerfile.OpExec:
			if n := len(op.Exec.Args); n > 0 && strings.Contains(by, op.Exec.Args[n-1]) {
				return op.ID
			}
		case dockerfile.OpFile:
			if op.Location.Text != "" && strings.HasPrefix(by, op.Location.Text) {
				return op.ID
			}
		}
	}
	return -1
}
