//go:build tools

// Package buildkit pins the daemon that the conformance suite builds. It is a
// module of its own, so that the many dependencies of a daemon stay out of
// ctxaudit's.
package buildkit

import (
	_ "github.com/moby/buildkit/cmd/buildctl"
	_ "github.com/moby/buildkit/cmd/buildkitd"
)
