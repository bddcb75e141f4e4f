// Package dockerctx computes the build context of a Docker build as BuildKit
// makes it: which ignore file counts, what each of its lines does, and which
// files, directories and links reach the builder.
//
// The way in is [New], which joins a file system and an ignore file to a
// [Context]:
//
//	fsys, err := dockerctx.DirFS("path/to/project")
//	ignore, err := dockerctx.FindIgnoreFile(fsys, fsys, "Dockerfile")
//	ctx, err := dockerctx.New(fsys, ignore)
//	err = ctx.Tree().Walk(func(e dockerctx.Entry) error { ... })
//
// [Context.Tree] is everything that the ignore file lets in,
// [Context.Transfer] what a build with certain COPY sources really sends, and
// [Context.Explain] tells which lines decided about a path and why the others
// did not.
//
// # What it holds to
//
// The truth is BuildKit [BuildKitVersion], with the fsutil and patternmatcher
// that it pins. Single patterns are compiled and matched by
// github.com/moby/patternmatcher itself. The decision over the list of patterns,
// the walk with its pruning, the link following and the choice of the ignore
// file are written again here, because they have to tell which line decided and
// to read no more directories than asked for; tests hold them against the
// originals.
//
// Rules that cannot match an entry are left out by an index before
// patternmatcher is asked: by the bytes at the ends of path and name, by literal
// parts and by depth. Directories are read in parallel, and an entry is statted
// only where sizes or permissions are asked for.
//
// Four things differ on purpose. An excluded directory below which no negation
// can match anything is not entered, so that what is wrong in it goes unnoticed
// (fsutil enters all of them as soon as a negation has a wildcard). An unreadable
// context root, and an unreadable ignore file, are errors (BuildKit goes on as if
// they were empty). A file that vanishes while its directory is walked is left
// out alone (fsutil then passes over the rest of the directory too). A follow
// path that leads above the root with ".." is never looked up outside of it.
//
// # Not its business
//
// Dockerfiles, images, git and HTTP contexts, and what becomes of the files
// after the transfer. Windows hosts are not supported.
package dockerctx

// BuildKitVersion is the release of BuildKit whose behaviour this package
// follows.
const BuildKitVersion = "v0.34.2"
