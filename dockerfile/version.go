package dockerfile

import "github.com/ctxaudit/ctxaudit/dockerctx"

// BuildKitVersion is the version of BuildKit whose front end this package drives and whose behaviour ctxaudit predicts.
// A test holds it against go.mod.
const BuildKitVersion = dockerctx.BuildKitVersion
