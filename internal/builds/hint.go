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

// Hints gives the images of lines in Makefiles and scripts whose words are known, and whose Dockerfile exists.
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
		done := map[int]bool{}
		for _, base := range basesOf(f) {
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
	for _, p := range r.pieces(file, text, spent) {
		if !builderWord().MatchString(p.text) {
			continue
		}
		found, _ := script(p.text, hintRoot, word(path.Join(hintRoot, base)), p.vars(file), spent)
		for _, s := range found {
			s.line = cmp.Or(p.line, s.line)
			lines = append(lines, s)
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
		if !r.isFile(b.Dockerfile) || path.IsAbs(b.Context) || remotePath(b.Context) {
			continue
		}
		b.Staged = !r.Exists(b.Context) // what runs before makes it
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
