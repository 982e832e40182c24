"""The application factory."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fastapi import FastAPI

from py_api import errors
from py_api.paths import SegmentedPath
from py_api.routers import health, users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from py_api.store import UserStore


def create_app(open_store: Callable[[], AbstractAsyncContextManager[UserStore]]) -> FastAPI:
    """Make the application. Its lifespan opens the store with `open_store` and closes it."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_store() as store:
            app.state.store = store
            yield

    app = FastAPI(
        title="py-api",
        lifespan=lifespan,
        openapi_url=None,  # and with it /docs and /redoc: they are not in the contract
        redirect_slashes=False,
        # Nobody exports any here, and looking for an exporter costs time in every request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.add_middleware(SegmentedPath)
    errors.install(app)
    app.include_router(health.router)
    app.include_router(users.router)
    return app
