# The Go service. Built from the root of the tree: docker build -f containers/go-api.Dockerfile .
# Base images are pinned by exact version. Their digests could not be looked up where this was written
# (docs/CONTAINERS.md): whoever mirrors them appends @sha256:…
FROM golang:1.26.6-bookworm AS build
WORKDIR /src
COPY go-api/go.mod go-api/go.sum ./
RUN go mod download
COPY go-api ./
# Static: the final image has no libc of its own. The other flags are those of lab.toml.
RUN CGO_ENABLED=0 go build -trimpath -o /out/go-api ./cmd/go-api

FROM busybox:1.37.0-musl
COPY --from=build /out/go-api /usr/local/bin/go-api
# nobody: no part of the lab needs more.
USER 65534:65534
STOPSIGNAL SIGTERM
# Compose passes the rest of lab.toml's `command`.
ENTRYPOINT ["/usr/local/bin/go-api"]
