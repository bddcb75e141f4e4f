# The image of a release: the binary of its archives and nothing else. GoReleaser lays it below the name of the platform.
#
# docker/Dockerfile builds the same from source.
FROM scratch
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/ctxaudit /usr/local/bin/ctxaudit
WORKDIR /repo
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/ctxaudit"]
CMD ["check"]
