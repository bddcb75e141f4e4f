package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of npm 10 and 11, pnpm 9 and 10, yarn 1.22, 3 and 4, bun 1.2 to 1.4, node 20.

const (
	npmValued = "-w --workspace --registry --cache --omit --include --loglevel --userconfig --install-strategy --prefix -C --fetch-timeout --fetch-retries " +
		"--node-options --script-shell --tag --otp --before --cpu --os --libc --globalconfig"
	pnpmValued = "--filter -F --store-dir --registry -C --dir --reporter --virtual-store-dir --config.store-dir --network-concurrency --loglevel --filter-prod --modules-dir"
	yarnValued = "--registry --cache-folder --network-timeout --mutex --cwd --modules-folder --network-concurrency --mode"
	bunValued  = "--cwd --filter -F --cache-dir --registry --outdir --outfile --target --format -d --define --backend --config -c --env-file"
)

const packageJSON = "package.json"

// nodePackage is a package.json of the tree.
type nodePackage struct {
	dir  string
	data []byte
	json *document.Node
}

// nodePackage reads the package.json of a directory; ok is false if what it holds is not known.
func (r *reader) nodePackage(dir string) (nodePackage, bool) {
	data, ok := r.text(path.Join(dir, packageJSON))
	if !ok {
		return nodePackage{}, false
	}
	v, err := document.JSON(data)
	if err != nil || v.Fields == nil {
		return nodePackage{}, false
	}
	return nodePackage{dir, data, v}, true
}

// line gives the place of a value of the package.json.
func (p nodePackage) line(v *document.Node) Line {
	return Line{File: path.Join(p.dir, packageJSON), Line: v.At(), Text: strings.TrimSuffix(textOf(p.data, v.At()), ",")}
}

func (p nodePackage) name() string { return p.json.Str("name") }

// kinds of dependencies that an install looks at.
var dependencyKinds = []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"}

// strictKinds are those that pnpm and bun do not do without.
var strictKinds = dependencyKinds[:2]

// workspace is a root with its members.
type workspace struct {
	root     nodePackage
	patterns []string
	members  []nodePackage
	// complete tells that there are no members that are not known.
	complete bool
}

// names reports whether there is a package of a name, or may be.
func (w workspace) has(name string) bool {
	return !w.complete || slices.ContainsFunc(w.all(), func(p nodePackage) bool { return p.name() == name })
}

// workspace reads the members of the workspace that a directory is the root of. patterns are the globs that name them.
func (r *reader) workspace(root nodePackage, patterns []string) workspace {
	w := workspace{root: root, patterns: patterns, complete: true}
	var found []string
	for _, pattern := range patterns {
		pattern, negated := strings.CutPrefix(pattern, "!")
		dirs, known := r.glob(root.dir, pattern)
		w.complete = w.complete && known
		for _, dir := range dirs {
			i := slices.Index(found, dir)
			switch {
			case negated && i >= 0:
				found = slices.Delete(found, i, i+1)
			case !negated && i < 0 && dir != root.dir:
				found = append(found, dir)
			}
		}
	}
	for _, dir := range found {
		if r.absent(path.Join(dir, packageJSON)) {
			continue
		}
		p, ok := r.nodePackage(dir)
		if !ok {
			w.complete = false
			continue
		}
		w.members = append(w.members, p)
	}
	return w
}

// all gives the root and the members.
func (w workspace) all() []nodePackage { return append([]nodePackage{w.root}, w.members...) }

// globs gives the members that a package.json names.
func (p nodePackage) globs() []string {
	if inner := p.json.Texts("workspaces", "packages"); inner != nil {
		return inner
	}
	return p.json.Texts("workspaces")
}

// needMembers looks for the packages of the workspace that its packages depend on. which tells of a version whether only a package of
// the workspace will do, kinds are the dependencies without which the install fails.
func (r *reader) needMembers(w workspace, which func(name, version string) bool, kinds ...string) {
	if !w.complete {
		return
	}
	for _, p := range w.all() {
		for _, kind := range kinds {
			for name, d := range p.json.Get(kind).All() {
				if d.Scalar && which(name, d.Text) && !w.has(name) {
					r.missing(w.lacks(name, p.line(d)))
				}
			}
		}
	}
}

