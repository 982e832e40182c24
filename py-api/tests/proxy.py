"""A proxy between the service and PostgreSQL that listens in, and that fails on demand."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Proxy:
    """Forwards connections; can freeze them (a stopped server), cut them and refuse new ones (a dead one)."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self.port = 0
        self.opened = 0
        self.sent = ""
        """The types of the protocol messages that came from the service; `heard` empties it."""

    @property
    def links(self) -> int:
        return len(self._links)

    def heard(self) -> str:
        sent, self.sent = self.sent, ""
        return sent

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    async def cut(self) -> None:
        """Reset every connection; the port still takes new ones."""
        links = dict(self._links)
        for writers in links.values():
            for writer in writers:
                writer.transport.abort()
        await asyncio.gather(*links, return_exceptions=True)

    async def die(self) -> None:
        """Reset every connection and refuse new ones until `listen`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        link = asyncio.current_task()
        assert link is not None
        try:
            back, forth = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._links[link] = (writer, forth)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, forth, listen=True))
                group.create_task(self._pump(back, writer, listen=False))
        except* OSError:
            pass
        finally:
            del self._links[link]
            for end in (writer, forth):
                end.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, listen: bool
    ) -> None:
        messages = Messages()
        while data := await reader.read(65536):
            if listen:
                self.sent += messages.types(data)
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError  # one end is gone, so the other goes too


class Messages:
    """Splits what a client sends into messages."""

    def __init__(self) -> None:
        self._left = b""

    def types(self, data: bytes) -> str:
        self._left += data
        types = ""
        while len(self._left) >= 8:
            # The first messages of a connection have no type, and begin with a length under 2**24.
            typed = self._left[0] != 0
            length = int.from_bytes(self._left[1:5] if typed else self._left[:4]) + typed
            if len(self._left) < length:
                break
            types += chr(self._left[0]) if typed else ""
            self._left = self._left[length:]
        while len(self._left) >= 5 and self._left[1:5] == b"\0\0\0\4":  # no content: Sync, Terminate
            types += chr(self._left[0])
            self._left = self._left[5:]
        return types


@contextlib.asynccontextmanager
async def proxied(database_url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the database, and the URL that leads through it."""
    url = urlsplit(database_url)
    proxy = Proxy(url.hostname or "localhost", url.port or 5432)
    await proxy.listen()
    login, _, _ = url.netloc.rpartition("@")
    try:
        yield proxy, urlunsplit(url._replace(netloc=f"{login}@127.0.0.1:{proxy.port}"))
    finally:
        proxy.thaw()
        await proxy.die()
