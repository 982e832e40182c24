"""The program: `python -m py_api`."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import uvicorn

from py_api import logs
from py_api.settings import Settings, SettingsError

if TYPE_CHECKING:
    from types import FrameType

EXIT_USAGE = 2

_PARTS = ("fastapi", "pydantic", "asyncpg", "uvicorn", "uvloop", "httptools")

_DRAIN_TIMEOUT = 5
"""Seconds from SIGTERM for requests in flight; with closing the pool it stays well below the promised 10."""
_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients and balancers keep theirs."""


def version_line() -> str:
    """Return the name, the version, the runtime's version and those of the parts that matter."""
    parts = " ".join(f"{part} {version(part)}" for part in _PARTS)
    runtime = f"{platform.python_implementation()} {platform.python_version()}"
    return f"py-api {version('py-api')} {runtime} {parts}"


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    uvicorn.run(
        "py_api.worker:app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=logs.CONFIG,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_DRAIN_TIMEOUT,
    )


def _exit(_: int, __: FrameType | None) -> None:
    sys.exit(0)


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(prog="py-api", description="The Python service of the lab.")
    parser.add_argument("--version", action="store_true", help="print the versions on one line and exit")
    if parser.parse_args(argv).version:
        # argparse's own version action would wrap the line.
        sys.stdout.write(f"{version_line()}\n")
        return 0
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"py-api: {error}\n")
        return EXIT_USAGE
    # uvicorn drains and then raises the signal again, which would end the process as killed.
    signal.signal(signal.SIGTERM, _exit)
    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
