package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// distribution is how a requirement on a command line begins.
var distribution = lazyre.New(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

// declareInstalled declares the distributions that RUN steps install, by name or by a requirements file, and notes the
// steps that install the repository's own distribution from elsewhere.
func (c *programs) declareInstalled(declared *manifest.Declarations) {
	for _, op := range c.Image.Plan.Ops {
		before, ok := c.Before(op)
		if op.Kind != dockerfile.OpExec || !ok {
			continue
		}
		for _, call := range c.Script(op).Calls {
			i := slices.IndexFunc(call.Args, func(w shell.Word) bool { return w.Text == "install" || w.Text == "add" || w.Text == "inject" })
			if i < 0 || !command.Is(call.Base, command.Installer) {
				continue
			}
			for _, w := range command.Parse(call.Args[i+1:], installOptions).Operands {
				c.declareOperand(declared, w.Text, op)
			}
			for _, in := range manifest.Installs(call) {
				if file, ok := c.Origin(before, in.Requirements); ok && in.Requirements != "" {
					c.declareListed(declared, file, op)
				}
			}
		}
	}
}

// declareOperand declares what a step installs by its name.
func (c *programs) declareOperand(declared *manifest.Declarations, operand string, op *dockerfile.Op) {
	c.installsOwn(declared, operand, op)
	name := distribution().FindString(operand)
	if name != "" && !strings.Contains(operand, "/") && !strings.HasPrefix(operand[len(name):], shell.Hole) {
		declared.Add(manifest.Dependency{Name: name, Written: name, File: op.Location.File, Line: op.Location.Range.Start.Line})
	}
}

// declareListed declares what a requirements file lists that a step installs. One that cannot be read declares nothing.
func (c *programs) declareListed(declared *manifest.Declarations, file string, op *dockerfile.Op) {
	p, err := manifest.Requirements(c.Repo, file)
	if err != nil {
		return
	}
	for _, d := range p.Dependencies {
		declared.Add(d)
		c.installsOwn(declared, d.Name, op)
	}
}

// installOptions are options of installers whose value is the next word and names nothing that is installed.
const installOptions = `-i --index-url --extra-index-url --index --default-index --trusted-host -c --constraint -r --requirement
	-t --target --prefix --root -f --find-links --cert --client-cert --proxy --timeout --retries --upgrade-strategy --python -p
	--cache-dir --progress-bar --platform --python-version --implementation --abi --src --log --no-binary --only-binary
	--config-settings --global-option --group --extra --with --without --only -E -n --name -C --exists-action --use-feature --channel`

// ownInstall is a step that may install a project of the repository from elsewhere than the build context's files.
type ownInstall struct {
	project *manifest.Project
	step    dockerfile.Location
}

// installsOwn notes what an operand of an install command may install of the repository's own: the distribution by its name,
// from a repository or a built file, or what is not written out at all.
func (c *programs) installsOwn(declared *manifest.Declarations, operand string, op *dockerfile.Op) {
	for _, p := range declared.Projects {
		if c.mayBe(operand, p) {
			c.ownInstalls = append(c.ownInstalls, ownInstall{p, op.Location})
		}
	}
}

// mayBe reports whether an operand of an install command may stand for a project.
func (c *programs) mayBe(operand string, p *manifest.Project) bool {
	if strings.HasPrefix(operand, shell.Hole) {
		return true
	}
	own, ok := manifest.Normalise(p.Name)
	same := func(name string) bool {
		normal, valid := manifest.Normalise(name)
		return ok && valid && normal == own
	}
	name, url, direct := strings.Cut(operand, "@")
	if direct && strings.Contains(url, "/") && !strings.Contains(name, "/") {
		return same(distribution().FindString(name))
	}
	if _, egg, ok := strings.Cut(operand, "#egg="); ok {
		return same(distribution().FindString(egg))
	}
	file := path.Base(operand)
	switch {
	case strings.HasSuffix(file, ".whl") || strings.HasSuffix(file, ".tar.gz") || strings.HasSuffix(file, ".zip"):
		stem, _, _ := strings.Cut(file, "-")
		return strings.ContainsAny(stem, "["+shell.Hole) || same(stem) ||
			!strings.HasSuffix(file, ".whl") && ok && strings.HasPrefix(strings.ReplaceAll(strings.ToLower(file), "_", "-"), own)
	case strings.Contains(operand, "://"):
		// Of a repository only its own name can be told, which often is that of the package.
		repo, _, _ := strings.Cut(path.Base(strings.TrimSuffix(operand, "/")), "@")
		repo = strings.TrimSuffix(repo, ".git")
		return strings.Contains(repo, shell.Hole) || same(repo) || slices.ContainsFunc(c.packages(p), func(r manifest.PackageRoot) bool {
			return strings.EqualFold(r.Import, strings.ReplaceAll(repo, "-", "_"))
		})
	case strings.Contains(operand, "/"):
		return false
	}
	return same(distribution().FindString(operand))
}

// Elsewhere implements need.Ways: a step may have installed a top-level module as part of its project's distribution.
func (c *programs) Elsewhere(n *need.Need) (dockerfile.Location, bool) {
	if !n.Top {
		return dockerfile.Location{}, false
	}
	dir := path.Dir(n.Source)
	c.declared()
	for _, in := range c.ownInstalls {
		dirs := []string{path.Join(in.project.Dir), path.Join(in.project.Dir, "src")}
		for _, root := range c.packages(in.project) {
			if rel, ok := root.SearchDir(); ok {
				dirs = append(dirs, path.Join(in.project.Dir, rel))
			}
		}
		if slices.Contains(dirs, dir) {
			return in.step, true
		}
	}
	return dockerfile.Location{}, false
}

// packages gives what installing a project makes importable.
func (c *programs) packages(p *manifest.Project) []manifest.PackageRoot {
	whole, err := c.project(p.Dir)
	if err != nil {
		return nil
	}
	return whole.Packages
}
