# SPDX-License-Identifier: Apache-2.0
"""The page in a real Chromium, used as a person would, on plain file servers and on a backend.

python browser_test.py [--tree DATA] [--shots DIR] [--serve URL] [--only WORDS]

--tree runs the static part on a tree of the pipeline's too, --serve (the address of the page of a
running serve, its model loaded) a round of custom prompts. Screenshots go to --shots. Needs playwright and axe-playwright-python from PyPI, node, and
the chromium of the system (CHROMIUM names another).
"""

import argparse
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import traceback
from functools import partial
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WEB = ROOT / "web"
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
# Files the tree may leave out; a browser reports their absence whatever the page does.
OPTIONAL = re.compile(r"/(custom_sequences|attributions)/|server_config\.json")
TESTS = []


def test(needs):
    """Registers a test for kinds of tree: synthetic, odd, large, live (the stub), real, umap-real, serve."""
    def keep(run):
        TESTS.append((needs.split(), run))
        return run
    return keep


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a browser that leaves a page breaks off its requests


def serve_folder(folder):
    server = Server(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def serve_stub(data):
    port = free_port()
    process = subprocess.Popen(["node", HERE / "stub-server.mjs", str(port), WEB, data])
    for _ in range(100):
        try:
            socket.create_connection(("localhost", port), 0.2).close()
            break
        except OSError:
            time.sleep(0.05)
    return f"http://localhost:{port}", process


def make_tree(out, *options):
    subprocess.run(["node", HERE / "fixture-tree.mjs", out, *options], check=True)
    return out


def until(page, expression, seconds=10):
    """Waits for a JavaScript expression; asked from outside, since the page's policy allows no eval."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        time.sleep(0.05)


class Tab:
    """A page that collects everything the browser complains about."""

    def __init__(self, browser, base, shots, width=1440, height=900, scheme="light", motion="no-preference"):
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion=motion, accept_downloads=True)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.base, self.shots, self.complaints, self.foreign = base, shots, [], []
        self.page.on("pageerror", lambda e: self.complaints.append(f"exception: {e}"))
        self.page.on("console", self._console)
        self.page.on("request", lambda r: self.foreign.append(r.url) if not re.match(r"(blob:|data:|http://(localhost|127\.0\.0\.1))", r.url) else None)

    def _console(self, message):
        if message.type != "error":
            return
        url = (message.location or {}).get("url", "")
        if "404" in message.text and OPTIONAL.search(url):
            return
        if re.search(r"status of (422|501|503|404)", message.text) and "/api/" in url:
            return
        self.complaints.append(f"console: {message.text} {url}")

    def open(self, query=""):
        self.page.goto(f"{self.base}{'?' + query if query else ''}")
        self.page.wait_for_selector("#app:not([aria-busy])")
        return self

    def cards(self):
        self.page.wait_for_selector(".card .tok")
        return self

    def shot(self, name):
        if self.shots:
            self.page.wait_for_timeout(150)
            self.page.screenshot(path=str(Path(self.shots) / f"{name}.png"))

    def params(self):
        self.page.wait_for_timeout(350)  # the address follows a moment later
        return dict(self.page.evaluate("[...new URLSearchParams(location.search)]"))

    def save(self, panel, kind):
        """What the panel's export of that kind downloads, as bytes."""
        self.page.locator(f"[data-panel='{panel}'] .menu > button").first.click()
        with self.page.expect_download() as waiting:
            self.page.locator(f"[data-panel='{panel}'] .menu-items button", has_text=kind).first.click()
        return Path(waiting.value.path()).read_bytes()

    def close(self):
        self.context.close()
        assert not self.complaints, self.complaints
        assert not self.foreign, f"requests to other hosts: {self.foreign}"


def color(page, card, i):
    return page.locator(f".card >> nth={card}").locator(f".tok[data-i='{i}']").evaluate("n => getComputedStyle(n).backgroundColor")


@test("synthetic real")
def the_first_view_shows_heads_and_the_strongest_sequences(tab):
    tab.open().cards()
    page = tab.page
    config = page.evaluate("fetch(document.baseURI.includes('/web/') ? '../data/config.json' : 'data/config.json').then(r => r.json())")
    first = config["heads"][0]
    assert page.locator("h1").inner_text() == f"Layer {first[0]} Head {first[1]}"
    maxima = [float(t) for t in page.locator(".card header .num b").all_inner_texts()]
    assert maxima and maxima == sorted(maxima, reverse=True)
    assert config["model_name"] in page.locator(".model").inner_text()
    tab.shot("first-view")


@test("synthetic real")
def the_keys_do_what_they_say_and_leave_chords_alone(tab):
    tab.open().cards()
    page, press = tab.page, tab.page.keyboard.press
    heads = page.evaluate("fetch(document.baseURI.includes('/web/') ? '../data/config.json' : 'data/config.json').then(r => r.json()).then(c => c.heads)")
    press("h")
    assert tab.params()["head"] == str(heads[1][1])
    press("Shift+H")
    press("l")
    press("Shift+L")
    assert (tab.params()["layer"], tab.params()["head"]) == (str(heads[0][0]), str(heads[0][1]))
    press("]")
    assert tab.params()["interval"] == "9"
    press("[")
    assert tab.params()["interval"] == "10"
    press("[")
    assert tab.params()["interval"] in ("1", "-1")  # through custom where there is one
    press("t")
    assert tab.params()["transpose"] == "true"
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 't', ctrlKey: true, bubbles: true}))")
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'r', metaKey: true, bubbles: true}))")
    assert tab.params()["transpose"] == "true" and "reduction" not in tab.params()
    press("t")
    press("r")
    assert tab.params()["reduction"] == "pairwise_max"
    press("m")
    assert tab.params()["tab"] == "metrics"
    press("m")
    press("?")
    assert tab.params()["tab"] == "help"
    page.keyboard.type("t")
    page.locator(".goto").fill("")
    page.locator(".goto").press("t")
    assert page.locator(".goto").input_value() == "t"


