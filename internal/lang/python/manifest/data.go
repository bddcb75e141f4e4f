package manifest

import (
	"path"
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

var (
	// quoted is a string of a setup script, which may be a pattern of its package_data.
	quoted = lazyre.New(`["']([^"'\n]*)["']`)
	// asksGit tells of plug-ins by which setuptools takes what git tracks, and of a script that looks for files itself.
	asksGit = lazyre.New(`setuptools[-_]scm|setuptools[-_]git|use_scm|versioneer_data|os\.walk|\bglob\b|rglob|\bpbr\b`)
	// included is a setting by which the manifest of a source distribution counts for an installation.
	included = lazyre.New(`(?m)include[-_]package[-_]data\s*=\s*["']?(?i:true|1)`)
)

// LeavesOut reports whether installing a project surely leaves out a file, relative to its directory, that lies beside its modules.
// setuptools takes data files only if package_data or MANIFEST.in names them; others take what lies in a package.
func LeavesOut(f Files, p *Project, file string) bool {
	if p.Opaque || !bySetuptools(p) {
		return false
	}
	read := func(name string) string {
		data, err := f.ReadFile(path.Join(p.Dir, name))
		if err != nil {
			return ""
		}
		return string(data)
	}
	script, config, toml := read("setup.py"), read("setup.cfg"), read("pyproject.toml")
	if asksGit().MatchString(script + config + toml) {
		return false
	}
	var patterns []string
	for _, m := range quoted().FindAllStringSubmatch(script, -1) {
		patterns = append(patterns, m[1])
	}
	if _, table, ok := strings.Cut(toml, "[tool.setuptools.package-data]"); ok {
		table, _, _ = strings.Cut(table, "\n[")
		for _, m := range quoted().FindAllStringSubmatch(table, -1) {
			patterns = append(patterns, m[1])
		}
	}
	if _, table, ok := strings.Cut(config, "[options.package_data]"); ok {
		table, _, _ = strings.Cut(table, "\n[")
		patterns = append(patterns, strings.FieldsFunc(table, func(r rune) bool { return strings.ContainsRune(" \t\n,=", r) })...)
	}
	for _, pattern := range patterns {
		if strings.Trim(pattern, "*./") == "" && pattern != "" || packageFile(pattern, file) {
			return false
		}
	}
	byManifest := included().MatchString(script+"\n"+config+"\n"+toml) || strings.Contains(toml, "[project]") && !strings.Contains(toml, "include-package-data")
	return !byManifest || !inManifest(read("MANIFEST.in"), file)
}

// TakesAsData reports whether installing a project may take a file in a package that it lists, and in a directory below that it does not
// list: setuptools takes modules there as data of the package above.
func TakesAsData(f Files, p *Project, file string) bool {
	return bySetuptools(p) && !LeavesOut(f, p, file)
}

func bySetuptools(p *Project) bool {
	return p.Backend == "" || strings.HasPrefix(p.Backend, "setuptools")
}

// packageFile reports whether a pattern that is relative to some package names a file of the project.
func packageFile(pattern, file string) bool {
	for rest := file; rest != ""; {
		if matchesPath(pattern, rest) {
			return true
		}
		_, rest, _ = strings.Cut(rest, "/")
	}
	return false
}

// matchesPath reports whether a pattern with ** for any directories matches a path.
func matchesPath(pattern, file string) bool {
	text := regexp.QuoteMeta(path.Clean(pattern))
	text = strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(text)
	re, err := regexp.Compile("^" + text + "$")
	return err != nil || re.MatchString(file)
}

// inManifest reports whether the lines of a MANIFEST.in may take a file; what one takes away is not followed.
func inManifest(text, file string) bool {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		below := func(dir string) bool { return dir == "." || matchesPath(strings.TrimSuffix(dir, "/")+"/**", file) }
		some := func(patterns []string, of string) bool {
			for _, p := range patterns {
				if matchesPath(p, of) {
					return true
				}
			}
			return false
		}
		switch words[0] {
		case "include":
			if some(words[1:], file) {
				return true
			}
		case "graft":
			for _, dir := range words[1:] {
				if below(dir) {
					return true
				}
			}
		case "recursive-include":
			if below(words[1]) && some(words[2:], path.Base(file)) {
				return true
			}
		case "global-include":
			if some(words[1:], path.Base(file)) {
				return true
			}
		}
	}
	return false
}
