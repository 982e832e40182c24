"""The connection pool: a fixed number of connections, a hard time limit, and recovery by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from py_api import queries
from py_api.errors import Unavailable
from py_api.logs import OncePerSecond

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import TypeAlias

    from asyncpg.pool import PoolConnectionProxy

    from py_api.settings import Settings

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

T = TypeVar("T")

APPLICATION_NAME = "py-api"

_KEEP_INTERVAL = 0.5
"""Seconds between two looks at the number of open connections."""
_CLOSE_TIMEOUT = 1.0
"""Seconds that connections get to say goodbye at shutdown."""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said goodbye, and has not hung up yet
    OSError,
)
"""The connection died under the query."""

_FAILED = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""The database did not do what it was asked."""

logger = logging.getLogger(__name__)
logger.addFilter(OncePerSecond())


class _Connection(asyncpg.Connection):
    """A connection whose session nobody changes: nothing has to be reset between two requests."""

    def get_reset_query(self) -> str:
        """Return no query, which saves a round trip for each request."""
        return ""


async def _connect(*args: Any, **kwargs: Any) -> asyncpg.Connection[asyncpg.Record]:
    """Open a connection with all its statements prepared, or leave nothing behind."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(*args, **kwargs)
    try:
        for query in queries.ALL:
            # With no arguments nothing is executed; the statement is prepared and stays in the cache.
            await connection.executemany(query, [])
        # Preparing opened a transaction, which ends with the first query that is run.
        await connection.fetchval(queries.READY)
    except BaseException:
        # close() would wait for a database that may have stopped answering.
        connection.terminate()
        raise
    return connection


def _discard(connection: Connection) -> None:
    # A connection that asyncpg saw dying is out of the pool already, and then refuses every call.
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


class _ConnectionLost(ConnectionError):
    """The connection died under the query; its cause says how."""


class Database:
    """A pool of asyncpg. Made by `open_database`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], size: int, timeout: float) -> None:
        """Keep `size` connections of `pool` open; give each `run` `timeout` seconds."""
        self._pool = pool
        self._size = size
        self._timeout = timeout

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Return what `work` returns for a pooled connection.

        Waiting for the connection counts towards the time limit. `work` only reads: when its connection turns
        out to be dead, it is run again on another. Raises Unavailable.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._answer(work)
        except _FAILED as error:
            logger.error("no answer from the database: %s: %s", type(error).__name__, error)  # noqa: TRY400
            raise Unavailable from error

    async def _answer(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        lost = _ConnectionLost()
        # A dead connection leaves the pool, so one try more than connections meets a new one.
        for _ in range(self._pool.get_max_size() + 1):
            try:
                return await self._attempt(work)
            except _ConnectionLost as error:
                lost = error
        raise lost

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        connection = await self._pool.acquire()
        try:
            return await work(connection)
        except _LOST as error:
            _discard(connection)
            raise _ConnectionLost(str(error)) from error
        except asyncpg.PostgresError:
            raise
        except BaseException:
            # Timed out in the middle of a query. asyncpg would ask the server to cancel it and wait for that;
            # a server that hangs would then hold the connection for ever.
            _discard(connection)
            raise
        finally:
            await self._pool.release(connection)

    async def keep_full(self) -> None:
        """Reopen the connections that were lost, for ever."""
        full = True
        while True:
            if self._pool.get_size() < self._size:
                try:
                    await self._fill()
                except Exception as error:  # noqa: BLE001  whatever it was, the next try may work
                    if full:
                        logger.warning("the database is away: %s: %s", type(error).__name__, error)
                    full = False
                else:
                    if not full:
                        logger.info("the database is back")
                    full = True
            await asyncio.sleep(_KEEP_INTERVAL)

    async def _fill(self) -> None:
        # Who holds all connections of a pool at once has opened them. One after the other, so that a database
        # that is down is asked once and not for each of them.
        drawn: list[Connection] = []
        try:
            async with asyncio.timeout(self._timeout):
                while len(drawn) < self._size and self._pool.get_size() < self._size:
                    drawn.append(await self._pool.acquire())
        finally:
            for connection in drawn:
                await self._pool.release(connection)


@contextlib.asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the pool and keep it full. The database may be down: the pool fills when it is there."""
    pool = asyncpg.create_pool(
        settings.database_url,
        min_size=0,  # asyncpg's own filling fails without a database, and later waits for minutes
        max_size=settings.pool_max_size,
        max_queries=sys.maxsize,
        max_inactive_connection_lifetime=0,
        max_cached_statement_lifetime=0,
        connection_class=_Connection,
        connect=_connect,
        timeout=settings.db_timeout,
        server_settings={"application_name": APPLICATION_NAME},
    )
    await pool
    database = Database(pool, settings.pool_min_size, settings.db_timeout)
    keeper = asyncio.create_task(database.keep_full())
    try:
        yield database
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await _close(pool)


async def _close(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await pool.close()
    except _FAILED:
        pool.terminate()
