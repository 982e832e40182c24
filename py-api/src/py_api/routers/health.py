"""Is the service alive, and can it work?"""

from fastapi import APIRouter

from py_api.responses import JSONBytes
from py_api.routers import GET
from py_api.store import Store

router = APIRouter()


@router.api_route("/healthz", methods=GET)
async def healthz() -> JSONBytes:
    """Answer without the database."""
    return JSONBytes(b'{"status":"ok"}')


@router.api_route("/readyz", methods=GET)
async def readyz(store: Store) -> JSONBytes:
    """Answer once a pooled connection answers."""
    await store.ping()
    return JSONBytes(b'{"status":"ready"}')
