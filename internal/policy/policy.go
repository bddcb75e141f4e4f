// Package policy is the configuration file of ctxaudit: which images there are and what each of them must hold.
//
// Reading is strict. An unknown key, a value of the wrong type or a requirement that can never be met is an error with
// its line, and with the key that was probably meant.
package policy

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// FileName is where the configuration is looked for.
const FileName = ".ctxaudit.yaml"

// Version is the only version of the format.
const Version = 1

// File is a configuration file.
type File struct {
	// Version of the format: 1.
	Version int `yaml:"version,omitempty" json:"version,omitempty" jsonschema:"enum=1,description=Version of this format."`
	// Images by name.
	Images map[string]*Image `yaml:"images" json:"images" jsonschema:"minProperties=1,description=The images to audit\\, by the name that reports use."`

	// Severities change what findings of a rule count as.
	Severities map[string]string `yaml:"severities,omitempty" json:"severities,omitempty" jsonschema:"description=Severity of the findings of a rule\\, by its name: error\\, warning\\, note or off."`
	// Suppress are findings to live with.
	Suppress []Suppression `yaml:"suppress,omitempty" json:"suppress,omitempty" jsonschema:"description=Findings that do not count\\, each with a reason."`

	// Name is the file's name as people know it. It is not part of the format.
	Name string `yaml:"-" json:"-"`
	// lines holds the line of each node by its path, text the lines themselves.
	lines map[string]int
	text  []string
}

// Suppression is a decision to live with some findings: those of a rule about which all that is said here holds.
type Suppression struct {
	// Rule is its name.
	Rule string `yaml:"rule" json:"rule" jsonschema:"description=Name of the rule."`
	// Image, Module and Path narrow it.
	Image  string `yaml:"image,omitempty" json:"image,omitempty" jsonschema:"description=Only in this image."`
	Module string `yaml:"module,omitempty" json:"module,omitempty" jsonschema:"description=Only about modules of this name; * stands for anything."`
	Path   string `yaml:"path,omitempty" json:"path,omitempty" jsonschema:"description=Only about this path of the build context or of the image\\, or below it\\, or in this file. Patterns as in require.paths."`
	// Reason says why.
	Reason string `yaml:"reason" json:"reason" jsonschema:"description=Why one can live with it."`
	// Expires is the last day, as YYYY-MM-DD.
	Expires string `yaml:"expires,omitempty" json:"expires,omitempty" jsonschema:"format=date,description=Last day on which it holds\\, as YYYY-MM-DD."`
}

// Image is one image: how it is built, and what is required of it.
type Image struct {
	// Context is the build context, and what may be sent of it.
	Context Context `yaml:"context,omitempty" json:"context,omitempty" jsonschema:"description=Build context directory\\, relative to this file\\, and bounds for what is sent of it."`
	// Dockerfile is relative to the configuration file, as docker build -f takes it.
	Dockerfile string `yaml:"dockerfile,omitempty" json:"dockerfile,omitempty" jsonschema:"description=Dockerfile\\, relative to this file. Default: Dockerfile in the context."`
	// Target is the stage to build.
	Target string `yaml:"target,omitempty" json:"target,omitempty" jsonschema:"description=Stage to build. Default: the last one."`
	// BuildArgs are ARG values.
	BuildArgs map[string]string `yaml:"build-args,omitempty" json:"build-args,omitempty" jsonschema:"description=Values for ARG\\, as docker build --build-arg takes them."`
	// BuildContexts are named contexts.
	BuildContexts map[string]string `yaml:"build-contexts,omitempty" json:"build-contexts,omitempty" jsonschema:"description=Named contexts\\, as docker build --build-context takes them."`
	// Platform is the platform to build for, such as linux/arm64.
	Platform string `yaml:"platform,omitempty" json:"platform,omitempty" jsonschema:"description=Platform to build for\\, such as linux/amd64."`
	// Entrypoints are more commands that the image is started with.
	Entrypoints []string `yaml:"entrypoints,omitempty" json:"entrypoints,omitempty" jsonschema:"description=More commands that containers of this image run\\, as in a shell: workers\\, management commands. Their imports are followed too."`
	// Require is what the image must hold.
	Require Require `yaml:"require,omitempty" json:"require,omitempty" jsonschema:"description=What the image must hold."`
	// Forbid is what it must not hold.
	Forbid Forbid `yaml:"forbid,omitempty" json:"forbid,omitempty" jsonschema:"description=What the image must not hold."`
}

