// Package finding has what an audit says: findings, what holds, what is assumed, and the names of the rules that say it.
//
// It is data that rules make, suppressions and baselines sort out, and renderers show. It knows none of them.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/edit"
)

// Severity tells how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// AtLeast reports whether a severity is as bad as another or worse.
func (s Severity) AtLeast(other Severity) bool { return s.rank() >= other.rank() }

// Known reports whether it is one of the severities.
func (s Severity) Known() bool { return s.rank() > 0 }

func (s Severity) rank() int {
	switch s {
	case Error:
		return 3
	case Warning:
		return 2
	case Note:
		return 1
	default:
		return 0
	}
}

// ParseSeverity reads a severity as people write it.
func ParseSeverity(s string) (Severity, error) {
	if v := Severity(s); v.Known() {
		return v, nil
	}
	return "", fmt.Errorf("unknown severity %q; known are error, warning, note", s)
}

// Position is a part of a file: lines from 1, columns in bytes from 1. What is 0 is unknown. The end is the first place behind
// it.
type Position struct {
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"endLine,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
}

// At gives a part of a file.
func At(file string, r dockerctx.Range) Position {
	return Position{File: file, Line: r.Start.Line, Column: r.Start.Column, EndLine: r.End.Line, EndColumn: r.End.Column}
}

// Role says what a related line did.
type Role string

// The roles of related lines and evidence.
const (
	RoleExcludes   Role = "excludes"    // an ignore line that keeps it out
	RoleReincludes Role = "re-includes" // an ignore line that lets it in again
	RoleNoEffect   Role = "no-effect"   // an ignore line that matches and changes nothing
	RoleRedundant  Role = "redundant"   // an ignore line that says again what an earlier one said
	RoleCopies     Role = "copies"      // the instruction that puts it there
	RoleMakes      Role = "makes"       // the step that creates it
	RoleRemoves    Role = "removes"     // the step that takes it away again
	RoleSets       Role = "sets"        // the instruction that sets a value
	RoleSearchPath Role = "search-path" // the instruction that puts its directory on a search path
	RoleRequires   Role = "requires"    // the line of the configuration that asks for it
	RoleFails      Role = "fails"       // the instruction that fails
	RoleImports    Role = "imports"     // an import of what is missing
	RoleReads      Role = "reads"       // a place that reads what is missing
	RoleStarts     Role = "starts"      // a command that the image starts
	RoleGitIgnores Role = "git-ignores" // a line of git's ignore file that matches it
	RoleWithholds  Role = "withholds"   // a line of an ignore file that keeps it from being uploaded
	RoleBuilds     Role = "builds"      // the place that says that it is built
)

// Brings gives the role of an instruction that brings something: a step makes it, any other copies it.
func Brings(instruction string) Role {
	if keyword, _, _ := strings.Cut(instruction, " "); strings.EqualFold(keyword, "RUN") {
		return RoleMakes
	}
	return RoleCopies
}

// Place is a line of a file with its part in a finding.
type Place struct {
	Role Role   `json:"role"`
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
	// Note is a sentence about the part it has, "" if the role says it all.
	Note string `json:"note,omitempty"`
}

