package main

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
)

// outside gives where a Dockerfile puts something into an image that is known to hold nothing there, by its reference. What its RUN steps
// do is not looked at: most of them run programs of which nobody knows what they make.
func outside(ref string, plan *dockerfile.Plan) (paths []string) {
	held, ok := bases.Holds(ref)
	if !ok {
		return nil
	}
	for at := plan.Result; at.Op >= 0; {
		op := plan.Ops[at.Op]
		for _, action := range op.File {
			change, ok := action.Change.(dockerfile.Copy)
			if !ok {
				continue // a directory that holds nothing
			}
			p := change.Dest
			if p == "/" {
				p += path.Base(change.Src)
				if change.Unpack || action.Source < 0 || plan.Ops[op.Inputs[action.Source].Op].Kind != dockerfile.OpLocal {
					continue // nobody knows what is in an archive, or in a directory of another stage
				}
			}
			if p = strings.Trim(p, "/"); p != "" && !slices.ContainsFunc(held, func(pattern string) bool { return covers(pattern, p) }) {
				paths = append(paths, "/"+p)
			}
		}
		parent, ok := op.Parent()
		if !ok {
			break
		}
		at = parent
	}
	return paths
}

// covers reports whether a path is what a pattern means, lies below that, or is a directory on the way to it.
func covers(pattern, p string) bool {
	pattern, p = pattern+"/", p+"/"
	for pattern != "" && p != "" {
		var first, name string
		first, pattern, _ = strings.Cut(pattern, "/")
		name, p, _ = strings.Cut(p, "/")
		if ok, _ := path.Match(first, name); !ok {
			return false
		}
	}
	return true
}
