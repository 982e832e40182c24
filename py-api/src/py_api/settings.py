"""The environment of the service, read and checked once at start."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

# int() would also take signs, spaces, underscores and other scripts' digits.
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


class SettingsError(Exception):
    """A variable is missing or impossible; the message names it and never quotes a secret."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says."""

    host: str
    """Address to listen on."""
    port: int
    """TCP port to listen on."""
    database_url: str = field(repr=False)
    """PostgreSQL URL, with password: it never goes into a message."""
    db_timeout: float
    """Seconds that a request may wait for the database: connection and queries together."""
    workers: int
    """Worker processes, each with a pool of its own."""
    pool_min_size: int
    """Connections that one process keeps open."""
    pool_max_size: int
    """Connections that one process opens at most."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings; raises SettingsError for the first variable that is missing or impossible."""
        settings = cls(
            host=_text(env, "HOST"),
            port=_integer(env, "PORT", 1, 65535),
            database_url=_database_url(env, "DATABASE_URL"),
            db_timeout=_integer(env, "DB_TIMEOUT_MS", 1, 600_000) / 1000,
            workers=_integer(env, "UVICORN_WORKERS", 1, 1024),
            pool_min_size=_integer(env, "DB_POOL_MIN_SIZE", 1, 10_000),
            pool_max_size=_integer(env, "DB_POOL_MAX_SIZE", 1, 10_000),
        )
        if settings.pool_min_size > settings.pool_max_size:
            raise SettingsError(
                f"DB_POOL_MIN_SIZE is {settings.pool_min_size}, more than "
                f"DB_POOL_MAX_SIZE, which is {settings.pool_max_size}"
            )
        return settings


def _text(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _integer(env: Mapping[str, str], name: str, low: int, high: int) -> int:
    value = _text(env, name)
    if not _DIGITS.fullmatch(value) or not low <= int(value) <= high:
        raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
    return int(value)


def _database_url(env: Mapping[str, str], name: str) -> str:
    value = _text(env, name)
    try:
        url = urlsplit(value)
        usable = url.scheme in {"postgres", "postgresql"} and url.port != 0
    except ValueError:  # no URL, or a port that is no port
        usable = False
    if not usable:
        raise SettingsError(f"{name} must be a URL of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return value
