package why

import (
	"fmt"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// searchPathCandidates put the directory that a module lies in on PYTHONPATH.
func (r *Repairer) searchPathCandidates(f finding.Finding) []candidate {
	dir := f.Hint.SearchDir
	if dir == "" {
		return nil
	}
	value, renamed := dir, ""
	for _, kv := range r.plan.Config.Env {
		if old, ok := strings.CutPrefix(kv, "PYTHONPATH="); ok && old != "" {
			value, renamed = old+":"+dir, r.replaceStale(old, dir)
		}
	}
	var out []candidate
	if renamed != "" {
		out = append(out, r.setEnv("PYTHONPATH", renamed, fmt.Sprintf("replace the missing directory on PYTHONPATH by %s", dir)))
	}
	return append(out, r.setEnv("PYTHONPATH", value, fmt.Sprintf("put %s on PYTHONPATH", dir)))
}

// replaceStale puts a directory in the place of the only one of a search path that is surely not there; "" if there is none, or several.
func (r *Repairer) replaceStale(list, dir string) string {
	dirs, stale := strings.Split(list, ":"), -1
	for i, d := range dirs {
		if _, _, err := r.Image.Tree.Stat(d); err == nil || !path.IsAbs(d) || r.Image.Tree.MayHold(d) {
			continue
		}
		if stale >= 0 {
			return ""
		}
		stale = i
	}
	if stale < 0 {
		return ""
	}
	dirs[stale] = dir
	return strings.Join(dirs, ":")
}

// setEnv sets a variable where it is set now, or else behind the last COPY.
func (r *Repairer) setEnv(name, value, title string) candidate {
	value = dockerfile.Quote(value, r.plan.Dockerfile.Escape)
	s := r.stage()
	if s == nil {
		return candidate{title: title}
	}
	if loc := r.plan.ConfigSources.Env[name]; !loc.IsZero() && loc.Stage == s.Index {
		for _, in := range s.Instructions {
			if !within(loc, in) {
				continue
			}
			if at, ok := valueOf(in, name); ok {
				return candidate{title: title, edits: []edit.Edit{r.put(at, value)}}
			}
			return candidate{title: title, edits: []edit.Edit{r.dockerfileEdit(in.Location.Range.End.Line+1, 0, "ENV "+name+"="+value)}}
		}
	}
	return candidate{title: title, edits: []edit.Edit{r.dockerfileEdit(site{Stage: s}.afterCopies(), 0, "ENV "+name+"="+value)}}
}

// valueOf gives where an ENV has the value of a variable, the last one if it sets it several times.
func valueOf(in dockerfile.Instruction, name string) (at dockerctx.Range, ok bool) {
	args := in.Syntax().Args
	if len(args) == 2 && args[0].Text == name {
		return args[1].Range, true
	}
	for _, pair := range args {
		if strings.HasPrefix(pair.Text, name+"=") {
			at, ok = pair.Range, true
			at.Start.Offset += len(name) + 1
		}
	}
	return at, ok && at.Start.Line == at.End.Line
}

// exportCandidates add the export that a package lacks, behind the imports of its __init__.py.
func (r *Repairer) exportCandidates(f finding.Finding) ([]candidate, error) {
	h := f.Hint
	if h.ExportFile == "" {
		return nil, nil
	}
	data, err := readAll(r.main.FS, h.ExportFile)
	if err != nil {
		return nil, nil
	}
	line := h.ExportLine
	if line == 0 {
		// Behind a docstring and comments, at the end of what is short.
		line = strings.Count(string(data), "\n") + 1
		if len(data) > 0 && !strings.HasSuffix(string(data), "\n") {
			line++
		}
	}
	return []candidate{{
		title: fmt.Sprintf("export %s from the package", h.ExportName),
		edits: []edit.Edit{{
			File: simulate.Shown(r.main.Dir, h.ExportFile), Path: r.real(joinContext(r.main.Dir, h.ExportFile)), Line: line,
			Insert: fmt.Sprintf("from .%s import %s", h.ExportFrom, h.ExportName),
		}},
	}}, nil
}