// lacks is a member that the workspace does not have.
func (w workspace) lacks(name string, because ...Line) Missing {
	return Missing{Kind: Member, What: "the package.json of the workspace member " + name, Because: because, Root: w.root.dir,
		Find: func(tree Files, root string) string {
			r := &reader{files: tree}
			for _, m := range r.workspace(nodePackage{dir: root}, w.patterns).members {
				if m.name() == name || m.dir == path.Join(root, name) {
					return path.Join(m.dir, packageJSON)
				}
			}
			return ""
		}}
}

// ofWorkspace reports whether a version asks for a package of the workspace. `workspace:name@*` means another name.
func ofWorkspace(_, version string) bool {
	rest, ok := strings.CutPrefix(version, "workspace:")
	return ok && !strings.Contains(rest[min(1, len(rest)):], "@") && !strings.HasPrefix(rest, ".") && !strings.Contains(rest, "/")
}

// lifecycle notes the scripts of a package.json that an install runs, in their order.
func (r *reader) lifecycle(p nodePackage, names ...string) {
	for _, name := range names {
		r.script(p, name)
	}
}

// script notes a script of a package.json, and reports whether there is one.
func (r *reader) script(p nodePackage, name string, args ...shell.Word) bool {
	v := p.json.Get("scripts", name)
	if v == nil || !v.Scalar {
		return false
	}
	text := v.Text
	for _, w := range args {
		quoted, ok := shell.Quote(w.Text)
		if !ok || !w.Known() {
			return false
		}
		text += " " + quoted
	}
	r.runs(Script{Dir: p.dir, Text: text, At: p.line(v)})
	return true
}

// npmRoot gives the package.json that npm works with, from the working directory on upwards, and that of the workspace it is of.
func (r *reader) npmRoot() (at, root nodePackage, ok bool) {
	dir := r.dir
	if !r.options.Has("--prefix", "-C") {
		dir = upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) })
	}
	if dir == "" || r.absent(path.Join(dir, packageJSON)) {
		r.need(Missing{Path: path.Join(r.dir, packageJSON), What: "the package.json"})
		return at, root, false
	}
	if at, ok = r.nodePackage(dir); !ok {
		return at, root, false
	}
	root = at
	if r.options.Has("--prefix", "-C") || r.options.Has("--workspaces=false", "--no-workspaces") {
		return at, root, true
	}
	for d := path.Dir(dir); dir != "/"; d = path.Dir(d) {
		if !r.absent(path.Join(d, packageJSON)) {
			up, known := r.nodePackage(d)
			if !known {
				return at, root, false
			}
			if w := r.workspace(up, up.globs()); slices.ContainsFunc(w.members, func(m nodePackage) bool { return m.dir == dir }) {
				return at, up, true
			} else if !w.complete {
				return at, root, false
			}
		}
		if d == "/" {
			break
		}
	}
	return at, root, true
}

var npmLifecycle = []string{"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"}

// npm is npm.
func (r *reader) npm() {
	if !r.known() || r.options.Has("-g", "--global", "--location") || r.options.Has("--location=global") {
		return
	}
	switch sub := r.sub(); sub {
	case "ci", "clean-install", "install-clean", "isntall-clean":
		_, root, ok := r.npmRoot()
		if !ok {
			return
		}
		lock, shrinkwrap := path.Join(root.dir, "package-lock.json"), path.Join(root.dir, "npm-shrinkwrap.json")
		r.need(Missing{Path: lock, Or: []string{shrinkwrap}, What: "the lock file, without which npm ci refuses to run"})
		r.npmScripts(root)
	case "install", "i", "in", "add", "isntall":
		if len(r.words) > 1 {
			for _, w := range r.words[1:] {
				if name, ok := strings.CutPrefix(w.Text, "file:"); ok || strings.HasPrefix(w.Text, "./") || strings.HasPrefix(w.Text, "../") || strings.HasPrefix(w.Text, "/") {
					r.need(Missing{Path: r.abs(name), What: "the package that is installed"})
				}
			}
			return
		}
		if _, root, ok := r.npmRoot(); ok {
			r.npmScripts(root)
		}
	case "run", "run-script", "test", "start", "stop", "restart", "t", "tst", "rum", "urn":
		name, args := sub, r.words[1:]
		if slices.Contains([]string{"run", "run-script", "rum", "urn"}, sub) {
			if len(args) == 0 {
				return
			}
			name, args = args[0].Text, args[1:]
		} else if sub == "t" || sub == "tst" {
			name = "test"
		}
		r.npmRun(name, args)
	}
}

