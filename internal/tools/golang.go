package tools

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of go 1.26; that of a main module with an older go line are asked for where they differ.

const goValued = "-ldflags -tags -gcflags -asmflags -mod -p -buildmode -modfile -run -timeout -count -o -coverprofile -overlay -pkgdir -toolexec -exec -C -bench -covermode -coverpkg"

// goModule is a module whose go.mod is in the tree.
type goModule struct {
	dir  string
	path string
	file *modfile.File // nil if its go.mod is not known
}

// gomod is the name of the file that makes a directory a module.
const gomod = "go.mod"

// goSetup is what holds for all packages that a command of go loads.
type goSetup struct {
	r    *reader
	main goModule
	// work is go.work, nil where there is none; local are the modules of the tree by which imports are found: the main one, those of the
	// workspace, and directories that replace modules.
	work  *modfile.WorkFile
	local []goModule
	// lost are modules whose directory, or its go.mod, is surely not there, by their path: it counts when a package of them is asked for.
	lost map[string]Missing
	mod  string // -mod
}

// goTool is the go command.
func (r *reader) goTool() {
	sub := r.sub()
	if !r.known() || sub == "" {
		return
	}
	args := r.words[1:]
	switch sub {
	case "mod":
		if len(args) == 0 {
			return
		}
		switch args[0].Text {
		case "download":
			if len(args) == 1 {
				if s, ok := r.goModules(true); ok {
					s.sums()
				}
			}
		case "verify", "graph", "tidy", "vendor":
			r.goModules(true)
		}
	case "build", "install", "run", "test", "vet", "generate":
		for _, w := range args {
			if strings.Contains(w.Text, "@") {
				return // a version of a module, whatever is here
			}
		}
		if sub == "run" {
			args = goRunArgs(args)
		}
		if s, ok := r.goModules(false); ok {
			s.packages(sub, args)
			if sub == "generate" {
				r.generates(args)
			}
		}
	}
}

// goModules reads go.mod and go.work. Lists of modules need the go.mod of every directory that replaces one which is required.
func (r *reader) goModules(list bool) (*goSetup, bool) {
	s := &goSetup{r: r, lost: map[string]Missing{}}
	s.mod = r.goFlag("-mod")
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, gomod)) })
	workdir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, "go.work")) })
	if set, is := r.call.S.Value("GOWORK"); is || set != "" {
		workdir = ""
		if set != "off" {
			return s, false
		}
	}
	if r.call.S.Env("GO111MODULE") == "off" || r.options.Has("-modfile") {
		return s, false
	}
	if dir == "" && workdir == "" {
		if list {
			r.need(Missing{Path: path.Join(r.dir, gomod), What: "the go.mod of the main module"})
		} else {
			s.main.dir = r.dir
		}
		return s, !list
	}
	if dir != "" {
		if s.main = r.goModule(dir); s.main.file == nil {
			return s, false
		}
		s.local = append(s.local, s.main)
	}
	if workdir != "" && !s.workspace(workdir, list) {
		return s, false
	}
	if s.main.file != nil && workdir == "" {
		s.replaces(s.main.dir, s.main.file.Syntax, s.main.file.Replace, s.required(s.main.file), list)
	}
	return s, true
}

// sums looks for go.sum as modules are downloaded: what is written then has no sums of their sources, without which nothing is built.
func (s *goSetup) sums() {
	f := s.main.file
	if f == nil || s.work != nil || !s.r.absent(path.Join(s.main.dir, "vendor")) || older(f, "1.16") {
		return
	}
	i := slices.IndexFunc(f.Require, func(q *modfile.Require) bool {
		return !q.Indirect && !slices.ContainsFunc(f.Replace, func(x *modfile.Replace) bool { return x.Old.Path == q.Mod.Path && x.New.Version == "" })
	})
	if i >= 0 {
		s.r.need(Missing{Path: path.Join(s.main.dir, "go.sum"), What: "the sums of modules", Because: s.line(path.Join(s.main.dir, gomod), f.Syntax, f.Require[i].Syntax),
			Doubt: "Modules are downloaded without it, and what imports them is not built.", Later: goNeedsSums, Never: true, Quiet: true})
	}
}

