package builds

import (
	"context"
	"path"
)

func IsSource(p string) bool { return IsCompose(path.Base(p)) }
func Read(ctx context.Context, root string, files []string) ([]Build, []Note) {
	return Compose(ctx, root, files)
}
