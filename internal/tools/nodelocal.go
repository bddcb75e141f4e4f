package tools

import (
	"path"
	"regexp"
	"strings"
)

// local tells without which packages that a package.json names by a path an install fails.
type local struct {
	tarball, dir bool
	manifest     bool // a directory without a package.json does not do
	links        bool // link: is as file: is
	dangles      bool // a directory that is not there is linked all the same
}

// locals looks for the packages that manifests name by a path.
func (r *reader) locals(packages []nodePackage, needs local) {
	kinds := strictKinds
	if r.production() {
		kinds = dependencyKinds[:1]
	}
	for _, p := range packages {
		for _, kind := range kinds {
			for name, d := range p.json.Get(kind).All() {
				at, tarball, ok := localPath(d.Text, needs.links)
				if !d.Scalar || !ok {
					continue
				}
				m := Missing{Path: path.Join(p.dir, at), Dir: !tarball, What: "the package " + name}
				if manifest := path.Join(m.Path, packageJSON); !tarball && needs.manifest && !r.absent(m.Path) {
					m.Path, m.Dir, m.What = manifest, false, "the package.json of "+name
				} else if tarball && !needs.tarball || !tarball && !needs.dir && !needs.dangles {
					continue
				}
				if !tarball && needs.dangles {
					m.Doubt, m.Lasting = "It is linked all the same, and what requires it fails.", true
				}
				if r.absent(m.Path) && len(r.out.Missing) < maxNoted { // to find its line takes a look at the whole file
					m.Because = []Line{p.line(d)}
					r.need(m)
				}
			}
		}
	}
}

// localPath gives the path in a version that is one.
func localPath(version string, links bool) (p string, tarball, ok bool) {
	p, ok = strings.CutPrefix(version, "file:")
	if !ok && links {
		p, ok = strings.CutPrefix(version, "link:")
	}
	if !ok {
		p, ok = strings.CutPrefix(version, "portal:")
	}
	ok = (ok || strings.HasPrefix(version, "./") || strings.HasPrefix(version, "../")) && p != "" && !path.IsAbs(p) && !strings.HasPrefix(p, "~") && !strings.Contains(p, "#")
	return p, strings.HasSuffix(p, ".tgz") || strings.HasSuffix(p, ".tar.gz") || strings.HasSuffix(p, ".tar"), ok
}

// production reports whether an install may leave out what is needed for development only.
func (r *reader) production() bool {
	if v, ok := r.options.Last("--omit"); ok && v.Text == "dev" {
		return true
	}
	return r.options.Has("--production", "--prod", "-P", "--only", "--no-dev") || r.call.S.Env("NODE_ENV") == "production" || r.call.S.Env("npm_config_production") == "true" ||
		r.call.S.Env("NPM_CONFIG_PRODUCTION") == "true" || r.call.S.Env("npm_config_omit") != "" || r.call.S.Env("NPM_CONFIG_OMIT") != ""
}

// memberScripts notes the scripts that an install runs for the members of a workspace.
func (r *reader) memberScripts(w workspace, names ...string) {
	for _, m := range w.members {
		r.lifecycle(m, names...)
	}
}

// yarn1Locked is what yarn 1 has in a lock file: at the beginning of a line the names with their ranges.
var yarn1Locked = regexp.MustCompile(`(?m)(?:^|, )"?((?:@[^/\s"@]+/)?[^@\s",/#]+)@`)

// yarn1Members looks for the members that others depend on. What is neither a member nor in the lock file is asked of the registry.
func (r *reader) yarn1Members(w workspace) {
	lock := path.Join(w.root.dir, "yarn.lock")
	data, ok := r.text(lock)
	if !ok {
		return
	}
	locked := map[string]bool{}
	for _, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "#") {
			continue
		}
		for _, m := range yarn1Locked.FindAllStringSubmatch(line, -1) {
			locked[m[1]] = true
		}
	}
	kinds := strictKinds
	if r.production() {
		kinds = dependencyKinds[:1]
	}
	before := len(r.out.Missing)
	r.needMembers(w, func(name, version string) bool {
		return !locked[name] && !strings.ContainsAny(version, ":/") && name != w.root.name()
	}, kinds...)
	if !r.options.Has("--frozen-lockfile", "--pure-lockfile") {
		for i := range r.out.Missing[before:] {
			r.out.Missing[before+i].Doubt = "The registry is asked for it: if it has a package of that name, that is installed."
		}
	}
}

// patchPackage is patch-package, which changes nothing where it finds no patches.
func (r *reader) patchPackage() {
	dir := "patches"
	if given, ok := r.options.Last("--patch-dir"); ok {
		dir = given.Text
	}
	r.need(Missing{Path: r.abs(dir), Dir: true, What: "the directory of patches", Doubt: "patch-package finds no patch, changes nothing, and succeeds: the packages stay as they are."})
}

// memberLifecycle are the scripts that every install runs for a member.
var memberLifecycle = []string{"preinstall", "install", "postinstall"}
