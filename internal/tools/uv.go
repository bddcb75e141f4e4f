package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of uv's documentation and sources, from 0.4 on.

const (
	uvLock   = "uv.lock"
	uvValued = "--extra --no-extra --group --no-group --only-group --package --no-install-package --only-install-package --python -p --directory --project --config-file --cache-dir " +
		"--index --default-index --index-url -i --extra-index-url --find-links -f --link-mode --prerelease --resolution --exclude-newer --exclude-newer-package --keyring-provider " +
		"--index-strategy --config-setting -C --config-settings --color --python-platform --upgrade-package -P --reinstall-package --refresh-package --no-build-package " +
		"--no-binary-package --no-build-isolation-package --no-sources-package --allow-insecure-host --with --with-editable --with-requirements --env-file --from --no-editable-package " +
		"-r --requirement --requirements -c --constraint --constraints --override --overrides -b --build-constraint --build-constraints -e --editable --target -t --prefix " +
		"--no-binary --only-binary --python-version -o --output-file --format --out-dir --torch-backend --fork-strategy -w --prune --no-emit-package"
)

// uv is uv.
func (r *reader) uv() {
	s := r.call.S
	if s.Env("UV_PROJECT") != "" || s.Env("UV_WORKING_DIRECTORY") != "" || s.Env("UV_WORKING_DIR") != "" {
		return
	}
	sub := r.sub()
	if sub == "run" { // what it runs has options of its own
		r.options = command.Leading(r.call.Args, uvValued)
		for name, given := range command.Leading(r.options.Operands[1:], uvValued).Given {
			r.options.Given[name] = append(r.options.Given[name], given...)
		}
	}
	if given := r.options.All("--project"); len(given) > 0 && sub != "pip" {
		if r.dir = r.abs(given[len(given)-1].Text); r.dir == "" {
			return
		}
	}
	switch sub {
	case "pip":
		r.uvPip()
	case "sync", "lock", "export", "tree", "run":
		if !r.options.Has("--script", "--no-project", "--help", "-h") && (sub != "run" || !r.options.Has("-s", "--gui-script")) {
			r.uvProject(sub)
		}
	case "build":
		r.uvBuilds()
	case "tool":
		if len(r.words) > 2 && r.words[1].Text == "install" && isPipPath(r.words[2].Text) {
			r.pipProject(r.words[2].Text, nil, r.options.Has("-e", "--editable"))
		}
	}
}

// uvPip is uv pip install, sync and compile.
func (r *reader) uvPip() {
	if len(r.words) < 2 {
		return
	}
	files, operands := r.options.All("-r", "--requirement", "--requirements"), r.words[2:]
	switch r.words[1].Text {
	case "install":
		for _, w := range r.options.All("-e", "--editable") {
			r.pipProject(w.Text, nil, true)
		}
		for _, w := range operands {
			if isPipPath(w.Text) {
				r.pipProject(w.Text, nil, false)
			}
		}
	case "sync", "compile":
		files = append(files, operands...)
	default:
		return
	}
	for _, w := range files {
		r.uvRequirements(w, "the requirements file")
	}
	for _, w := range r.options.All("-c", "--constraint", "--constraints", "--override", "--overrides", "-b", "--build-constraint", "--build-constraints") {
		r.uvRequirements(w, "the file of constraints")
	}
}

// uvRequirements is a file of requirements, or a manifest of which only the dependencies count.
func (r *reader) uvRequirements(w shell.Word, what string) {
	if path.Ext(w.Text) == ".txt" || path.Ext(w.Text) == ".in" {
		r.requirements(w, what, nil, 0)
	} else if w.Text != "-" && w.Known() && !strings.Contains(w.Text, "://") {
		r.need(Missing{Path: r.abs(w.Text), What: what})
	}
}

// uvBuilds is uv build.
func (r *reader) uvBuilds() {
	if r.options.Has("--package", "--all-packages", "--all") || len(r.words) > 2 {
		return
	}
	dir := r.dir
	if len(r.words) == 2 {
		at, ok := r.pyPath(r.words[1])
		if !ok {
			r.need(Missing{Path: at, What: "what uv builds"})
			return
		}
		dir = at
	}
	if r.pyManifest(dir, nil) {
		r.pyBuild(dir, nil, false)
	}
}

