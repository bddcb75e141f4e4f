// Package conformance holds what ctxaudit predicts against what BuildKit does.
//
// A case is a txtar archive in testdata/conformance: a build context, a
// Dockerfile, an ignore file, and the reason why somebody should care. Every
// case is built by a buildkitd of this package's own and predicted by
// ctxaudit; both answers are brought into one form, a [Result], and compared:
// every path with its type, mode, owner, size and link target, the image
// configuration, or the line at which the build fails.
//
// Cases come from two sources. The written ones each hold a trap that
// somebody described or fell into. [Generate] makes random ones from a small
// alphabet, so that names collide; [Shrink] reduces one that differs to what
// is worth reading, in the form of a case that can be kept.
//
// The daemon needs root, runc and the BuildKit binaries, which [Provision]
// builds from the Go module proxy. Real builds are made with
// CTXAUDIT_CONFORMANCE=require, and then a skip is a failure.
package conformance
