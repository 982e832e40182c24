"""Answers with one byte less: the last one."""

from honest import rewriting, serve


def shorter(path, status, kind, body):
    return status, kind, body[:-1] if path.startswith("/users") else body


serve(rewriting(shorter))
