"""uvicorn's HTTP protocol with the limits that Go's and hyper's servers have of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MAX_HEAD = 64 << 10
"""Bytes of a request's line and headers; a longer head is refused with 431."""
HEAD_TIMEOUT = 75
"""Seconds from its first byte in which a head must be complete, and from the connection to that byte."""

_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class LimitedHttpProtocol(HttpToolsProtocol):
    """Refuses heads that are too long, and hangs up on those that never end."""

    _in_head = True
    _head_size = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first byte, but not for ever."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEAD_TIMEOUT, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time limit: there is nobody to wait for."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass `data` on, unless it makes the head too long."""
        if self._in_head:
            before = self._head_size
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                # What follows the head, if its end is here, is a body, which may be of any length.
                end = data.find(b"\r\n\r\n")
                if end < 0 or before + end > MAX_HEAD:
                    self.transport.write(_REFUSAL)
                    self.transport.close()
                    return
        super().data_received(data)
        if self._head_size and self._patience is None and self._in_head:
            self._patience = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)

    def on_headers_complete(self) -> None:
        """Note that the head was read in time."""
        self._in_head = False
        if self._patience is not None:
            self._rest()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._in_head = True
        self._head_size = 0
        super().on_message_complete()

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
