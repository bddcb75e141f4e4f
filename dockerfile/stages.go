package dockerfile

import (
	"bytes"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// outline is the Dockerfile as BuildKit's parser sees it, before anything is expanded, with how the stages hang
// together. dockerfile2llb keeps that to itself, so its rules are followed here; a test compares the outcome.
type outline struct {
	src    *source
	escape rune
	stages []instructions.Stage
	args   []instructions.ArgCommand // those before the first FROM
	info   []Stage
	byLine map[int]Location // instructions by their first line
}

// parseOutline parses a Dockerfile that BuildKit has accepted, or may refuse.
func parseOutline(src *source) (*outline, error) {
	ast, err := parser.Parse(bytes.NewReader(src.data))
	if err != nil {
		return nil, err
	}
	o := &outline{src: src, escape: ast.EscapeToken, byLine: map[int]Location{}}
	stage := -1
	name := ""
	for _, n := range ast.AST.Children {
		if strings.EqualFold(n.Value, "from") {
			stage++
			name = ""
			if from, ok := parseInstruction(n).(*instructions.Stage); ok {
				name = from.Name
			}
		}
		loc := o.location(n.StartLine, n.EndLine, n.Original)
		loc.Stage, loc.StageName = stage, name
		o.byLine[n.StartLine] = loc
	}
	o.stages, o.args, err = instructions.Parse(ast.AST, quiet())
	if err != nil {
		return o, err
	}
	for i, st := range o.stages {
		o.info = append(o.info, o.stageInfo(i, st))
	}
	return o, nil
}

// quiet gives a linter that says nothing: without one a comment "# check=" before an instruction is a nil dereference
// (linter.WithMergedConfig).
func quiet() *linter.Linter { return linter.New(&linter.Config{}) }

// parseNodes gives the instructions of a text, whether BuildKit accepts them or not, and its escape character; none of a text
// that has none.
func parseNodes(data []byte) (nodes []*parser.Node, escape rune) {
	if checkNesting("", data) != nil {
		return nil, 0
	}
	ast, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, 0
	}
	return ast.AST.Children, ast.EscapeToken
}

// parseInstruction gives an instruction as package instructions does; nil for one that BuildKit refuses.
func parseInstruction(n *parser.Node) any {
	ins, err := instructions.ParseInstructionWithLinter(n, quiet())
	if err != nil {
		return nil
	}
	return ins
}

func (o *outline) location(first, last int, text string) Location {
	return Location{File: o.src.name, Range: o.src.lineRange(first, last), Text: fold(text), Stage: -1}
}

// at gives the instruction that BuildKit's ranges point to.
func (o *outline) at(ranges []parser.Range) Location {
	first, last := bounds(ranges)
	if loc, ok := o.byLine[first]; ok {
		return loc
	}
	if first < 1 {
		return Location{}
	}
	return o.location(first, last, "")
}

// written gives where the instruction is written that BuildKit's ranges point to.
func (o *outline) written(ranges []parser.Range) written {
	first, _ := bounds(ranges)
	return written{o.src, first, o.escape}
}

func (o *outline) stageInfo(i int, st instructions.Stage) Stage {
	info := Stage{
		Index: i, Name: st.Name, BaseName: st.BaseName, BaseStage: -1, Platform: st.Platform,
		Location: o.at(st.Location), written: o.written(st.Location),
	}
	info.Range = info.Location.Range
	for _, cmd := range st.Commands {
		loc := o.at(cmd.Location())
		info.Range.End = loc.Range.End
		info.Instructions = append(info.Instructions, Instruction{Keyword: strings.ToUpper(cmd.Name()), Location: loc, written: o.written(cmd.Location())})
	}
	return info
}
