# SPDX-License-Identifier: Apache-2.0
"""What the page holds on to after many heads: nodes, listeners and memory stay where they were."""

from page import test, until

SWITCHES = 200
HEADS = 4  # walked to and fro: the smallest tree has files of so many
ONE_WAY = HEADS - 1

# Presses keys one by one, each when what the last one asked for is there.
WALK = """async (keys) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (const key of keys) {
        dispatchEvent(new KeyboardEvent("keydown", {key: "h", shiftKey: key === "H", bubbles: true}));
        do await frame(); while (document.querySelector(".view:not([hidden]) .spinner"));
    }
}"""
# Back to an edge of one head, forward to the head after it.
BACK_AND_FORTH = """async (times) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const gone = (step) => new Promise((done) => {
        addEventListener("popstate", done, {once: true});
        history.go(step);
    });
    const until = async (selector) => {
        while (!document.querySelector(selector)) await frame();
        do await frame(); while (document.querySelector(".view:not([hidden]) .spinner"));
    };
    for (let i = 0; i < times; i++) {
        await gone(-1);
        await until(".view:not([hidden]) .features > *");
        await gone(1);
        await until(".view:not([hidden]) .card .tok");
    }
}"""


def held(tab):
    """What is alive once everything that can go has gone: nodes, listeners, megabytes of JavaScript."""
    tab.page.mouse.move(5, 5)
    tab.still()
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    counted = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return {
        "nodes": int(counted["Nodes"]), "listeners": int(counted["JSEventListeners"]),
        "MB": round(counted["JSHeapUsedSize"] / 1e6, 2)}


def bounded(tab, name, warm, walk):
    """Walks as far as is needed for every cache to be full, then all the way: nothing may have grown."""
    warm()
    before = held(tab)
    walk()
    after = held(tab)
    assert after["nodes"] <= 1.1 * before["nodes"] + 200, (name, before, after)
    assert after["listeners"] <= 1.1 * before["listeners"] + 50, (name, before, after)
    assert after["MB"] <= before["MB"] + 2, (name, before, after)


def steps(times):
    """Keys that make `times` switches and end where they began (for a multiple of a round)."""
    return [("h" if i // ONE_WAY % 2 == 0 else "H") for i in range(times)]


def switch_heads(tab, name):
    """Walks over the heads, a part of the page open."""
    round_trip = 2 * ONE_WAY
    times = SWITCHES + -SWITCHES % round_trip
    tab.open(f"tab={name}&flat=true").ready()
    bounded(
        tab, name, lambda: tab.page.evaluate(WALK, steps(2 * round_trip)),
        lambda: tab.page.evaluate(WALK, steps(times)))


@test("live")
def two_hundred_head_switches_leave_nothing_behind(tab):
    for name in ("sequences", "metrics", "help"):
        switch_heads(tab, name)


@test("synthetic static")
def two_hundred_head_switches_over_clouds_leave_nothing_behind(tab):
    switch_heads(tab, "umap")


@test("live")
def two_hundred_attributions_leave_nothing_behind(tab):
    for kind in ("qk", "ov"):
        tab.open("layer=0&head=1").cards()
        page = tab.page
        card = page.locator(".card").first
        card.locator(f"button.{kind}").click()
        card.locator(".tok").nth(12).click()
        card.locator(".tok").nth(5).click()
        page.wait_for_selector(f"#{kind}-row-0")
        page.keyboard.press("h")
        tab.cards()
        bounded(
            tab, kind, lambda: page.evaluate(BACK_AND_FORTH, 6), lambda: page.evaluate(BACK_AND_FORTH, SWITCHES // 2))


@test("synthetic static", webgl=True)
def clouds_in_three_dimensions_leave_nothing_behind(tab):
    warnings = []
    tab.page.on("console", lambda m: warnings.append(m.text) if "WebGL" in m.text else None)
    tab.open("tab=umap&spaces=Q")
    drawn = "document.querySelector('.plot-cloud canvas.over') !== null"

    def walk(times):
        for key in steps(times):
            tab.page.keyboard.press("h" if key == "h" else "Shift+H")
            until(tab.page, f"!document.querySelector('.projection .spinner') && {drawn}", 60)
    until(tab.page, drawn, 60)
    # Chromium complains of the 17th context that is alive.
    bounded(tab, "three dimensions", lambda: walk(2 * ONE_WAY), lambda: walk(2 * 2 * ONE_WAY))
    assert not [w for w in warnings if "Too many" in w], warnings