// on reports whether an option is given, or the variable that stands for it.
func (r *reader) on(option, variable string) bool {
	v := strings.ToLower(r.call.S.Env(variable))
	return r.options.Has(option) || v == "1" || v == "true" || v == "yes" || v == "on"
}

// uvWorkspace is a workspace of uv, as far as it is there.
type uvWorkspace struct {
	root    pyProject
	members map[string]pyProject // by name, the root among them
	// complete tells that there are no others.
	complete bool
}

// uvProject is a command that works on a project: it reads the manifests of the workspace and its lock.
func (r *reader) uvProject(sub string) {
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, pyprojectTOML)) })
	if dir == "" {
		if sub != "run" {
			r.need(Missing{Path: path.Join(r.dir, pyprojectTOML), What: "the pyproject.toml"})
		}
		return
	}
	p, ok := r.pyProject(dir)
	if !ok || p.doc.Str("tool", "uv", "managed") == "false" {
		return
	}
	root, ok := r.uvRoot(p)
	if !ok {
		return
	}
	noSync := sub == "run" && r.on("--no-sync", "UV_NO_SYNC")
	frozen, locked := r.on("--frozen", "UV_FROZEN"), r.on("--locked", "UV_LOCKED") || sub == "lock" && r.options.Has("--check")
	if r.options.Has("--no-frozen", "--no-locked") {
		return
	}
	if (frozen || locked) && !noSync {
		flag := "--locked"
		if frozen {
			flag = "--frozen"
		}
		lock := Missing{Path: path.Join(root.dir, uvLock), What: "the lock file, without which " + flag + " fails"}
		for at := root.dir; at != "/"; { // it may belong to a workspace whose manifest is not there
			at = path.Dir(at)
			lock.Or = append(lock.Or, path.Join(at, uvLock))
		}
		r.need(lock)
	}
	lock, _ := r.uvLocked(root)
	if !frozen {
		w := r.uvMembers(root)
		if !r.options.Has("--no-sources") && !noSync {
			r.uvSources(w)
		}
		if locked && w.complete && !noSync {
			lock.held(r, w)
		}
	}
	if (sub == "sync" || sub == "run" && !noSync) && !r.options.Has("--dry-run", "--check") {
		r.uvInstalls(p, root, lock)
	}
}

// uvRoot gives the root of the workspace that a project is a member of, itself if it is in none.
func (r *reader) uvRoot(p pyProject) (root pyProject, ok bool) {
	if p.doc.Get("tool", "uv", "workspace") != nil || p.dir == "/" {
		return p, true
	}
	dir := upward(path.Dir(p.dir), func(dir string) bool { return !r.absent(path.Join(dir, pyprojectTOML)) })
	if dir == "" {
		return p, true
	}
	up, ok := r.pyProject(dir)
	if !ok {
		return p, false
	}
	workspace := up.doc.Get("tool", "uv", "workspace")
	rel := strings.TrimPrefix(p.dir, dir+"/")
	if workspace == nil || uvExcludes(workspace, rel) || !slices.ContainsFunc(workspace.Texts("members"), func(glob string) bool { return matches(glob, rel) }) {
		return p, true
	}
	return up, true
}

// uvExcludes reports whether a workspace leaves a directory out, or may do so.
func uvExcludes(workspace *document.Node, rel string) bool {
	return slices.ContainsFunc(workspace.Texts("exclude"), func(glob string) bool { return matches(glob, rel) || strings.Contains(glob, "**") })
}

// matches reports whether a pattern means a path, each relative to the same directory.
func matches(glob, rel string) bool {
	ok, err := path.Match(path.Clean(glob), rel)
	return ok && err == nil || strings.Contains(glob, "**")
}

