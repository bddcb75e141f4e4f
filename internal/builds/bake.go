package builds

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// bakeName recognises the files that Bake files, and what `docker buildx bake --print` gives, are kept in by convention.
var bakeName = lazyre.New(`(?i)(?:^|/)([\w.-]*[._-])?bake([._-][\w.-]+)?\.(hcl|json)$`)

// bakeDefault are the names that `docker buildx bake` reads by itself, besides Compose files, in this order; later ones win
// (bake.defaultFilenames of buildx).
var bakeDefault = []string{"docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"}

// bake reads the Bake files of a repository and gives the images that they build: those of every group, and every target
// that is not just there to be inherited from. The images of a Compose file that Bake reads by itself are targets, too, that
// others may inherit from or change.
//
// In each directory the default files are read together. Another file is read alone and, if that does not do, after them,
// as `docker buildx bake -f docker-bake.hcl -f other.hcl` would.
func (r *Reader) bake(_ context.Context, files []string) (found []Build, notes []Note) {
	byDir := map[string][]string{}
	for _, f := range files {
		byDir[path.Dir(f)] = append(byDir[path.Dir(f)], path.Base(f))
	}
	for _, dir := range sortedKeys(byDir) {
		names := byDir[dir]
		var group, others []string
		for _, n := range bakeDefault {
			if slices.Contains(names, n) {
				group = append(group, path.Join(dir, n))
			}
		}
		for _, n := range names {
			if !slices.Contains(bakeDefault, n) {
				others = append(others, path.Join(dir, n))
			}
		}
		slices.Sort(others)
		compose := composeOf(dir, r.composed)
		if len(group) > 0 {
			b := r.bakery(group, compose)
			builds, more := b.builds(r, b.built(), dir)
			found, notes = append(found, builds...), append(notes, more...)
		}
		for _, f := range others {
			b := r.bakery([]string{f}, nil)
			builds, more := b.builds(r, b.built(), dir)
			if len(more) > 0 && len(group) > 0 {
				together := r.bakery(append(slices.Clone(group), f), compose)
				if again, less := together.builds(r, together.builtBy(f), dir); len(less) < len(more) {
					builds, more = again, less
				}
			}
			found, notes = append(found, builds...), append(notes, more...)
		}
	}
	return sorted(found), notes
}

// composeOf gives the images of the Compose file that Bake reads by itself in a directory.
func composeOf(dir string, composed []Build) []Build {
	for _, name := range composeDefault {
		var out []Build
		for _, b := range composed {
			if b.File == path.Join(dir, name) {
				out = append(out, b)
			}
		}
		if out != nil {
			return out
		}
	}
	return nil
}

// bakery holds the Bake files that are read together.
type bakery struct {
	notes []Note

	attrs     map[string]*hcl.Attribute
	variables map[string]*hcl.Block
	functions map[string]*hcl.Block
	scope     *hcl.EvalContext
	busy      map[string]bool
	// meter counts what evaluating them costs.
	meter *meter

	groups  map[string]*bakeGroup
	targets map[string]*bakeTarget
	order   []string // names of targets as they stand in the files
	// referred are the attributes of targets that expressions name, as far as they were asked for.
	referred map[string]map[string]cty.Value
	// given are values of variables from outside.
	given map[string]word
	// settled are targets, by file and name, of which others tell more.
	settled map[[2]string]bool
}

// bakeGroup is a group of targets and groups.
type bakeGroup struct {
	names []string
	at    hcl.Range
}

var bakeSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "variable", LabelNames: []string{"name"}},
	{Type: "function", LabelNames: []string{"name"}},
	{Type: "group", LabelNames: []string{"name"}},
	{Type: "target", LabelNames: []string{"name"}},
}}

// bakery reads Bake files as one. A file that cannot be parsed leaves a note, and nothing else: Bake would build none of
// their targets.
func (r *Reader) bakery(files []string, composed []Build) *bakery {
	b := newBakery(newMeter(r.part(bakeLimits)))
	b.settled = r.settled
	var blocks hcl.Blocks
	for _, f := range files {
		body, err := r.parseBake(f, b.meter)
		if err != nil {
			b.fail("the Bake file cannot be read: ", f, err)
			continue
		}
		content, rest, diags := body.PartialContent(bakeSchema)
		attrs, _ := rest.JustAttributes() // blocks that are not known are no matter of ours
		if diags.HasErrors() {
			b.fail("the Bake file cannot be read: ", f, diags)
			continue
		}
		blocks = append(blocks, content.Blocks...)
		for name, a := range attrs {
			b.attrs[name] = a
		}
	}
	if len(b.notes) > 0 {
		return b
	}
	for _, c := range composed {
		b.addComposed(c)
	}
	for _, block := range blocks {
		switch block.Type {
		case "variable":
			b.variables[block.Labels[0]] = block
		case "function":
			b.functions[block.Labels[0]] = block
		}
	}
	b.defineFunctions()
	for _, block := range blocks {
		if block.Type == "target" {
			b.addTarget(block)
		}
	}
	for _, block := range blocks {
		if block.Type == "group" {
			b.addGroup(block)
		}
	}
	return b
}

// parseBake reads one file, in the syntax that its name tells.
func (r *Reader) parseBake(name string, m *meter) (hcl.Body, error) {
	data, err := r.Read(name)
	if err != nil {
		return nil, err
	}
	if err := m.budget.Bytes(int64(len(data)) * parsedSize); err != nil {
		return nil, err
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(strings.ToLower(name), ".json") {
		if err := budget.ShallowJSON(data, maxBakeDepth); err != nil {
			return nil, err
		}
		file, diags = json.Parse(data, name)
	} else {
		tokens, _ := hclsyntax.LexConfig(data, name, hcl.InitialPos)
		if at, err := shallowTokens(tokens); err != nil {
			return nil, m.exceeded(at, err)
		}
		file, diags = hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return file.Body, nil
}

// parsedSize is how much memory the tree of a file takes, for each of its bytes.
const parsedSize = 64

// fail notes an error with its place.
func (b *bakery) fail(what, file string, err error) {
	n := noteOf(err)
	if n.File == "" {
		n.File = file
	}
	n.Text = what + n.Text
	b.note(n)
}

func (b *bakery) note(n Note) {
	if !slices.Contains(b.notes, n) {
		b.notes = append(b.notes, n)
	}
}

// noteOf gives the first error of diagnostics with its place, in one line.
func noteOf(err error) Note {
	var diags hcl.Diagnostics
	if !errors.As(err, &diags) {
		return Note{Text: oneLine(err.Error())}
	}
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		n := Note{Text: oneLine(d.Summary)}
		if d.Detail != "" {
			n.Text += ": " + oneLine(d.Detail)
		}
		if d.Subject != nil {
			n.File, n.Line = d.Subject.Filename, d.Subject.Start.Line
		}
		return n
	}
	return Note{Text: oneLine(err.Error())}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
