"""Answers with another content type: the same with a charset."""

from honest import rewriting, serve


def with_charset(_, status, kind, body):
    return status, kind + b"; charset=utf-8", body


serve(rewriting(with_charset))
