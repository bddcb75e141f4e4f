// Package inventory counts: which files an image and its build context hold, and how many files and bytes each line of
// the Dockerfile and the ignore file brings or keeps out.
package inventory

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// State says how far an entry gets.
type State string

// The states, from the image back to the disk.
const (
	InImage State = "image"   // it is in the image
	Used    State = "used"    // the build reads it, and it is not in the image itself
	Unused  State = "unused"  // the ignore file lets it in, and nothing asks for it
	Ignored State = "ignored" // the ignore file keeps it out
)

// Line is a line of a Dockerfile or an ignore file; Number 0 is none.
type Line struct {
	File   string
	Number int
}

// Entry is a file, link or directory.
type Entry struct {
	// Path is slash-separated, without a slash in front; parents come before what they hold.
	Path string
	Dir  bool
	// Size is that of a file, or, of a directory whose entries are not listed, of all in it; Files counts those.
	Size  int64
	Files int
	State State
	// By is the line that put it there or that keeps it out.
	By Line
	// From is the path in the build context, or the URL, that it comes from.
	From string
}

// Effect is what a line does: how much comes into the image through it, and how much it keeps out of the context.
type Effect struct {
	Line Line
	Text string
	// Pattern tells of a line of the ignore file that is one, Instruction of one of the Dockerfile.
	Pattern, Instruction bool
	// Files and Bytes are those that an instruction puts into the image or a negation lets in again.
	Files int
	Bytes int64
	// OutFiles and OutBytes are those that a pattern keeps out.
	OutFiles int
	OutBytes int64
}

// Inventory is what an image and its context hold.
type Inventory struct {
	Image, Context []Entry
	// Dockerfile and Ignore are the files line by line; Ignore is nil if there is none.
	Dockerfile, Ignore []Effect
	// Truncated tells that not every ignored file is listed, because there are too many.
	Truncated bool
}

// maxIgnored bounds the entries in directories that are kept out whole; what is beyond is only counted.
const maxIgnored = 60_000

// collector fills an inventory.
type collector struct {
	image *simulate.Image
	main  *simulate.Context // nil if remote
	out   Inventory
	// lines are the effects by line.
	lines map[Line]*Effect
	// places are the directories of the image that hold a directory of the context, inImage the files that are in it.
	places  map[string][]string
	inImage map[string]bool
	have    map[string]bool // paths of the image
	ignored int
}

// Take makes the inventory of an image and its main context, which is nil where that is remote.
func Take(image *simulate.Image, main *simulate.Context) (*Inventory, error) {
	c := &collector{
		image: image, main: main, lines: map[Line]*Effect{}, places: map[string][]string{}, inImage: map[string]bool{}, have: map[string]bool{},
	}
	c.scripts()
	if err := c.walkImage(); err != nil {
		return nil, err
	}
	if main != nil {
		if err := c.walkContext(); err != nil {
			return nil, err
		}
	}
	byPath := func(a, b Entry) int { return comparePaths(a.Path, b.Path) }
	slices.SortFunc(c.out.Image, byPath)
	slices.SortFunc(c.out.Context, byPath)
	c.out.Context = withParents(c.out.Context)
	c.out.Image = withParents(c.out.Image)
	c.finish(c.out.Dockerfile)
	c.finish(c.out.Ignore)
	return &c.out, nil
}

// comparePaths sorts what a directory holds right behind it: a slash is less than any other byte.
func comparePaths(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		default:
			return cmp.Compare(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b))
}

// withParents adds the directories above entries that are not there themselves. Entries are sorted.
func withParents(list []Entry) []Entry {
	out := make([]Entry, 0, len(list))
	seen := map[string]bool{}
	for _, e := range list {
		var missing []string
		for dir := path.Dir(e.Path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			missing = append(missing, dir)
		}
		for _, dir := range slices.Backward(missing) {
			out = append(out, Entry{Path: dir, Dir: true, State: e.State})
		}
		if seen[e.Path] {
			continue
		}
		seen[e.Path] = true
		out = append(out, e)
	}
	return out
}

func (c *collector) finish(list []Effect) {
	for i := range list {
		if e := c.lines[list[i].Line]; e != nil {
			list[i].Files, list[i].Bytes, list[i].OutFiles, list[i].OutBytes = e.Files, e.Bytes, e.OutFiles, e.OutBytes
		}
	}
}

func (c *collector) effect(l Line) *Effect {
	e := c.lines[l]
	if e == nil {
		e = &Effect{}
		c.lines[l] = e
	}
	return e
}

// walkImage lists what is known of the image, and books each file on every instruction that it came through.
func (c *collector) walkImage() error {
	return c.image.Tree.Walk(func(p string, n *rootfs.Node) error {
		if n.Kind == rootfs.KindUnknown || n.Op >= 0 && c.image.Plan.Ops[n.Op].Kind == dockerfile.OpImage {
			return nil
		}
		e := Entry{Path: strings.TrimPrefix(p, "/"), Dir: n.IsDir(), Size: n.Size, State: InImage}
		if e.Path == "" {
			return nil
		}
		c.have[e.Path] = true
		origin, fromContext := c.image.Origin(n)
		if fromContext {
			e.From = origin
			c.inImage[origin] = true
			if e.Dir {
				c.places[origin] = append(c.places[origin], e.Path)
			}
		}
		booked := map[Line]bool{}
		for _, s := range c.image.Provenance(n) {
			if s.Op.Kind == dockerfile.OpRemote {
				e.From = s.Op.Remote.URL
			}
			l := Line{s.Op.Location.File, s.Op.Location.Range.Start.Line}
			if l.Number == 0 || s.Op.Kind == dockerfile.OpLocal || booked[l] {
				continue
			}
			booked[l] = true
			if e.By.Number == 0 {
				e.By = l
			}
			if !e.Dir {
				eff := c.effect(l)
				eff.Files++
				eff.Bytes += n.Size
			}
		}
		c.out.Image = append(c.out.Image, e)
		return nil
	})
}

