// Package why explains why something is in an image or not: a path of the build context, a path of the image, or an
// environment setting.
//
// Every kind of answer has its own [Verdict] and its own sentence. An answer is read from the record of the simulation,
// never guessed from patterns.
package why

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Verdict is the answer in one word.
type Verdict string

// The verdicts; [Verdicts] says what they mean.
const (
	InImage     Verdict = "in-image"
	PartlyThere Verdict = "partly"
	Ignored     Verdict = "ignored"
	NotCopied   Verdict = "not-copied"
	Lost        Verdict = "lost"
	Hidden      Verdict = "hidden"
	Emptied     Verdict = "emptied"
	Unreachable Verdict = "unreachable"
	NotRunnable Verdict = "not-runnable"
	NotFound    Verdict = "not-found"
	Unknown     Verdict = "unknown"
	Set         Verdict = "set"
	NotSet      Verdict = "not-set"
	EmptyDir    Verdict = "no-files"
	Remote      Verdict = "remote"
	BuildFailed Verdict = "build-fails"
	HasEffect   Verdict = "effective"
	NoEffect    Verdict = "no-effect"
	Foreign     Verdict = "foreign"
)

// Verdicts gives every verdict with its meaning.
func Verdicts() []struct {
	Verdict Verdict
	Meaning string
} {
	return []struct {
		Verdict Verdict
		Meaning string
	}{
		{InImage, "all of it is in the image"},
		{PartlyThere, "some files of a directory are, others are not"},
		{Ignored, "excluded by the ignore file of the context"},
		{NotCopied, "it is in the context, but no instruction copies it"},
		{Lost, "an instruction copies it, but it is not in the image"},
		{Emptied, "it arrives without its content"},
		{Hidden, "the image has it, and what is mounted over it when the container starts has not"},
		{Unreachable, "it is in the image, and no search path of the program leads to it"},
		{NotRunnable, "the image starts it, and the kernel refuses to run it"},
		{NotFound, "it does not exist where it was looked for"},
		{Unknown, "a step that cannot be simulated may have made it"},
		{Set, "the setting has a value"},
		{NotSet, "it has none"},
		{EmptyDir, "a directory of the context without files"},
		{Remote, "the build context is not on this machine"},
		{BuildFailed, "it is in the context, but the build fails"},
		{HasEffect, "a line does something"},
		{NoEffect, "a line does nothing"},
		{Foreign, "a module that is not the project's own"},
	}
}

// Good reports whether the answer is that what was asked about is there, or does something.
func (v Verdict) Good() bool {
	switch v {
	case InImage, Set, EmptyDir, HasEffect, Foreign:
		return true
	}
	return false
}

// Step is one link of the chain.
type Step struct {
	Sentence string         `json:"sentence"`
	Place    *finding.Place `json:"place,omitempty"`
}

// Answer explains one target.
type Answer struct {
	// Image is the image that was asked about, if there are several.
	Image   string  `json:"image,omitempty"`
	Target  string  `json:"target"`
	Kind    string  `json:"kind"` // context-path, image-path, environment, instruction, ignore-line, program
	Verdict Verdict `json:"verdict"`
	Summary string  `json:"summary"`
	// Steps is the chain, from the source to the image.
	Steps []Step `json:"steps"`
	// ImagePaths is where it lies in the image, at most ten.
	ImagePaths []string `json:"imagePaths,omitempty"`
	// Missing are files that do not reach the image, at most ten, MissingCount how many there are.
	Missing      []string `json:"missing,omitempty"`
	MissingCount int      `json:"missingCount,omitempty"`
	// Usage tells who imports a Python module of the context; nil for anything else.
	Usage *Usage `json:"usage,omitempty"`
	// Clue is what a program's output said, if that was asked about.
	Clue *Clue `json:"clue,omitempty"`
	// Blame is the smallest set of lines of the ignore file without which it would be let in.
	Blame []finding.Place `json:"blame,omitempty"`
	// Fixes are edits that were tried and bring it into the image, the best first; Tried says what does not.
	Fixes  []finding.Fix `json:"fixes,omitempty"`
	Tried  []string      `json:"tried,omitempty"`
	Remedy string        `json:"remedy,omitempty"`
	// Near are the existing names that are most like a target that does not exist.
	Near        []string             `json:"near,omitempty"`
	Assumptions []finding.Assumption `json:"assumptions"`
}

