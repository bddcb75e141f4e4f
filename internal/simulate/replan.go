package simulate

import (
	"bytes"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// Most edits that are tried are those of an ignore file. The front end takes nothing else of it than the patterns, which it
// sends with each directory, and a warning: the plan need not be made again.

// replan gives the plan of a request that differs from that of a prediction in what ignore files say and in nothing else, and its
// contexts; nil if that is not certain.
func (m *Image) replan(opt dockerfile.Options) (*dockerfile.Plan, Contexts) {
	if m == nil || !m.sameDockerfile(opt) {
		return nil, nil
	}
	plan := *m.Plan
	plan.Dockerfile.Open, plan.Warnings, plan.Ops = opt.Open, nil, slices.Clone(m.Plan.Ops)
	open := opener(&plan, m)
	main := false
	for i, op := range plan.Ops {
		if op.Kind != dockerfile.OpLocal {
			continue
		}
		was := m.Sources[op.ID]
		if was == nil || !slices.Equal(op.Local.ExcludePatterns, was.Context.sent()) {
			return nil, nil
		}
		now, err := open(op.Local)
		if err != nil || (now.Ignore == nil) != (was.Context.Ignore == nil) || now.Ignore != nil && now.Ignore.Name != was.Context.Ignore.Name {
			return nil, nil
		}
		changed, local := *op, *op.Local
		local.ExcludePatterns, changed.Local = now.sent(), &local
		plan.Ops[i] = &changed
		main = main || now.Name == MainContext
	}
	if !main {
		return nil, nil // nobody opened the ignore file that the plan names
	}
	return &plan, open
}

// sameDockerfile reports whether a request has the flags and the Dockerfile that an image was predicted with.
func (m *Image) sameDockerfile(opt dockerfile.Options) bool {
	was, now, df := m.request, opt, m.Plan.Dockerfile
	was.Open, now.Open = nil, nil
	if df.Dir == "" || opt.Dockerfile == "" && filepath.Base(df.Path) != "Dockerfile" || !reflect.DeepEqual(was, now) {
		return false
	}
	open := opt.Open
	if open == nil {
		open = dockerctx.DirFS
	}
	dir, err := open(df.Dir)
	if err != nil {
		return false
	}
	data, err := dockerctx.ReadFile(dir, filepath.Base(df.Path), int64(len(df.Data))+1)
	return err == nil && bytes.Equal(data, df.Data)
}
