# The image in which ctxaudit runs in CI:
#   docker run --rm -v "$PWD:/repo:ro" ctxaudit check
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd ./cmd
COPY dockerctx ./dockerctx
COPY dockerfile ./dockerfile
COPY internal ./internal
# There is no repository here to ask for it.
ARG VERSION=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /out/ctxaudit \
    -ldflags "-s -w -X github.com/ctxaudit/ctxaudit/internal/cli.linkedVersion=$VERSION" ./cmd/ctxaudit

# With git, which is asked for other revisions and for what is tracked.
FROM alpine:3.22 AS git
RUN apk add --no-cache git && git config --system --add safe.directory '*'
COPY --from=build /out/ctxaudit /usr/local/bin/ctxaudit
WORKDIR /repo
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/ctxaudit"]
CMD ["check"]

# Nothing but the binary: it is static, asks no server, and writes nothing that it was not told to.
FROM scratch
ARG VERSION=
LABEL org.opencontainers.image.title="ctxaudit" \
      org.opencontainers.image.description="Tells what a Docker image will hold before it is built" \
      org.opencontainers.image.source="https://github.com/ctxaudit/ctxaudit" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /out/ctxaudit /usr/local/bin/ctxaudit
WORKDIR /repo
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/ctxaudit"]
CMD ["check"]
