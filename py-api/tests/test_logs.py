from __future__ import annotations

import json
import logging

from py_api.logs import JSONFormatter, OncePerSecond

URL = "postgresql://role:s%40fe%20word@localhost/bench"


def _record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("name", logging.ERROR, __file__, 1, message, args, None)


def test_a_line_is_json() -> None:
    line = json.loads(JSONFormatter(URL).format(_record('two\nlines of "%s"', "é")))
    assert line["level"] == "error"
    assert line["message"] == 'two\nlines of "é"'
    assert "\n" not in JSONFormatter(URL).format(_record("two\nlines"))


def test_secrets_are_blanked_everywhere() -> None:
    record = _record("%s and %s and %s", URL, "s%40fe%20word", "s@fe word")
    error = ValueError(URL)
    record.exc_info = (ValueError, error, None)
    line = JSONFormatter(URL).format(record)
    assert json.loads(line)["message"] == "*** and *** and ***"
    assert "ValueError: ***" in json.loads(line)["traceback"]
    assert not any(secret in line for secret in (URL, "s%40fe", "s@fe"))


def test_a_flood_becomes_one_line() -> None:
    throttle = OncePerSecond()
    assert throttle.filter(_record("first"))
    assert not any(throttle.filter(_record("more")) for _ in range(5))
    throttle._next = 0.0
    later = _record("later")
    assert throttle.filter(later)
    assert json.loads(JSONFormatter("").format(later))["suppressed"] == 5
