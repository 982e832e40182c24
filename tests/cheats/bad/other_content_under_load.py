"""Answers with something else of the same length, right at both ends, but only while others are being served."""

from honest import LOAD, rewriting, serve


def other(path, status, kind, body):
    return status, kind, body.replace(b"@example.com", b"@elpmaxe.com") if LOAD.now > 1 and path.startswith("/users") else body


serve(rewriting(other))