// Assumption is something that a conclusion rests on and that cannot be known without running something.
type Assumption struct {
	Kind    string `json:"kind"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Text    string `json:"text"`
	Meaning string `json:"meaning"`
}

// AssumedBase is the kind of an assumption that says which image a base image is, whose files and settings are known.
const AssumedBase = "base"

// Fix is a set of edits that was tried in a simulation, with what it brings.
type Fix struct {
	Title string      `json:"title"`
	Edits []edit.Edit `json:"edits"`
	// Adds are the files that the image gains, the first few: by their path in the build context if they come from there,
	// else by their path in the image. AddsCount and AddsBytes count all of them.
	Adds      []string `json:"adds"`
	AddsCount int      `json:"addsCount"`
	AddsBytes int64    `json:"addsBytes"`
	// OthersCount and OthersBytes count those of them that the finding does not ask for; RemovesCount the files that the
	// image loses, or that are replaced in it.
	// MovesCount counts the files that lie elsewhere in it afterwards; they are none of the others.
	OthersCount  int   `json:"othersCount,omitempty"`
	OthersBytes  int64 `json:"othersBytes,omitempty"`
	RemovesCount int   `json:"removesCount,omitempty"`
	MovesCount   int   `json:"movesCount,omitempty"`
}

// Hint is what a search for repairs must know of a finding, and a reader need not.
type Hint struct {
	// Wants are paths of the image, at any of which ContextPath would do; nil if that is not known.
	Wants []string
	// SearchDir is a directory of the image that the search path PYTHONPATH lacks.
	SearchDir string
	// ExportName is bound by the submodule ExportFrom, and lacked by the package whose __init__.py is ExportFile in the
	// build context.
	ExportFile, ExportFrom, ExportName string
	// ExportLine is the line of ExportFile behind its imports, 0 if it has none.
	ExportLine int
	// EnvName must be EnvValue.
	EnvName, EnvValue string
	// Step is the operation before which ImagePath must be there, counted from 1; 0: it must be in the image.
	Step int
	// Mode are the permission bits, in octal digits, that ContextPath should have at ImagePath.
	Mode string
	// Owner is the user to whom ContextPath should belong at ImagePath.
	Owner string
	// Quoted tells that the heredoc that makes it must be kept as it is.
	Quoted bool
	// Returns tells that the lines of ContextPath end in CR LF, and must end in LF.
	Returns bool
	// Marker is a file of the build context that, empty, would make a package of its directory.
	Marker string
	// Before is the line of the step of the Dockerfile behind which it is copied, and which needs it.
	Before int
	// Context is the named context in which Source lies that is asked for; "" for the main one, of which ContextPath tells.
	Context, Source string
	// Programs is a directory of the image that PATH lacks.
	Programs string
	// Without is an option that steps of the Dockerfile should not have.
	Without string
	// Command is what installing a project of the build context makes.
	Command string
	// Found is where the image has what is looked for at ImagePath.
	Found string
	// Program is what the start command runs, as it is written there.
	Program string
	// Made is what a step of the stage MadeIn, a name or a number, creates and the image should have at ImagePath.
	Made, MadeIn string
	// Asked is a name in the start command that leads nowhere, and Instead the one under which the image has it.
	Asked, Instead string
}

// Finding is one thing that is wrong.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Number names the finding for ctxaudit fix --finding, counted from 1 over all images; 0 if it has none.
	Number int `json:"number,omitempty"`
	// Summary is one short sentence, Detail says why and what to do, in full sentences.
	Summary string   `json:"summary"`
	Detail  string   `json:"detail"`
	Subject Position `json:"subject"`

	Module      string `json:"module,omitempty"`
	ContextPath string `json:"contextPath,omitempty"`
	ImagePath   string `json:"imagePath,omitempty"`
	// Files are the files concerned, if there are several; sorted.
	Files []string `json:"files,omitempty"`

	// Way leads from what the image starts to the place that needs what is missing, by the names of modules and files; of a long
	// one the middle is left out.
	Way []string `json:"way,omitempty"`

	Related     []Place      `json:"related"`
	Assumptions []Assumption `json:"assumptions"`
	Fixes       []Fix        `json:"fixes"`
	// Images names the other images that have the same finding.
	Images []string `json:"images,omitempty"`
	// Tried says what was tried without success, if there is no fix.
	Tried []string `json:"tried,omitempty"`

	Hint  Hint  `json:"-"`
	About About `json:"-"`
}

// Suppressed is a finding that somebody has decided to live with.
type Suppressed struct {
	Finding Finding `json:"finding"`
	Reason  string  `json:"reason"`
	// File and Line are where that is written.
	File string `json:"file"`
	Line int    `json:"line"`
}

// Passed is a requirement that holds, with what shows it.
type Passed struct {
	Requirement string  `json:"requirement"`
	Evidence    []Place `json:"evidence"`
}

// Source is a place that says that an image is built.
type Source struct {
	// Kind is what sort of file it is: "bake", "workflow", "cloudbuild", "compose", "skaffold", or
	// "hint" for a line of a Makefile or a script.
	Kind string `json:"kind"`
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
}

// ImageReport is what was found in one image.
type ImageReport struct {
	Name       string `json:"name"`
	Context    string `json:"context"`
	Dockerfile string `json:"dockerfile"`
	Target     string `json:"target"`
	IgnoreFile string `json:"ignoreFile"`
	// ContextReason says why this directory was taken as the context, "" if it was named.
	ContextReason string `json:"contextReason,omitempty"`
	// Sources are the files that say that it is built, the most explicit first; none if its Dockerfile was found or named.
	Sources []Source `json:"sources,omitempty"`

	Findings    []Finding    `json:"findings"`
	Passed      []Passed     `json:"passed"`
	Assumptions []Assumption `json:"assumptions"`
	// Suppressed are findings that do not count.
	Suppressed []Suppressed `json:"suppressed,omitempty"`
	// Shared counts the findings that an image before has, too, and that stand there.
	Shared int `json:"shared,omitempty"`

	// Started are the programs whose imports were followed, as modules or paths of the image: what the image starts, at most
	// ten.
	Started []string `json:"started,omitempty"`
	// Unchecked are programs that the image starts, as paths of it, and whose imports were not followed, since a step makes them or the
	// base image may have them; at most ten.
	Unchecked []string `json:"unchecked,omitempty"`
	// Followed are the files, by the name that findings use, whose imports were followed.
	Followed []string `json:"-"`
	// Imports and Modules count what was followed.
	Imports int `json:"-"`
	Modules int `json:"-"`
}

// Summary counts.
type Summary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
	Images   int `json:"images"`
	Imports  int `json:"imports"`
	Modules  int `json:"modules"`
	// Suppressed counts the findings that do not count.
	Suppressed int `json:"suppressed,omitempty"`
}

// Notice is something in a file of the repository that could not be followed, so that an image is not audited.
type Notice struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// Report is what was found in all images.
type Report struct {
	Version int           `json:"version"`
	Images  []ImageReport `json:"images"`
	Summary Summary       `json:"summary"`
	// Notices tell of images that are built and were not audited.
	Notices []Notice `json:"notices,omitempty"`
}

// NewReport joins the reports of images and counts.
func NewReport(images []ImageReport) Report {
	r := Report{Version: 1, Images: images}
	if r.Images == nil {
		r.Images = []ImageReport{}
	}
	r.Summary.Images = len(images)
	for _, img := range images {
		r.Summary.Imports += img.Imports
		r.Summary.Modules += img.Modules
		r.Summary.Suppressed += len(img.Suppressed)
		for _, f := range img.Findings {
			switch f.Severity {
			case Error:
				r.Summary.Errors++
			case Warning:
				r.Summary.Warnings++
			default:
				r.Summary.Notes++
			}
		}
	}
	return r
}

// Worst reports whether a finding is at least that severe.
func (r Report) Worst(s Severity) bool {
	for _, img := range r.Images {
		for _, f := range img.Findings {
			if f.Severity.AtLeast(s) {
				return true
			}
		}
	}
	return false
}

// Compare is the order of findings: the worst first, then by place, then by text.
func Compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity.rank(), a.Severity.rank()),
		cmp.Compare(a.Subject.File, b.Subject.File),
		cmp.Compare(a.Subject.Line, b.Subject.Line),
		cmp.Compare(a.Subject.Column, b.Subject.Column),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Summary, b.Summary),
	)
}

// SortPlaces puts places in their order, in place, and drops those that are there twice.
func SortPlaces(places []Place) []Place {
	slices.SortStableFunc(places, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Role, b.Role))
	})
	return slices.Compact(places)
}

// Size gives a number of bytes as people read it.
func Size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
}
