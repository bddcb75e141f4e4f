package tools

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

const (
	pnpmWorkspace = "pnpm-workspace.yaml"
	pnpmLock      = "pnpm-lock.yaml"
)

// pnpmSubs are subcommands of pnpm; any other word is a script of the package.json.
var pnpmSubs = strings.Fields(`add approve-builds audit bin cache cat-file cat-index ci completion config create dedupe deploy dlx doctor env exec fetch find-hash
	help i ignored-builds import init install install-test it licenses link list ln login logout ls outdated pack patch patch-commit patch-remove
	prune publish rb rebuild recursive remove rm root run run-script server setup store self-update t test tst start un uninstall unlink up update
	upgrade version view why x`)

// pnpm is pnpm.
func (r *reader) pnpm() {
	if !r.known() || r.options.Has("-g", "--global", "--ignore-workspace") {
		return
	}
	filtered := r.options.Has("--filter", "-F", "--filter-prod", "-r", "--recursive", "-w", "--workspace-root")
	switch sub := r.sub(); {
	case sub == "install" || sub == "i" || sub == "ci" || sub == "" && len(r.call.Args) == 0:
		if len(r.words) < 2 {
			r.pnpmInstall(filtered, sub == "ci")
		}
	case sub == "run" || sub == "run-script":
		if filtered {
			r.pnpmFiltered(r.words[1:])
		} else if len(r.words) > 1 && !r.options.Has("--if-present") {
			r.npmRun(r.words[1].Text, r.from(1)[1:])
		}
	case filtered && sub != "" && (!slices.Contains(pnpmSubs, sub) || sub == "test" || sub == "start"):
		r.pnpmFiltered(r.words)
	case sub == "" || filtered || slices.Contains(pnpmSubs, sub) && sub != "test" && sub != "start" && sub != "t":
	case sub == "t":
		r.npmRun("test", r.words[1:])
	default:
		if p, ok := r.nearest(); ok {
			r.scriptOr(p, r.runScript, r.from(0))
		}
	}
}

// from gives the words of the call from one of its operands on: options behind the name of a script are the script's.
func (r *reader) from(operand int) []shell.Word {
	left := operand + 1
	for i, w := range r.call.Args {
		if left > 0 && slices.ContainsFunc(r.words[operand+1-left:operand+1], func(o shell.Word) bool { return o == w }) {
			if left--; left == 0 {
				return r.call.Args[i:]
			}
		}
	}
	return r.words[operand:]
}

// pnpmRoot gives the directory of the workspace, and the globs of its members.
func (r *reader) pnpmRoot() (dir string, settings *document.Node, globs []string, ok bool) {
	dir = upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, pnpmWorkspace)) })
	if dir == "" {
		return r.dir, nil, nil, true
	}
	data, known := r.text(path.Join(dir, pnpmWorkspace))
	settings, err := document.YAML(data)
	return dir, settings, settings.Texts("packages"), known && err == nil
}

// pnpmInstall is pnpm install.
func (r *reader) pnpmInstall(filtered, frozen bool) {
	dir, settings, globs, ok := r.pnpmRoot()
	if !ok {
		return
	}
	frozen = frozen || r.options.Has("--frozen-lockfile") && !r.options.Has("--frozen-lockfile=false")
	inCI := r.call.S.Env("CI") != ""
	if frozen {
		r.need(Missing{Path: path.Join(dir, pnpmLock), What: "the lock file, without which --frozen-lockfile refuses to run"})
	}
	if r.absent(path.Join(dir, packageJSON)) {
		m := Missing{Path: path.Join(dir, packageJSON), What: "the package.json"}
		if settings != nil {
			if w := r.workspace(nodePackage{dir: dir}, globs); !w.complete || len(w.members) > 0 {
				return
			}
			m.Doubt = "pnpm finds no project, installs nothing, and succeeds."
		}
		r.need(m)
		return
	}
	root, ok := r.nodePackage(dir)
	if !ok {
		return
	}
	w := r.workspace(root, globs)
	if !frozen && !inCI && !filtered && !r.options.Has("--no-frozen-lockfile=false") {
		r.needMembers(w, ofWorkspace, strictKinds...)
	}
	if !filtered {
		r.locals(w.all(), local{tarball: true, dir: true})
	}
	for name, d := range root.json.Get("pnpm", "patchedDependencies").All() {
		if d.Scalar {
			r.need(Missing{Path: path.Join(dir, d.Text), What: "the patch of " + name, Because: []Line{root.line(d)}})
		}
	}
	for name, d := range settings.Get("patchedDependencies").All() {
		data, _ := r.text(path.Join(dir, pnpmWorkspace))
		r.need(Missing{Path: path.Join(dir, d.Text), What: "the patch of " + name,
			Because: []Line{{File: path.Join(dir, pnpmWorkspace), Line: d.At(), Text: textOf(data, d.At())}}})
	}
	if frozen {
		r.pnpmHook(dir)
	}
	if !filtered {
		r.pnpmLate(dir, w)
	}
	if !r.options.Has("--ignore-scripts") && !filtered {
		r.memberScripts(w, append(memberLifecycle, "preprepare", "prepare", "postprepare")...)
		r.lifecycle(root, "pnpm:devPreinstall", "preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare")
	}
}

