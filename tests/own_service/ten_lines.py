from http.server import BaseHTTPRequestHandler, HTTPServer
from os import environ


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')


HTTPServer((environ["HOST"], int(environ["PORT"])), Answer).serve_forever()
