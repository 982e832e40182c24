"""The service as a process, as its users start it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0
"""Seconds after which a test gives up; no expectation, only an end for what hangs."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def environment(**changes: str | int) -> dict[str, str]:
    """A complete environment on a free port, with a database where nobody listens."""
    env = {
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "DATABASE_URL": f"postgresql://role:geheim@127.0.0.1:{free_port()}/bench",
        "DB_TIMEOUT_MS": "500",
        "UVICORN_WORKERS": "1",
        "DB_POOL_MIN_SIZE": "2",
        "DB_POOL_MAX_SIZE": "2",
    }
    return {**os.environ, **env, **{name: str(value) for name, value in changes.items()}}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "py_api", *arguments]


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    port: int
    stderr: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> httpx.Response:
        # A connection for each request: with several workers it may be another one's.
        return httpx.get(self.url + path, timeout=PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def workers(self) -> set[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in path.read_text().split()}

    def log(self) -> str:
        return self.stderr.read_text()


@contextlib.contextmanager
def running(folder: Path, **changes: str | int) -> Iterator[Service]:
    """The service, started and answering /healthz; killed at the end if it still runs."""
    env = environment(**changes)
    stderr = folder / "stderr"
    with stderr.open("wb") as file:
        process = subprocess.Popen(command(), env=env, stderr=file)
    service = Service(process, int(env["PORT"]), stderr)
    try:
        eventually(lambda: process.poll() is not None or _healthy(service), "the service answers")
        assert process.poll() is None, service.log()
        yield service
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _healthy(service: Service) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return service.get("/healthz").status_code == 200
    return False


def eventually(condition: object, what: str) -> None:
    """Wait until `condition()` is true."""
    assert callable(condition)
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # A zombie, waiting for whoever inherited it, does nothing any more.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


@contextlib.contextmanager
def mute_server() -> Iterator[int]:
    """A port that takes connections and never says anything, like a database that is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            for sock in taken:
                sock.close()