var pnpmChecksum = regexp.MustCompile(`(?m)^pnpmfileChecksum:.*$`)

// pnpmHook looks for the file of hooks that the lock was made with.
func (r *reader) pnpmHook(dir string) {
	lock := path.Join(dir, pnpmLock)
	data, ok := r.text(lock)
	if !ok {
		return
	}
	if at := pnpmChecksum.FindIndex(data); at != nil {
		n, text := lineAt(data, at[0])
		r.need(Missing{Path: path.Join(dir, ".pnpmfile.cjs"), Or: []string{path.Join(dir, ".pnpmfile.mjs"), path.Join(dir, "pnpmfile.js")}, What: "the file of hooks that the lock file was made with",
			Because: []Line{{File: lock, Line: n, Text: text}}})
	}
}

// yarnVersion is the generation of yarn: 1 is classic, 2 all that came later, 0 not known.
func (r *reader) yarnVersion(root nodePackage) int {
	if v := root.json.Str("packageManager"); v != "" {
		if strings.HasPrefix(v, "yarn@1") {
			return 1
		}
		return 2
	}
	if data, ok := r.text(path.Join(root.dir, ".yarnrc.yml")); ok && yarnPath.Match(data) {
		return 2
	}
	data, ok := r.text(path.Join(root.dir, "yarn.lock"))
	switch head := string(data[:min(len(data), 300)]); {
	case !ok:
		return 0
	case strings.Contains(head, "yarn lockfile v1"):
		return 1
	case strings.Contains(head, "__metadata"):
		return 2
	}
	return 0
}

var (
	yarnPath   = regexp.MustCompile(`(?m)^yarnPath:\s*["']?([^"'\s#]+)`)
	yarnPlugin = regexp.MustCompile(`(?m)^\s+-?\s*path:\s*["']?([^"'\s#]+)`)
	yarnMember = regexp.MustCompile(`(?m)^\s+resolution: "(.+)@workspace:([^"]+)"$`)
	patchFile  = regexp.MustCompile(`^patch:.*#(?:\./|~/)?([^#"]+\.patch)`)
)

// yarnSubs are subcommands of yarn that do not run what a package.json or a package has; any other word, and run, does.
var yarnSubs = strings.Fields(`add audit autoclean bin cache check config constraints create dedupe dlx exec explain generate-lock-entry global help
	import info init install licenses link list login logout npm outdated owner pack patch patch-commit plugin policies publish rebuild remove
	search self-update set stage tag team unlink unplug up upgrade upgrade-interactive version versions why`)

// yarn is yarn of both generations.
func (r *reader) yarn() {
	sub := r.sub()
	if !r.known() || sub == "global" || sub == "config" || sub == "set" || sub == "cache" {
		return
	}
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) })
	if dir == "" {
		runs := sub != "" && !slices.Contains(yarnSubs, sub)
		if runs || r.yarnVersion(nodePackage{dir: r.dir}) == 2 { // classic yarn installs nothing, and succeeds
			r.need(Missing{Path: path.Join(r.dir, packageJSON), What: "the package.json"})
		}
		return
	}
	at, ok := r.nodePackage(dir)
	if !ok {
		return
	}
	root := at
	if up := upward(path.Dir(dir), func(d string) bool {
		p, known := r.nodePackage(d)
		return known && len(p.globs()) > 0 && slices.ContainsFunc(r.workspace(p, p.globs()).members, func(m nodePackage) bool { return m.dir == dir })
	}); dir != "/" && up != "" {
		root, _ = r.nodePackage(up)
	}
	switch {
	case sub == "install" || sub == "" && len(r.words) == 0 && !r.options.Has("--version", "-v", "--help", "-h"):
		r.yarnInstall(root)
	case sub == "run" && len(r.words) > 1:
		r.yarnRun(at, r.words[1].Text, r.from(1)[1:])
	case sub == "workspace" && len(r.words) > 2:
		r.yarnWorkspace(root)
	case sub == "workspaces" && len(r.words) > 2 && (r.words[1].Text == "run" || r.words[1].Text == "foreach" && r.words[2].Text == "run" && len(r.words) > 3):
		if !r.options.Has("--include", "--exclude", "--from", "-R", "--recursive", "--since") {
			r.runIn(r.workspace(root, root.globs()).members, r.words[len(r.words)-1].Text, nil)
		}
	case sub != "" && !slices.Contains(yarnSubs, sub) && sub != "workspace" && sub != "workspaces" && sub != "run":
		r.scriptOr(at, r.yarnRun, r.from(0))
	}
}

