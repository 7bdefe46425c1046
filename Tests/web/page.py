# SPDX-License-Identifier: Apache-2.0
"""What the browser tests share: servers of the page, trees to serve, and a tab to use it in."""

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

import axe_playwright_python

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WEB = ROOT / "web"
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# Files the tree may leave out; a browser reports their absence whatever the page does. A backend need not tell which
# heads have custom sequences: then they are asked for where the test opens them.
OPTIONAL = re.compile(
    r"/(server_config|scatter_errors|notes|prompts/index|attributions/manifest|lab/manifest)\.json|/custom_sequences/")
TESTS = []
PATIENCE_S = 60  # for what takes a second on a good machine


def test(kinds, webgl=False):
    """Registers a test for kinds of site: synthetic, stored, odd, large, neuronpedia, live (the stub), static and serve (a real tree).

    Only with `webgl` is there a third dimension: emulating it makes everything else slow.
    """
    def keep(run):
        run.webgl = webgl
        TESTS.append((kinds.split(), run))
        return run
    return keep


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a browser that leaves a page breaks off its requests


def serve_folder(folder):
    """A plain file server without a backend."""
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def started(process, port, seconds=PATIENCE_S):
    """Waits until a server that was started listens."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("localhost", port), 0.5).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{process.args[0]} did not start to listen on port {port}.") from None
            time.sleep(0.05)


def serve_stub(data):
    """The stand-in for a backend: its address and its process."""
    port = free_port()
    process = subprocess.Popen(["node", HERE / "stub-server.mjs", str(port), WEB, data])
    return f"http://localhost:{port}", started(process, port)


def serve_live(binary, data, work, model):
    """The real backend on a tree; answers when its model is loaded."""
    port = free_port()
    process = started(subprocess.Popen([
        binary, "--data", data, "--web", WEB, "--work", work, "--model", model, "--port", str(port), "--quiet"]), port)
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 120
    while (state := json.load(urllib.request.urlopen(f"{address}/api/head_vis/public/status/v0"))["model"]["state"]) != "ready":
        assert state == "loading" and time.monotonic() < end, f"serve's model is {state}"
        time.sleep(0.2)
    return address, process


def make_tree(out, *options):
    subprocess.run(["node", HERE / "fixture-tree.mjs", out, *options], check=True)
    return out


def chromium(driver, webgl=False):
    """The system's Chromium (CHROMIUM names another); WebGL is emulated, as test machines have no graphics."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    emulated = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
    return driver.chromium.launch(executable_path=found, args=["--no-sandbox", *(emulated if webgl else ["--disable-gpu"])])


def until(page, expression, seconds=PATIENCE_S):
    """Waits for a JavaScript expression; asked from outside, since the page's policy allows no eval."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        time.sleep(0.03)


STILL = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def at_rest(locator):
    """Where an element is, once it stays there: a pointer is to meet it."""
    before, box = None, locator.bounding_box()
    while box != before:
        locator.page.evaluate(STILL)
        before, box = box, locator.bounding_box()
    return box


class Tab:
    """A page that collects everything the browser complains about."""

    def __init__(self, browser, base, shots, width=1440, height=900, scheme="light", motion="no-preference", slow=1):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion=motion, accept_downloads=True)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE_S)
        if slow > 1:
            self.context.new_cdp_session(self.page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
        self.base, self.shots, self.complaints, self.foreign, self.posts = base, shots, [], [], []
        self.page.on("pageerror", lambda e: self.complaints.append(f"exception: {e}"))
        self.page.on("console", self._console)
        self.page.on("request", self._request)

    def _request(self, request):
        if not re.match(r"(blob:|data:|http://(localhost|127\.0\.0\.1))", request.url):
            self.foreign.append(request.url)
        if request.method == "POST":
            self.posts.append(request.url)

    def _console(self, message):
        if message.type != "error":
            return
        url = (message.location or {}).get("url", "")
        if "404" in message.text and OPTIONAL.search(url):
            return
        if re.search(r"status of (409|422|501|503|404)", message.text) and "/api/" in url:
            return
        help = ""
        if "style-src" in message.text:
            help = " (if plotly.js was renewed: put the hash this message names into style-src of web/index.html)"
        self.complaints.append(f"console: {message.text} {url}{help}")

    def open(self, query=""):
        self.page.goto(f"{self.base}{'?' + query if query else ''}")
        self.page.wait_for_selector("#app:not([aria-busy])")
        return self

    def cards(self):
        self.page.wait_for_selector(".card .tok")
        return self

    def still(self):
        """Waits until what was asked for is drawn."""
        self.page.evaluate(STILL)

    def ready(self):
        """Waits until the open tab has its data."""
        until(self.page, "document.querySelector('.view:not([hidden]) > *') && !document.querySelector('.view:not([hidden]) .spinner')")
        self.still()
        return self

    def shot(self, name):
        if self.shots:
            self.still()
            self.page.screenshot(path=str(Path(self.shots) / f"{name}.png"))

    def params(self):
        return dict(self.page.evaluate("[...new URLSearchParams(location.search)]"))

    def expect(self, **wanted):
        """Waits until the address has these keys, each as a pattern; None: not in it."""
        def meets(params):
            return all(
                key not in params if pattern is None else re.fullmatch(pattern, params.get(key, "")) for key, pattern in wanted.items())
        end = time.monotonic() + PATIENCE_S
        while not meets(params := self.params()):
            assert time.monotonic() < end, f"the address has {params}, not {wanted}"
            time.sleep(0.03)

    def head(self):
        """The address of the open head, as L5H1."""
        return "L{}H{}".format(*re.findall(r"\d+", self.page.locator("h1").inner_text()))

    def data(self, path):
        """A file of the tree, parsed."""
        return self.page.evaluate(
            "(path) => fetch((location.pathname.startsWith('/web/') ? '../data/' : 'data/') + path).then((r) => r.json())", path)

    def strongest_line(self, card):
        """Query and key of a card's strongest attention between two different tokens that it shows."""
        name = card.get_attribute("data-id")
        record = next(s for s in self.data(f"heads/{self.head()}.json")["sequences"] if str(s["sequence_id"]) == name)
        pairs = [(value, *divmod(at, record["seq_len"])) for at, value in zip(record["attention_indices"], record["attention_values"])]
        shown = {int(i) for i in card.locator(".tok").evaluate_all("all => all.map(n => n.dataset.i)")}
        return max((value, q, k) for value, q, k in pairs if q != k and q and k and {q, k} <= shown)[1:]

    def download(self, press):
        """What pressing something downloads, as bytes."""
        with self.page.expect_download() as waiting:
            press()
        return Path(waiting.value.path()).read_bytes()

    def save(self, panel, kind):
        """What the panel's export of that kind downloads, as bytes."""
        root = self.page.locator(f"[data-panel='{panel}']")
        root.locator(".menu > button").first.click()
        return self.download(root.locator(".menu-items button", has_text=kind).first.click)

    def save_card(self, card, kind):
        card.locator("> header .menu > button").click()
        return self.download(card.locator("> header .menu-items button", has_text=kind).click)

    def close(self):
        self.context.close()
        assert not self.complaints, self.complaints
        assert not self.foreign, f"requests to other hosts: {self.foreign}"


def color(page, card, i):
    return page.locator(f".card >> nth={card}").locator(f".tok[data-i='{i}']").evaluate("n => getComputedStyle(n).backgroundColor")
