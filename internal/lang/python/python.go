// Package python follows the Python programs of a build: from what is started through the imports, along the search path that the
// image's settings, its steps and its manifests make, and looks up in the repository what the image lacks.
package python

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Language is Python.
var Language = lang.Language{
	Name: "Python", Of: program.Python, Source: isSource, Runs: true, SearchPath: "PYTHONPATH",
	Look: func(b *view.Build) lang.Programs { return look(b) },
}

func isSource(path string) bool { return strings.HasSuffix(path, ".py") }

// Sources are the source files that were read for a repository.
func Sources(f *view.Facts) *imports.Sources {
	return view.Fact(f, sourcesKey{}, func() *imports.Sources { return imports.NewSources(imports.Frameworks) })
}

type sourcesKey struct{}

// programs are the Python programs of a build.
type programs struct {
	*view.Build
	// manifests are what the repository's manifests declare, and where a top-level module of it was looked for.
	manifests
	entries []entry
	// searchDirs are the search paths of all entries.
	searchDirs []lang.SearchDir
	// rootDirs are where the first of them, as many as rooted says, come from in the context.
	rootDirs []string
	rooted   int
	lookedUp map[lookup]*repoModule
	// trackedFiles are the modules that git tracks, by the last part of their names, once they were asked for.
	trackedFiles map[string][]string
	// named are the builds that are seen from named contexts, once they were asked for.
	named *[]*view.Build
	// installed are the directories that steps make importable, once they were looked for.
	installed *[]lang.SearchDir
	// editable are the installs that only lead to a directory.
	editable []editable
	// listed are the installs of what manifests list.
	listed []listing
	// pathSteps are RUN steps, unknownPaths places of the program, that change the search path in a way that cannot be told.
	pathSteps    []dockerfile.Location
	unknownPaths []finding.Position

	graphs     []followed
	unresolved []entry // their module is nowhere
	groups     map[string]*group
	names      map[string]*lackedName
	nowhere    map[string]imports.Missing
	// unfetched are modules that lie in submodules of git which are empty here: submodules, once that was asked.
	unfetched  map[string]imports.Missing
	submodules []string
	// inBranch are imports at the start of something that a branch of an entry script starts.
	inBranch map[finding.Position]bool
	// misplaced are relative imports that Python refuses, by their place.
	misplaced map[finding.Position]imports.Missing
	// leftOut are data files that installations leave out, by their paths in the build context.
	leftOut map[string]lang.Fault
	hidden  []*program.Run
	// hiddenStarts are what those start, as far as the image has it.
	hiddenStarts []lang.Hide
}

func look(b *view.Build) *programs {
	return &programs{
		Build: b, groups: map[string]*group{}, names: map[string]*lackedName{}, nowhere: map[string]imports.Missing{}, unfetched: map[string]imports.Missing{},
		misplaced: map[finding.Position]imports.Missing{}, leftOut: map[string]lang.Fault{}, inBranch: map[finding.Position]bool{}, lookedUp: map[lookup]*repoModule{},
	}
}

// entry is something written in Python that is started.
type entry struct {
	imports.Entry
	search []lang.SearchDir
	start  lang.Entry
}

// followed is what an entry reaches.
type followed struct {
	entry entry
	graph *imports.Graph
}

// group is a package or module that the image lacks, with all that asks for it.
type group struct {
	module  string      // the topmost name that is missing
	repo    string      // where it is in the context
	in      *view.Build // seen from the named context that it is in; nil: it is in the main one
	reach   need.Reach
	missing []imports.Missing
	// started is set if it is asked for by the command that the image starts, which may be one that an installation makes.
	started bool
	command string
}

// lackedName is a name that a module does not export.
type lackedName struct {
	missing []imports.Missing
	exports []string
	module  *imports.Module
	// definedIn is a submodule of it that binds the name, "" if none does.
	definedIn string
}

// OwnSource implements need.Ways.
func (*programs) OwnSource(path string) bool { return isSource(path) }

// Err implements lang.Programs.
func (c *programs) Err() error { return c.unread }

// Steered implements need.Ways.
func (c *programs) Steered() string {
	if len(c.pathSteps) > 0 {
		l := c.pathSteps[0]
		return fmt.Sprintf("%s:%d %q", l.File, l.Range.Start.Line, l.Text)
	}
	if len(c.unknownPaths) > 0 {
		return fmt.Sprintf("%s:%d", c.unknownPaths[0].File, c.unknownPaths[0].Line)
	}
	return ""
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := slices.AppendSeq(make([]K, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
