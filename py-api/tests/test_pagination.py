from __future__ import annotations

import pytest

from py_api.errors import BadRequest
from py_api.pagination import Page, parse_page


@pytest.mark.parametrize(
    ("query", "page"),
    [
        (b"", Page(50, 0)),
        (b"limit=1", Page(1, 0)),
        (b"limit=200&offset=7", Page(200, 7)),
        (b"offset=9223372036854775807", Page(50, 2**63 - 1)),
        (b"limit=007&offset=000", Page(7, 0)),
        (b"offset=" + b"0" * 40 + b"5", Page(50, 5)),
        (b"limit=%35%30", Page(50, 0)),
        (b"li%6Dit=5&off%73et=6", Page(5, 6)),
        (b"&&limit=5&", Page(5, 0)),
        (b"Limit=0&LIMIT=x&limit=5", Page(5, 0)),
        (b"other=%zz&%zz&=&other&limit=5", Page(5, 0)),
        (b"limit%zz=0", Page(50, 0)),
        (b"limit+=0&+limit=0", Page(50, 0)),
        (b"\xff=\xfe", Page(50, 0)),
    ],
)
def test_accepted(query: bytes, page: Page) -> None:
    assert parse_page(query) == page


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"=",
        b"=0",
        b"=201",
        b"=-1",
        b"=%2B5",
        b"=+5",
        b"=5+",
        b"=%205",
        b"=5%0A",
        b"=5\n",
        b"=1_0",
        b"=1e1",
        b"=0x5",
        b"=5.0",
        b"=5;offset=1",
        b"=5,5",
        b"=%zz",
        b"=5%",
        b"=%FF",
        b"=%D9%A5",  # an Arabic five
        b"=" + b"9" * 400,
        b"=5&limit=5",
        b"=5&li%6Dit=5",
        b"=5&limit",
    ],
)
def test_refused_limit(value: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_page(b"limit" + value)


@pytest.mark.parametrize("value", [b"", b"=", b"=-1", b"=9223372036854775808", b"=%D9%A5", b"=1&offset=1"])
def test_refused_offset(value: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_page(b"offset" + value)
