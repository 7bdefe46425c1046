# SPDX-License-Identifier: Apache-2.0
"""A server for one attack, on a copy of a tree."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Failure(Exception):
    """What the server did not withstand, in one sentence."""


class Site:
    """A copy of the tree, removed in the end, and the server that serves it."""

    def __init__(self, program, tree, work, model):
        self.program = program.resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="headvis-faults-"))
        self.data = self.folder / "data"
        shutil.copytree(tree, self.data)
        self.has_model = work is not None and model is not None
        self.options = ["--work", str(work), "--model", str(model)] if self.has_model else ["--no-model"]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder)

    def start(self, **environment):
        """Starts the server, or starts it anew, and waits until it can do everything."""
        log = self.folder / "log"
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                [self.program, "--data", self.data, "--web", ROOT / "web", "--port", "0", "--quiet"] + self.options,
                stdin=subprocess.DEVNULL,
                stderr=output,
                env={**os.environ, **environment},
            )
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            text = log.read_text()
            place = re.search(r"serving at http://127\.0\.0\.1:(\d+)/", text)
            if place and (not self.has_model or "is ready" in text):
                self.port = int(place[1])
                return
            time.sleep(0.02)
        raise Failure(f"serve does not start: {log.read_text()}")

    def kill(self):
        """Ends the server as a power cut would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Asks the server to end, and waits for it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def memory(self):
        """The server's resident memory in MB."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            raise Failure("the server is gone") from None
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        if not found:
            raise Failure("the server is gone")
        return int(found[1]) // 1024

    def connect(self, timeout=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def send(self, data, timeout=20):
        """Sends bytes as they are; returns the status and the body of the answer."""
        with self.connect(timeout) as client:
            try:
                client.sendall(data)
            except OSError:
                pass  # It may have answered before it has read all.
            return answer(client)

    def get(self, path, timeout=20):
        return self.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), timeout)

    def post(self, name, body):
        """An operation; returns the status and what the JSON holds."""
        text = json.dumps(body).encode()
        head = (
            f"POST /api/head_vis/public/{name}/v0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        status, content = self.send(head.encode() + text, timeout=60)
        return status, json.loads(content)

    def expect_alive(self):
        status, _ = self.get("/data/config.json")
        if status != 200:
            raise Failure(f"afterwards config.json is answered with {status}")

    def heads(self):
        """[layer, head] of the tree's heads that have a cloud."""
        return json.loads((self.data / "config.json").read_text())["umap_heads"]


def answer(client):
    """Reads an answer to the end of its connection."""
    data = b""
    try:
        while part := client.recv(1 << 16):
            data += part
    except ConnectionResetError:
        pass
    head, blank, body = data.partition(b"\r\n\r\n")
    words = head.split(b" ")
    if not blank or len(words) < 2 or not words[1].isdigit():
        raise OSError("no answer")
    return int(words[1]), body
