# PostgreSQL with the lab's tables and rows. Built from the root of the tree; pins as in go-api.Dockerfile.
FROM postgres:18.6-bookworm
COPY db/migrations /lab/db/migrations
COPY db/seed /lab/db/seed
COPY containers/seed.psql /lab/seed.psql
COPY --chmod=755 containers/postgres-entrypoint /lab/postgres-entrypoint
ENV PGDATA=/var/lib/postgresql/data
# `postgres` of the base image.
USER 999:999
# Postgres' fast shutdown.
STOPSIGNAL SIGINT
ENTRYPOINT ["/lab/postgres-entrypoint"]
