"""Path segments as the contract splits them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def path_of(raw_path: bytes) -> str:
    """Return the path for routing: split at `/` first, then percent-decoded segment by segment.

    A decoded `/` stays `%2F`, so that it never makes a segment more. A decoded line feed stays `%0A`: the
    router's `$` would otherwise match in front of it.
    """
    return "/".join(
        unquote_to_bytes(segment).decode("utf-8", "replace").replace("/", "%2F").replace("\n", "%0A")
        for segment in raw_path.split(b"/")
    )


class SegmentedPath:
    """ASGI middleware that routes by segments of the raw path; servers decode the path as a whole."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with `path` set anew where something was percent-encoded."""
        if scope["type"] == "http" and b"%" in (raw_path := scope.get("raw_path") or b""):
            scope = {**scope, "path": path_of(raw_path)}
        await self.app(scope, receive, send)
