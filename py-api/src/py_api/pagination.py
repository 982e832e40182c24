"""`limit` and `offset` of a page."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from starlette.requests import Request  # noqa: TC002  FastAPI reads the annotation at run time

from py_api.errors import BadRequest

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_OFFSET = 2**63 - 1

# 19 digits hold MAX_OFFSET; more (after leading zeros) would only cost time.
_NUMBER = re.compile(rb"0*([0-9]{1,19})")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Page(NamedTuple):
    """Which rows: `limit` rows after the first `offset`."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0


def parse_page(query: bytes) -> Page:
    """Parse a raw query string; raises BadRequest.

    Pairs other than `limit` and `offset` are not looked at, however broken.
    """
    if not query:
        return Page()
    values: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        key, _, value = pair.partition(b"=")
        name = _decoded(key)
        if name in (b"limit", b"offset"):
            if name in values:
                raise BadRequest
            if _BROKEN_ESCAPE.search(value):
                raise BadRequest
            values[name] = _decoded(value)
    return Page(
        limit=_number(values.get(b"limit"), DEFAULT_LIMIT, 1, MAX_LIMIT),
        offset=_number(values.get(b"offset"), 0, 0, MAX_OFFSET),
    )


def _decoded(text: bytes) -> bytes:
    # The common case needs no decoding.
    return unquote_to_bytes(text.replace(b"+", b" ")) if b"%" in text or b"+" in text else text


def _number(value: bytes | None, default: int, low: int, high: int) -> int:
    if value is None:
        return default
    match = _NUMBER.fullmatch(value)
    if not match or not low <= (number := int(match[1])) <= high:
        raise BadRequest
    return number


async def requested_page(request: Request) -> Page:
    """Give a route the page that the request asks for (FastAPI dependency)."""
    return parse_page(request.scope["query_string"])
