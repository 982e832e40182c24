"""The files of the compose path, from lab.toml."""

import json
from collections.abc import Mapping

from . import images
from .lab_toml import Lab, Target, fill

HEADER = "# Generated from lab.toml by `./lab generate`: change that, not this. docs/CONTAINERS.md\n"

# What runs in every container of the lab: no right that it does not need, nothing to write to but /tmp.
BASE = """\
name: bench-frameworks

x-hardened: &hardened
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  tmpfs: [/tmp]
  restart: "no"

services:
"""

POSTGRES = """\
  # Cluster, migrations and seed are made at the first start; only then does it listen and count as healthy.
  postgres:
    <<: *hardened
    image: {image}
    build: {{context: ., dockerfile: containers/postgres.Dockerfile}}
    container_name: bench-postgres
    command:
{settings}
    environment:
      POSTGRES_PASSWORD: "${{POSTGRES_PASSWORD:?cp .env.example .env}}"
      BENCH_API_PASSWORD: "${{BENCH_API_PASSWORD:?cp .env.example .env}}"
      BENCH_DATABASE: {database}
      BENCH_ROLE: {role}
      BENCH_USERS: {users}
      BENCH_SEED: {seed}
    volumes: ["postgres-data:/var/lib/postgresql"]
    shm_size: 512m
    ports: ["127.0.0.1:${{POSTGRES_PORT:-5432}}:5432"]
    stop_signal: SIGINT
    healthcheck:
      test: ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-d", {database}]
      interval: 2s
      timeout: 3s
      retries: 90
"""

SERVICE = """\
  # {title}
  {service}:
    <<: *hardened
    image: {image}
    build: {{context: ., dockerfile: containers/{dockerfile}.Dockerfile}}
    container_name: bench-{service}
    profiles: [{profiles}]
    command: {command}
    environment:
{environment}
    ports: ["127.0.0.1:{port}:{port}"]
    depends_on:
      postgres: {{condition: service_healthy}}
    # /healthz and not /readyz: a database that is away is no reason to call a service ill.
    healthcheck:
      test: ["CMD", "/bin/busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:{port}/healthz"]
      interval: 2s
      timeout: 3s
      retries: 15
"""

K6 = """\
  # It waits: docker compose exec -e BENCH_BASE_URL=http://go-api:8080 k6 k6 run /lab/scripts/main.js
  k6:
    <<: *hardened
    image: {image}
    build: {{context: ., dockerfile: containers/k6.Dockerfile}}
    container_name: bench-k6
    profiles: [load, all]
    environment:
      BENCH_USERS: {users}
      BENCH_BASE_URL: {url}

volumes:
  postgres-data:
"""


RESERVE = 10
"""Connections for the lab itself, as in lab-model."""


def text(value: object) -> str:
    """A scalar for YAML; a dollar is doubled, because compose would take it for a variable."""
    return json.dumps(str(value).replace("$", "$$"), ensure_ascii=False)


def mapping(values: Mapping[str, str], indent: int) -> str:
    """Lines `NAME: "value"`, as they are."""
    return "\n".join(f"{' ' * indent}{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())


def example_env(lab: Lab) -> str:
    """`.env.example`."""
    modes = " or ".join(f"docker-compose.{mode}.yml" for mode in lab.modes)
    return HEADER + (
        "# cp .env.example .env, then change both passwords. Letters and digits only: one becomes part of a URL.\n"
        "POSTGRES_PASSWORD=change-me-owner\n"
        "BENCH_API_PASSWORD=change-me-services\n"
        "POSTGRES_PORT=5432\n"
        f"# The mode: {modes}.\n"
        f"COMPOSE_FILE=docker-compose.yml:docker-compose.{next(iter(lab.modes))}.yml\n"
    )


def common(lab: Lab, mode: str) -> dict[str, str]:
    """The mode's variables on which all targets that have them agree."""
    seen: dict[str, set[str]] = {}
    for target in lab.targets:
        for name, value in lab.mode_variables(mode, target).items():
            seen.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in sorted(seen.items()) if len(values) == 1}