@test("synthetic")
def alt_transposes_while_it_is_held_and_never_sticks(tab):
    tab.open().cards()
    pressed = "document.querySelector('.toolbar .toggle').getAttribute('aria-pressed')"
    tab.page.keyboard.down("Alt")
    assert tab.page.evaluate(pressed) == "true"
    tab.page.keyboard.up("Alt")
    assert tab.page.evaluate(pressed) == "false"
    tab.page.keyboard.down("Alt")
    tab.page.evaluate("dispatchEvent(new Event('blur'))")
    assert tab.page.evaluate(pressed) == "false"
    tab.page.keyboard.up("Alt")


@test("synthetic real")
def hovering_a_token_shows_its_row_its_column_and_lines(tab):
    tab.open("").cards()
    page = tab.page
    card = page.locator(".card").first
    pair = re.search(r"strongest (\d+) → (\d+)", card.inner_text())
    q, k = pair.groups()
    before = color(page, 0, k)
    card.locator(f".tok[data-i='{q}']").hover()
    page.wait_for_selector(".arcs path", state="attached")
    assert page.locator("#tip").inner_text().startswith(f"{q}: ")
    assert color(page, 0, k) != "rgba(0, 0, 0, 0)"
    assert page.locator(".card").first.locator(".tok.source").count() == 1
    tab.shot("hover-token")
    page.mouse.move(5, 5)
    until(page, "!document.querySelector('.arcs path')")
    assert color(page, 0, k) == before


@test("synthetic real")
def tokens_are_reached_and_held_by_keyboard(tab):
    tab.open().cards()
    page = tab.page
    page.locator(".card .tok[tabindex='0']").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert re.match(r"\d+: ", focused), focused
    page.keyboard.press("Enter")
    assert ":" in tab.params()["sel"]
    page.keyboard.press("Escape")
    assert "sel" not in tab.params()


