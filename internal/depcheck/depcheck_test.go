// Package depcheck proves that the arrows between the packages point one way.
package depcheck

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

const module = "github.com/ctxaudit/ctxaudit/"

// allowed says which packages of this module each of them may import. A package that is not listed fails, so that a new
// one gets its place on purpose.
var allowed = map[string][]string{
	"dockerctx":                        {"github.com/moby/patternmatcher", "golang.org/x/sys/unix"},
	"dockerfile":                       {"dockerctx", "internal/budget", "internal/lazyre"},
	"internal/rootfs":                  {},
	"internal/overlay":                 {"dockerctx"},
	"internal/countfs":                 {"dockerctx"},
	"internal/edit":                    {},
	"internal/finding":                 {"dockerctx", "internal/edit"},
	"internal/secrets":                 {"internal/lazyre"},
	"internal/gcstart":                 {},
	"internal/lazyre":                  {},
	"internal/policy":                  {"internal/budget", "internal/lazyre", "internal/safeyaml"},
	"internal/project":                 {"dockerctx", "dockerfile", "internal/audit", "internal/builds", "internal/files", "internal/finding", "internal/gcloudignore", "internal/git", "internal/gitfs", "internal/lazyre", "internal/overlay", "internal/policy", "internal/program", "internal/simulate", "internal/view"},
	"internal/simulate":                {"dockerctx", "dockerfile", "internal/account", "internal/bases", "internal/budget", "internal/command", "internal/rootfs", "internal/shell", "internal/steps"},
	"internal/audit":                   {"dockerctx", "dockerfile", "internal/account", "internal/bases", "internal/command", "internal/finding", "internal/lang", "internal/lang/languages", "internal/lazyre", "internal/need", "internal/policy", "internal/program", "internal/rootfs", "internal/secrets", "internal/shell", "internal/simulate", "internal/steps", "internal/tools", "internal/view"},
	"internal/why":                     {"dockerctx", "dockerfile", "internal/audit", "internal/edit", "internal/finding", "internal/lazyre", "internal/overlay", "internal/policy", "internal/rootfs", "internal/secrets", "internal/shell", "internal/simulate", "internal/steps", "internal/tools"},
	"internal/builds":                  {"internal/budget", "internal/command", "internal/files", "internal/lazyre", "internal/makefile", "internal/safeyaml", "internal/shell"},
	"internal/gcloudignore":            {"dockerctx"},
	"internal/suppress":                {"internal/finding", "internal/lazyre", "internal/policy"},
	"internal/baseline":                {"internal/finding", "internal/lazyre"},
	"internal/gitfs":                   {"dockerctx", "internal/git"},
	"internal/verify":                  {"dockerfile", "internal/baseimage", "internal/finding", "internal/policy", "internal/rootfs", "internal/simulate"},
	"internal/imagediff":               {"dockerctx", "internal/finding", "internal/simulate"},
	"internal/ignorelint":              {"dockerctx", "internal/budget", "internal/edit", "internal/finding", "internal/secrets", "internal/simulate"},
	"internal/inventory":               {"dockerctx", "dockerfile", "internal/rootfs", "internal/simulate"},
	"internal/report":                  {"internal/edit", "internal/finding", "internal/imagediff", "internal/inventory", "internal/lazyre", "internal/verify", "internal/why"},
	"internal/engine":                  {"dockerctx", "dockerfile", "internal/audit", "internal/baseimage", "internal/baseline", "internal/budget", "internal/edit", "internal/finding", "internal/gitfs", "internal/ignorelint", "internal/imagediff", "internal/inventory", "internal/policy", "internal/project", "internal/simulate", "internal/suppress", "internal/verify", "internal/why"},
	"internal/cli":                     {"dockerctx", "dockerfile", "internal/audit", "internal/baseimage", "internal/budget", "internal/builder", "internal/engine", "internal/files", "internal/finding", "internal/gcstart", "internal/git", "internal/inventory", "internal/lazyre", "internal/offline", "internal/overlay", "internal/policy", "internal/project", "internal/registry", "internal/report", "internal/rootfs", "internal/shell", "internal/simulate", "internal/why"},
	"internal/conformance":             {"dockerctx", "dockerfile", "internal/baseimage", "internal/git", "internal/gitfs", "internal/imagetest", "internal/rootfs", "internal/simulate"},
	"internal/imagetest":               {},
	"internal/registry":                {"internal/baseimage"},
	"internal/program":                 {"internal/command", "internal/lazyre", "internal/shell", "internal/tools"},
	"internal/lang/python/imports":     {"internal/lang", "internal/lang/python/syntax", "internal/lazyre", "internal/need", "internal/view"},
	"internal/lang/python/manifest":    {"internal/command", "internal/document", "internal/lang/python/syntax", "internal/lazyre", "internal/shell", "internal/view"},
	"internal/lang/python/syntax":      {"dockerctx"},
	"internal/lang/languages":          {"internal/lang", "internal/lang/golang", "internal/lang/javascript", "internal/lang/python"},
	"internal/lang/python":             {"dockerctx", "dockerfile", "internal/bases", "internal/command", "internal/finding", "internal/lang", "internal/lang/python/imports", "internal/lang/python/manifest", "internal/lazyre", "internal/need", "internal/overlay", "internal/program", "internal/shell", "internal/simulate", "internal/steps", "internal/view"},
	"internal/need":                    {"dockerctx", "dockerfile", "internal/bases", "internal/command", "internal/finding", "internal/rootfs", "internal/shell", "internal/simulate", "internal/view"},
	"internal/view":                    {"dockerctx", "dockerfile", "internal/command", "internal/overlay", "internal/rootfs", "internal/shell", "internal/simulate", "internal/steps"},
	"internal/bases":                   {"internal/lazyre"},
	"internal/baseimage":               {"internal/bases", "internal/budget", "internal/files", "internal/rootfs"},
	"internal/document":                {"internal/budget", "internal/lazyre", "internal/safeyaml"},
	"internal/tools":                   {"internal/budget", "internal/command", "internal/document", "internal/lang/javascript/modules", "internal/lang/javascript/syntax", "internal/lang/python/syntax", "internal/lazyre", "internal/makefile", "internal/shell", "internal/tools/rust"},
	"internal/makefile":                {"internal/budget", "internal/lazyre", "internal/shell"},
	"internal/tools/rust":              {},
	"internal/account":                 {"internal/rootfs"},
	"internal/lang/javascript/syntax":  {"dockerctx", "internal/lazyre"},
	"internal/lang/javascript/modules": {"internal/document", "internal/lang/javascript/syntax", "internal/shell"},
	"internal/lang/javascript":         {"dockerfile", "internal/command", "internal/document", "internal/finding", "internal/lang", "internal/lang/javascript/modules", "internal/lang/javascript/syntax", "internal/lazyre", "internal/need", "internal/program", "internal/shell", "internal/simulate", "internal/steps", "internal/tools", "internal/view"},
	"internal/lang/golang":             {"dockerfile", "internal/finding", "internal/lang", "internal/lang/golang/source", "internal/need", "internal/program", "internal/shell", "internal/simulate", "internal/tools", "internal/view"},
	"internal/lang/golang/source":      {},
	"hack/bases":                       {"dockerfile", "internal/bases"},
	"internal/cases":                   {},
	"internal/mutate":                  {},
	"internal/runner":                  {"internal/files"},
	"cmd/ctxaudit":                     {"internal/cli", "internal/gcstart"},
	"hack/messages":                    {},
	"hack/untxtar":                     {},
	"hack/gendocs":                     {"internal/audit", "internal/cli", "internal/finding", "internal/policy", "internal/why"},
	"hack/gendist":                     {"internal/cli"},
	"hack/packages":                    {},
	"hack/snippets":                    {},
	"internal/delivery":                {},
	"internal/budget":                  {},
	"internal/files":                   {},
	"internal/builder":                 {"dockerfile", "internal/files", "internal/runner"},
	"internal/git":                     {"internal/files", "internal/lazyre", "internal/runner"},
	"internal/offline":                 {"golang.org/x/sys/unix"},
	"internal/safeyaml":                {"internal/budget"},
	"internal/lang":                    {"internal/finding", "internal/need", "internal/program", "internal/view"},
	"internal/shell":                   {"internal/budget"},
	"internal/command":                 {"internal/document", "internal/shell"},
	"internal/steps":                   {"dockerfile", "internal/command", "internal/rootfs", "internal/shell", "internal/tools"},
	"internal/hostile":                 {},
	"internal/scripts":                 {},
	"hack/bench":                       {"dockerctx", "dockerfile", "internal/audit", "internal/policy", "internal/rootfs", "internal/simulate"},
}