// walkContext lists the context, what is kept out too, and books each file on the line that decides about it.
func (c *collector) walkContext() error {
	used := map[string]bool{}
	for _, s := range c.image.Sources {
		if s.Context.Name != simulate.MainContext {
			continue
		}
		if err := s.Tree.Walk(func(e dockerctx.Entry) error { used[e.Path] = true; return nil }); err != nil {
			return err
		}
	}
	negates := c.main.Ignore != nil && slices.ContainsFunc(c.main.Ignore.Lines, func(l dockerctx.Line) bool { return l.Negated })
	err := c.main.Tree().Walk(func(e dockerctx.Entry) error {
		out := Entry{Path: e.Path, Dir: e.Mode.IsDir(), Size: sizeOf(e), State: Unused}
		switch {
		case c.inImage[e.Path]:
			out.State = InImage
		case used[e.Path]:
			out.State = Used
		}
		if negates && !out.Dir {
			t, err := c.main.Explain(e.Path)
			if err != nil {
				return err
			}
			if t.Decisive != nil && t.Decisive.Negated {
				out.By = Line{c.main.Ignore.Name, t.Decisive.Number}
				eff := c.effect(out.By)
				eff.Files++
				eff.Bytes += out.Size
			}
		}
		c.out.Context = append(c.out.Context, out)
		return nil
	})
	if err != nil {
		return err
	}
	return c.main.WalkIgnored(true, c.ignoredEntry)
}

// ignoredEntry lists what a line keeps out, in the context and where it would be in the image.
func (c *collector) ignoredEntry(e dockerctx.IgnoredEntry) error {
	out := Entry{Path: e.Path, Dir: e.Mode.IsDir(), Size: sizeOf(e.Entry), State: Ignored}
	if e.Line != nil {
		out.By = Line{c.main.Ignore.Name, e.Line.Number}
	}
	if out.Dir && !e.Whole {
		// Parts of it are transferred, and so is the directory.
		return nil
	}
	list := []Entry{out}
	if out.Dir {
		below := c.below(out)
		if c.ignored+len(below) > maxIgnored {
			for _, b := range below {
				if !b.Dir {
					list[0].Files++
					list[0].Size += b.Size
				}
			}
			c.out.Truncated = true
		} else {
			list = append(list, below...)
		}
		c.ignored += len(list)
		c.book(out.By, below)
	} else {
		c.book(out.By, list)
	}
	c.out.Context = append(c.out.Context, list...)
	for _, dir := range c.places[path.Dir(e.Path)] {
		to := path.Join(dir, path.Base(e.Path))
		if c.have[to] {
			continue
		}
		for _, l := range list {
			l.From = l.Path
			l.Path = to + strings.TrimPrefix(l.Path, e.Path)
			c.out.Image = append(c.out.Image, l)
		}
	}
	return nil
}

func (c *collector) book(l Line, list []Entry) {
	eff := c.effect(l)
	for _, e := range list {
		if !e.Dir {
			eff.OutFiles++
			eff.OutBytes += e.Size
		}
	}
}

// below lists all that a directory of the disk holds. A directory that cannot be read is taken for an empty one: nobody
// asked for what is in it.
func (c *collector) below(dir Entry) (out []Entry) {
	entries, _ := c.main.FS.ReadDir(dir.Path)
	for _, d := range entries {
		e := Entry{Path: path.Join(dir.Path, d.Name()), Dir: d.IsDir(), State: Ignored, By: dir.By}
		if fi, err := d.Info(); err == nil && fi.Mode().IsRegular() {
			e.Size = fi.Size()
		}
		out = append(out, e)
		if e.Dir {
			out = append(out, c.below(e)...)
		}
	}
	return out
}

func sizeOf(e dockerctx.Entry) int64 {
	if e.Mode&fs.ModeType != 0 {
		return 0
	}
	return e.Size
}

// scripts lists the lines of the Dockerfile and the ignore file.
func (c *collector) scripts() {
	plan := c.image.Plan
	instructions := map[int]bool{}
	for _, s := range plan.Stages {
		instructions[s.Location.Range.Start.Line] = true
		for _, in := range s.Instructions {
			instructions[in.Location.Range.Start.Line] = true
		}
	}
	text := strings.TrimSuffix(string(plan.Dockerfile.Data), "\n")
	for i, line := range strings.Split(text, "\n") {
		c.out.Dockerfile = append(c.out.Dockerfile, Effect{
			Line: Line{plan.Dockerfile.Name, i + 1}, Text: strings.TrimSuffix(line, "\r"), Instruction: instructions[i+1],
		})
	}
	if c.main == nil || c.main.Ignore == nil {
		return
	}
	for _, l := range c.main.Ignore.Lines {
		c.out.Ignore = append(c.out.Ignore, Effect{Line: Line{c.main.Ignore.Name, l.Number}, Text: l.Text, Pattern: l.Kind == dockerctx.LinePattern})
	}
}
