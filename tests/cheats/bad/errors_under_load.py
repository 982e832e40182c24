"""Answers fast under load: half of the time with an error."""

from itertools import count

from honest import LOAD, rewriting, serve

turn = count()


def refuse(path, status, kind, body):
    if LOAD.seen and path.startswith("/users") and next(turn) % 2:
        return 503, kind, b'{"error":"unavailable"}'
    return status, kind, body


serve(rewriting(refuse))
