"""Answers k6 with an error, and everybody else right. It waits for a client that says it is k6."""

from honest import serve


def middleware(app):
    async def choosing(scope, receive, send):
        agent = dict(scope.get("headers", ())).get(b"user-agent", b"")
        if scope["type"] == "http" and b"k6" in agent:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    return choosing


serve(middleware)
