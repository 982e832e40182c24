# The Python service. Built from the root of the tree; pins as in go-api.Dockerfile.
FROM python:3.13.9-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
COPY py-api/pyproject.toml py-api/uv.lock py-api/README.md ./
COPY py-api/src ./src
# Bytecode is compiled here: the root of the final image is read-only.
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13.9-slim-bookworm
COPY --from=busybox:1.37.0-musl /bin/busybox /bin/busybox
COPY --from=build /app/.venv /app/.venv
ENV PYTHONDONTWRITEBYTECODE=1
USER 65534:65534
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/.venv/bin/python"]