func (r *reader) yarnRun(p nodePackage, name string, args []shell.Word) {
	if r.yarnVersion(p) == 1 {
		r.runScript(p, name, args)
		return
	}
	r.script(p, name, args...)
}

// yarnWorkspace is yarn workspace NAME ...
func (r *reader) yarnWorkspace(root nodePackage) {
	w, name := r.workspace(root, root.globs()), r.words[1].Text
	i := slices.IndexFunc(w.members, func(m nodePackage) bool { return m.name() == name })
	switch {
	case i < 0 && w.complete:
		r.missing(w.lacks(name))
	case i >= 0:
		words := r.words[2:]
		if words[0].Text == "run" && len(words) > 1 {
			words = words[1:]
		}
		r.yarnRun(w.members[i], words[0].Text, words[1:])
	}
}

func (r *reader) yarnInstall(root nodePackage) {
	lock := path.Join(root.dir, "yarn.lock")
	w := r.workspace(root, root.globs())
	switch r.yarnVersion(root) {
	case 1:
		r.yarn1Members(w)
		r.locals(w.all(), local{dir: true})
		r.yarn1Scripts(root, w)
		return
	case 2:
	default:
		return
	}
	rc := path.Join(root.dir, ".yarnrc.yml")
	if data, ok := r.text(rc); ok {
		for _, x := range []struct {
			names *regexp.Regexp
			what  string
		}{{yarnPath, "the release of yarn that yarnPath names"}, {yarnPlugin, "a plug-in of yarn"}} {
			for _, m := range x.names.FindAllSubmatchIndex(data, -1) {
				n, text := lineAt(data, m[2])
				r.need(Missing{Path: path.Join(root.dir, string(data[m[2]:m[3]])), What: x.what, Because: []Line{{File: rc, Line: n, Text: text}}})
			}
		}
	}
	immutable := r.options.Has("--immutable") && !r.options.Has("--immutable=false") || r.call.S.Env("CI") != "" && !r.options.Has("--no-immutable")
	if immutable {
		r.need(Missing{Path: lock, What: "the lock file, without which an immutable install fails"})
		r.yarnLocked(w, lock)
	}
	r.needMembers(w, ofWorkspace, dependencyKinds[:3]...)
	for _, p := range w.all() {
		r.yarnPatches(root, p)
	}
	r.locals(w.all(), local{tarball: true, dir: true, manifest: true})
	if mode, _ := r.options.Last("--mode"); mode.Text != "skip-build" {
		r.memberScripts(w, memberLifecycle...)
		r.lifecycle(root, "preinstall", "install", "postinstall")
	}
}

// yarn1Scripts notes the scripts that yarn 1 runs when it installs.
func (r *reader) yarn1Scripts(root nodePackage, w workspace) {
	if r.options.Has("--ignore-scripts") {
		return
	}
	r.memberScripts(w, memberLifecycle...)
	names := []string{"preinstall", "install", "postinstall"}
	if !r.options.Has("--production", "--prod") && r.call.S.Env("NODE_ENV") != "production" {
		names = append(names, "prepublish", "prepare")
	}
	r.lifecycle(root, names...)
}

// yarnPatches looks for the patches that a package of the workspace names.
func (r *reader) yarnPatches(root, p nodePackage) {
	for _, kind := range append(dependencyKinds, "resolutions") {
		for name, d := range p.json.Get(kind).All() {
			m := patchFile.FindStringSubmatch(d.Text)
			if m == nil || !d.Scalar {
				continue
			}
			from := p.dir
			if strings.Contains(d.Text, "#~/") {
				from = root.dir
			}
			r.need(Missing{Path: path.Join(from, m[1]), What: "the patch of " + name, Because: []Line{p.line(d)}})
		}
	}
}

