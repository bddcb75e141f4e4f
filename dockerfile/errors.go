package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Error is what BuildKit refuses in a Dockerfile, in an ignore file, or in the request.
type Error struct {
	// File is the file at fault as people know it; "" when the request itself is (an unknown build context, for instance).
	File string
	// Range is where; its lines are 0 when that is unknown.
	Range dockerctx.Range
	// Text is the instruction there, on one line; "" when that is unknown.
	Text string
	// Message is BuildKit's own, without the phrases that it was wrapped in.
	Message string
	// Unset are the variables without a value that the instruction uses; they may be what is wrong with it.
	Unset Unset
	// NoTarget tells that the Dockerfile does not have the stage that the request names.
	NoTarget bool
	Err      error
}

// Error gives the message after the position, as far as that is known.
func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Message
	case e.Range.Start.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Range.Start.Line, e.Range.Start.Column, e.Message)
}

// Unwrap gives BuildKit's own error.
func (e *Error) Unwrap() error { return e.Err }

// wrapping are phrases that BuildKit puts before what it has to say. The position is carried apart.
var wrapping = lazyre.New(
	`^(failed to solve: |dockerfile parse error on line \d+: |failed to read dockerfile: |failed to read dockerignore patterns: )+`)

// unread makes an error of BuildKit's failure to read the Dockerfile.
func (c *compilation) unread(err error) error {
	if ctxErr := contextError(err); ctxErr != nil {
		return ctxErr
	}
	message := c.req.standIns.restore(wrapping().ReplaceAllString(err.Error(), ""))
	file := c.req.display
	if strings.Contains(message, ignoreSuffix+" exceeds") {
		file = c.req.shownFile(fileRef{localDockerfile, c.req.filename + ignoreSuffix})
	}
	if errors.Is(err, fs.ErrNotExist) {
		message = "the Dockerfile does not exist"
	}
	return &Error{File: file, Message: message, Err: err}
}

func contextError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("compiling: %w", err)
	}
	return nil
}

// refusal makes an error of what the conversion says.
func (c *compilation) refusal(err error) error {
	if failure := c.gateway.failure(); failure != nil {
		return failure
	}
	if ctxErr := contextError(err); ctxErr != nil {
		return ctxErr
	}
	if e := c.ignoreFault(err); e != nil {
		return e
	}
	e := &Error{File: c.req.display, Message: c.req.standIns.restore(wrapping().ReplaceAllString(err.Error(), "")), Err: err}
	if errors.Is(err, errTooManyImages) {
		e.Message = errTooManyImages.Error() // its reference would only tell one image of many
	}
	var located *parser.LocationError
	if errors.As(err, &located) {
		// The innermost place comes first; a bind mount's image has none.
		for _, ranges := range located.Locations {
			first, last := bounds(ranges)
			if len(ranges) == 0 || first == 0 && last == 0 && !lateByOne(e.Message) {
				continue
			}
			if lateByOne(e.Message) {
				first, last = first+1, last+1
			}
			e.Range = c.src.lineRange(first, last)
			break
		}
	}
	if e.Range.Start.Line == 0 {
		c.searchPlace(e)
	}
	e.Text = c.src.folded(e.Range)
	e.Unset = usageOf(c.src.data).unset(e.Range.Start.Line, c.req.opt.BuildArgs)
	e.Unset.Workdir = strings.HasPrefix(e.Message, `invalid mount target "/"`)
	return e
}

// lateByOne tells whether BuildKit's parser reports a fault before it has counted the line: a parser directive's
// (possibleParserDirective) and a line's that is too long.
func lateByOne(message string) bool {
	return strings.HasPrefix(message, "only one ") || strings.HasPrefix(message, "invalid escape token") ||
		strings.HasPrefix(message, "dockerfile line greater than")
}

// searchPlace finds the place for refusals that BuildKit gives none (dockerfile2llb's toCommand and resolveTarget).
func (c *compilation) searchPlace(e *Error) {
	if strings.HasPrefix(e.Message, "target stage ") {
		e.NoTarget = true
		e.Message += c.stageList()
		return
	}
	if c.outline == nil {
		return
	}
	if errors.Is(e.Err, errTooManyImages) && len(c.outline.info) > 0 {
		target := c.outline.link(c.req, c.outline.globals(c.req, c.req.platform))
		if chain := c.outline.chain(target, c.req); len(chain) > 0 {
			e.Range = c.outline.info[chain[0]].Location.Range
		}
		return
	}
	for i := range c.outline.info {
		for _, cmd := range c.outline.commands(i, nil) {
			for _, from := range fromNames(cmd.Command) {
				n, err := strconv.Atoi(from)
				outside := err == nil && (n < 0 || n >= len(c.outline.info))
				_, isCopy := cmd.Command.(*instructions.CopyCommand)
				switch {
				case strings.HasPrefix(e.Message, "invalid stage index") && outside && isCopy,
					strings.HasPrefix(e.Message, "variable expansion is not supported for --from") && isCopy && strings.ContainsAny(from, `$'"\`):
					e.Range = cmd.at.Range
					return
				}
			}
		}
	}
}

// stageList names the stages that a target may be.
func (c *compilation) stageList() string {
	if c.outline == nil {
		return ""
	}
	var names []string
	for _, st := range c.outline.info {
		if st.Name != "" {
			names = append(names, st.Name)
		}
	}
	if len(names) == 0 {
		return "; no stage of this Dockerfile has a name"
	}
	return "; the named stages are " + strings.Join(names, ", ")
}

// ignoreFault tells whether an ignore file is at fault, and which line of it. The front end says at most its base name.
func (c *compilation) ignoreFault(err error) *Error {
	message := err.Error()
	if i := strings.Index(message, dockerui.DefaultDockerignoreName+" exceeds"); i >= 0 {
		return &Error{File: dockerui.DefaultDockerignoreName, Message: message[i:], Err: err}
	}
	for _, file := range c.gateway.ignoreFiles() {
		name := c.req.shownFile(file.fileRef)
		parsed, fault := dockerctx.ParseIgnoreFile(name, file.data)
		if fault != nil && !strings.Contains(message, "failed parsing") {
			continue
		}
		if fault == nil {
			// Only the main context's patterns are compiled here (dispatchStages), so others are not to blame.
			_, bad := patternmatcher.New(parsed.Patterns())
			if bad == nil || !strings.HasSuffix(message, bad.Error()) {
				continue
			}
			_, fault = dockerctx.New(nil, parsed)
		}
		var line *dockerctx.IgnoreError
		if errors.As(fault, &line) {
			return &Error{File: name, Range: ignoreRange(parsed, line.Line), Message: line.Message, Err: err}
		}
		return &Error{File: name, Message: wrapping().ReplaceAllString(message, ""), Err: err}
	}
	return nil
}

func ignoreRange(f *dockerctx.IgnoreFile, number int) dockerctx.Range {
	for _, l := range f.Lines {
		if l.Number == number {
			return l.Range
		}
	}
	return dockerctx.Range{}
}
