"""The questions that the routes ask, and their answers from PostgreSQL."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Protocol, cast

from fastapi import Depends
from starlette.requests import Request  # noqa: TC002  FastAPI reads the annotation at run time

from py_api import queries
from py_api.database import open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_api.database import Connection, Database
    from py_api.models import User, UserPage
    from py_api.pagination import Page
    from py_api.settings import Settings


class UserStore(Protocol):
    """Where users are kept. Every method may raise Unavailable."""

    async def ping(self) -> None:
        """Return when the store answers."""

    async def user(self, user_id: str) -> User | None:
        """Return the user with this UUID, if there is one."""

    async def users(self, page: Page) -> UserPage:
        """Return a page of the users in the order of their ids."""


class PostgresStore:
    """Users in PostgreSQL: one round trip for a user, two on one connection for a page."""

    def __init__(self, database: Database) -> None:
        """Ask `database`."""
        self._database = database

    async def ping(self) -> None:
        """Return when a pooled connection answers."""
        await self._database.run(lambda connection: connection.fetchval(queries.READY))

    async def user(self, user_id: str) -> User | None:
        """Return the user with this UUID, if there is one."""
        row = await self._database.run(lambda connection: connection.fetchrow(queries.GET_USER, user_id))
        return None if row is None else cast("User", dict(row))

    async def users(self, page: Page) -> UserPage:
        """Return a page of the users in the order of their ids."""

        async def work(connection: Connection) -> UserPage:
            rows = await connection.fetch(queries.LIST_USERS, page.limit, page.offset)
            total = await connection.fetchval(queries.COUNT_USERS)
            return {
                "items": [cast("User", dict(row)) for row in rows],
                "limit": page.limit,
                "offset": page.offset,
                "total": total,
            }

        return await self._database.run(work)


@contextlib.asynccontextmanager
async def open_postgres_store(settings: Settings) -> AsyncIterator[PostgresStore]:
    """Open a store on the database of the settings."""
    async with open_database(settings) as database:
        yield PostgresStore(database)


async def _store(request: Request) -> UserStore:
    return cast("UserStore", request.app.state.store)


Store = Annotated[UserStore, Depends(_store)]
"""The store of the application, for the parameters of a route."""
