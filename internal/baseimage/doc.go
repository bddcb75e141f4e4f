// Package baseimage knows the images that builds start from, where they are at hand: OCI layouts, archives as docker save and
// BuildKit write them, and what was pulled before. Each becomes an [Index]: names, types, modes, owners, sizes and links of all
// files, the texts that answers need, and the configuration.
//
// An image is the work of strangers. Nothing of it is written to disk or executed, and no name in it leads out of it; what it may
// cost has bounds. What it holds is what its layers make of each other as containerd, whose code BuildKit unpacks images with, lays
// them over each other in overlay file systems (pkg/archive/tar.go); the conformance suite builds on random layers with a real daemon.
package baseimage

import (
	"errors"
	"fmt"
	"strings"
)

// The bounds of one image, far beyond those that people build.
const (
	maxSteps    = 40_000_000 // names on the ways to the entries of all layers
	maxUnpacked = 128 << 30  // bytes of all layers
	maxEntries  = 2_000_000  // of all layers
	maxNames    = 512 << 20  // bytes of all names and link targets
	maxLayers   = 1000
	maxMeta     = 8 << 20 // bytes of a manifest or a configuration
	maxNesting  = 8       // of indexes, of links in an archive
	maxDepth    = 100     // of JSON
)

// Error says what is wrong with an image.
type Error struct {
	// Source is where the image was looked for, as people know it.
	Source string
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("reading the image %s: %v", e.Source, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// PlatformError says that an image is there, and not for a platform.
type PlatformError struct {
	Asked string
	Has   []string
}

func (e *PlatformError) Error() string {
	return fmt.Sprintf("it is not for %s; it is for %s", e.Asked, strings.Join(e.Has, ", "))
}

// NameError says that there are several images, and none has the name that was asked for.
type NameError struct {
	Asked string
	Has   []string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("it has several images, but none is called %s: %s", e.Asked, strings.Join(e.Has, ", "))
}

var errNoImage = errors.New("it is neither an OCI layout nor an archive of docker save: it has no index.json and no manifest.json")
