"""Answers with the same JSON and one space more."""

from honest import rewriting, serve


def spaced(_, status, kind, body):
    return status, kind, body.replace(b'":', b'": ', 1)


serve(rewriting(spaced))
