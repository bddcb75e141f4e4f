package audit

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// lostAbove gives where a step looks for what it misses, and where the repository has that above the build context: no COPY can take it.
func (p *pass) lostAbove(op *dockerfile.Op, m steps.Missing) (at, source, above string, ok bool) {
	if m.Find != nil {
		return "", "", "", false
	}
	for _, at := range append([]string{m.Path}, m.Or...) {
		for _, source := range p.sourcesOf(op, m, at) {
			dir, rel := p.subject.Options.Context, source
			for strings.HasPrefix(rel, "../") {
				dir, rel = filepath.Join(dir, ".."), strings.TrimPrefix(rel, "../")
			}
			if rel == source || p.subject.Options.Open == nil {
				continue
			}
			fsys, err := p.subject.Options.Open(dir)
			if err != nil {
				continue
			}
			if fi, err := fsys.Lstat(rel); err == nil && (fi.IsDir() || !m.Dir) {
				return at, rel, dir, true
			}
		}
	}
	return "", "", "", false
}

// reportAbove reports something that a step reads and that lies above the build context.
func (p *pass) reportAbove(in input) {
	f := p.ofInput(in)
	detail := p.chain(&f, in.op, in.m)
	detail = append(detail, fmt.Sprintf("The repository has %s, above the build context %s: no instruction can copy it from there. Build with the context %s, or hand its directory over as an additional context.",
		simulate.Shown(in.above, in.source), path.Clean(filepath.ToSlash(p.subject.Options.Context)), filepath.ToSlash(in.above)))
	if in.m.Doubt != "" {
		detail = append(detail, in.m.Doubt)
	}
	f.Detail, f.ContextPath = strings.Join(detail, " "), in.source
	seen := p.subject
	seen.Options.Context = in.above
	f = seen.judge(f, true)
	f.ContextPath = ""
	p.add(f)
}
