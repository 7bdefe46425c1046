# SPDX-License-Identifier: Apache-2.0
"""Connections that say nothing or half of something: others are served at once, and the half-open ones end."""

import time

from server import Failure

STARTS = [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "]


def run(site, is_long):
    clients = []
    worst = 0
    served = 0
    for i in range(3000 if is_long else 712):
        client = site.connect()
        clients.append(client)
        try:
            client.sendall(STARTS[i % 3])
        except OSError:
            pass  # It gave way already.
        if i % 20 == 19:
            start = time.monotonic()
            status, _ = site.get("/data/config.json")
            worst = max(worst, time.monotonic() - start)
            served += status == 200
    if worst > 2:
        raise Failure(f"a request took {worst:.1f} s beside {len(clients)} half-open connections")
    if served != len(clients) // 20:
        raise Failure(f"only {served} of {len(clients) // 20} requests were answered")
    # Headers that come a byte at a time.
    with site.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: local")
        client.settimeout(0.2)
        start = time.monotonic()
        ended = None
        while time.monotonic() < start + 15 and ended is None:
            try:
                client.sendall(b"h")
                if client.recv(1 << 16):
                    ended = time.monotonic() - start
            except TimeoutError:
                pass
            except OSError:
                ended = time.monotonic() - start
    if ended is None or ended > 8:
        raise Failure("headers that come a byte at a time are waited for")
    for client in clients:
        client.close()
    site.expect_alive()
    return (
        f"{served} requests beside {len(clients)} half-open connections, the slowest {worst * 1000:.0f} ms; "
        f"endless headers cut off after {ended:.1f} s"
    )