@test("synthetic real")
def several_tokens_sum_their_attention(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    q = int(re.search(r"strongest (\d+) →", card.inner_text()).group(1))
    card.locator(f".tok[data-i='{q}']").click()
    other = q - 1 if card.locator(f".tok[data-i='{q - 1}']").count() else q + 1
    card.locator(f".tok[data-i='{other}']").click(modifiers=["Shift"])
    assert set(tab.params()["sel"].split(":")[1].split(",")) == {str(q), str(other)}
    assert "2 tokens" in card.locator(".line").inner_text()
    tab.shot("summed")


@test("synthetic real")
def the_heat_map_is_linked_with_the_tokens_both_ways(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    card.locator("[aria-label^='Heat map']").click()
    canvas = card.locator(".plot-map canvas").first
    canvas.wait_for()
    page.wait_for_timeout(200)
    box = canvas.bounding_box()
    canvas.hover(position={"x": 60, "y": min(box["width"], box["height"]) * 0.5})
    until(page, "!document.getElementById('tip').hidden")
    assert "query" in page.locator("#tip").inner_text()
    until(page, "document.querySelector('.card .source, .card .mark-key') !== null")
    page.mouse.wheel(0, -600)
    canvas.focus()
    page.keyboard.press("0")
    tab.shot("heat-map")
    assert b"<svg" in tab.save(page.evaluate("document.querySelector('.panel-map').dataset.panel"), "SVG")


@test("synthetic real")
def a_long_sequence_folds_and_opens(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    n = int(re.search(r"(\d+) tokens", card.inner_text()).group(1))
    if n <= 160:
        assert card.locator(".tok").count() == n
        return
    assert card.locator(".tok").count() < n
    card.locator("button", has_text="Unfold").click()
    until(page, f"document.querySelector('.card').querySelectorAll('.tok').length === {n}")
    assert tab.params()["open"]


@test("synthetic real")
def the_filter_keeps_what_contains_the_words(tab):
    tab.open().cards()
    page = tab.page
    word = page.locator(".card").first.locator(".tok").nth(3).inner_text().strip()
    total = page.locator(".card").count()
    page.locator(".toolbar input[type=search]").fill(f"={word}")
    until(page, "/match/.test(document.querySelector('.sequences > .note').textContent)")
    assert 1 <= page.locator(".card").count() <= total
    page.locator(".toolbar input[type=search]").fill("/(/")
    page.wait_for_selector(".sequences > .note.error")


@test("synthetic real")
def the_overview_is_linked(tab):
    tab.open().cards()
    page = tab.page
    row = page.locator("tr[data-head]").nth(2)
    row.hover()
    name = row.get_attribute("data-head")
    assert page.locator("tr.hot").get_attribute("data-head") == name
    row.click()
    assert page.locator("tr.current").get_attribute("data-head") == name
    assert tab.params()["head"] == name.split("H")[1]
    page.locator(".plot-grid canvas").first.hover(position={"x": 60, "y": 20})
    until(page, "!document.getElementById('tip').hidden")
    page.locator(".find").fill(f"L{name[1:].split('H')[0]}")
    until(page, "/ of /.test(document.querySelector('.panel-table .note').textContent)")
    box = page.locator(".plot-scatter canvas").first.bounding_box()
    page.locator(".find").fill("")
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 120)
    page.mouse.move(box["x"] + 260, box["y"] + 200)
    page.mouse.up()
    assert len(tab.params()["box"].split(",")) == 4
    tab.shot("box-select")
    page.keyboard.press("Escape")
    assert "box" not in tab.params()
    page.locator(".goto").fill(name.replace("L", "").replace("H", "."))
    page.locator(".goto").press("Enter")
    assert page.locator("h1").inner_text().endswith(name.split("H")[1])


@test("synthetic real")
def exports_equal_what_is_on_screen(tab):
    tab.open("full=table").cards()
    page = tab.page
    rows = json.loads(tab.save("table", "JSON"))
    csv = tab.save("table", "CSV").decode()
    assert len(csv.strip().split("\r\n")) == len(rows) + 1
    shown = page.locator("tr[data-head]").first
    first = rows[0]
    assert shown.get_attribute("data-head") == f"L{first['layer']}H{first['head']}"
    names = [c for c in first if c not in ("layer", "head") and not c.endswith("_se")]
    cell = shown.locator("td").first.inner_text().split(" ")[0]
    assert abs(float(cell) - first[names[0]]) < 1e-2 * max(1, abs(first[names[0]]))
    page.keyboard.press("Escape")
    svg = tab.save("scatter", "SVG").decode()
    assert svg.count("<circle") >= min(len(rows), 2) and "xmlns" in svg
    assert tab.save("grid", "PNG")[:8] == b"\x89PNG\r\n\x1a\n"
    card = page.locator(".card").first
    card.locator(".menu > button").click()
    with page.expect_download() as waiting:
        card.locator(".menu-items button", has_text="JSON").click()
    record = json.loads(Path(waiting.value.path()).read_text())
    assert len(record["tokens"]) == record["seq_len"]
    assert f"{record['max_activation']:.3f}" == card.locator("header .num b").inner_text()


@test("synthetic real")
def the_metrics_tab_says_where_the_head_stands(tab):
    tab.open("tab=metrics")
    page = tab.page
    page.wait_for_selector(".standing tbody tr")
    page.wait_for_selector(".plot-bars canvas")
    lines = json.loads(tab.save("standing", "JSON"))
    rows = page.evaluate("fetch(document.baseURI.includes('/web/') ? '../data/scatter_data.json' : 'data/scatter_data.json').then(r => r.json())")
    state = page.evaluate("[...new URLSearchParams(location.search)]")
    where = dict(state)
    mine = next(r for r in rows if str(r["layer"]) == where["layer"] and str(r["head"]) == where["head"])
    for line in lines:
        assert line["rank"] == 1 + sum(r[line["metric"]] > mine[line["metric"]] for r in rows), line
    tab.shot("metrics")


@test("synthetic real")
def back_forward_and_a_copied_link_restore_the_view(tab):
    tab.open().cards()
    page = tab.page
    page.keyboard.press("h")
    page.keyboard.press("m")
    page.wait_for_selector(".standing")
    second = page.locator("h1").inner_text()
    page.go_back()
    page.wait_for_selector(".card .tok")
    page.go_back()
    until(page, f"document.querySelector('h1').textContent !== {json.dumps(second)}")
    page.go_forward()
    until(page, f"document.querySelector('h1').textContent === {json.dumps(second)}")
    page.keyboard.press("]")
    page.keyboard.press("t")
    page.locator("button", has_text="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    card = page.locator(".card").first.inner_text()
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".card .tok")
    assert page.locator(".card").first.inner_text() == card
    assert page.locator(".toolbar .toggle").get_attribute("aria-pressed") == "true"


def clouds_ready(page):
    page.wait_for_selector(".plot-cloud .js-plotly-plot, .plot-cloud.js-plotly-plot, .plot-cloud canvas", timeout=30000)
    page.wait_for_timeout(1500)


@test("synthetic umap-real")
def the_projection_draws_in_three_dimensions_and_in_two(tab):
    tab.open("tab=umap")
    page = tab.page
    clouds_ready(page)
    assert page.locator(".plot-cloud").count() == 3
    assert page.evaluate("typeof Plotly") == "object"
    tab.shot("projection-3d")
    page.locator(".projection button", has_text="2-D").click()
    page.wait_for_selector(".plot-cloud canvas.over")
    page.locator(".projection select").nth(1).select_option("distance")
    assert tab.params()["paint"] == "distance"
    page.locator(".projection .segmented button", has_text="V").click()
    assert page.locator(".plot-cloud").count() == 4
    table = json.loads(tab.save("cloud-Q", "JSON"))
    page.goto(f"{tab.base}?tab=umap&flat=true&point=5")
    page.wait_for_selector(".pointtext .mark-query, .pointtext .mark-both")
    assert f"sequence {table[5]['seq_idx']}" in page.locator(".pointtext").inner_text()
    assert str(table[5]["query"]) in page.locator(".pointtext .q").inner_text()
    tab.shot("projection-2d")


@test("synthetic umap-real")
def a_lasso_names_a_cluster_that_can_be_renamed_and_deleted(tab):
    tab.open("tab=umap&flat=true")
    page = tab.page
    page.wait_for_selector(".plot-cloud canvas.over")
    page.locator("button", has_text="Lasso").click()
    page.wait_for_timeout(300)
    box = page.locator(".plot-cloud canvas").first.bounding_box()
    corners = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    page.mouse.up()
    page.locator("[aria-label='Name of the cluster']").fill("<i>mine</i>")
    page.keyboard.press("Enter")
    page.wait_for_selector(".clusters li")
    assert page.locator(".clusters .name").inner_text() == "<i>mine</i>"
    saved = json.loads(tab.save("clusters", "JSON"))
    assert len(saved) == 1 and len(saved[0]["points"]) == int(page.locator(".clusters .num").inner_text())
    page.locator(".clusters button", has_text="Rename").click()
    page.keyboard.type("other")
    page.keyboard.press("Enter")
    assert page.locator(".clusters .name").inner_text() == "other"
    tab.shot("clusters")
    page.reload()
    page.wait_for_selector(".clusters li")
    page.locator("[aria-label='Delete cluster other']").click()
    assert page.locator(".clusters li").count() == 0


@test("synthetic")
def without_webgl_the_projection_is_flat_and_says_why(tab):
    tab.page.add_init_script("HTMLCanvasElement.prototype.getContext = (original => function (kind, ...rest) { return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest); })(HTMLCanvasElement.prototype.getContext)")
    tab.open("tab=umap")
    tab.page.wait_for_selector(".plot-cloud canvas.over")
    assert "WebGL" in tab.page.locator(".projection .note").first.inner_text()


@test("synthetic real")
def embed_mode_has_no_chrome_and_narrow_screens_work(tab):
    tab.open("embed=1").cards()
    assert not tab.page.locator("#top").is_visible() and not tab.page.locator("#side").is_visible()
    tab.page.set_viewport_size({"width": 360, "height": 740})
    tab.open().cards()
    overflow = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the page is {overflow} px wider than the screen"
    tab.shot("narrow")
    tab.page.locator("button", has_text="Heads").click()
    tab.page.wait_for_selector("tr[data-head]")
    tab.shot("narrow-heads")
    for name in ("metrics", "help"):
        tab.open(f"tab={name}")
        tab.page.wait_for_timeout(400)
        assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


@test("synthetic real")
def every_view_passes_axe_in_light_and_dark(tab):
    axe = AXE.read_text()
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        for query in ("", "tab=metrics", "tab=help", "tab=umap&flat=true", "full=table"):
            tab.open(query)
            tab.page.wait_for_timeout(900)
            tab.page.evaluate(axe)
            found = tab.page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160), v.nodes[0].failureSummary]))")
            assert not found, (scheme, query, found)


