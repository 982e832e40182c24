"""A service of the lab in miniature: right answers from memory, or one chosen fault. Remembers what it was asked."""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

PAGE = 50


def user_id(i):
    return str(UUID(hashlib.md5(f"user-{i}".encode()).hexdigest()))


class Data:
    def __init__(self, users):
        self.users = users
        self.ids = [user_id(i) for i in range(1, users + 1)]
        self.body = {
            user: f'{{"id":"{user}","email":"user{i}@example.com","full_name":"Zoë 王{"é" * (i % 7)}"}}'
            for i, user in enumerate(self.ids, 1)
        }

    def page(self, offset, limit):
        items = ",".join(self.body[user] for user in sorted(self.ids)[offset : offset + limit])
        return f'{{"items":[{items}],"limit":{limit},"offset":{offset},"total":{self.users}}}'

    def expected(self):
        """The content of a BENCH_EXPECTED file: lengths in bytes."""
        pages = [self.page(offset, PAGE) for offset in range(0, self.users, PAGE)]
        short = lambda body: hashlib.sha256(body.encode()).hexdigest()[:16]  # noqa: E731
        return {
            "sha256": {
                "user": "".join(short(self.body[user]) for user in self.ids),
                "users": "".join(short(page) for page in pages),
            },
            "user": [len(self.body[user].encode()) for user in self.ids],
            "users": [len(page.encode()) for page in pages],
        }


# What a fault makes of a right answer: (status, content type, body) -> the same three.
FAULTS = {
    "none": lambda status, kind, body: (status, kind, body),
    "status": lambda status, kind, body: (503, kind, body),
    "type": lambda status, kind, body: (status, "application/json; charset=utf-8", body),
    "start": lambda status, kind, body: (status, kind, body.replace('"id":"', '"id":"0', 1)),
    "end": lambda status, kind, body: (status, kind, body + "\n"),
    # Two bytes shorter, though as many characters: only an exact length in bytes tells.
    "byte": lambda status, kind, body: (status, kind, body.replace("王", "x")),
    # As long, and as right at both ends: only its content tells.
    "content": lambda status, kind, body: (status, kind, body.replace("@example.com", "@elpmaxe.com")),
    "redirect": lambda status, kind, body: (302, kind, body),
}


class Service:
    """with Service(Data(100), fault="type", on="users") as service: … service.url, service.asked"""

    def __init__(self, data, fault="none", on="", ready=True, delay_s=0.0):
        self.asked = []  # paths with query, without those of set-up
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One write per answer and no Nagle, or the answer waits for a delayed ACK.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self):
                status, body = service.answer(self.path)
                kind = "application/json"
                url = urlsplit(self.path)
                setup = not service.asked_setup_done
                if url.path != "/readyz" and not setup:
                    service.asked.append(self.path)
                    time.sleep(delay_s)
                    endpoint = "users" if url.path == "/users" else "user"
                    if endpoint == on and fault == "hang-up":
                        self.close_connection = True
                        return
                    if endpoint == on:
                        status, kind, body = FAULTS[fault](status, kind, body)
                elif url.path != "/readyz":
                    service.asked_setup_done = True
                payload = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(payload)))
                if status == 302:
                    self.send_header("Location", self.path)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self.data = data
        self.ready = ready
        self.asked_setup_done = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path):
        url = urlsplit(path)
        if url.path == "/readyz":
            return (200, '{"status":"ready"}') if self.ready else (503, '{"error":"unavailable"}')
        if url.path == "/users":
            query = parse_qs(url.query)
            return 200, self.data.page(int(query["offset"][0]), int(query["limit"][0]))
        body = self.data.body.get(url.path.removeprefix("/users/"))
        return (200, body) if body else (404, '{"error":"not_found"}')

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def write_expected(path, data):
    path.write_text(json.dumps(data.expected()))
