package mutate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// instructions are mutations of the Dockerfile: without a COPY, with another destination, without a setting.
func (b *broken) instructions() (out []mutation) {
	data := b.image.Plan.Dockerfile.Data
	add := func(kind string, in dockerfile.Instruction, from, to int, text string) {
		out = append(out, b.edited(kind, in, slices.Concat(data[:from], []byte(text), data[to:])))
	}
	for _, s := range b.image.Plan.Stages {
		for _, in := range s.Instructions {
			r, syntax := in.Location.Range, in.Syntax()
			switch last := len(syntax.Args) - 1; {
			case !s.Reached || last < 0:
			case in.Keyword == "COPY":
				add("drop a COPY", in, r.Start.Offset, r.End.Offset, "")
				if dest := syntax.Args[last]; last > 0 && !syntax.JSON && !strings.Contains(in.Location.Text, "<<") {
					add("rename a destination", in, dest.Range.Start.Offset, dest.Range.End.Offset, elsewhere(dest.Text))
				}
			case in.Keyword == "ENV" && strings.Contains(in.Location.Text, "PYTHONPATH"):
				add("drop an ENV", in, r.Start.Offset, r.End.Offset, "")
			}
		}
	}
	return out
}

// elsewhere gives another destination.
func elsewhere(dest string) string {
	if dest = strings.TrimSuffix(dest, "/"); dest == "." || dest == "" {
		return path.Join(dest, "moved") + "/"
	}
	return dest + "_moved/"
}

// late are mutations of the Dockerfile: what a COPY brings comes after the step before which it stood.
func (b *broken) late() (out []mutation) {
	data := b.image.Plan.Dockerfile.Data
	for _, s := range b.image.Plan.Stages {
		for i, in := range s.Instructions {
			n := slices.IndexFunc(s.Instructions[i:], func(next dockerfile.Instruction) bool { return next.Keyword == "RUN" })
			if !s.Reached || in.Keyword != "COPY" || n < 0 {
				continue
			}
			from, to, behind := in.Location.Range.Start.Offset, in.Location.Range.End.Offset, s.Instructions[i+n].Location.Range.End.Offset
			out = append(out, b.edited("move a COPY behind the next step", in, slices.Concat(data[:from], data[to:behind], []byte("\n"), data[from:to], []byte("\n"), data[behind:])))
		}
	}
	return out
}

// edited is an image whose Dockerfile is another at an instruction.
func (b *broken) edited(kind string, in dockerfile.Instruction, changed []byte) mutation {
	m := mutation{
		kind: kind, what: fmt.Sprintf("%s:%d %s", in.Location.File, in.Location.Range.Start.Line, in.Location.Text),
		files: overlay.Files{absolute(b.image.Plan.Dockerfile.Path): changed},
	}
	if b.python {
		return m
	}
	for _, w := range in.Syntax().Args {
		m.things = append(m.things, strings.Trim(w.Text, "./"), path.Base(w.Text))
	}
	for _, f := range b.brought(in) {
		m.things = append(m.things, f, path.Base(f), path.Base(path.Dir(f)))
	}
	m.things = slices.DeleteFunc(m.things, func(thing string) bool { return len(strings.Trim(thing, "./*")) < 2 })
	return m
}

// brought gives the files of the context that an instruction copies, by any way.
func (b *broken) brought(in dockerfile.Instruction) (out []string) {
	for _, op := range b.image.Plan.Ops {
		state := b.image.After(op.ID)
		if op.File == nil || state == nil || op.Location != in.Location {
			continue
		}
		must(state.Tree.Scan(func(_ string, n *rootfs.Node) error {
			if p, ok := b.image.Origin(n); ok && n.Op == int32(op.ID) && !n.IsDir() {
				out = append(out, p)
			}
			return nil
		}))
	}
	return out
}
