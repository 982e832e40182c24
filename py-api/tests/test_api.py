"""The contract, on a fake store: status, exact bytes, and what reaches the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_api.pagination import Page
from tests.conftest import ADA, FakeStore, client_of

if TYPE_CHECKING:
    import httpx

USER = (
    '{"id":"00112233-4455-6677-8899-aabbccddeeff","email":"ada@example.com",'
    '"full_name":"Łukasz \\"Q\\" <b>&</b> back\\\\slash 🦀\\u001f\\n\x7f","age":36,"country_code":"PL",'
    '"is_active":false,"created_at":"2024-02-29T01:02:03Z"}'
)
BAD_REQUEST = '{"error":"bad_request"}'
NOT_FOUND = '{"error":"not_found"}'
NOT_ALLOWED = '{"error":"method_not_allowed"}'
UNAVAILABLE = '{"error":"unavailable"}'


def _expect(response: httpx.Response, status: int, body: str) -> None:
    assert (response.status_code, response.content.decode()) == (status, body)
    headers = dict(response.headers)
    assert headers.pop("allow", None) == ("GET, HEAD" if status == 405 else None)
    assert headers == {"content-type": "application/json", "content-length": str(len(body.encode()))}


async def test_health_does_not_touch_the_store(client: httpx.AsyncClient, store: FakeStore) -> None:
    store.away = True
    _expect(await client.get("/healthz?limit=x"), 200, '{"status":"ok"}')
    assert store.asked == []


async def test_ready(client: httpx.AsyncClient, store: FakeStore) -> None:
    _expect(await client.get("/readyz"), 200, '{"status":"ready"}')
    store.away = True
    _expect(await client.get("/readyz"), 503, UNAVAILABLE)


@pytest.mark.parametrize("user_id", [ADA, ADA.upper()])
async def test_user(client: httpx.AsyncClient, user_id: str) -> None:
    _expect(await client.get(f"/users/{user_id}?limit=0"), 200, USER)


async def test_unknown_user(client: httpx.AsyncClient) -> None:
    _expect(await client.get("/users/00000000-0000-0000-0000-000000000000"), 404, NOT_FOUND)


@pytest.mark.parametrize(
    "segment",
    [
        "x",
        ADA.replace("-", ""),
        f"{{{ADA}}}",
        f"urn:uuid:{ADA}",
        f"{ADA}%0A",
        f"%20{ADA}",
        f"{ADA}0",
        ADA[:-1],
        ADA.replace("0", "%D9%A0"),  # Arabic digits
        ADA.replace("-", "_"),
        "%2F",
        "%00",
        "%zz",
        "%FF",
        "%2E%2E",
    ],
)
async def test_not_a_uuid(client: httpx.AsyncClient, store: FakeStore, segment: str) -> None:
    _expect(await client.get(f"/users/{segment}"), 400, BAD_REQUEST)
    assert store.asked == []


async def test_percent_encoded_uuid(client: httpx.AsyncClient, store: FakeStore) -> None:
    _expect(await client.get("/us%65rs/%30" + ADA[1:]), 200, USER)
    assert store.asked == [ADA]


async def test_page(client: httpx.AsyncClient, store: FakeStore) -> None:
    _expect(await client.get("/users"), 200, f'{{"items":[{USER}],"limit":50,"offset":0,"total":1}}')
    _expect(await client.get("/users?limit=3&offset=9"), 200, '{"items":[],"limit":3,"offset":9,"total":1}')
    assert store.asked == [Page(50, 0), Page(3, 9)]


@pytest.mark.parametrize("query", ["limit=0", "limit", "offset=-1", "limit=5&limit=5", "limit=1_0"])
async def test_bad_page(client: httpx.AsyncClient, store: FakeStore, query: str) -> None:
    _expect(await client.get(f"/users?{query}"), 400, BAD_REQUEST)
    assert store.asked == []


@pytest.mark.parametrize("path", ["/users", f"/users/{ADA}", "/readyz"])
async def test_unavailable(client: httpx.AsyncClient, store: FakeStore, path: str) -> None:
    store.away = True
    _expect(await client.get(path), 503, UNAVAILABLE)
    store.away = False
    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//users",
        "/users/",
        "/users//",
        f"/users/{ADA}/",
        f"/users/{ADA}/x",
        "/Users",
        "/users%0A",
        "/users%2F" + ADA,
        "/healthz/",
        "/docs",
        "/redoc",
        "/openapi.json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unknown_path(client: httpx.AsyncClient, store: FakeStore, method: str, path: str) -> None:
    _expect(await client.request(method, f"http://test{path}"), 404, NOT_FOUND)
    assert store.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/users?limit=0", "/users/x", "/users/%2F"])
async def test_wrong_method(client: httpx.AsyncClient, store: FakeStore, method: str, path: str) -> None:
    _expect(await client.request(method, path), 405, NOT_ALLOWED)
    assert store.asked == []


async def test_a_request_body_is_ignored(client: httpx.AsyncClient) -> None:
    _expect(await client.request("GET", f"/users/{ADA}", content=b"{"), 200, USER)


async def test_a_bug_is_a_500_without_details() -> None:
    class Broken(FakeStore):
        async def ping(self) -> None:
            raise ZeroDivisionError("secret")

    async with client_of(Broken()) as client:
        _expect(await client.get("/readyz"), 500, '{"error":"internal"}')