// Context is a build context, with bounds for what is sent of it to the builder.
type Context struct {
	// Path is relative to the configuration file.
	Path string `yaml:"path,omitempty" json:"path,omitempty" jsonschema:"default=.,description=Directory\\, relative to this file."`
	// MaxSize bounds the bytes of all files that are sent: a number with a unit, such as 50MB; "" for no bound.
	MaxSize string `yaml:"max-size,omitempty" json:"max-size,omitempty" jsonschema:"pattern=^[0-9]+(\\.[0-9]+)? ?([kKMG]i?)?B?$,description=The most that may be sent to the builder: a number of bytes\\, with a unit such as kB\\, MB\\, GB or MiB."`
	// MaxFiles bounds their number; 0 for no bound.
	MaxFiles int `yaml:"max-files,omitempty" json:"max-files,omitempty" jsonschema:"minimum=0,description=The most files that may be sent to the builder."`
}

// Require lists what an image must hold.
type Require struct {
	// Paths are globs of image paths; each must match something.
	Paths []string `yaml:"paths,omitempty" json:"paths,omitempty" jsonschema:"description=Image paths that must exist. A pattern (* ? [] {} and ** for any depth) must match at least one entry."`
	// Modules are directories of the context that must reach the image whole.
	Modules []Module `yaml:"modules,omitempty" json:"modules,omitempty" jsonschema:"description=Directories of the build context whose every file (that git tracks\\, where there is git) must reach the image."`
	// Env are environment settings of the image.
	Env map[string]Env `yaml:"env,omitempty" json:"env,omitempty" jsonschema:"description=Environment settings that the image must have."`
	// Workdir is the image's working directory.
	Workdir string `yaml:"workdir,omitempty" json:"workdir,omitempty" jsonschema:"description=The image's working directory."`
	// User is the image's user.
	User string `yaml:"user,omitempty" json:"user,omitempty" jsonschema:"description=The image's user\\, as USER names it."`
	// EntrypointExists asks that the program that the image starts exists in it.
	EntrypointExists bool `yaml:"entrypoint-exists,omitempty" json:"entrypoint-exists,omitempty" jsonschema:"description=The program or script that the image starts must exist in it."`
}

// Forbid lists what an image must not hold.
type Forbid struct {
	// Paths are globs of image paths; none may match anything.
	Paths []string `yaml:"paths,omitempty" json:"paths,omitempty" jsonschema:"description=Image paths that must not exist. Patterns as in require.paths."`
}

// Module is a directory of the context that must reach the image.
type Module struct {
	// Path is relative to the context.
	Path string `yaml:"path" json:"path" jsonschema:"description=Directory (or file) of the build context."`
	// Include narrows it to files that match one of these globs, relative to Path.
	Include []string `yaml:"include,omitempty" json:"include,omitempty" jsonschema:"description=Only files that match one of these patterns\\, relative to path."`
	// Exclude leaves files out.
	Exclude []string `yaml:"exclude,omitempty" json:"exclude,omitempty" jsonschema:"description=Files that need not reach the image\\, relative to path."`
	// At is the image directory where it must lie.
	At string `yaml:"at,omitempty" json:"at,omitempty" jsonschema:"description=Image directory where it must lie. Default: anywhere."`
}

// Env is what one environment setting must be like. Every field that is set must hold.
type Env struct {
	// Equals is the exact value.
	Equals *string `yaml:"equals,omitempty" json:"equals,omitempty" jsonschema:"description=The exact value."`
	// Contains is an entry of a colon-separated list.
	Contains string `yaml:"contains,omitempty" json:"contains,omitempty" jsonschema:"description=An entry that the colon-separated list must have."`
	// Matches is a regular expression that must match the whole value.
	Matches string `yaml:"matches,omitempty" json:"matches,omitempty" jsonschema:"description=A regular expression (RE2) that must match the whole value."`
	// Set asks that it is set (true) or not set (false).
	Set *bool `yaml:"set,omitempty" json:"set,omitempty" jsonschema:"description=Whether it must be set."`
	// DirsExist asks that every entry of the list is a directory of the image.
	DirsExist bool `yaml:"dirs-exist,omitempty" json:"dirs-exist,omitempty" jsonschema:"description=Every entry of the colon-separated list must be a directory of the image."`
}

// Names gives the images' names, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Images)) }

