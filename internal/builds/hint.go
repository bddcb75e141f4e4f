package builds

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// IsHint reports whether a file may have lines that build images, by its name: a Makefile or a shell script.
func IsHint(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{"Makefile", "makefile", "GNUmakefile"}, base) || slices.Contains([]string{".mk", ".sh"}, path.Ext(base))
}

// hintLimits are what all files that are read for hints may cost, and fileLimits one file of a source.
var (
	hintLimits = budget.Limits{Steps: 2_000_000, Bytes: 128 << 20}
	fileLimits = budget.Limits{Steps: 1_000_000, Bytes: 64 << 20}
)

// maxHint is how large a file may be that is read for hints, and maxHints how many there may be.
const (
	maxHint  = 128 << 10
	maxHints = 400
)

// Hints gives the images of lines in Makefiles and scripts whose words are known, and whose context and Dockerfile exist.
// Nobody knows whether, and with which variables, such a line is run: where another source names a Dockerfile, it counts.
// What is not understood is passed over.
func (r *Reader) Hints(ctx context.Context, files []string) (found []Build) {
	r.spending(ctx)
	b := r.part(hintLimits)
	for i, f := range files {
		if i == maxHints || b.Err() != nil {
			break
		}
		data, err := r.Read(f)
		if err != nil || len(data) > maxHint {
			continue
		}
		text := string(data)
		if !strings.Contains(text, "build") || !builderWord().MatchString(text) {
			continue
		}
		// Scripts are mostly run from the root of the repository, recipes from the directory of the Makefile.
		bases := []string{".", path.Dir(f)}
		if path.Ext(f) != ".sh" {
			slices.Reverse(bases)
		}
		done := map[int]bool{}
		for _, base := range slices.Compact(bases) {
			here := r.hintsOf(f, text, base, b)
			here = slices.DeleteFunc(here, func(b Build) bool { return done[b.Line] })
			for _, b := range here {
				done[b.Line] = true
			}
			found = append(found, here...)
		}
	}
	found, _ = affordable(ctx, sorted(found))
	return found
}

// hintRoot is where the repository is taken to lie.
const hintRoot = "/repository"

var builderWord = lazyre.New(`docker|podman|buildah|nerdctl`)

// hintsOf reads one file as it would be run in a directory.
func (r *Reader) hintsOf(file, text, base string, spent *budget.Budget) (found []Build) {
	spent = spent.Part(fileLimits)
	var lines []scriptBuild
	cwd := word(path.Join(hintRoot, base))
	if path.Ext(file) == ".sh" {
		lines, _ = script(text, hintRoot, cwd, map[string]string{"0": path.Join(hintRoot, file)}, spent)
	} else {
		for _, recipe := range recipes(text, spent) {
			if !builderWord().MatchString(recipe.text) {
				continue
			}
			found, _ := script(recipe.text, hintRoot, cwd, nil, spent)
			for _, s := range found {
				s.line = recipe.line
				lines = append(lines, s)
			}
		}
	}
	for _, s := range lines {
		b, problem := s.command.build(func(p string) bool { in, ok := below(hintRoot, p); return ok && r.Exists(in) }, s.cwd)
		if problem != "" {
			continue
		}
		b.Dockerfile = cmp.Or(b.Dockerfile, path.Join(b.Context, "Dockerfile"))
		b.move(func(p string) (string, bool) {
			in, ok := below(hintRoot, p)
			if !ok {
				return p, true
			}
			return in, true
		})
		if !r.isFile(b.Dockerfile) || !r.Exists(b.Context) {
			continue
		}
		b.Kind, b.File, b.Line, b.Prepared = "hint", file, s.line, true
		found = append(found, b)
	}
	return found
}

// isFile reports whether the repository has a file, and no directory, of a name.
func (r *Reader) isFile(name string) bool {
	if !r.Exists(name) {
		return false
	}
	_, err := r.Read(name)
	return err == nil
}

// recipe is a line of a recipe, with its continuations.
type recipe struct {
	text string
	line int
}

var makeVariable = lazyre.New(`^(?:export\s+|override\s+)?([\w.-]+)\s*(\?=|::?:?=|=|\+=)\s*(.*)$`)

// recipes gives the lines of the recipes of a Makefile, with the variables replaced that have a literal value. A variable that
// is set twice, or from outside of the file, is not known.
func recipes(text string, b *budget.Budget) []recipe {
	var out []recipe
	vars := map[string]string{"CURDIR": "$$PWD", "MAKE": "make"}
	set := map[string]int{}
	number := 0
	var open *recipe
	var joined strings.Builder // what open has so far
	rows := strings.Split(text, "\n")
	for _, row := range rows {
		number++
		row = strings.TrimSuffix(row, "\r")
		body, goes := strings.CutSuffix(row, `\`)
		if open != nil {
			joined.WriteString(" " + strings.TrimLeft(body, "\t "))
			if !goes {
				out, open = append(out, recipe{joined.String(), open.line}), nil
			}
			continue
		}
		if command, ok := strings.CutPrefix(row, "\t"); ok {
			command = strings.TrimLeft(command, "@-+ \t")
			command, goes = strings.CutSuffix(command, `\`)
			if goes {
				open = &recipe{command, number}
				joined.Reset()
				joined.WriteString(command)
			} else {
				out = append(out, recipe{command, number})
			}
			continue
		}
		if m := makeVariable().FindStringSubmatch(row); m != nil {
			if set[m[1]]++; set[m[1]] > 1 && m[2] != "?=" || goes || m[2] == "+=" {
				vars[m[1]] = unknownPart
			} else if set[m[1]] == 1 {
				value, _, _ := strings.Cut(m[3], " #")
				vars[m[1]] = strings.TrimSpace(value)
			}
		}
	}
	if open != nil {
		out = append(out, recipe{joined.String(), open.line})
	}
	for i := range out {
		out[i].text = replace(makeReference(), out[i].text, func(name string) (string, bool) {
			v, ok := vars[name]
			return v, ok
		}, 0, b.Part(replaceLimits))
	}
	return out
}

var makeReference = lazyre.New(`\$\$|\$\(([^()]*)\)|\$\{([^{}]*)\}|\$[@<^*?%+]|\$\(`)
