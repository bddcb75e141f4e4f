# The image in which ctxaudit runs in CI:
#   docker run --rm -v "$PWD:/repo" -w /repo ctxaudit check
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd ./cmd
COPY dockerctx ./dockerctx
COPY dockerfile ./dockerfile
COPY internal ./internal
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/ctxaudit ./cmd/ctxaudit

# git is asked which files are tracked.
FROM alpine:3.22
RUN apk add --no-cache git && git config --system --add safe.directory '*'
COPY --from=build /out/ctxaudit /usr/local/bin/ctxaudit
WORKDIR /repo
ENTRYPOINT ["/usr/local/bin/ctxaudit"]
CMD ["check"]