@test("synthetic real")
def wide_and_dark_look_right(tab):
    tab.page.emulate_media(color_scheme="dark")
    tab.open().cards()
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.shot("dark")
    tab.page.locator("[aria-label='Light colours']").click()
    assert tab.params()["theme"] == "light"
    tab.page.set_viewport_size({"width": 3840, "height": 2160})
    tab.page.wait_for_timeout(400)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.shot("4k")


@test("odd")
def hostile_text_stays_text_and_the_rest_works_around_broken_files(tab):
    tab.page.add_init_script("window.alert = () => { window.alerted = true }")
    tab.open().cards()
    page = tab.page
    for query in ("", "tab=metrics", "tab=umap&flat=true&point=3", "tab=help"):
        tab.open(query)
        page.wait_for_timeout(700)
        assert not page.evaluate("window.alerted === true")
        assert page.locator("main img, main script, #side img, .model b").count() == 0
    assert page.locator(".model").inner_text() == "<b>odd</b>/model"
    tab.open("layer=0&head=1")
    page.wait_for_selector(".empty.error")
    assert "heads/L0H1.json is cut short" in page.locator(".empty.error").inner_text()
    assert "problem" in page.locator(".warn").inner_text()
    tab.shot("cut-short")
    page.keyboard.press("h")
    page.wait_for_selector(".card .tok")
    tab.open("layer=1&head=3")
    page.wait_for_selector(".empty.error")
    assert "heads/L1H3.json is missing" in page.locator(".empty.error").inner_text()
    tab.open("layer=99&head=0").cards()
    assert page.locator("h1").inner_text() == "Layer 0 Head 0"
    tab.complaints = [c for c in tab.complaints if "heads/L1H3.json" not in c]


