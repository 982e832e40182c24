"""The error log: JSON lines on stderr, without secrets."""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit


class JSONFormatter(logging.Formatter):
    """One JSON object a line. The database's URL and password are blanked wherever they turn up."""

    def __init__(self, database_url: str | None = None) -> None:
        """Hide `database_url` and its password, by default those of DATABASE_URL."""
        super().__init__()
        self._secrets = _secrets(os.environ.get("DATABASE_URL", "") if database_url is None else database_url)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if suppressed := getattr(record, "suppressed", 0):
            line["suppressed"] = suppressed
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({key: self._redacted(value) for key, value in line.items()}, ensure_ascii=False)

    def _redacted(self, value: object) -> object:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "***")
        return value


def _secrets(database_url: str) -> list[str]:
    try:
        password = urlsplit(database_url).password or ""
    except ValueError:
        password = ""
    # The longest first: the password is a part of the URL.
    return [secret for secret in (database_url, password, unquote(password)) if secret]


class OncePerSecond(logging.Filter):
    """Let one record a second through and count the others: a database that is down fails every request."""

    def __init__(self) -> None:
        """Let the first record through."""
        super().__init__()
        self._next = 0.0
        self._suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written."""
        now = time.monotonic()
        if now < self._next:
            self._suppressed += 1
            return False
        record.suppressed = self._suppressed
        self._next, self._suppressed = now + 1, 0
        return True


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "py_api.logs.JSONFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    },
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {
        "py_api": {"level": "INFO"},
        # Its warnings are about what clients send.
        "uvicorn.error": {"level": "ERROR"},
    },
}
"""For logging.config.dictConfig."""
