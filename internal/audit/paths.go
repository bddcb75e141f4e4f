package audit

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// checkPaths looks for paths that the image must have.
func checkPaths(p *pass) error {
	for i, glob := range p.subject.Policy.Require.Paths {
		asked := p.required("require", "paths", i)
		matches, err := p.matches(glob, 1)
		if err != nil {
			return err
		}
		if len(matches) == 0 {
			p.add(p.pathMissing(finding.PathNotInImage, glob, fmt.Sprintf("%s is not in the image", glob), asked))
			continue
		}
		if o, ok := p.image.Origin(matches[0].node); ok && len(asked) > 0 {
			p.needs.Add(o, func() need.Reason {
				return need.Reason{At: finding.Position{File: asked[0].File, Line: asked[0].Line}, Place: asked[0], Why: "it is required"}
			})
		}
		p.passed(fmt.Sprintf("path %s is in the image", glob), append(asked, p.origin(matches[0].node)...)...)
	}
	return nil
}

// checkForbidden looks for paths that the image must not have.
func checkForbidden(p *pass) error {
	for i, glob := range p.subject.Policy.Forbid.Paths {
		asked := p.required("forbid", "paths", i)
		matches, err := p.matches(glob, 0)
		if err != nil {
			return err
		}
		if len(matches) == 0 {
			p.passed(fmt.Sprintf("nothing in the image matches %s", glob), asked...)
			continue
		}
		f := finding.Finding{
			Rule: finding.PathForbidden, ImagePath: matches[0].path,
			Summary: fmt.Sprintf("%s is in the image, but must not be", matches[0].path),
			Detail:  fmt.Sprintf("It matches the forbidden path %s.", glob),
			Related: append(asked, p.origin(matches[0].node)...),
			About:   finding.About{Text: glob},
		}
		for _, m := range matches {
			f.Files = append(f.Files, m.path)
		}
		if len(matches) > 1 {
			f.Summary = fmt.Sprintf("%s of the image match %s, but must not be in it", count(len(matches), "path"), glob)
		}
		if o := matches[0].node.Outermost(); o.Origin != "" {
			f.ContextPath = o.Origin
			f.Detail += fmt.Sprintf(" It comes from %s; exclude it in the ignore file.", o.Origin)
		}
		f.Subject = p.last()
		if steps := p.image.Provenance(matches[0].node); len(steps) > 0 {
			f.Subject = position(steps[0].Op.Location)
		}
		p.add(f)
	}
	return nil
}

// match is a path of the image that a pattern matched.
type match struct {
	path string
	node *rootfs.Node
}

// matches gives the paths that a pattern matches, links on the way followed if it is none; at most limit if that is
// not 0. Only directories below the pattern's literal start are read. A name that has the characters of patterns, as
// [id].js has, is meant as it is if there is such an entry.
func (p *pass) matches(glob string, limit int) ([]match, error) {
	if n := p.nodeAt(glob); n != nil && !p.ofBaseImage(n) {
		return []match{{path.Clean(glob), n}}, nil
	}
	if !IsPattern(glob) {
		return nil, nil
	}
	base, _ := doublestar.SplitPattern(glob)
	root, err := p.image.Tree.Lstat(base)
	if err != nil {
		return nil, nil
	}
	var out []match
	err = rootfs.ScanNode(strings.TrimSuffix(base, "/"), root, func(at string, n *rootfs.Node) error {
		if (n.Kind != rootfs.KindUnknown || n.Op >= 0) && !p.ofBaseImage(n) && doublestar.MatchUnvalidated(glob, at) {
			out = append(out, match{at, n})
			if limit > 0 && len(out) >= limit {
				return fs.SkipAll
			}
		}
		return nil
	})
	if err == fs.SkipAll {
		err = nil
	}
	return out, err
}