def mode_env(lab: Lab, mode: str) -> str:
    """`.env.MODE`: the budgets as the services read them."""
    m = lab.modes[mode]
    return HEADER + (
        f"# Mode {mode}: {m['cpus']} CPU, {m['workers']} worker(s), {m['db_connections']} connections for each service.\n"
        + "".join(f"{name}={value}\n" for name, value in common(lab, mode).items())
    )


def environment(lab: Lab, target: Target) -> dict[str, str]:
    """A target's variables that no mode changes."""
    p = lab.postgres
    values = {
        "host": "0.0.0.0",
        "port": str(target.port),
        "db_timeout_ms": str(lab.db_timeout_ms),
        "database_url": f"postgres://{p['role']}:${{BENCH_API_PASSWORD}}@postgres:5432/{p['database']}?sslmode=disable",
    }
    return {name: fill(value, values) for name, value in target.variables(of_mode=False).items()}


def postgres_settings(lab: Lab) -> dict[str, object]:
    """Those of lab.toml, with room for the pools of all services at once: here they may all be up together."""
    pools = len(images.runnable(lab)) * max(m["db_connections"] for m in lab.modes.values())
    settings = dict(lab.postgres["settings"])
    return settings | {"max_connections": max(settings["max_connections"], pools + RESERVE)}


def base(lab: Lab) -> str:
    """`docker-compose.yml`: everything but the budgets."""
    p = lab.postgres
    settings = "\n".join(f"      - -c\n      - {text(f'{name}={value}')}" for name, value in postgres_settings(lab).items())
    shared = {name: text(p[name]) for name in ("database", "role", "users", "seed")}
    parts = [HEADER, BASE]
    if missing := images.without(lab):
        parts.append(f"  # Targets of lab.toml without a Dockerfile in containers/: {', '.join(missing)}.\n")
    parts.append(POSTGRES.format(image=images.name("postgres"), settings=settings, **shared))
    for target, image in images.runnable(lab):
        parts.append(
            SERVICE.format(
                title=target.title,
                service=image.service,
                image=image.name,
                dockerfile=image.dockerfile,
                profiles=f"{image.dockerfile}, all",
                command=json.dumps(target.arguments),
                environment=mapping(environment(lab, target), 6),
                port=target.port,
            )
        )
    first_target, first = images.runnable(lab)[0]
    url = text(f"http://{first.service}:{first_target.port}")
    parts.append(K6.format(image=images.name("k6"), users=shared["users"], url=url))
    return "".join(parts)


def overlay(lab: Lab, mode: str) -> str:
    """`docker-compose.MODE.yml`: the budgets. Compose plans no CPU sets, so Postgres and k6 get a quota of their sets' size."""
    m = lab.modes[mode]
    shared = common(lab, mode)
    lines = [HEADER, "services:\n", f"  postgres:\n    cpus: {m['postgres_cpus']}\n"]
    for target, image in images.runnable(lab):
        lines.append(f"  {image.service}:\n    cpus: {m['cpus']}\n    env_file: [.env.{mode}]\n")
        own = {name: value for name, value in lab.mode_variables(mode, target).items() if name not in shared}
        if own:
            lines.append(f"    environment:\n{mapping(own, 6)}\n")
    lines.append(f"  k6:\n    cpus: {m['load_cpus']}\n    environment:\n{mapping(lab.k6_variables(mode), 6)}\n")
    return "".join(lines)


def files(lab: Lab) -> dict[str, str]:
    """Path -> text."""
    out = {".env.example": example_env(lab), "docker-compose.yml": base(lab)}
    for mode in lab.modes:
        out[f".env.{mode}"] = mode_env(lab, mode)
        out[f"docker-compose.{mode}.yml"] = overlay(lab, mode)
    return out
