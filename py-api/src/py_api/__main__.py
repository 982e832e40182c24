"""The program: `python -m py_api`."""

from __future__ import annotations

import argparse
import functools
import logging.config
import os
import platform
import sys
from importlib.metadata import version

from py_api import logs
from py_api.listener import listen
from py_api.server import serve
from py_api.settings import Settings, SettingsError
from py_api.supervisor import Supervisor

EXIT_FAILURE = 1
EXIT_USAGE = 2

_PARTS = ("fastapi", "pydantic", "asyncpg", "uvicorn", "uvloop", "httptools")


def version_line() -> str:
    """Return the name, the version, the runtime's version and those of the parts that matter."""
    runtime = f"{platform.python_implementation()} {platform.python_version()}"
    parts = " ".join(f"{part} {version(part)}" for part in _PARTS)
    return f"py-api {version('py-api')} {runtime} {parts}"


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="py-api", description="The Python service of the lab. The environment configures it."
    )
    parser.add_argument("--version", action="store_true", help="print the versions on one line and exit")
    if parser.parse_args(argv).version:
        # argparse's own version action would wrap the line.
        sys.stdout.write(f"{version_line()}\n")
        return 0
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        return _refused(EXIT_USAGE, str(error))
    try:
        sockets = listen(settings.host, settings.port, settings.workers)
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        return _refused(EXIT_FAILURE, f"cannot listen on {address} (HOST, PORT): {error.strerror}")
    logging.config.dictConfig(logs.CONFIG)
    if settings.workers == 1:
        serve(settings, sockets[0])
    else:
        Supervisor(sockets, functools.partial(serve, settings)).run()
    return 0


def _refused(status: int, reason: str) -> int:
    sys.stderr.write(f"py-api: {reason}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
