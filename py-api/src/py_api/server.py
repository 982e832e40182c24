"""One process that serves: uvicorn on uvloop and httptools."""

from __future__ import annotations

import functools
import gc
import signal
import sys
from typing import TYPE_CHECKING

import uvicorn

from py_api.app import create_app
from py_api.listener import BACKLOG
from py_api.protocol import LimitedHttpProtocol
from py_api.store import open_postgres_store

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from py_api.settings import Settings

_DRAIN_TIMEOUT = 5
"""Seconds from SIGTERM for requests in flight; with closing the pool it stays well below the promised 10."""
_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients and balancers keep theirs."""
_GC_THRESHOLD = 10_000


def serve(settings: Settings, sock: socket.socket) -> None:
    """Serve on `sock` until SIGTERM or SIGINT, which end the process with status 0."""
    app = create_app(functools.partial(open_postgres_store, settings))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=LimitedHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_DRAIN_TIMEOUT,
    )
    # What is loaded by now stays for good: the collector need not walk through it again and again. Requests
    # make hardly any cycles, so it also need not run so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    # uvicorn drains and then raises the signal again, which would end the process as killed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    uvicorn.Server(config).run(sockets=[sock])


def _exit(_: int, __: FrameType | None) -> None:
    sys.exit(0)