@test("odd")
def a_tree_without_its_optional_files_still_opens(tab):
    refuse = ("scatter_data.json", "server_config.json", "manifest.json", "sequences.json")
    for name in refuse:
        tab.page.route(f"**/{name}", lambda route: route.fulfill(status=404, body="no"))
    tab.open().cards()
    assert "problem" in tab.page.locator(".warn").inner_text()
    tab.page.locator(".warn").click()
    assert "scatter_data.json is missing" in tab.page.locator(".problems").inner_text()
    tab.open("tab=umap&flat=true&point=1")
    until(tab.page, "/no token data|sequence/.test(document.querySelector('.pointtext').textContent)")
    tab.page.route("**/config.json", lambda route: route.fulfill(status=404, body="no"))
    tab.page.goto(tab.base)
    tab.page.wait_for_selector(".fatal")
    assert "config.json is missing" in tab.page.locator(".fatal").inner_text()
    tab.complaints = [c for c in tab.complaints if "404" not in c]


@test("large")
def five_thousand_heads_stay_light(tab):
    tab.open().cards()
    page = tab.page
    assert page.locator("tr[data-head]").count() < 120
    page.locator(".scroller").evaluate("n => { n.scrollTop = n.scrollHeight }")
    page.wait_for_timeout(200)
    assert page.locator("tr[data-head]").count() < 120
    page.locator(".find").fill("L49")
    until(page, "/^100 of 5000/.test(document.querySelector('.panel-table .note').textContent)")
    page.locator(".find").fill("")
    tab.shot("5000-heads")


