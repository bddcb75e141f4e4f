package golang

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/tools"
)

// build is where a program is built.
type build struct {
	at      string // in the image
	op      *dockerfile.Op
	program tools.GoProgram
	// way are the instructions that lead from the image to it.
	way []dockerfile.Location
}

// maxCopies bounds through how many operations a program is followed back.
const maxCopies = 5000

// built finds the step that builds what lies at a path of a file system of the build.
func (c *programs) built(at dockerfile.OutputRef, p string, steps int) (b build, ok bool) {
	for ; at.Op >= 0 && steps < maxCopies; steps++ {
		op := c.Image.Plan.Ops[at.Op]
		switch op.Kind {
		case dockerfile.OpExec:
			if program, found := c.compiles(op, p); found {
				return build{op: op, program: program, way: []dockerfile.Location{op.Location}}, true
			}
		case dockerfile.OpFile:
			for _, a := range slices.Backward(op.File) {
				cp, isCopy := a.Change.(dockerfile.Copy)
				from, given := op.Source(a)
				src, here := copiedFrom(cp, p)
				if !isCopy || !given || !here {
					continue
				}
				if b, ok := c.built(from, src, steps+1); ok {
					b.way = append([]dockerfile.Location{op.Location}, b.way...)
					return b, true
				}
			}
		}
		if at, ok = op.Parent(); !ok {
			return b, false
		}
	}
	return b, false
}

// copiedFrom gives the source of what a copy puts at a path; ok is false if it does not.
func copiedFrom(cp dockerfile.Copy, p string) (src string, ok bool) {
	dest, from := path.Clean("/"+cp.Dest), path.Clean("/"+cp.Src)
	switch {
	case cp.Wildcard && strings.ContainsAny(from, "*?["):
		return "", false
	case p == dest && !strings.HasSuffix(cp.Dest, "/"):
		return from, true
	case p == path.Join(dest, path.Base(from)) && (strings.HasSuffix(cp.Dest, "/") || !cp.ContentsOnly):
		return from, true
	}
	rest, ok := strings.CutPrefix(p, strings.TrimSuffix(dest, "/")+"/")
	return path.Join(from, rest), ok
}

// compiles gives the program that a step puts at a path.
func (c *programs) compiles(op *dockerfile.Op, p string) (tools.GoProgram, bool) {
	sight := c.Image.Sight(op)
	if sight == nil {
		return tools.GoProgram{}, false
	}
	for _, call := range slices.Backward(c.Script(op).Calls) {
		if call.Base != "go" {
			continue
		}
		for _, x := range tools.GoPrograms(call, sight) {
			if x.File == p {
				return x, true
			}
		}
	}
	return tools.GoProgram{}, false
}

// place shows where an instruction stands.
func place(l dockerfile.Location) string { return fmt.Sprintf("%s:%d", l.File, l.Range.Start.Line) }