// yarnLocked looks for the members that the lock file has: an immutable install refuses to drop one.
func (r *reader) yarnLocked(w workspace, lock string) {
	data, ok := r.text(lock)
	if !ok || !w.complete {
		return
	}
	for _, m := range yarnMember.FindAllSubmatchIndex(data, -1) {
		name, dir := string(data[m[2]:m[3]]), string(data[m[4]:m[5]])
		if strings.Contains(dir, "..") {
			continue
		}
		n, text := lineAt(data, m[2])
		r.need(Missing{Kind: Member, Path: path.Join(w.root.dir, dir, packageJSON), What: "the package.json of the workspace member " + name, Because: []Line{{File: lock, Line: n, Text: text}}})
	}
}

// bun is bun.
func (r *reader) bun() {
	if !r.known() || r.options.Has("-g", "--global") {
		return
	}
	switch sub := r.sub(); {
	case (sub == "install" || sub == "i" || sub == "ci") && len(r.words) == 1:
		r.bunInstall(sub == "ci")
	case sub == "build" && len(r.words) > 1:
		r.esbuild()
	case sub == "run" && len(r.words) > 1 && !r.options.Has("--filter", "-F", "--if-present"):
		r.bunRun(r.words[1], r.from(1)[1:])
	case slices.Contains(nodeEndings, path.Ext(sub)):
		r.scriptFile(r.words[0])
	}
}

// bunRun is bun run: a script of the package.json, or else a file.
func (r *reader) bunRun(name shell.Word, args []shell.Word) {
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) })
	if dir != "" {
		p, ok := r.nodePackage(dir)
		if !ok {
			return
		}
		if p.json.Get("scripts", name.Text).Is() {
			r.runScript(p, name.Text, args)
			return
		}
	}
	r.scriptFile(name)
}

func (r *reader) bunInstall(frozen bool) {
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) })
	if dir == "" {
		r.need(Missing{Path: path.Join(r.dir, packageJSON), What: "the package.json"})
		return
	}
	root, ok := r.nodePackage(dir)
	if !ok {
		return
	}
	w := r.workspace(root, root.globs())
	r.needMembers(w, ofWorkspace, strictKinds...)
	r.locals(w.all(), local{dir: true})
	if frozen || r.options.Has("--frozen-lockfile") {
		for name, d := range root.json.Get("patchedDependencies").All() {
			if d.Scalar {
				r.need(Missing{Path: path.Join(dir, d.Text), What: "the patch of " + name, Because: []Line{root.line(d)}})
			}
		}
	}
	if !r.options.Has("--ignore-scripts", "--filter", "-F") {
		r.memberScripts(w, append(memberLifecycle, "prepare")...)
		r.lifecycle(root, "preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare")
	}
}

const nodeValued = "-r --require --import --loader --experimental-loader -C --conditions --env-file --max-old-space-size -e --eval -p --print"

// node runs a file.
func (r *reader) node() {
	o := command.Leading(r.call.Args, nodeValued) // what comes behind the file is the program's
	if o.Has("-e", "--eval", "-p", "--print", "--test", "-v", "--version", "-h", "--help", "--run") {
		return
	}
	for _, w := range o.All("-r", "--require", "--import", "--loader", "--experimental-loader") {
		if strings.HasPrefix(w.Text, "./") || strings.HasPrefix(w.Text, "../") || strings.HasPrefix(w.Text, "/") {
			r.scriptFile(w)
		}
	}
	for _, w := range o.All("--env-file") {
		r.need(Missing{Path: r.abs(w.Text), What: "the file of variables, without which node does not start"})
	}
	if len(o.Operands) > 0 {
		r.scriptFile(o.Operands[0])
	}
}

// nodeEndings are put behind a name by one or the other of the programs that run JavaScript.
var nodeEndings = []string{".js", ".mjs", ".cjs", ".json", ".node", ".ts", ".tsx", ".mts", ".cts", ".jsx"}

// scriptFile notes a file of JavaScript or TypeScript that is run, if its name has a known ending.
func (r *reader) scriptFile(w shell.Word) {
	if !w.Known() || w.Variable && path.Ext(w.Text) == "" {
		return
	}
	p := r.abs(w.Text)
	r.runsSource(p)
	if !slices.Contains(nodeEndings, path.Ext(p)) && !strings.HasPrefix(w.Text, "./") && !strings.Contains(w.Text, "/") {
		return
	}
	m := Missing{Path: p, What: "the script that " + r.call.Base + " runs"}
	for _, ext := range nodeEndings {
		m.Or = append(m.Or, p+ext, path.Join(p, "index"+ext))
	}
	m.Or = append(m.Or, path.Join(p, packageJSON))
	r.need(m)
}