@test("live")
def custom_prompts_are_added_shown_deleted_and_refused(tab):
    tab.open("interval=-1")
    page = tab.page
    text, send = page.locator(".composer textarea"), page.locator(".composer .primary")
    until(page, "!document.querySelector('.composer textarea').disabled")
    text.fill("The cat sat on the mat")
    send.click()
    page.wait_for_selector(".card .tok")
    assert page.locator(".card .tok").count() == 6
    assert "Custom (1)" in page.locator(".toolbar select").first.inner_text()
    tab.shot("custom")
    text.fill("word " * 200)
    send.click()
    until(page, "/256 tokens/.test(document.querySelector('.composer').textContent)")
    text.fill("while loading")
    send.click()
    until(page, "/still loading/.test(document.querySelector('.composer').textContent)")
    page.locator(".composer button", has_text="Try again").click()
    until(page, "document.querySelectorAll('.card').length === 2")
    page.reload()
    until(page, "document.querySelectorAll('.card .tok').length > 0")
    page.locator("[aria-label^='Delete sequence']").first.click()
    until(page, "document.querySelectorAll('.card').length === 1")


@test("live")
def an_edge_is_chosen_and_attributed(tab):
    tab.open("").cards()
    page = tab.page
    card = page.locator(".card").first
    card.locator("button.qk").click()
    card.locator(".tok").nth(12).click()
    assert "key token" in card.locator(".line").inner_text()
    page.keyboard.press("Escape")
    assert not card.locator(".line").is_visible()
    card.locator("button.qk").click()
    card.locator(".tok").nth(12).click()
    card.locator(".tok").nth(5).click()
    page.wait_for_selector(".pairs [aria-selected=true]")
    assert tab.params()["attr"] == "qk"
    shown = page.locator(".pairs .score").all_inner_texts()
    assert len(shown) == 12
    assert page.locator(".description").first.inner_text() == "<img src=x onerror=alert(9)>"
    tab.shot("attribution")
    page.mouse.move(700, 5)
    until(page, "document.getElementById('tip').hidden")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.id, v.nodes[0].html.slice(0, 200)]))")
    assert not found, found
    page.locator(".pairs").focus()
    page.keyboard.press("ArrowDown")
    assert tab.params()["pick"] == "1"
    page.locator(".attribution .segmented button", has_text="Marginal Query").click()
    assert tab.params()["view"] == "query"
    tab.shot("marginals")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".pairs")
    page.locator("#tab-ov").click()
    page.wait_for_selector(".empty.error")
    assert "--dictionary" in page.locator(".empty.error").inner_text()
    tab.open("").cards()
    assert "solid" not in page.locator(".card button.ov").first.get_attribute("class")


@test("live")
def a_causal_error_is_shown_as_the_backend_says_it(tab):
    tab.open("attr=qk&seq=0&qpos=2&kpos=9")
    tab.page.wait_for_selector(".empty.error")
    assert "the model is causal" in tab.page.locator(".empty.error").inner_text()