// Line gives the line of a node of the file, such as Line("images", "web", "require", "paths", 0); 0 if unknown.
func (f *File) Line(path ...any) int { return f.lines[nodePath(path)] }

// Text gives a line of the file without the white space around it; "" if there is no such line.
func (f *File) Text(line int) string {
	if line < 1 || line > len(f.text) {
		return ""
	}
	return strings.TrimSpace(f.text[line-1])
}

func nodePath(parts []any) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "\x00%v", p)
	}
	return b.String()
}

// validate finds requirements that are malformed. report is called with the path of the node at fault.
func (f *File) validate(report func(message string, path ...any)) {
	if f.Version != 0 && f.Version != Version {
		report(fmt.Sprintf("version %d is not supported; this ctxaudit reads version %d", f.Version, Version), "version")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Severities)) {
		if s := f.Severities[name]; !slices.Contains([]string{"error", "warning", "note", "off"}, s) {
			report(fmt.Sprintf("severity of %s must be error, warning, note or off, not %q", name, s), "severities", name)
		}
	}
	for i, s := range f.Suppress {
		if s.Path != "" && !doublestar.ValidatePattern(s.Path) {
			report(fmt.Sprintf("%q is not a valid pattern", s.Path), "suppress", i, "path")
		}
		if _, err := path.Match(s.Module, ""); err != nil {
			report(fmt.Sprintf("%q is not a valid pattern", s.Module), "suppress", i, "module")
		}
	}
	if len(f.Images) == 0 {
		report("no images: name at least one under \"images\"", "images")
	}
	for _, name := range f.Names() {
		img := f.Images[name]
		if img == nil {
			f.Images[name] = &Image{}
			continue
		}
		img.Validate(func(message string, path ...any) { report(message, append([]any{"images", name}, path...)...) })
	}
}

// Validate finds requirements that are malformed, whether they come from a file or from flags.
func (img *Image) Validate(report func(message string, path ...any)) {
	globs := func(patterns []string, absolute bool, at ...any) {
		for i, g := range patterns {
			switch where := append(slices.Clone(at), i); {
			case !doublestar.ValidatePattern(g):
				report(fmt.Sprintf("%q is not a valid pattern", g), where...)
			case absolute && !path.IsAbs(g):
				report(fmt.Sprintf("%q: image paths start with /", g), where...)
			}
		}
	}
	if _, err := ParseSize(img.Context.MaxSize); err != nil {
		report(err.Error(), "context", "max-size")
	}
	if img.Context.MaxFiles < 0 {
		report("max-files must not be negative", "context", "max-files")
	}
	globs(img.Require.Paths, true, "require", "paths")
	globs(img.Forbid.Paths, true, "forbid", "paths")
	for i, m := range img.Require.Modules {
		at := []any{"require", "modules", i}
		clean := path.Clean(m.Path)
		switch {
		case m.Path == "":
			report("a module needs a path", at...)
		case path.IsAbs(m.Path):
			report(fmt.Sprintf("%q: modules are relative to the build context", m.Path), at...)
		case clean == ".." || strings.HasPrefix(clean, "../"):
			report(fmt.Sprintf("%q lies outside the build context", m.Path), at...)
		}
		if m.At != "" && !path.IsAbs(m.At) {
			report(fmt.Sprintf("%q: image paths start with /", m.At), append(at, "at")...)
		}
		globs(m.Include, false, append(slices.Clone(at), "include")...)
		globs(m.Exclude, false, append(slices.Clone(at), "exclude")...)
	}
	for _, name := range slices.Sorted(maps.Keys(img.Require.Env)) {
		e := img.Require.Env[name]
		at := []any{"require", "env", name}
		if _, err := regexp.Compile(e.Matches); err != nil {
			report(fmt.Sprintf("%q is not a valid regular expression: %v", e.Matches, err), append(at, "matches")...)
		}
		if e == (Env{}) {
			report(fmt.Sprintf("%s: say what it must be: equals, contains, matches, set or dirs-exist", name), at...)
		}
		if e.Set != nil && !*e.Set && (e.Equals != nil || e.Contains != "" || e.Matches != "" || e.DirsExist) {
			report(fmt.Sprintf("%s must not be set, so nothing else can be required of it", name), at...)
		}
	}
	if img.Require.Workdir != "" && !path.IsAbs(img.Require.Workdir) {
		report(fmt.Sprintf("%q: a working directory starts with /", img.Require.Workdir), "require", "workdir")
	}
}