// goNeedsSums reports of a program that runs later whether it is a build that fails without go.sum if it imports another module; decided is true, too, if it makes one.
func goNeedsSums(c *command.Call, _ []*command.Call) (fails, decided bool) {
	if c.Base != "go" || len(c.Args) == 0 {
		return false, false
	}
	switch c.Args[0].Text {
	case "build", "install", "test", "vet":
		lenient := slices.ContainsFunc(c.Args, func(w shell.Word) bool {
			return strings.Contains(w.Text, "mod=mod") || strings.Contains(w.Text, "@") || !w.Known()
		})
		return !lenient && c.S.Env("GOFLAGS") == "", true
	case "get", "mod", "generate", "work":
		return false, len(c.Args) < 2 || c.Args[1].Text != "download" && c.Args[1].Text != "verify"
	}
	return false, false
}

// goFlag gives a flag of the command line or of GOFLAGS.
func (r *reader) goFlag(name string) string {
	if w, ok := r.options.Last(name); ok {
		return w.Text
	}
	for _, w := range r.call.Args {
		if value, ok := strings.CutPrefix(strings.TrimPrefix(w.Text, "-"), strings.TrimPrefix(name, "-")+"="); ok {
			return value
		}
	}
	for flag := range strings.FieldsSeq(r.call.S.Env("GOFLAGS")) {
		if value, ok := strings.CutPrefix(flag, name+"="); ok {
			return value
		}
	}
	return ""
}

// goModule reads the go.mod of a directory.
func (r *reader) goModule(dir string) goModule {
	m := goModule{dir: dir}
	name := path.Join(dir, gomod)
	if data, ok := r.text(name); ok {
		if f, err := modfile.Parse(name, data, nil); err == nil && f.Module != nil {
			m.file, m.path = f, f.Module.Mod.Path
		}
	}
	return m
}

// older reports whether a module's go line is older than a version, as "1.17".
func older(f *modfile.File, than string) bool {
	return f.Go == nil || semver.Compare("v"+f.Go.Version, "v"+than) < 0
}

// required gives the modules that a module requires, with their versions.
func (s *goSetup) required(f *modfile.File) func(path, version string) bool {
	return func(p, version string) bool {
		return slices.ContainsFunc(f.Require, func(q *modfile.Require) bool {
			return q.Mod.Path == p && (version == "" || version == q.Mod.Version)
		})
	}
}

// workspace reads go.work: every command needs the go.mod of all directories that it uses.
func (s *goSetup) workspace(dir string, list bool) bool {
	r, name := s.r, path.Join(dir, "go.work")
	data, ok := r.text(name)
	if !ok {
		return false
	}
	f, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return false
	}
	s.work = f
	required := func(p, version string) bool { return false }
	for _, use := range f.Use {
		at := path.Join(dir, use.Path)
		if path.IsAbs(use.Path) {
			at = path.Clean(use.Path)
		}
		r.need(Missing{Kind: Member, Path: path.Join(at, gomod), What: "the go.mod of the workspace module " + use.Path, Because: s.line(name, f.Syntax, use.Syntax)})
		if m := r.goModule(at); m.file != nil {
			if at != s.main.dir {
				s.local = append(s.local, m)
			}
			before, of := required, s.required(m.file)
			required = func(p, version string) bool { return before(p, version) || of(p, version) }
			s.replaces(m.dir, m.file.Syntax, m.file.Replace, of, list)
		}
	}
	s.replaces(dir, f.Syntax, f.Replace, required, list)
	return true
}

// line gives a line of go.mod or go.work.
func (s *goSetup) line(name string, f *modfile.FileSyntax, l *modfile.Line) []Line {
	if l == nil {
		return nil
	}
	return []Line{{File: name, Line: l.Start.Line, Text: strings.Join(l.Token, " ")}}
}

// replaces looks for the directories that replace modules.
func (s *goSetup) replaces(dir string, f *modfile.FileSyntax, list []*modfile.Replace, required func(path, version string) bool, all bool) {
	r := s.r
	for _, x := range list {
		if !modfile.IsDirectoryPath(x.New.Path) || x.New.Version != "" {
			continue
		}
		at := path.Join(dir, x.New.Path)
		if path.IsAbs(x.New.Path) {
			at = path.Clean(x.New.Path)
		}
		m := Missing{Kind: Member, Path: path.Join(at, gomod), What: "the go.mod of " + x.Old.Path + ", which " + x.New.Path + " replaces",
			Because: s.line(f.Name, f, x.Syntax)}
		if !required(x.Old.Path, x.Old.Version) {
			continue
		}
		switch {
		case !r.absent(m.Path):
			mod := r.goModule(at)
			mod.path = x.Old.Path // it is imported by the path that it replaces
			s.local = append(s.local, mod)
		case all || s.main.file != nil && older(s.main.file, "1.17"):
			r.missing(m)
		default:
			s.lost[x.Old.Path] = m
		}
	}
}
