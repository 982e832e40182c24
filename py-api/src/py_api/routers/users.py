"""Users, one or a page of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from py_api.errors import NotFound
from py_api.models import USER, USER_PAGE
from py_api.pagination import Page, requested_page
from py_api.responses import JSONBytes
from py_api.routers import GET
from py_api.store import Store

# Pydantic's UUID also takes braces, `urn:` and bare hex; the contract takes the canonical form alone.
UserID = Annotated[str, Path(pattern="^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]

router = APIRouter(prefix="/users")


@router.api_route("", methods=GET)
async def list_users(page: Annotated[Page, Depends(requested_page)], store: Store) -> JSONBytes:
    """Answer with a page of users in the order of their ids."""
    return JSONBytes(USER_PAGE.dump_json(await store.users(page)))


@router.api_route("/{user_id}", methods=GET)
async def get_user(user_id: UserID, store: Store) -> JSONBytes:
    """Answer with one user."""
    user = await store.user(user_id)
    if user is None:
        raise NotFound
    return JSONBytes(USER.dump_json(user))
