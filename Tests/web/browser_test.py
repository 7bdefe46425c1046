# SPDX-License-Identifier: Apache-2.0
"""The page in a real Chromium, used as a person would, on plain file servers and on backends.

python browser_test.py [--tree DATA [--serve BINARY --work WORK --model MODEL]] [--shots DIR] [--only WORDS] [--slow TIMES]

Without --tree, synthetic trees and a stand-in for the backend are used. --tree takes a tree of the pipeline
on a plain file server, --serve the real backend on a copy of that tree as well. Screenshots go to --shots.
--slow makes Chromium so many times slower: what passes there passes on a machine that is busy.
Needs playwright and axe-playwright-python from PyPI, node, and the chromium of the system.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from playwright.sync_api import sync_playwright

from page import HERE, ROOT, TESTS, WEB, Tab, chromium, make_tree, serve_folder, serve_live, serve_stub

for module in sorted(HERE.glob("*_tests.py")):
    importlib.import_module(module.stem)


def with_page(folder, data):
    """A folder that a plain file server shows as a clone: web/ and data/ side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "web").symlink_to(WEB)
    if data:
        (folder / "data").symlink_to(data)
    return folder


def site(kind, work, given):
    """The address of a kind of site, and the process behind it."""
    if kind == "synthetic":
        make_tree(work / "data", "--layers", "30", "--heads", "9", "--length", "200", "--sequences", "100", "--points", "1500")
        return serve_folder(with_page(work, None)) + "/web/", None
    if kind == "stored":
        make_tree(work / "data", "--stored", "--length", "60", "--files", "2")
        return serve_folder(with_page(work, None)) + "/web/", None
    if kind == "odd":
        make_tree(work / "data", "--odd", "--length", "60", "--files", "3")
        subprocess.run([ROOT / "scripts" / "make-site", WEB, work / "data", work / "dist"], check=True, stdout=subprocess.DEVNULL)
        return serve_folder(work / "dist") + "/", None
    if kind == "neuronpedia":
        subprocess.run(["node", Path(__file__).with_name("neuronpedia-tree.mjs"), work / "data"], check=True)
        return serve_folder(with_page(work, None)) + "/web/", None
    if kind == "large":
        make_tree(work / "data", "--layers", "50", "--heads", "100", "--files", "1", "--points", "0")
        return serve_folder(with_page(work, None)) + "/web/", None
    if kind == "live":
        make_tree(work / "data", "--length", "60", "--sequences", "20")
        address, process = serve_stub(work / "data")
        return address + "/", process
    if kind == "static":
        return serve_folder(with_page(work, given.tree.resolve())) + "/web/", None
    shutil.copytree(given.tree, work / "data")  # what the tests add must not stay
    address, process = serve_live(given.serve, work / "data", given.work, given.model)
    return address + "/", process


def tests_of(kind, given):
    real = kind not in ("static", "serve") and given.tree is not None
    # On a real tree, what is tested there needs no synthetic one.
    return [
        run for kinds, run in TESTS
        if kind in kinds and given.only in f"{kind} {run.__name__}" and not (real and kind == "synthetic" and "static" in kinds)]


def run_kind(kind, given):
    """Runs the tests of a kind of site; answers a line for each, and whether it passed."""
    shots = given.shots and given.shots / kind
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    results = []
    with tempfile.TemporaryDirectory() as work, sync_playwright() as driver:
        base, process = site(kind, Path(work), given)
        browsers = {}
        try:
            for run in tests_of(kind, given):
                title = f"{kind}: {run.__name__.replace('_', ' ')}"
                if run.webgl not in browsers:
                    browsers[run.webgl] = chromium(driver, run.webgl)
                tab = Tab(browsers[run.webgl], base, shots, slow=given.slow)
                try:
                    run(tab)
                    tab.close()
                    results.append((True, f"ok   {title}"))
                except Exception:
                    trouble = f"\n    {tab.complaints}" if tab.complaints else ""
                    results.append((False, f"FAIL {title}\n{traceback.format_exc(limit=-3)}{trouble}"))
                    if tab.shots and not tab.page.is_closed():
                        tab.page.screenshot(path=str(shots / f"failed-{run.__name__}.png"))
                    tab.context.close()
                print(results[-1][1], flush=True)
        finally:
            for browser in browsers.values():
                browser.close()
            if process:
                process.terminate()
                process.wait()
    return results


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tree", type=Path)
    options.add_argument("--serve", type=Path)
    options.add_argument("--work", type=Path)
    options.add_argument("--model", type=Path)
    options.add_argument("--shots", type=Path)
    options.add_argument("--only", default="")
    options.add_argument("--slow", type=float, default=1)
    given = options.parse_args()
    kinds = ["serve"] if given.serve else []
    kinds += ["static"] if given.tree else []
    kinds += ["synthetic", "live", "stored", "odd", "neuronpedia", "large"]
    kinds = [kind for kind in kinds if tests_of(kind, given)]
    with ProcessPoolExecutor(max_workers=min(len(kinds), os.cpu_count() or 1, 2)) as pool:
        results = [result for done in as_completed([pool.submit(run_kind, kind, given) for kind in kinds]) for result in done.result()]
    failed = sum(not passed for passed, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
