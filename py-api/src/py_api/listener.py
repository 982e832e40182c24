"""Listening sockets, one for each worker."""

from __future__ import annotations

import socket

BACKLOG = 2048


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Return `count` sockets that listen on the same address; raises OSError when it cannot be had.

    Workers that accept from one shared socket race for it, and one of them easily takes most of the
    connections. With SO_REUSEPORT the kernel spreads them.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]

    def bound(*, shared: bool) -> socket.socket:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
        return sock

    # Alone first: SO_REUSEPORT would also share the port with another program that uses it.
    alone = bound(shared=False)
    if count == 1:
        sockets = [alone]
    else:
        alone.close()
        sockets = [bound(shared=True) for _ in range(count)]
    # All listen before the first worker runs, so that none gets the connections meant for the others.
    for sock in sockets:
        sock.listen(BACKLOG)
    return sockets
