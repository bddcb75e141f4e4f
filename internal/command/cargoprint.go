package command

import "path"

// cargo writes to the target directory of the workspace, whose root is above the package that it works in.
func (p *print) cargo(Options) {
	for dir := p.dir; dir != "" && dir != "/" && dir != "."; dir = path.Dir(dir) {
		if _, _, absent := p.file(path.Join(dir, "Cargo.toml")); !absent {
			p.path(path.Join(dir, "target"))
			p.path(path.Join(dir, "Cargo.lock"))
		}
	}
}
