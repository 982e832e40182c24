"""What the API answers with, in the key order of the contract.

The rows come from our own database, so nothing is validated on the way out: Pydantic only writes the JSON.
"""

from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

# Pydantic needs this one instead of typing's before Python 3.12.
from typing_extensions import TypedDict


class User(TypedDict):
    """One row of `users`."""

    id: UUID
    email: str
    full_name: str
    age: int
    country_code: str
    is_active: bool
    created_at: datetime


class UserPage(TypedDict):
    """One page of `users`, with the exact number of all rows."""

    items: list[User]
    limit: int
    offset: int
    total: int


USER = TypeAdapter(User)
USER_PAGE = TypeAdapter(UserPage)
