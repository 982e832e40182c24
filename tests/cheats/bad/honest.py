"""The honest service, py-api as it ships. A cheat changes one thing of it and calls `serve`."""

import sys

from py_api import server
from py_api.__main__ import main

# More requests at once than a check that waits for each answer ever sends.
BUSY = 3


class Load:
    """Has this worker been under load? A cheat that wants to pass the checks behaves until then."""

    def __init__(self):
        self.now = 0
        self.seen = False


LOAD = Load()


def watching(app):
    """ASGI middleware that counts the requests in flight."""

    async def watched(scope, receive, send):
        LOAD.now += 1
        LOAD.seen = LOAD.seen or LOAD.now >= BUSY
        try:
            await app(scope, receive, send)
        finally:
            LOAD.now -= 1

    async def choose(scope, receive, send):
        await (watched if scope["type"] == "http" else app)(scope, receive, send)

    return choose


def rewriting(change):
    """ASGI middleware: `change(path, status, type, body)` gives the status, content type and body that are sent."""

    def middleware(app):
        async def rewritten(scope, receive, send):
            if scope["type"] != "http":
                return await app(scope, receive, send)
            start, body = {}, b""

            async def collect(message):
                nonlocal start, body
                if message["type"] == "http.response.start":
                    start = message
                    return
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                headers = dict(start["headers"])
                status, kind, new = change(scope["path"], start["status"], headers[b"content-type"], body)
                headers |= {b"content-type": kind, b"content-length": str(len(new)).encode()}
                await send({**start, "status": status, "headers": list(headers.items())})
                await send({"type": "http.response.body", "body": new})

            return await app(scope, receive, collect)

        return rewritten

    return middleware


def serve(middleware=None):
    """Run the service, inside `middleware`."""
    create = server.create_app

    def create_cheating(open_store):
        app = create(open_store)
        return watching(middleware(app) if middleware else app)

    server.create_app = create_cheating
    sys.exit(main([]))


def impossible(why):
    """Say that this machine does not allow the cheat: the test then skips it, and says so."""
    sys.stderr.write(f"cheat impossible here: {why}\n")


if __name__ == "__main__":
    serve()