@test("live")
def an_edge_lands_in_the_projection_and_clusters_are_saved(tab):
    tab.open("flat=true").cards()
    page = tab.page
    card = page.locator(".card").first
    card.locator("button.umap").click()
    card.locator(".tok").nth(9).click()
    card.locator(".tok").nth(4).click()
    until(page, "/is marked/.test(document.querySelector('.projection .note').textContent)")
    assert tab.params()["point"].startswith("p")
    assert "A projected edge" in page.locator(".pointtext").inner_text()
    tab.shot("landed")
    page.locator("button", has_text="Lasso").click()
    box = page.locator(".plot-cloud canvas").first.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    for x, y in ((0.98, 0.02), (0.98, 0.98), (0.02, 0.98)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
    page.mouse.up()
    page.locator("[aria-label='Name of the cluster']").fill("all")
    page.keyboard.press("Enter")
    until(page, "/Saved/.test(document.querySelector('.panel-clusters').textContent)")
    page.reload()
    page.wait_for_selector(".clusters li")


@test("serve live")
def a_prompt_is_added_found_again_and_deleted(tab):
    tab.open("interval=-1")
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    text, send = page.locator(".composer textarea"), page.locator(".composer .primary")
    prompt = "When Mary and John went to the store, John gave a drink to Mary"
    text.fill(prompt)
    send.click()
    until(page, "/Added as/.test(document.querySelector('.composer').textContent)", 60)
    name = re.search(r"Added as (\S+):", page.locator(".composer").inner_text()).group(1)
    card = page.locator(f".card[data-id='{name}']")
    assert prompt in card.locator(".tokens").inner_text()
    assert float(card.locator("header .num b").inner_text()) > 0
    tab.shot("prompt")
    page.reload()
    card.wait_for()
    send.wait_for()
    text.fill(" ".join(["word"] * 3000))
    send.click()
    until(page, "document.querySelector('.composer .note.error') !== null", 60)
    page.locator(f"[aria-label='Delete sequence {name}']").click()
    until(page, f"document.querySelector(\".card[data-id='{name}']\") === null", 30)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tree", type=Path)
    options.add_argument("--serve")
    options.add_argument("--shots", type=Path)
    options.add_argument("--only", default="")
    given = options.parse_args()
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver:
        work = Path(work)
        (work / "root").mkdir()
        (work / "root" / "web").symlink_to(WEB)
        make_tree(work / "root" / "data", "--layers", "30", "--heads", "9", "--length", "200", "--sequences", "100", "--points", "1500")
        make_tree(work / "odd" / "data", "--odd", "--length", "60", "--files", "3")
        subprocess.run([ROOT / "scripts" / "make-site", WEB, work / "odd" / "data", work / "dist"], check=True, stdout=subprocess.DEVNULL)
        make_tree(work / "large" / "data", "--layers", "50", "--heads", "100", "--files", "1", "--points", "0")
        (work / "large" / "web").symlink_to(WEB)
        make_tree(work / "live", "--length", "60", "--sequences", "20")
        stub, process = serve_stub(work / "live")
        bases = {
            "synthetic": serve_folder(work / "root") + "/web/",
            "odd": serve_folder(work / "dist") + "/",
            "large": serve_folder(work / "large") + "/web/",
            "live": stub + "/",
        }
        if given.serve:
            bases["serve"] = given.serve.rstrip("/") + "/"
        if given.tree:
            (work / "real").mkdir()
            (work / "real" / "web").symlink_to(WEB)
            (work / "real" / "data").symlink_to(given.tree.resolve())
            bases["real"] = serve_folder(work / "real") + "/web/"
            if json.loads((given.tree / "config.json").read_text()).get("has_umap"):
                bases["umap-real"] = bases["real"]
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"])
        passed, failed = 0, 0
        for kinds, run in TESTS:
            for kind in kinds:
                if kind not in bases or given.only not in f"{kind} {run.__name__}":
                    continue
                title = f"{kind}: {run.__name__.replace('_', ' ')}"
                tab = Tab(browser, bases[kind], given.shots and str(given.shots / kind))
                if given.shots:
                    (given.shots / kind).mkdir(exist_ok=True)
                try:
                    run(tab)
                    tab.close()
                    passed += 1
                    print(f"ok   {title}", flush=True)
                except Exception:
                    failed += 1
                    print(f"FAIL {title}\n{traceback.format_exc(limit=-3)}", flush=True)
                    if tab.complaints:
                        print("   ", tab.complaints, flush=True)
                    tab.context.close()
        browser.close()
        process.terminate()
    print(f"{passed} passed, {failed} failed")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
