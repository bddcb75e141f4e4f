//go:build !race

// builder.Build itself is not free of data races: withResolveCache sets a field of its cache at every call, and the
// images of several stages are resolved at once (frontend/dockerfile/builder/resolvecache.go).

package dockerfile

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// capture is the gateway for a run of builder.Build, which hands its definition over in the last solve.
type capture struct {
	*gateway
	def *pb.Definition
}

func (c *capture) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	if req.Frontend == "gateway.v0" {
		// As an image of the front end would: the same build again, with the options that were forwarded.
		inner := &capture{gateway: newGateway(c.req, c.images)}
		inner.gateway.forward = true
		for k, v := range req.FrontendOpt {
			inner.gateway.opts[k] = v
		}
		res, err := builder.Build(ctx, inner)
		c.def = inner.def
		return res, err
	}
	c.def = req.Definition
	if res, err := c.gateway.Solve(ctx, req); err == nil {
		return res, nil
	}
	res := client.NewResult()
	res.SetRef(&fileReference{})
	return res, nil
}

// What compilation puts together by itself has to be what builder.Build makes of the same request.
func TestSameAsBuilder(t *testing.T) {
	files := map[string]string{
		".dockerignore":            "*.md\n!keep.md\n",
		"other/.dockerignore":      "x\n",
		"sub/Empty":                "FROM scratch\nCOPY a /a\n",
		"sub/Empty.dockerignore":   "",
		"sub/Gateway":              "# syntax=docker/dockerfile:1\nFROM scratch\nCOPY a /a\n",
		"sub/Gateway.dockerignore": "",
		"Dockerfile": `ARG BASE=alpine
FROM ${BASE} AS base
ENV A=1
ONBUILD COPY trigger /t
WORKDIR /w
FROM base AS build
COPY --link --chown=1:2 a* b/ /dst/
RUN --mount=type=bind,source=src,target=/src --mount=type=cache,target=/c make
COPY <<EOT /heredoc
$A
EOT
FROM --platform=$BUILDPLATFORM scratch AS tools
ADD https://example.com/tool /bin/
FROM build AS final
COPY --from=tools /bin /bin
COPY --from=ctx /file /file
COPY --from=busybox /bin/sh /sh
CMD ["x"]
`,
	}
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, []byte(content), 0o644))
	}
	cases := map[string]Options{
		"default":     {},
		"target":      {Target: "tools"},
		"arguments":   {BuildArgs: map[string]string{"BASE": "debian"}},
		"platform":    {Platform: "linux/arm64"},
		"context":     {BuildContexts: map[string]string{"ctx": filepath.Join(dir, "other"), "busybox": "docker-image://x"}},
		"stage":       {BuildContexts: map[string]string{"tools": filepath.Join(dir, "other")}},
		"empty":       {Dockerfile: filepath.Join(dir, "sub/Empty")},
		"gateway":     {Dockerfile: filepath.Join(dir, "sub/Gateway")},
		"git context": {Context: "https://example.com/r.git#main", Dockerfile: filepath.Join(dir, "Dockerfile")},
		"http":        {Context: "https://example.com/x.tar", Dockerfile: filepath.Join(dir, "Dockerfile")},
	}
	for name, opt := range cases {
		t.Run(name, func(t *testing.T) {
			if opt.Context == "" {
				opt.Context = dir
			}
			req, err := newRequest(opt)
			require.NoError(t, err)
			ours := &compilation{req: req, images: &images{known: map[string]bool{}}}
			converted, def, err := ours.convert(t.Context())
			require.NoError(t, err)

			theirs := &capture{gateway: newGateway(req, &images{known: map[string]bool{}, limit: extraResolutions})}
			res, err := builder.Build(t.Context(), theirs)
			require.NoError(t, err)
			require.NotEmpty(t, def.Def)
			assert.Equal(t, theirs.def.Def, def.Def)
			require.Len(t, def.Source.Locations, len(theirs.def.Source.Locations))
			for dgst, loc := range theirs.def.Source.Locations {
				assert.True(t, proto.Equal(loc, def.Source.Locations[dgst]), dgst)
			}
			config, err := json.Marshal(converted.Image)
			require.NoError(t, err)
			assert.JSONEq(t, string(res.Metadata[exptypes.ExporterImageConfigKey]), string(config))
		})
	}
}