// Usage tells who imports a module: at most ten places unless all were asked for, and how many there are.
type Usage struct {
	Module  string          `json:"module"`
	Imports []finding.Place `json:"imports"`
	Count   int             `json:"count"`
	Exports []string        `json:"exports,omitempty"`
}

// maxListed bounds the paths that an answer lists.
const maxListed = 10

// Explainer answers for one image.
type Explainer struct {
	Image *simulate.Image
	// Main is the main context; nil if it is remote.
	Main *simulate.Context
	// Failure is why there is no image, if the build fails; Image holds what came before then.
	Failure *simulate.BuildError
	// Subject is the request and what is known around it. Its policy adds entry points; nil for none.
	Subject audit.Subject
	// All asks for every import of a module, and for all fixes.
	All bool
}

// NewExplainer predicts an image, unless it was. One that cannot be built can be asked about its context all the same.
func NewExplainer(ctx context.Context, s audit.Subject) (*Explainer, error) {
	e := &Explainer{Image: s.Image, Subject: s}
	if e.Image == nil {
		image, err := simulate.Build(ctx, s.Options)
		if err != nil && (image == nil || !errors.As(err, &e.Failure)) {
			return nil, err
		}
		e.Image = image
	}
	if e.Image.Plan.RemoteContext != "" {
		return e, nil
	}
	var err error
	e.Main, err = e.Image.MainContext(s.Options.Context)
	return e, err
}

// Answers explains each target, and what a program's output says is missing.
func (e *Explainer) Answers(ctx context.Context, targets []string, output string) ([]*Answer, error) {
	var out []*Answer
	for _, t := range targets {
		answer, err := e.Explain(ctx, t)
		if err != nil {
			return nil, err
		}
		out = append(out, answer)
	}
	if output == "" {
		return out, nil
	}
	clues, err := e.Clues(ctx, output)
	return append(out, clues...), err
}

var moduleName = lazyre.New(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)

// fileName is what programs of JavaScript import: a path, a package with a scope or a path in it, a module of the runtime.
var fileName = lazyre.New(`^(node:)?[@~#.\w][\w./@~-]*$`)

// numbered is a line of a file.
var numbered = lazyre.New(`^(.+):(\d+)$`)

// Explain answers for a target: FILE:LINE for a line of the Dockerfile or the ignore file, `$NAME` for an environment setting, a path that starts with a slash for an image path,
// anything else for a path of the build context or, with dots for slashes, a module of it.
func (e *Explainer) Explain(ctx context.Context, target string) (*Answer, error) {
	a := &Answer{Target: target, Steps: []Step{}, Assumptions: []finding.Assumption{}}
	if m := numbered().FindStringSubmatch(target); m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			return nil, fmt.Errorf("line %s: %w", m[2], err)
		}
		if ok, err := e.line(a, m[1], n); ok || err != nil {
			return a, err
		}
	}
	var err error
	switch {
	case e.Failure != nil && (strings.HasPrefix(target, "$") || path.IsAbs(target)):
		a.Kind, a.Verdict = "image-path", BuildFailed
		a.Summary = fmt.Sprintf("the build fails, so no image has %s", target)
		a.step(e.Failure.Message, instruction(finding.RoleFails, e.Failure.Location))
	case strings.HasPrefix(target, "$"):
		e.environment(a, strings.Trim(strings.TrimPrefix(target, "$"), "{}"))
	case path.IsAbs(target):
		err = e.imagePath(ctx, a, path.Clean(target))
	default:
		err = e.contextPath(ctx, a, target)
	}
	if err == nil {
		err = e.asChecked(ctx, a)
	}
	return a, err
}

func (a *Answer) step(sentence string, place *finding.Place) {
	a.Steps = append(a.Steps, Step{sentence, place})
}

func instruction(role finding.Role, l dockerfile.Location) *finding.Place {
	text := l.Text
	if l.Trigger != "" {
		text = l.Trigger
	}
	if role == finding.RoleCopies {
		role = finding.Brings(text)
	}
	return &finding.Place{Role: role, File: l.File, Line: l.Range.Start.Line, Text: text}
}

func (e *Explainer) assumptions() []finding.Assumption {
	return audit.Assumptions(e.Image, e.Image.Opaque)
}
