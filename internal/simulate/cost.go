package simulate

import (
	"context"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// cost is what predicting one image may cost. A Dockerfile of a few lines can make a tree of any size, from archives and from
// copies of copies, so everything that is made is counted, whichever instruction makes it.
type cost struct {
	// archives are the entries of all archives, and the way to each; and the bytes that were unpacked.
	archives *budget.Budget
	// members are the bytes that are unpacked to read members, remembered those that are kept of them.
	members, remembered *budget.Budget
	// kept are entries of copies that are remembered, made are all that were made: a copy is made again for each look at it
	// that remembers nothing.
	kept, made *budget.Budget
	// effects are those of RUN steps.
	effects *budget.Budget
}

// The limits of one image. What archives hold beyond them is unknown content; a tree beyond them is not followed.
var (
	archiveLimits    = budget.Limits{Steps: 40_000_000, Bytes: 1 << 30}
	memberLimits     = budget.Limits{Bytes: 4 << 30}
	rememberedLimits = budget.Limits{Bytes: 64 << 20}
	keptLimits       = budget.Limits{Steps: 350_000}
	madeLimits       = budget.Limits{Steps: 12_000_000}
	effectLimits     = budget.Limits{Steps: 100_000}
)

// runLimits are those of all archives of a run, in which an image is predicted again and again.
var runLimits = budget.Limits{Steps: 200_000_000, Bytes: 4 << 30}

// maxPath is PATH_MAX of Linux: no call of the kernel takes a path that is as long.
const maxPath = 4096

func newCost(ctx context.Context) *cost {
	return &cost{
		archives: budget.From(ctx).Apart("archives", runLimits).Part(archiveLimits),
		members:  budget.New(memberLimits), remembered: budget.New(rememberedLimits),
		kept: budget.New(keptLimits), made: budget.New(madeLimits), effects: budget.New(effectLimits),
	}
}

// beyond makes an error of a limit that an operation passed.
func beyond(at dockerfile.Location, err error) error {
	if err == nil {
		return nil
	}
	return &budget.Beyond{File: at.File, Line: at.Range.Start.Line, What: "copies of so many files", Err: err}
}