// uvMembers reads the members of a workspace: each directory that a pattern means must be one.
func (r *reader) uvMembers(root pyProject) uvWorkspace {
	w := uvWorkspace{root, map[string]pyProject{}, true}
	if name := root.name(); name != "" {
		w.members[name] = root
	}
	workspace := root.doc.Get("tool", "uv", "workspace")
	for _, item := range workspace.List("members") {
		found, known := r.glob(root.dir, item.Text)
		w.complete = w.complete && known
		for _, at := range found {
			rel := strings.TrimPrefix(at, root.dir+"/")
			if strings.HasPrefix(path.Base(at), ".") || at == root.dir || !r.isDir(at) || uvExcludes(workspace, rel) {
				continue
			}
			r.need(Missing{Kind: Member, Path: path.Join(at, pyprojectTOML), What: "the pyproject.toml of the workspace member " + rel, Because: root.line(item)})
			m, ok := r.pyProject(at)
			if !ok {
				w.complete = false
				continue
			}
			w.members[m.name()] = m
		}
	}
	return w
}

// uvSources looks for what dependencies are taken from: members of the workspace, and paths.
func (r *reader) uvSources(w uvWorkspace) {
	for _, name := range sortedKeys(w.members) {
		m := w.members[name]
		for _, dependency := range m.requirements() {
			source, of := m.uvSource(dependency), m
			if source == nil {
				source, of = w.root.uvSource(dependency), w.root
			}
			switch {
			case source == nil || source.Get("marker") != nil || source.Get("extra") != nil || source.Get("group") != nil:
			case source.Str("workspace") == "true":
				if _, there := w.members[dependency]; !there && w.complete {
					r.missing(w.lacks(dependency, of.line(source)))
				}
			case source.Get("path").Is() && !path.IsAbs(source.Str("path")):
				at := path.Join(of.dir, source.Str("path"))
				r.need(Missing{Kind: Member, Path: at, What: "what " + dependency + " is taken from", Because: of.line(source)})
			}
		}
	}
}

// lacks is a member that is not there: its directory is found by its name.
func (w uvWorkspace) lacks(name string, because []Line) Missing {
	globs := w.root.doc.Texts("tool", "uv", "workspace", "members")
	return Missing{Kind: Member, Path: path.Join(w.root.dir, name), What: "the workspace member " + name, Because: because, Root: w.root.dir, Find: func(tree Files, root string) string {
		other := &reader{files: tree, dir: root}
		for _, glob := range globs {
			found, _ := other.glob(root, glob)
			for _, at := range found {
				if p, ok := other.pyProject(at); ok && p.name() == name {
					return path.Join(at, pyprojectTOML)
				}
			}
		}
		return ""
	}}
}

