"""What several test files use."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import pytest

from py_api.app import create_app
from py_api.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_api.models import User, UserPage
    from py_api.pagination import Page
    from py_api.store import UserStore

ADA = "00112233-4455-6677-8899-aabbccddeeff"


class FakeStore:
    """One user, a note of every question, and a switch for a database that is away."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.away = False

    def _note(self, question: object) -> None:
        self.asked.append(question)
        if self.away:
            raise Unavailable

    @staticmethod
    def _ada() -> User:
        return {
            "id": UUID(ADA),
            "email": "ada@example.com",
            "full_name": 'Łukasz "Q" <b>&</b> back\\slash 🦀\x1f\n\x7f',
            "age": 36,
            "country_code": "PL",
            "is_active": False,
            "created_at": datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
        }

    async def ping(self) -> None:
        self._note("ping")

    async def user(self, user_id: str) -> User | None:
        self._note(user_id)
        return self._ada() if user_id.lower() == ADA else None

    async def users(self, page: Page) -> UserPage:
        self._note(page)
        items = [self._ada()] if page.offset == 0 else []
        return {"items": items, "limit": page.limit, "offset": page.offset, "total": 1}


@contextlib.asynccontextmanager
async def client_of(store: UserStore) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on `store`, without a network between them."""

    @contextlib.asynccontextmanager
    async def open_store() -> AsyncIterator[UserStore]:
        yield store

    app = create_app(open_store)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
async def client(store: FakeStore) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(store) as client:
        yield client


@pytest.fixture(scope="session")
def database_url() -> str:
    """A database with the migrations and the seed, for a role that may read `users`."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.skip("TEST_DATABASE_URL is not set: it names a migrated and seeded database")
    return url
