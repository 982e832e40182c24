"""Every answer that is not a 200, mapped once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from py_api.responses import JSONBytes

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

logger = logging.getLogger(__name__)

_METHOD_NOT_ALLOWED = 405


class ApiError(Exception):
    """An answer of the contract other than 200."""

    status = 500
    body = b'{"error":"internal"}'


class BadRequest(ApiError):
    """The id or the query is not what the contract allows."""

    status = 400
    body = b'{"error":"bad_request"}'


class NotFound(ApiError):
    """No such path, or no such user."""

    status = 404
    body = b'{"error":"not_found"}'


class MethodNotAllowed(ApiError):
    """A known path, asked with another method than GET or HEAD."""

    status = _METHOD_NOT_ALLOWED
    body = b'{"error":"method_not_allowed"}'


class Unavailable(ApiError):
    """The database gave no answer in time."""

    status = 503
    body = b'{"error":"unavailable"}'


def _response(error: type[ApiError]) -> JSONBytes:
    headers = {"allow": "GET, HEAD"} if error is MethodNotAllowed else None
    return JSONBytes(error.body, error.status, headers)


async def _api_error(_: Request, error: Exception) -> JSONBytes:
    return _response(type(error) if isinstance(error, ApiError) else ApiError)


async def _bad_request(_: Request, __: Exception) -> JSONBytes:
    return _response(BadRequest)


async def _routing_error(_: Request, error: Exception) -> JSONBytes:
    # Starlette's own answers: 405 from a route, 404 from the router.
    code = error.status_code if isinstance(error, HTTPException) else 500
    known: dict[int, type[ApiError]] = {404: NotFound, _METHOD_NOT_ALLOWED: MethodNotAllowed}
    return _response(known.get(code, ApiError))


def install(app: FastAPI) -> None:
    """Make `app` answer errors as the contract says; an unexpected one is a 500, logged by the server."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _routing_error)
    app.add_exception_handler(Exception, _api_error)