// requirements gives the names of all that the project depends on, groups and extras included.
func (p pyProject) requirements() (names []string) {
	add := func(n *document.Node) {
		for _, item := range n.List() {
			if !item.Scalar {
				continue
			}
			end := strings.IndexFunc(item.Text, func(c rune) bool {
				return !(c == '-' || c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
			})
			if end < 0 {
				end = len(item.Text)
			}
			names = append(names, pyName(item.Text[:end]))
		}
	}
	add(p.doc.Get("project", "dependencies"))
	for _, extra := range p.doc.Get("project", "optional-dependencies").All() {
		add(extra)
	}
	for _, group := range p.doc.Get("dependency-groups").All() {
		add(group)
	}
	add(p.doc.Get("tool", "uv", "dev-dependencies"))
	return names
}

// uvSource gives what a dependency is taken from.
func (p pyProject) uvSource(name string) *document.Node {
	for key, n := range p.doc.Get("tool", "uv", "sources").All() {
		if pyName(key) == name {
			return n
		}
	}
	return nil
}

// uvPackage is a package of the repository in a lock.
type uvPackage struct {
	dir, kind string // kind is editable, directory or virtual
	line      int
	// needs are packages that are installed along with it, extras those that one of its extras adds, groups those that a group does if it is
	// the one that is worked on.
	needs          []uvNeed
	extras, groups map[string][]uvNeed
}

// uvNeed is a package that another one depends on, with the extras that it asks for.
type uvNeed struct {
	name   string
	extras []string
}

// uvLocks is a lock of uv, as far as it tells of the repository.
type uvLocks struct {
	file     string
	data     []byte
	root     string
	members  []string
	packages map[string]uvPackage
}

// uvLocked reads the lock of a workspace.
func (r *reader) uvLocked(root pyProject) (l uvLocks, ok bool) {
	l = uvLocks{file: path.Join(root.dir, uvLock), root: root.dir, packages: map[string]uvPackage{}}
	data, ok := r.text(l.file)
	if !ok {
		return l, false
	}
	doc, err := document.TOML(data)
	if err != nil {
		return l, false
	}
	l.data, l.members = data, doc.Texts("manifest", "members")
	for _, n := range doc.List("package") {
		for _, kind := range []string{"editable", "directory", "virtual"} {
			at := n.Get("source", kind)
			if !at.Is() {
				continue
			}
			l.packages[n.Str("name")] = uvPackage{dir: path.Join(root.dir, at.Text), kind: kind, line: n.Get("name").At(),
				needs: uvNeeds(n.Get("dependencies")), extras: uvTables(n.Get("optional-dependencies")), groups: uvTables(n.Get("dev-dependencies"))}
		}
	}
	return l, true
}

// uvNeeds gives the dependencies that count everywhere.
func uvNeeds(list *document.Node) (needs []uvNeed) {
	for _, d := range list.List() {
		if d.Get("marker") == nil {
			needs = append(needs, uvNeed{d.Str("name"), d.Texts("extra")})
		}
	}
	return needs
}

// uvTables gives the dependencies of each extra, or of each group.
func uvTables(n *document.Node) map[string][]uvNeed {
	tables := map[string][]uvNeed{}
	for name, list := range n.All() {
		tables[pyName(name)] = uvNeeds(list)
	}
	return tables
}

func (l uvLocks) because(p uvPackage) []Line {
	return []Line{{File: l.file, Line: p.line, Text: textOf(l.data, p.line)}}
}

// held looks for the members that the lock has: without one it is out of date.
func (l uvLocks) held(r *reader, w uvWorkspace) {
	for _, name := range l.members {
		p, known := l.packages[name]
		if _, there := w.members[name]; there || !known {
			continue
		}
		r.need(Missing{Kind: Member, Path: path.Join(p.dir, pyprojectTOML), What: "the pyproject.toml of the workspace member " + name, Because: l.because(p)})
	}
}

// uvInstalls looks for what is built of the projects that are installed.
func (r *reader) uvInstalls(p, root pyProject, lock uvLocks) {
	o := r.options
	if o.Has("--only-install-package", "--only-install-project", "--only-install-workspace", "--only-install-local", "--no-install-local") ||
		r.on("--no-install-local", "UV_NO_INSTALL_LOCAL") {
		return
	}
	noProject, noWorkspace := r.on("--no-install-project", "UV_NO_INSTALL_PROJECT"), r.on("--no-install-workspace", "UV_NO_INSTALL_WORKSPACE")
	skipped := map[string]bool{}
	for _, w := range o.All("--no-install-package") {
		skipped[pyName(w.Text)] = true
	}
	roots := []string{p.name()}
	switch {
	case o.Has("--all-packages"):
		roots = lock.members
	case o.Has("--package"):
		roots = nil
		for _, w := range o.All("--package") {
			roots = append(roots, pyName(w.Text))
		}
	case roots[0] == "":
		roots = lock.members
	}
	if len(lock.packages) == 0 {
		built := p.doc.Get("build-system") != nil || p.doc.Str("tool", "uv", "package") == "true"
		if !noProject && !noWorkspace && built && p.doc.Str("tool", "uv", "package") != "false" && slices.Equal(roots, []string{p.name()}) && !skipped[p.name()] {
			r.pyBuild(p.dir, nil, r.uvEditable())
		}
		return
	}
	todo, done := r.uvChosen(p, lock, roots), map[string]bool{}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		name := next.name
		x, known := lock.packages[name]
		for _, extra := range next.extras {
			if key := name + "[" + extra + "]"; known && !done[key] {
				done[key] = true
				todo = append(todo, x.extras[pyName(extra)]...)
			}
		}
		if !known || done[name] {
			continue
		}
		done[name] = true
		todo = append(todo, x.needs...)
		member := slices.Contains(lock.members, name) || len(lock.members) == 0 && x.dir == root.dir
		if x.kind == "virtual" || skipped[name] || noWorkspace && member || noProject && x.dir == p.dir {
			continue
		}
		if r.pyManifest(x.dir, lock.because(x)) {
			r.pyBuild(x.dir, nil, x.kind == "editable" && r.uvEditable())
		}
	}
}

func (r *reader) uvEditable() bool { return !r.on("--no-editable", "UV_NO_EDITABLE") }