// npmScripts notes what npm runs when it installs, and looks for the archives that it unpacks.
func (r *reader) npmScripts(root nodePackage) {
	w := workspace{root: root}
	if !r.options.Has("-w", "--workspace", "--workspaces", "--no-workspaces") {
		w = r.workspace(root, root.globs())
	}
	r.locals(w.all(), local{tarball: true, dangles: true})
	if r.options.Has("--ignore-scripts") || r.options.Has("--ignore-scripts=true") || r.call.S.Env("npm_config_ignore_scripts") == "true" || r.call.S.Env("NPM_CONFIG_IGNORE_SCRIPTS") == "true" {
		return
	}
	r.memberScripts(w, "preinstall", "prepare", "install", "postinstall")
	r.lifecycle(root, npmLifecycle...)
}

// npmRun is npm run.
func (r *reader) npmRun(name string, args []shell.Word) {
	if r.options.Has("-w", "--workspace", "--workspaces", "-ws") {
		r.runMembers(name, args)
	} else if p, ok := r.nearest(); ok {
		r.runScript(p, name, args)
	}
}

// nearest gives the package.json of the working directory or of the nearest one above it, without which no script is run.
func (r *reader) nearest() (p nodePackage, ok bool) {
	dir := r.dir
	if !r.options.Has("--prefix", "-C") {
		dir = upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) })
	}
	if dir == "" || r.absent(path.Join(dir, packageJSON)) {
		r.need(Missing{Path: path.Join(r.dir, packageJSON), What: "the package.json"})
		return p, false
	}
	return r.nodePackage(dir)
}

// runScript notes a script with those that run before and after it.
func (r *reader) runScript(p nodePackage, name string, args []shell.Word) {
	r.script(p, "pre"+name)
	r.out.Runs = r.script(p, name, args...)
	r.script(p, "post"+name)
}

// runMembers runs a script in members of a workspace that options name, by their names or directories.
func (r *reader) runMembers(name string, args []shell.Word) {
	_, root, ok := r.npmRoot()
	if !ok {
		return
	}
	w := r.workspace(root, root.globs())
	if r.options.Has("--workspaces", "-ws") {
		r.runIn(w.members, name, args)
		return
	}
	for _, want := range r.options.All("-w", "--workspace") {
		i := slices.IndexFunc(w.members, func(m nodePackage) bool {
			return m.name() == want.Text || m.dir == path.Join(root.dir, want.Text)
		})
		switch {
		case i >= 0:
			r.runScript(w.members[i], name, args)
		case w.complete && !r.options.Has("--if-present"):
			r.missing(w.lacks(want.Text))
		}
	}
	r.out.Runs = r.out.Runs && len(r.options.All("-w", "--workspace")) == 1
}

// NodeMembers gives the packages of the workspace of which a directory is the root, by their names: as far as the tree tells, whoever
// names them. It is nil for a directory that is the root of none.
func NodeMembers(files Files, dir string) map[string]string {
	r := &reader{files: files, dir: dir}
	root, _ := r.nodePackage(dir)
	root.dir = dir
	globs := r.allGlobsOf(root)
	if len(globs) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, m := range r.workspace(root, globs).all() {
		if name := m.name(); name != "" && out[name] == "" {
			out[name] = m.dir
		}
	}
	return out
}
