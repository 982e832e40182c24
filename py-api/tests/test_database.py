"""The service on a real PostgreSQL, through a proxy that listens in and fails on demand."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import asyncpg
import httpx
import pytest

from py_api import queries
from py_api.app import create_app
from py_api.database import APPLICATION_NAME
from py_api.settings import Settings
from py_api.store import open_postgres_store
from tests.proxy import Proxy, proxied
from tests.service import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SIZE = 5
TIMEOUT = 1.0
UNAVAILABLE = (503, '{"error":"unavailable"}')


class Bench:
    """The application on the database behind the proxy."""

    def __init__(self, proxy: Proxy, url: str, database_url: str) -> None:
        self.proxy = proxy
        self.database_url = database_url
        settings = Settings("", 0, url, TIMEOUT, 1, SIZE, SIZE)
        self.app = create_app(lambda: open_postgres_store(settings))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://test", timeout=PATIENCE
        )

    async def get(self, path: str) -> tuple[int, str]:
        async with asyncio.timeout(PATIENCE):
            response = await self.client.get(path)
        return response.status_code, response.text

    async def full(self) -> None:
        async def sizes() -> tuple[int, int]:
            pool = self.app.state.store._database._pool
            return pool.get_size(), await self.connections()

        # PostgreSQL knows a connection before its statements are prepared, the pool only then.
        await eventually(sizes, (SIZE, SIZE), "the pool is full")

    async def connections(self) -> int:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
        return int(await self._ask(sql, APPLICATION_NAME))

    async def at_rest(self) -> int:
        sql = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = $1 AND state = 'idle' AND xact_start IS NULL"
        )
        return int(await self._ask(sql, APPLICATION_NAME))

    async def kill_all(self) -> int:
        sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1"
        return int(await self._ask(sql, APPLICATION_NAME))

    async def calls(self) -> dict[str, int]:
        """How often PostgreSQL ran each statement of the service for its role."""
        connection = await asyncpg.connect(self.database_url)
        try:
            rows = await connection.fetch(
                "SELECT query, calls FROM pg_stat_statements JOIN pg_roles r ON r.oid = userid"
                " WHERE rolname = current_user"
            )
        finally:
            await connection.close()
        return {row["query"]: row["calls"] for row in rows if row["query"] in queries.ALL}

    async def _ask(self, sql: str, *arguments: object) -> str:
        connection = await asyncpg.connect(self.database_url)
        try:
            return str(await connection.fetchval(sql, *arguments))
        finally:
            await connection.close()


async def eventually(value: Callable[[], Awaitable[object]], wanted: object, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while (got := await value()) != wanted:
        assert time.monotonic() < end, f"waited in vain until {what}: {got!r}, not {wanted!r}"
        await asyncio.sleep(0.05)


@pytest.fixture
async def cold(database_url: str) -> AsyncIterator[Bench]:
    """The application, not started yet."""
    async with proxied(database_url) as (proxy, url):
        bench = Bench(proxy, url, database_url)
        async with bench.client:
            yield bench
        proxy.thaw()
        await eventually(bench.connections, 0, "all connections are closed")


@pytest.fixture
async def bench(cold: Bench) -> AsyncIterator[Bench]:
    """The application, started, with a full pool."""
    async with cold.app.router.lifespan_context(cold.app):
        await cold.full()
        cold.proxy.heard()
        yield cold


async def test_all_users_byte_for_byte(bench: Bench) -> None:
    connection = await asyncpg.connect(bench.database_url)
    rows = await connection.fetch(
        "SELECT id::text, email, full_name, age, country_code, is_active,"
        """ to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at"""
        " FROM users ORDER BY id"
    )
    await connection.close()
    assert rows, "the database is seeded"

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    for offset in range(0, len(rows) + 200, 200):
        page = {
            "items": [dict(row) for row in rows[offset : offset + 200]],
            "limit": 200,
            "offset": offset,
            "total": len(rows),
        }
        assert await bench.get(f"/users?limit=200&offset={offset}") == (200, text(page))
    for row in rows[:300]:
        assert await bench.get(f"/users/{row['id']}") == (200, text(dict(row)))


async def test_a_request_costs_one_round_trip_a_statement(bench: Bench) -> None:
    # Bind, Execute, Sync: nothing is parsed, described, reset or asked besides.
    one = "BES"
    unknown = "/users/00000000-0000-0000-0000-000000000000"
    for path, status, sent in [
        ("/readyz", 200, one),
        (unknown, 404, one),
        ("/users", 200, one * 2),
        ("/users?limit=3&offset=5", 200, one * 2),
        ("/healthz", 200, ""),
        ("/users/x", 400, ""),
        ("/users?limit=0", 400, ""),
        ("/nothing", 404, ""),
    ]:
        for _ in range(2 * SIZE):
            assert (await bench.get(path))[0] == status
            assert bench.proxy.heard() == sent, path


async def test_postgres_counts_the_promised_statements(bench: Bench) -> None:
    before = await bench.calls()
    for _ in range(3):
        await bench.get("/users/00000000-0000-0000-0000-000000000000")
    for _ in range(4):
        await bench.get("/users")
    after = await bench.calls()
    assert {query: count - before.get(query, 0) for query, count in after.items()} == {
        queries.GET_USER: 3,
        queries.LIST_USERS: 4,
        queries.COUNT_USERS: 4,
    }


async def test_the_pool_is_the_budget(bench: Bench) -> None:
    assert bench.proxy.opened == SIZE
    answers = await asyncio.gather(*(bench.get("/users?limit=1") for _ in range(20 * SIZE)))
    assert {status for status, _ in answers} == {200}
    assert await bench.connections() == SIZE
    assert bench.proxy.opened == SIZE, "no connection was replaced"


async def test_a_connection_at_rest_has_no_transaction_open(bench: Bench) -> None:
    for _ in range(2):
        assert await bench.at_rest() == SIZE
        await asyncio.gather(*(bench.get("/users?limit=1") for _ in range(2 * SIZE)))


async def test_it_starts_without_a_database(cold: Bench) -> None:
    await cold.proxy.die()
    async with cold.app.router.lifespan_context(cold.app):
        assert (await cold.get("/healthz"))[0] == 200
        assert await cold.get("/readyz") == UNAVAILABLE
        await cold.proxy.listen()
        await cold.full()
        assert (await cold.get("/readyz"))[0] == 200


async def test_a_frozen_database(bench: Bench) -> None:
    bench.proxy.freeze()
    answers = await asyncio.gather(*(bench.get("/users") for _ in range(3 * SIZE)), bench.get("/healthz"))
    assert answers.pop()[0] == 200
    assert set(answers) == {UNAVAILABLE}
    # The whole pool was stuck in a query, and no connection of it is used again.
    opened = bench.proxy.opened
    bench.proxy.thaw()
    await bench.full()
    assert bench.proxy.opened > opened or opened >= 2 * SIZE
    answers = await asyncio.gather(*(bench.get("/users") for _ in range(3 * SIZE)))
    assert {status for status, _ in answers} == {200}


async def test_a_full_pool_is_waited_for_no_longer_than_the_limit(bench: Bench) -> None:
    async def seconds(requests: int) -> float:
        started = time.monotonic()
        assert set(await asyncio.gather(*(bench.get("/users") for _ in range(requests)))) == {UNAVAILABLE}
        return time.monotonic() - started

    bench.proxy.freeze()
    # Acquiring and asking share one limit: were there two, the last would wait for ten turns.
    assert await seconds(10 * SIZE) < 3 * await seconds(1)


async def test_dead_connections_are_no_reason_for_a_503(bench: Bench) -> None:
    for _ in range(3):
        await bench.proxy.cut()
        answers = await asyncio.gather(*(bench.get("/readyz") for _ in range(2 * SIZE)))
        assert {status for status, _ in answers} == {200}
        await bench.full()


async def test_killed_backends_are_no_reason_for_a_503(bench: Bench) -> None:
    for _ in range(3):
        requests = [asyncio.create_task(bench.get("/users")) for _ in range(2 * SIZE)]
        assert await bench.kill_all() == SIZE
        answers = await asyncio.gather(*requests, *(bench.get("/users") for _ in range(2 * SIZE)))
        assert {status for status, _ in answers} == {200}
        await bench.full()


async def test_a_database_that_dies_and_comes_back(bench: Bench) -> None:
    await bench.proxy.die()
    assert await bench.get("/users") == UNAVAILABLE
    await bench.proxy.listen()
    await bench.full()
    assert (await bench.get("/users"))[0] == 200


async def test_the_pool_closes_although_the_database_is_frozen(cold: Bench) -> None:
    async with asyncio.timeout(PATIENCE):
        async with cold.app.router.lifespan_context(cold.app):
            await cold.full()
            cold.proxy.freeze()
        cold.proxy.thaw()
