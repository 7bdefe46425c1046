# SPDX-License-Identifier: Apache-2.0
"""Measures the page in a real Chromium and prints a table: python bench/web/measure.py [--tree DATA]

The synthetic trees are made on the spot (270 heads with head files of about 6 MB: 200 sequences of
512 tokens; 5,000 heads; 200 such sequences in one interval). --tree measures first view and head
switches on another tree as well. Times are the medians (p95 where said) of what the page itself sees.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Tests" / "web"))
from page import WEB, chromium, make_tree, serve_folder  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

ROWS = []


def row(what, value, unit, goal=None):
    ok = "" if goal is None else "ok" if value < goal else "MISSED"
    ROWS.append((what, f"{value:.1f} {unit}", "" if goal is None else f"< {goal:g} {unit}", ok))


def p95(values):
    return sorted(values)[int(0.95 * (len(values) - 1))]


def site(work, name, *options):
    make_tree(work / name / "data", *options)
    (work / name / "web").symlink_to(WEB)
    return serve_folder(work / name) + "/web/"


def opened(browser, url):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    page.wait_for_selector(".card .tok")
    return page


def first_view(browser, url, label):
    shown, complete = [], []
    for _ in range(7):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_selector(".card .tok")
        shown.append(page.evaluate("performance.getEntriesByName('headvis:interactive')[0].startTime"))
        complete.append(page.evaluate("performance.now()"))
        page.close()
    row(f"{label}: overview interactive", statistics.median(shown), "ms", 1000)
    row(f"{label}: first sequences read and shown", statistics.median(complete), "ms", 1000)


SWITCH = """async () => {
  const before = document.querySelector('.card')?.dataset.id + document.querySelector('h1').textContent;
  const from = performance.now();
  dispatchEvent(new KeyboardEvent('keydown', { key: 'h', bubbles: true }));
  const title = document.querySelector('h1').textContent;
  for (;;) {
    await new Promise(requestAnimationFrame);
    if (document.querySelector('.card .tok') && document.querySelector('.card').dataset.id + title !== before) return performance.now() - from;
    if (document.querySelector('.empty.error')) throw new Error(document.querySelector('.empty.error').textContent);
  }
}"""


def switches(browser, url, label, count):
    page = opened(browser, url)
    page.evaluate("() => { window.tasks = []; new PerformanceObserver(l => tasks.push(...l.getEntries().map(e => e.duration))).observe({ type: 'longtask' }) }")
    times = [page.evaluate(SWITCH) for _ in range(count)]
    row(f"{label}: head switch, median", statistics.median(times), "ms", 300)
    row(f"{label}: head switch, p95", p95(times), "ms", 300)
    row(f"{label}: longest main-thread task meanwhile", max(page.evaluate("tasks") or [0]), "ms")
    page.close()


def memory(browser, url):
    page = opened(browser, url)
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")

    def heap():
        cdp.send("HeapProfiler.collectGarbage")
        found = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
        usage = cdp.send("Runtime.getHeapUsage")  # the sequences live in array buffers, outside the heap proper
        return (usage["usedSize"] + usage.get("backingStorageSize", 0)) / 2**20, found["Nodes"], found["JSEventListeners"]

    marks = {}
    for i in range(1, 101):
        page.evaluate(SWITCH)
        if i in (10, 50, 100):
            marks[i] = heap()
    for i, (mib, nodes, listeners) in marks.items():
        ROWS.append((f"memory after {i} head switches", f"{mib:.1f} MiB", "", f"{nodes:.0f} nodes, {listeners:.0f} listeners"))
    row("memory growth from switch 10 to 100", marks[100][0] - marks[10][0], "MiB", 10)
    page.close()


HOVER = """async (selector) => {
  const nodes = [...document.querySelectorAll(selector)].slice(0, 400);
  const times = [];
  for (const node of nodes) {
    const from = performance.now();
    node.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
    document.body.offsetWidth;
    times.push(performance.now() - from);
    if (times.length % 20 === 0) await new Promise(requestAnimationFrame);
  }
  return times;
}"""

MOVE = """async (selector) => {
  const canvas = document.querySelector(selector);
  const box = canvas.getBoundingClientRect();
  const times = [];
  for (let i = 0; i < 120; i++) {
    const at = { clientX: box.left + 50 + (box.width - 70) * ((i * 37) % 120) / 120, clientY: box.top + 20 + (box.height - 60) * ((i * 53) % 120) / 120 };
    canvas.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, ...at }));
    // The page answers in its next frame; what is measured is the work of that frame.
    times.push(await new Promise((done) => requestAnimationFrame(() => { const from = performance.now(); const seen = new MessageChannel(); seen.port1.onmessage = () => done(performance.now() - from); seen.port2.postMessage(0); })));
  }
  return times;
}"""


def hovers(browser, url, large):
    page = opened(browser, url)
    page.locator(".card").first.locator("button", has_text="Unfold").click()
    page.wait_for_timeout(500)
    times = page.evaluate(HOVER, ".card .tok")
    row("hover of a token among 512, median", statistics.median(times), "ms", 16)
    row("hover of a token among 512, p95", p95(times), "ms", 16)
    page.locator("[aria-label^='Heat map']").first.click()
    page.wait_for_timeout(500)
    row("hover in a 512 x 512 heat map, p95 of the frame", p95(page.evaluate(MOVE, ".plot-map canvas")), "ms", 16)
    page.goto(url + "?tab=umap&flat=true")
    page.wait_for_selector(".plot-cloud canvas.over")
    page.wait_for_timeout(500)
    row("hover in a cloud of 5,000 points, 3 panels in 2-D, p95", p95(page.evaluate(MOVE, ".plot-cloud canvas")), "ms", 16)
    page.close()
    page = opened(browser, large)
    row("hover in the scatter of 5,000 heads, p95 of the frame", p95(page.evaluate(MOVE, ".plot-scatter canvas")), "ms", 16)
    row("overview of 5,000 heads interactive", page.evaluate("performance.getEntriesByName('headvis:interactive')[0].startTime"), "ms")
    page.close()


SCROLL = """async () => {
  const view = document.querySelector('.view-sequences');
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < 240; i++) {
    view.scrollTop += 60;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


def scrolling(browser, url):
    page = opened(browser, url)
    frames = page.evaluate(SCROLL)
    row("scrolling 200 sequences of 512, median frame", statistics.median(frames), "ms", 17)
    row("scrolling 200 sequences of 512, p95 frame", p95(frames), "ms")
    ROWS.append(("cards in the document meanwhile", str(page.locator(".card .tokens").count()), "of 200", ""))
    page.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tree", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver:
        work = Path(work)
        url = site(work, "heads", "--layers", "30", "--heads", "9", "--sequences", "200", "--length", "512", "--points", "5000", "--files", "10")
        # The measured switches walk the heads that have a file.
        config = work / "heads" / "data" / "config.json"
        value = json.loads(config.read_text())
        config.write_text(json.dumps({**value, "heads": value["heads"][:10]}))
        size = (work / "heads" / "data" / "heads" / "L0H0.json").stat().st_size / 2**20
        large = site(work, "large", "--layers", "50", "--heads", "100", "--files", "1", "--points", "0")
        long = site(work, "long", "--sequences", "200", "--length", "512", "--files", "1", "--intervals", "1", "--points", "0")
        browser = chromium(driver)  # without a GPU: plain software drawing is the slowest real case
        label = f"270 heads, {size:.1f} MB files"
        first_view(browser, url, label)
        switches(browser, url, label, 20)
        hovers(browser, url, large)
        scrolling(browser, long)
        memory(browser, url)
        if given.tree:
            (work / "real").mkdir()
            (work / "real" / "web").symlink_to(WEB)
            (work / "real" / "data").symlink_to(given.tree.resolve())
            real = serve_folder(work / "real") + "/web/"
            first_view(browser, real, "given tree")
            switches(browser, real, "given tree", 10)
        browser.close()
    widths = [max(len(r[i]) for r in ROWS) for i in range(4)]
    for r in [("what", "measured", "goal", "")] + ROWS:
        print("  ".join(cell.ljust(width) for cell, width in zip(r, widths)).rstrip())


if __name__ == "__main__":
    main()