// thirdParty lists what the light packages may import from elsewhere.
var thirdParty = map[string][]string{}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	require.NoError(t, err)
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, p)
	}
}

func TestArrowsPointOneWay(t *testing.T) {
	list := packages(t)
	require.NotEmpty(t, list)
	for _, p := range list {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "internal/depcheck" {
			continue
		}
		may, ok := allowed[name]
		if !assert.True(t, ok, "%s has no place in the list of allowed imports", name) {
			continue
		}
		for _, imp := range p.Imports {
			own, isOwn := strings.CutPrefix(imp, module)
			switch {
			case isOwn:
				assert.Contains(t, may, own, "%s must not import %s", name, own)
			case strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
				if light, ok := thirdParty[name]; ok {
					assert.Contains(t, light, imp, "%s must stay light: it imports %s", name, imp)
				}
			}
		}
	}
}

// Only these may touch the disk or the process; the others are handed what they need.
func TestOneDoorToTheDisk(t *testing.T) {
	doors := []string{"dockerctx", "dockerfile", "internal/files", "internal/git", "internal/runner", "internal/builder", "internal/cli", "internal/conformance", "internal/imagetest", "cmd/ctxaudit"}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if slices.Contains(doors, name) || strings.HasPrefix(name, "hack/") {
			continue
		}
		assert.NotContains(t, p.Imports, "os", "%s must not import os", name)
	}
}

