package builds

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// IsHint reports whether a file may have lines that build images, by its name: a Makefile or a shell script.
func IsHint(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{"Makefile", "makefile", "GNUmakefile"}, base) || slices.Contains([]string{".mk", ".sh"}, path.Ext(base))
}

// maxHint is how large a file may be that is read for hints, and maxHints how many there may be.
const (
	maxHint  = 128 << 10
	maxHints = 400
)

// Hints gives the images of lines in Makefiles and scripts whose words are known, and whose context and Dockerfile exist.
// Nobody knows whether, and with which variables, such a line is run: where another source names a Dockerfile, it counts.
// What is not understood is passed over.
func (r *Reader) Hints(files []string) (found []Build) {
	for i, f := range files {
		if i == maxHints {
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
			here := r.hintsOf(f, text, base)
			here = slices.DeleteFunc(here, func(b Build) bool { return done[b.Line] })
			for _, b := range here {
				done[b.Line] = true
			}
			found = append(found, here...)
		}
	}
	return sorted(found)
}

// hintRoot is where the repository is taken to lie.
const hintRoot = "/repository"

var builderWord = lazyre.New(`docker|podman|buildah|nerdctl`)

// hintsOf reads one file as it would be run in a directory.
func (r *Reader) hintsOf(file, text, base string) (found []Build) {
	var lines []scriptBuild
	cwd := word(path.Join(hintRoot, base))
	if path.Ext(file) == ".sh" {
		lines = script(text, hintRoot, cwd, map[string]string{"0": path.Join(hintRoot, file)})
	} else {
		for _, recipe := range recipes(text) {
			for _, s := range script(recipe.text, hintRoot, cwd, nil) {
				s.line = recipe.line
				lines = append(lines, s)
			}
		}
	}
	for _, s := range lines {
		b, problem := s.command.build(func(p string) bool { in, ok := hintPlace(p); return ok && r.Exists(in) }, s.cwd)
		if problem != "" {
			continue
		}
		df, ok := hintPlace(cmp.Or(b.Dockerfile, path.Join(b.Context, "Dockerfile")))
		if !ok || !r.Exists(df) {
			continue
		}
		if b.Context, ok = hintPlace(b.Context); !ok || !r.Exists(b.Context) {
			continue
		}
		for k, v := range b.Contexts {
			if in, ok := hintPlace(v); ok {
				b.Contexts[k] = in
			}
		}
		b.Kind, b.File, b.Line, b.Dockerfile, b.Prepared = "hint", file, s.line, df, true
		found = append(found, b)
	}
	return found
}

// hintPlace gives a path of the repository; ok is false for one that lies outside.
func hintPlace(p string) (string, bool) {
	rel, ok := strings.CutPrefix(path.Clean(p)+"/", hintRoot+"/")
	return path.Join(".", rel), ok && !remotePath(p)
}

// recipe is a line of a recipe, with its continuations.
type recipe struct {
	text string
	line int
}

var makeVariable = lazyre.New(`^(?:export\s+|override\s+)?([\w.-]+)\s*(\?=|::?:?=|=|\+=)\s*(.*)$`)

// recipes gives the lines of the recipes of a Makefile, with the variables replaced that have a literal value. A variable that
// is set twice, or from outside of the file, is not known.
func recipes(text string) []recipe {
	var out []recipe
	vars := map[string]string{"CURDIR": "$$PWD", "MAKE": "make"}
	set := map[string]int{}
	number := 0
	var open *recipe
	rows := strings.Split(text, "\n")
	for _, row := range rows {
		number++
		row = strings.TrimSuffix(row, "\r")
		body, goes := strings.CutSuffix(row, `\`)
		if open != nil {
			open.text += " " + strings.TrimLeft(body, "\t ")
			if !goes {
				out, open = append(out, *open), nil
			}
			continue
		}
		if command, ok := strings.CutPrefix(row, "\t"); ok {
			command = strings.TrimLeft(command, "@-+ \t")
			command, goes = strings.CutSuffix(command, `\`)
			if goes {
				open = &recipe{command, number}
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
		out = append(out, *open)
	}
	for i := range out {
		budget := maxReplaced
		out[i].text = makeReplace(out[i].text, vars, 0, &budget)
	}
	return out
}

var makeReference = lazyre.New(`\$\$|\$\(([^()]*)\)|\$\{([^{}]*)\}|\$[@<^*?%+]|\$\(`)

// maxReplaced bounds how many references of one text are replaced: each may stand for many others.
const maxReplaced = 1000

// makeReplace replaces the references to variables in a text.
func makeReplace(text string, vars map[string]string, deep int, budget *int) string {
	return makeReference().ReplaceAllStringFunc(text, func(m string) string {
		if m == "$$" {
			return "$"
		}
		name := strings.TrimSuffix(strings.TrimLeft(m, "$({"), ")")
		name = strings.TrimSuffix(name, "}")
		v, ok := vars[name]
		if *budget--; !ok || deep >= maxSubstitutions || *budget < 0 {
			return unknownPart
		}
		return makeReplace(v, vars, deep+1, budget)
	})
}
