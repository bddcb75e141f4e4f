package builds

import (
	"cmp"
	"context"
	"path"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// goreleaserName recognises the configurations of GoReleaser.
var goreleaserName = lazyre.New(`(?:^|/)\.?goreleaser([._-][\w.-]+)?\.ya?ml$`)

// goreleaser reads configurations of GoReleaser. It builds each Dockerfile in a directory into which it has put the programs and the
// files that the configuration names (its documentation, "Docker Images"), so that no directory of the repository is the context.
func (r *Reader) goreleaser(_ context.Context, files []string) (found []Build, notes []Note) {
	for _, f := range files {
		docs, note := r.documents(f, "GoReleaser configuration")
		if note != nil {
			notes = append(notes, *note)
		}
		for _, doc := range docs {
			for _, key := range []string{"dockers", "dockers_v2"} {
				for _, d := range doc.at(key).items() {
					file := path.Join(path.Dir(f), cmp.Or(d.at("dockerfile").text(), "Dockerfile"))
					found = append(found, Build{Kind: "goreleaser", File: f, Line: d.line(), Dockerfile: file, Staged: true})
				}
			}
		}
	}
	return sorted(found), notes
}
