# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for large files and do not read them: memory stays bounded."""

import os
import time

from server import Failure

# In MB; the model is part of it.
LIMIT = 400


def run(site, is_long):
    large = site.data / "heads" / "large.json"
    with open(large, "wb") as file:
        noise = os.urandom(10 << 20).hex().encode()
        for _ in range(2):
            file.write(noise)
    for i in range(60):
        os.link(large, site.data / "heads" / f"large-{i}.json")
    heads = sorted((site.data / "heads").glob("L*.json"))
    before = site.memory()
    most = before
    told = []
    for name, count, paths in [
        ("heads", 400 if is_long else 160, [f"/data/heads/{file.name}" for file in heads]),
        ("files of 40 MB", 200 if is_long else 60, [f"/data/heads/large-{i}.json" for i in range(60)]),
    ]:
        for encoding in ["identity", "gzip"]:
            clients = []
            for i in range(count):
                client = site.connect()
                path = paths[i % len(paths)]
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\n\r\n".encode())
                clients.append(client)
            peak = 0
            end = time.monotonic() + (30 if is_long else 4)
            while time.monotonic() < end:
                peak = max(peak, site.memory())
                time.sleep(0.05)
            told.append(f"{count} of {name} {encoding} {peak} MB")
            most = max(most, peak)
            site.expect_alive()
            for client in clients:
                client.close()
    if most > LIMIT:
        raise Failure(f"{most} MB, more than {LIMIT}: {', '.join(told)}")
    return f"{before} MB before; {', '.join(told)}"
