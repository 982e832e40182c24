"""What runs in the process that serves: the only one, or one of several workers."""

from __future__ import annotations

import ctypes
import functools
import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING

from py_api.app import create_app
from py_api.settings import Settings
from py_api.store import open_postgres_store

if TYPE_CHECKING:
    from fastapi import FastAPI

_PR_SET_PDEATHSIG = 1


def app() -> FastAPI:
    """Make the application from the environment (factory for uvicorn)."""
    die_with_parent()
    settings = Settings.from_env(os.environ)
    return create_app(functools.partial(open_postgres_store, settings))


def die_with_parent() -> None:
    """Have the kernel kill this worker when the supervisor dies, even of SIGKILL.

    Without it workers would live on, hold the port and answer with nobody in charge. Does nothing in a
    process that is no worker, and on another system than Linux.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent.pid:
        # It died before the call, so no signal will come.
        sys.exit("py-api: the supervisor is gone")
