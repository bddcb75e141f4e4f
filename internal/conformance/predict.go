package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/git"
	"github.com/ctxaudit/ctxaudit/internal/gitfs"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Predict says what a build gives without building it. An error says that
// there is no answer, as it does for [Daemon.Build].
func Predict(ctx context.Context, r Request) (*Result, error) {
	if r.Git != "" {
		repo, err := git.Find(r.Context)
		if err != nil {
			return nil, err
		}
		defer repo.Close()
		c, err := gitfs.NewCheckout(ctx, repo, dockerctx.DirFS)
		if err != nil {
			return nil, err
		}
		r.Context, r.Open = filepath.Join(r.Context, r.Git), c.Fetched(false).Directory
		if r.Dockerfile == "" {
			r.Dockerfile = filepath.Join(r.Context, "Dockerfile")
		}
	}
	image, err := predictImage(ctx, r)
	if err == nil {
		err = image.Verify(ctx, nil)
	}
	if err != nil {
		return refused(err)
	}
	listing, err := listTree(image.Tree)
	if err != nil {
		return refused(err) // what is read lazily may fail late
	}
	config, err := json.Marshal(image.Plan.Config)
	if err != nil {
		return nil, fmt.Errorf("writing the predicted configuration: %w", err)
	}
	result := &Result{Listing: listing}
	if err := json.Unmarshal(config, &result.Config); err != nil {
		return nil, fmt.Errorf("reading the predicted configuration: %w", err)
	}
	result.Config.normalize()
	return result, nil
}

func predictImage(ctx context.Context, r Request) (*simulate.Image, error) {
	bases, err := baseimage.NewBases(r.Bases)
	if err != nil {
		return nil, err
	}
	return simulate.Build(ctx, dockerfile.Options{
		Fetched:       r.Git != "",
		Images:        bases,
		Context:       r.Context,
		Dockerfile:    r.Dockerfile,
		Target:        r.Target,
		BuildArgs:     r.BuildArgs,
		BuildContexts: r.BuildContexts,
		Platform:      r.Platform,
		Open:          r.Open,
	})
}

// refused tells a predicted failure of the build from one of the prediction.
func refused(err error) (*Result, error) {
	f := &Failure{Message: err.Error()}
	var (
		ignore  *dockerctx.IgnoreError
		compile *dockerfile.Error
		build   *simulate.BuildError
	)
	switch {
	case errors.As(err, &ignore): // its line is not one of the Dockerfile
	case errors.As(err, &compile):
		f.Line = compile.Range.Start.Line
	case errors.As(err, &build):
		f.Line = build.Location.Range.Start.Line
	default:
		return nil, fmt.Errorf("predicting: %w", err)
	}
	return &Result{Failure: f}, nil
}

func listTree(tree *rootfs.Tree) (Listing, error) {
	var listing Listing
	err := tree.Walk(func(path string, n *rootfs.Node) error {
		listing = append(listing, entryOfNode(path, n))
		return nil
	})
	listing.sort()
	return listing, err
}

func entryOfNode(path string, n *rootfs.Node) Entry {
	e := Entry{
		Path: path,
		Type: n.Kind.String(),
		Mode: fmt.Sprintf("%04o", n.Perm),
		UID:  int(n.Owner.UID),
		GID:  int(n.Owner.GID),
		Link: n.Link,
	}
	if e.Type == TypeFile {
		e.Size = n.Size
	}
	if e.Type == TypeSymlink {
		e.Mode = "0777"
	}
	return e
}
