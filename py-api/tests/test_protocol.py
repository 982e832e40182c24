"""The limits of a request's head, on real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from py_api import protocol
from py_api.protocol import MAX_HEAD, LimitedHttpProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE = 30.0
END = b"\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def _hello(_: Any, __: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def _talk(*pieces: bytes) -> bytes:
    config = uvicorn.Config(_hello, http=LimitedHttpProtocol, lifespan="off", log_config=None)
    config.load()
    state = ServerState()

    def connection() -> LimitedHttpProtocol:
        return LimitedHttpProtocol(config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    async with server, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer


def talk(*pieces: bytes) -> bytes:
    return asyncio.run(_talk(*pieces))


def test_a_head_just_below_the_limit_is_answered() -> None:
    start = b"GET / HTTP/1.1\r\nConnection: close\r\nX: "
    answer = talk(start, b"x" * (MAX_HEAD - len(start) - len(END)) + END)
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_longer_head_is_refused() -> None:
    assert talk(b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD).startswith(b"HTTP/1.1 431")


def test_many_small_requests_are_not_one_large_one() -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1000 + END
    answer = talk(*[request] * 100, LAST)
    assert answer.count(b"HTTP/1.1 200") == 101


def test_a_body_may_be_longer() -> None:
    body = b"x" * (2 * MAX_HEAD)
    head = f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert talk(head + body, LAST).count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost", LAST[:1]])
def test_a_head_that_never_ends_is_cut_off(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.2)
    assert talk(start) == b""


def test_a_head_that_never_ends_after_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.2)
    answer = talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\n")
    assert answer.count(b"HTTP/1.1 200") == 1
