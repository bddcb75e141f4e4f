package python

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// libraryDir is the directory of an interpreter's modules below a prefix, as sysconfig's schemes name it.
var libraryDir = lazyre.New(`^python3?(\.\d+t?)?$`)

// siteDirs gives what the interpreter itself puts at the end of the search path, as far as the image is known: its
// site-packages directories, and what the .pth files in them add (Lib/site.py, addpackage). Of the interpreters that an
// image may have, the ones in PATH and in the usual places are looked for.
func (c *programs) siteDirs() []lang.SearchDir {
	var out []lang.SearchDir
	add := func(dir, note string) {
		if !slices.ContainsFunc(out, func(d lang.SearchDir) bool { return d.Dir == dir }) {
			out = append(out, lang.SearchDir{Tree: c.Tree, Dir: dir, Note: note})
		}
	}
	for _, dir := range c.packagesOfPrefixes() {
		add(dir, "")
		entries := c.Tree.Entries(dir)
		for _, file := range sortedKeys(entries) {
			if !strings.HasSuffix(file, ".pth") || entries[file] != view.RegularFile {
				continue
			}
			for _, line := range c.pthLines(path.Join(dir, file)) {
				add(line, path.Join(dir, file))
			}
		}
	}
	for _, op := range c.Image.Plan.Ops {
		if op.Kind != dockerfile.OpExec || !c.steersImports(op) {
			continue
		}
		c.pathSteps = append(c.pathSteps, op.Location)
		for _, dir := range c.writtenDirs(op) {
			add(dir, op.Location.Text)
		}
	}
	return out
}

// packagesOfPrefixes gives the site-packages directories that are there.
func (c *programs) packagesOfPrefixes() []string {
	var out []string
	for _, prefix := range c.prefixes() {
		for _, lib := range []string{path.Join(prefix, "lib"), path.Join(prefix, "lib64")} {
			for _, version := range sortedKeys(c.Tree.Entries(lib)) {
				if !libraryDir().MatchString(version) {
					continue
				}
				for _, name := range []string{"site-packages", "dist-packages"} {
					if dir := path.Join(lib, version, name); c.Tree.Entries(dir) != nil {
						out = append(out, dir)
					}
				}
			}
		}
	}
	return out
}

// prefixes gives the directories below which an interpreter may have its modules.
func (c *programs) prefixes() []string {
	env := c.Image.Plan.Config.Env
	var out []string
	if venv, ok := view.Lookup(env, "VIRTUAL_ENV"); ok && path.IsAbs(venv) {
		out = append(out, path.Clean(venv))
	}
	programs, _ := view.Lookup(env, "PATH")
	for dir := range strings.SplitSeq(programs, ":") {
		if dir = path.Clean(dir); path.IsAbs(dir) && path.Base(dir) == "bin" {
			out = append(out, path.Dir(dir))
		}
	}
	home, _ := view.Lookup(env, "HOME")
	out = append(out, "/usr/local", "/usr", path.Join(cmp.Or(home, "/root"), ".local"), path.Join("/", c.Image.Plan.Config.WorkingDir, ".venv"))
	slices.Sort(out)
	return slices.Compact(out)
}

// pthLines gives the directories that a .pth file adds. A line that starts with import is code and is passed over.
func (c *programs) pthLines(file string) []string {
	data, err := c.Tree.Read(file)
	if err != nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t") {
			continue
		}
		if !path.IsAbs(line) {
			line = path.Join(path.Dir(file), line)
		}
		out = append(out, path.Clean(line))
	}
	return out
}

// steering are names of files and functions by which a step changes where the interpreter looks for modules.
var steering = lazyre.New(`\.pth\b|sitecustomize|usercustomize|addsitedir`)

func (c *programs) steersImports(op *dockerfile.Op) bool {
	return c.Mentions(op, steering().MatchString) || slices.ContainsFunc(c.Script(op).Calls, func(call *command.Call) bool {
		return call.Base == "add2virtualenv" || call.Base == "conda" && len(call.Args) > 0 && call.Args[0].Text == "develop"
	})
}

// writtenDirs gives the absolute paths that a step writes into .pth files.
func (c *programs) writtenDirs(op *dockerfile.Op) []string {
	var out []string
	written := c.Script(op).Written
	for _, file := range sortedKeys(written) {
		if !strings.HasSuffix(file, ".pth") {
			continue
		}
		for dir := range strings.FieldsSeq(written[file].Text) {
			if path.IsAbs(dir) && !strings.Contains(dir, shell.Hole) && !slices.Contains(out, path.Clean(dir)) {
				out = append(out, path.Clean(dir))
			}
		}
	}
	return out
}