// One package starts programs: git, and a builder, which a person must ask for. What holds predictions against a real daemon is no part of the program.
func TestOneRunnerOfPrograms(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "internal/runner" || name == "internal/conformance" || strings.HasPrefix(name, "hack/") {
			continue
		}
		for _, starts := range []string{"os/exec", "plugin"} {
			assert.NotContains(t, p.Imports, starts, "%s must not start programs", name)
		}
	}
}

// One package dials.
func TestOneDoorToTheNetwork(t *testing.T) {
	for _, p := range packages(t) {
		if name := strings.TrimPrefix(p.ImportPath, module); name != "internal/registry" && !strings.HasPrefix(name, "hack/") {
			for _, dials := range []string{"net/http", "github.com/google/go-containerregistry/pkg/v1/remote"} {
				assert.NotContains(t, p.Imports, dials, "%s must not dial", name)
			}
		}
	}
}

// What BuildKit says over the wire ends where the Dockerfile is read.
func TestOneReaderOfDefinitions(t *testing.T) {
	readers := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "dockerfile" {
			assert.Contains(t, p.Imports, "github.com/moby/buildkit/solver/pb")
			readers++
			continue
		}
		for _, imp := range p.Imports {
			assert.False(t, imp == "github.com/moby/buildkit/solver/pb" || strings.HasPrefix(imp, "google.golang.org/protobuf/"), "%s must not import %s", name, imp)
		}
	}
	assert.Equal(t, 1, readers)
}

// One package reads shell scripts. The others are handed the programs that they start.
func TestOneReaderOfScripts(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == module+"internal/shell" {
			assert.Contains(t, p.Imports, "mvdan.cc/sh/v3/syntax")
			continue
		}
		for _, imp := range p.Imports {
			assert.False(t, strings.HasPrefix(imp, "mvdan.cc/sh"), "%s must not import %s", p.ImportPath, imp)
		}
	}
}

// What a language is made of stays in its own room: one table names the languages, and no one else does.
func TestOneRoomForEachLanguage(t *testing.T) {
	named := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			own, _ := strings.CutPrefix(imp, module)
			room, ok := strings.CutPrefix(own, "internal/lang/")
			if !ok || room == "languages" {
				continue
			}
			if name == "internal/tools" && slices.Contains([]string{"python/syntax", "javascript/syntax", "javascript/modules"}, room) {
				continue // build tools read sources with the scanners, which know nothing but text, and trees of files
			}
			language, inner, _ := strings.Cut(room, "/")
			if name == "internal/lang/languages" && inner == "" {
				named++
				continue
			}
			assert.True(t, strings.HasPrefix(name+"/", "internal/lang/"+language+"/"), "%s must not import %s", name, own)
		}
	}
	assert.Positive(t, named)
}

// One constant names the version of BuildKit.
func TestBuildKitVersion(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/moby/buildkit").Output()
	require.NoError(t, err)
	assert.Equal(t, dockerfile.BuildKitVersion, strings.TrimSpace(string(out)))
}