// IsPattern reports whether a path that somebody asks for may stand for several.
func IsPattern(p string) bool { return strings.ContainsAny(p, `*?[{\`) }

// Matches gives the paths of an image that a path or pattern stands for, at most limit if that is not 0, as a check that
// requires them finds them.
func Matches(m *simulate.Image, glob string, limit int) ([]string, error) {
	found, err := (&pass{image: m}).matches(glob, limit)
	var out []string
	for _, f := range found {
		out = append(out, f.path)
	}
	return out, err
}

// ofBaseImage reports whether an entry is only taken to exist in an unknown base image.
func (p *pass) ofBaseImage(n *rootfs.Node) bool { return p.image.Supposed(n) }

// origin gives the instructions that put an entry into the image, as evidence.
func (p *pass) origin(n *rootfs.Node) []finding.Place {
	var out []finding.Place
	for _, s := range p.image.Provenance(n) {
		if s.Op.Kind != dockerfile.OpLocal {
			out = append(out, instruction(finding.RoleCopies, s.Op.Location))
		}
	}
	return out
}

// pathMissing gives the finding for something that was looked for in the image and not found. It is an error only where the
// steps that cannot be simulated can be taken not to have made it: below a directory that this Dockerfile made, with no
// RUN after which anything may be there.
func (p *pass) pathMissing(rule, imagePath, summary string, asked []finding.Place) finding.Finding {
	f := finding.Finding{Rule: rule, ImagePath: imagePath, Summary: summary, Subject: p.last(), Related: asked}
	if len(asked) > 0 {
		f.Subject = finding.Position{File: asked[0].File, Line: asked[0].Line}
	}
	base, _ := doublestar.SplitPattern(imagePath)
	if !IsPattern(imagePath) {
		base = imagePath
	}
	at, _ := p.image.Tree.Resolve(base)
	if n, err := p.image.Tree.Lstat(imagePath); err == nil && n.Kind == rootfs.KindSymlink {
		f.Summary = fmt.Sprintf("%s is a link to %s, which is not in the image", imagePath, at)
	}
	dir, owner := p.nearestDir(at)
	f.Detail = fmt.Sprintf("No instruction creates it; the nearest existing directory is %s.", dir)
	if names := p.similar(dir, at); names != "" {
		f.Detail += fmt.Sprintf(" Did you mean %s?", names)
	}
	if base == imagePath && p.main != nil {
		p.tellCounterpart(&f, at)
	}
	if p.image.Tree.MayHold(at) {
		f.Assumptions = p.assumptions(p.image.Opaque)
		runs := slices.ContainsFunc(p.image.Opaque, func(op int) bool { return p.image.Plan.Ops[op].Kind != dockerfile.OpImage })
		if owner == nil || p.ofBaseImage(owner) || owner == p.image.Tree.Root() || runs {
			f.Severity = finding.Warning
			f.Detail += " Not certain: a step that cannot be simulated may create it."
		}
	}
	return f
}

// tellCounterpart adds what of the build context would be at a path of the image, and the line that keeps it out.
func (p *pass) tellCounterpart(f *finding.Finding, at string) {
	source := p.image.Counterpart(p.main, at)
	if source == "" {
		return
	}
	f.ContextPath, f.Hint.Wants = source, []string{at}
	f.Detail = fmt.Sprintf("Judging by its neighbours, it would be %s of the build context", source)
	t, err := p.main.Explain(source)
	if err != nil || t.Included || t.Decisive == nil {
		f.Detail += "; no instruction copies it."
		return
	}
	f.Related = append(f.Related, p.ignoreLine(finding.RoleExcludes, t.Decisive, ""))
	f.Detail += fmt.Sprintf(", which %s:%d excludes.", p.main.Ignore.Name, t.Decisive.Number)
}

// nearestDir gives the directory nearest to a path that exists.
func (p *pass) nearestDir(at string) (string, *rootfs.Node) {
	for dir := path.Dir(at); ; dir = path.Dir(dir) {
		if n, err := p.image.Tree.Lstat(dir); err == nil && n.IsDir() {
			return dir, n
		}
		if dir == "/" {
			return dir, p.image.Tree.Root()
		}
	}
}

// checkSearchPath looks for entries of a search path, as this Dockerfile sets it, that lead nowhere.
func (c *programCheck) checkSearchPath(variable string) {
	loc := c.image.Plan.ConfigSources.Env[variable]
	if _, asked := c.subject.Policy.Require.Env[variable]; loc.IsZero() || asked {
		return
	}
	value, _ := c.build.Env(variable)
	for _, dir := range c.missingDirs(strings.Trim(value, ":")) {
		f := c.pathMissing(finding.SearchPathEntryMissing, dir, fmt.Sprintf("%s contains %s, which is not a directory of the image", variable, dir), []finding.Place{instruction(finding.RoleSets, loc)})
		f.Subject, f.Severity, f.About.Variable = position(loc), finding.Warning, variable
		c.add(f)
	}
}
