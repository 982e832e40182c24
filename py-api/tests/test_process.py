"""The program from the outside: start, signals, exit, log. No database is needed for that."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.service import PATIENCE, alive, command, environment, eventually, mute_server, running

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

WORKERS = pytest.mark.parametrize("workers", [1, 3])
NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and needs prctl: Linux only")


def _run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=env, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def test_version_needs_no_environment() -> None:
    done = _run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("py-api 0.1.0 CPython 3.")


def test_a_missing_variable_is_one_line_and_exit_2() -> None:
    env = environment()
    del env["DB_TIMEOUT_MS"]
    done = _run(env=env)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "py-api: DB_TIMEOUT_MS is not set\n")


@WORKERS
def test_a_port_in_use_is_one_line_and_exit_1(workers: int, tmp_path: Path) -> None:
    # The second starts against one with SO_REUSEPORT too, which must not let it in.
    with running(tmp_path, UVICORN_WORKERS=workers) as service:
        done = _run(env=environment(PORT=service.port, UVICORN_WORKERS=3))
        assert done.returncode == 1
        assert done.stderr == (
            f"py-api: cannot listen on 127.0.0.1:{service.port} (HOST, PORT): Address already in use\n"
        )


@WORKERS
def test_it_lives_without_a_database(workers: int, tmp_path: Path) -> None:
    with running(tmp_path, UVICORN_WORKERS=workers) as service:
        for path, status, body in [
            ("/healthz", 200, '{"status":"ok"}'),
            ("/readyz", 503, '{"error":"unavailable"}'),
            ("/users", 503, '{"error":"unavailable"}'),
            ("/users/x", 400, '{"error":"bad_request"}'),
        ]:
            response = service.get(path)
            assert (response.status_code, response.text) == (status, body)
        assert service.stop() == 0
    lines = [json.loads(line) for line in service.log().splitlines()]
    assert lines, "a database that is away is logged"
    assert {line["logger"] for line in lines} == {"py_api.database"}, "nothing else, no access log"
    assert "geheim" not in service.log()


def test_head_and_headers_on_the_wire(tmp_path: Path) -> None:
    with running(tmp_path) as service, socket.create_connection(("127.0.0.1", service.port)) as sock:
        sock.settimeout(PATIENCE)
        sock.sendall(
            b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
            b"GET /users/ HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    head, missing, body = answer.split("\r\n\r\n")
    assert body == '{"error":"not_found"}'
    for text, status, length in [(head, "200 OK", 15), (missing, "404 Not Found", 21)]:
        first, *rest = text.split("\r\n")
        assert first == f"HTTP/1.1 {status}"
        headers = dict(line.lower().split(": ", 1) for line in rest)
        assert headers.pop("date").endswith(" gmt")
        headers.pop("connection", None)
        assert headers == {"content-type": "application/json", "content-length": str(length)}


@NEEDS_LINUX
@WORKERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_answered(workers: int, number: signal.Signals, tmp_path: Path) -> None:
    answers: list[httpx.Response] = []
    with (
        mute_server() as database,
        running(
            tmp_path,
            UVICORN_WORKERS=workers,
            DB_TIMEOUT_MS=1500,
            DATABASE_URL=f"postgresql://role:geheim@127.0.0.1:{database}/bench",
        ) as service,
    ):
        threads = [threading.Thread(target=lambda: answers.append(service.get("/readyz"))) for _ in range(6)]
        for thread in threads:
            thread.start()
        eventually(lambda: _established(service.port) >= len(threads), "the requests are on their way")
        assert service.stop(number) == 0
        for thread in threads:
            thread.join(PATIENCE)
    assert [answer.text for answer in answers] == ['{"error":"unavailable"}'] * len(threads)


def _established(port: int) -> int:
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


@NEEDS_LINUX
def test_one_worker_is_one_process(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        assert service.workers() == set()


@NEEDS_LINUX
def test_a_dead_worker_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path, UVICORN_WORKERS=3) as service:
        before = service.workers()
        assert len(before) == 3
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(service.workers() - {victim}) == 3, "there are three again")
        assert service.workers() > before - {victim}
        for _ in range(20):
            assert service.get("/healthz").status_code == 200
        now = service.workers()
        assert service.stop() == 0
        assert not any(alive(pid) for pid in now)
    assert "killed by SIGKILL" in service.log()


@NEEDS_LINUX
def test_no_worker_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with running(tmp_path, UVICORN_WORKERS=3) as service:
        workers = service.workers()
        assert len(workers) == 3
        service.stop(signal.SIGKILL)
        eventually(lambda: not any(alive(pid) for pid in workers), "all workers are gone")
        with socket.create_server(("127.0.0.1", service.port)):
            pass  # and so is what held the port


@NEEDS_LINUX
def test_a_worker_that_hangs_is_killed_at_the_end(tmp_path: Path) -> None:
    with running(tmp_path, UVICORN_WORKERS=2) as service:
        workers = service.workers()
        os.kill(min(workers), signal.SIGSTOP)
        assert service.stop() == 0
        assert not any(alive(pid) for pid in workers)
