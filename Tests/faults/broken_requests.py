# SPDX-License-Identifier: Apache-2.0
"""Requests that HTTP, the server's names or Unicode do not allow: each gets its 4xx, soon, and a reason in JSON."""

import json
import random
import time

from server import Failure

POST = b"POST /api/head_vis/public/add_custom_sequence/v0 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b'{"layer":0,"head":0,"text":"%s"}'


def post(body):
    return POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def get(headers):
    return b"GET / HTTP/1.1\r\n" + headers + b"Connection: close\r\n\r\n"


CASES = [
    (b"HELLO\r\n\r\n", 400),
    (b"\x00\x01\x02\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
    (get(b""), 400),
    (get(b"Host: \r\n"), 400),
    (get(b'Host: localhost:"\r\n'), 400),
    (get(b"Host: localhost\\\r\n"), 400),
    (get(b"Host: localhost:99999\r\n"), 400),
    (get(b"Host: localhost\r\nHost: localhost\r\n"), 400),
    (get(b"Host: localhost\r\nHost: evil.example\r\n"), 400),
    (get(b"Host: evil.example\r\n"), 421),
    (get(b"Host: localhost\r\nOrigin: http://evil.example\r\n"), 403),
    (get(b"Host: localhost\r\nX: " + b"a" * 100_000 + b"\r\n"), 431),
    (get(b"Host: localhost\r\nbad header\r\n"), 400),
    (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400),
    (POST + b"Content-Length: -1\r\n\r\n", 400),
    (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
    (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 400),
    (POST + b"Content-Length: 99999999999\r\n\r\n", 413),
    (post(b'{"layer":'), 400),
    (post(BODY % b"\\ud800"), 422),
    (post(BODY % b"\\x"), 400),
    (post(BODY % b"\xff"), 422),
    (post(b"[" * 100_000), 400),
]


def check(site, request, expected):
    start = time.monotonic()
    try:
        status, body = site.send(request)
    except OSError as error:
        raise Failure(f"{request[:80]!r}: {error}") from None
    took = time.monotonic() - start
    if status != expected:
        raise Failure(f"{request[:80]!r}: {status} instead of {expected}")
    if not json.loads(body)["detail"]:
        raise Failure(f"{request[:80]!r}: no reason")
    if took > 3:
        raise Failure(f"{request[:80]!r}: {took:.1f} s")


def endless(site):
    """Chunks without an end: answered while they still come."""
    with site.connect() as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        sent = 0
        start = time.monotonic()
        try:
            while time.monotonic() < start + 10:
                client.sendall(chunk)
                sent += len(chunk)
                client.setblocking(False)
                try:
                    if b" 413 " in client.recv(1 << 16):
                        return sent
                except BlockingIOError:
                    pass
                client.setblocking(True)
        except OSError:
            pass
    raise Failure("an endless body was not refused")


def patient(site):
    """A client that sends its body when it is told to go on."""
    body = b'{"layer":'
    with site.connect(5) as client:
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        told = client.recv(1 << 16)
        if told != b"HTTP/1.1 100 Continue\r\n\r\n":
            raise Failure(f"a client that waits to go on is told {told!r}")
        client.sendall(body)
        if not client.recv(1 << 16).startswith(b"HTTP/1.1 400 "):
            raise Failure("a client that waited to go on is not answered")


def run(site, is_long):
    patient(site)
    for request, expected in CASES:
        check(site, request, expected)
    sent = endless(site)
    # Noise, and sound requests with some bytes changed.
    chance = random.Random(1)
    statuses = {}
    for _ in range(20_000 if is_long else 1500):
        request = bytearray(chance.choice(CASES)[0][:300] + b"\r\n\r\n")
        for _ in range(chance.randint(1, 5)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        try:
            with site.connect(5) as client:
                client.sendall(request)
                client.shutdown(1)
                data = client.recv(1 << 16)
        except OSError:
            data = b""
        status = data[9:12].decode("latin-1") or "closed"
        statuses[status] = statuses.get(status, 0) + 1
    if broken := {status: n for status, n in statuses.items() if status.startswith("50") and status != "501"}:
        raise Failure(f"noise is answered with {broken}")
    site.expect_alive()
    told = ", ".join(f"{status} {n}" for status, n in sorted(statuses.items()))
    return f"{len(CASES)} requests refused as they should be; an endless body after {sent >> 10} KB; noise: {told}"
