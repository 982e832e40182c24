# The two Rust services: one program, `--store sqlx` or `--store tokio-postgres`. Built from the root of the tree;
# pins as in go-api.Dockerfile.
FROM rust:1.95.0-bookworm AS build
WORKDIR /src
# The whole workspace: Cargo wants every member that Cargo.toml names (.dockerignore keeps the rest out).
COPY . ./
# The profile of lab.toml.
RUN cargo build --locked --profile service -p rust-api

FROM debian:12.12-slim
COPY --from=busybox:1.37.0-musl /bin/busybox /bin/busybox
COPY --from=build /src/target/service/rust-api /usr/local/bin/rust-api
USER 65534:65534
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/rust-api"]
