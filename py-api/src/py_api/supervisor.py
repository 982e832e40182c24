"""Several workers: forked, watched, and never left behind."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_STOP = {signal.SIGTERM, signal.SIGINT}
_WATCHED = {*_STOP, signal.SIGCHLD}

_STOP_TIMEOUT = 8.0
"""Seconds from SIGTERM until a worker that still runs is killed."""
_RESTART_DELAY = 1.0
"""Seconds before a worker that died is replaced, so that one that cannot start does not spin."""
_PR_SET_PDEATHSIG = 1

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs one worker for each socket and replaces those that die."""

    def __init__(self, sockets: list[socket.socket], work: Callable[[socket.socket], None]) -> None:
        """Have each worker call `work` with its socket."""
        self._sockets = sockets
        self._work = work
        self._workers: dict[int, socket.socket] = {}

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; no worker is left then."""
        # Blocked signals wait for sigwait: none is lost between two looks.
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        for sock in self._sockets:
            self._start(sock)
        while signal.sigwait(_WATCHED) not in _STOP:
            for sock, status in self._reap():
                logger.error("a worker died: %s; starting another", _described(status))
                if signal.sigtimedwait(_STOP, _RESTART_DELAY):
                    return self._stop()
                self._start(sock)
        return self._stop()

    def _start(self, sock: socket.socket) -> None:
        supervisor = os.getpid()
        pid = os.fork()
        if pid:
            self._workers[pid] = sock
            return
        status = 1
        try:
            _die_with(supervisor)
            for other in self._sockets:
                if other is not sock:
                    other.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
            self._work(sock)
            status = 0
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1
        except BaseException:  # noqa: BLE001  the stack below belongs to the supervisor
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> list[tuple[socket.socket, int]]:
        """Return the sockets and the wait statuses of the workers that are gone."""
        gone = []
        for pid in list(self._workers):
            reaped, status = os.waitpid(pid, os.WNOHANG)
            if reaped:
                gone.append((self._workers.pop(pid), status))
        return gone

    def _stop(self) -> None:
        for sock in self._sockets:
            sock.close()  # with the workers' own closed too, new connections are refused
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT
        while self._workers and (left := deadline - time.monotonic()) > 0:
            signal.sigtimedwait({signal.SIGCHLD}, left)
            self._reap()
        self._signal(signal.SIGKILL)
        for pid in self._workers:
            os.waitpid(pid, 0)

    def _signal(self, number: signal.Signals) -> None:
        # Not reaped yet, so the number cannot be another process's by now.
        for pid in self._workers:
            os.kill(pid, number)


def _die_with(supervisor: int) -> None:
    """Have the kernel kill this process when the supervisor dies, even of SIGKILL.

    Without it workers would live on, hold the port and answer with nobody in charge.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != supervisor:
        # It died before the call, so no signal will come.
        sys.exit(1)


def _described(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit status {os.WEXITSTATUS(status)}"
