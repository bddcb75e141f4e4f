package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/verify"
)

// SeveralImagesError says that one image is asked for, and there are several.
type SeveralImagesError struct{ Names []string }

func (e *SeveralImagesError) Error() string {
	return fmt.Sprintf("there are several images; --image chooses one of %s", strings.Join(e.Names, ", "))
}

// single gives the only image that is asked for.
func (e *Engine) single(ctx context.Context, a project.Asked) (audit.Subject, []finding.Notice, error) {
	found, err := e.World.Disk("no").Images(ctx, a)
	if err != nil {
		return audit.Subject{}, found.Notices, err
	}
	if len(found.Subjects) != 1 {
		several := &SeveralImagesError{}
		for _, s := range found.Subjects {
			several.Names = append(several.Names, s.Name)
		}
		return audit.Subject{}, found.Notices, several
	}
	return found.Subjects[0], found.Notices, nil
}

// Built gives the image that was built of a request, and what people call it.
type Built func(ctx context.Context, opt dockerfile.Options) (name string, x *baseimage.Index, err error)

// Verify holds a built image, which is asked for once there is a prediction, against the prediction of the image that is asked for.
// A build that BuildKit would refuse is an error.
func (e *Engine) Verify(ctx context.Context, a project.Asked, built Built) (*verify.Report, []finding.Notice, error) {
	s, notices, err := e.single(ctx, a)
	if err != nil {
		return nil, notices, err
	}
	image := s.Image
	if image == nil {
		if image, err = simulate.Build(ctx, s.Options); err != nil {
			return nil, notices, err
		}
	}
	if err := image.Read(ctx); err != nil {
		return nil, notices, err
	}
	name, x, err := built(ctx, s.Options)
	if err != nil {
		return nil, notices, err
	}
	r, err := verify.Compare(image, x)
	if err != nil {
		return nil, notices, err
	}
	r.Name, r.Built = s.Name, name
	r.Assumptions = append(r.Assumptions, append(audit.Assumptions(image, image.Opaque), audit.Bases(image)...)...)
	return r, notices, nil
}

// Export gives what the image that is asked for must have, for those who test it where it runs.
func (e *Engine) Export(ctx context.Context, a project.Asked) (name string, c *verify.Checks, notices []finding.Notice, err error) {
	s, notices, err := e.single(ctx, a)
	if err != nil {
		return "", nil, notices, err
	}
	keep := func(_ audit.Subject, image *simulate.Image) (any, error) { return image, nil }
	done, skipped, err := e.Audit(ctx, []audit.Subject{s}, Options{view: keep})
	notices = append(notices, skipped...)
	if err != nil {
		return "", nil, notices, err
	}
	image, _ := done[0].view.(*simulate.Image)
	if image == nil {
		f := done[0].Report.Findings[0]
		return "", nil, notices, fmt.Errorf("the build would fail: %s", f.Summary)
	}
	c, err = verify.Export(image, s.Policy, done[0].Report.Followed, s.Options.Context, func(glob string) (string, error) {
		found, err := audit.Matches(image, glob, 1)
		return strings.Join(found, ""), err
	})
	return s.Name, c, notices, err
}
