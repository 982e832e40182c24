"""Leaves out a byte, but only under load."""

from honest import LOAD, rewriting, serve


def shorter(path, status, kind, body):
    return status, kind, body[:-1] if LOAD.now > 1 and path.startswith("/users") else body


serve(rewriting(shorter))
