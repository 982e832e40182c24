"""The one kind of response: JSON that is already bytes."""

from __future__ import annotations

from starlette.responses import Response


class JSONBytes(Response):
    """Bytes of JSON, sent as they are with exactly `application/json`."""

    media_type = "application/json"
