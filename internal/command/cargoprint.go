package command

import (
	"path"
	"strings"
)

// cargo writes to the target directory of the workspace, whose root is above the package that it works in: programs by the names of its targets.
func (p *print) cargo(Options) {
	names := p.cargoPrograms()
	for dir := p.dir; dir != "" && dir != "/" && dir != "."; dir = path.Dir(dir) {
		if _, _, absent := p.file(path.Join(dir, "Cargo.toml")); !absent {
			p.path(path.Join(dir, "target"))
			p.path(path.Join(dir, "Cargo.lock"))
			for _, name := range names {
				p.path(path.Join(dir, "target", "release", name))
			}
		}
	}
}

// cargoPrograms gives the names of a package and of its programs, as its manifest has them.
func (p *print) cargoPrograms() (out []string) {
	text, _, _ := p.file(path.Join(p.dir, "Cargo.toml"))
	table := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = line
		}
		key, value, ok := strings.Cut(line, "=")
		if quoted := strings.Split(value, `"`); ok && strings.TrimSpace(key) == "name" && len(quoted) > 2 && (table == "[package]" || table == "[[bin]]") {
			out = append(out, quoted[1])
		}
	}
	return out
}
