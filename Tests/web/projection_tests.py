# SPDX-License-Identifier: Apache-2.0
"""The clouds: two and three dimensions, lasso, clusters, landing edges."""

import json
import re

from page import at_rest, test, until


def clouds_ready(page):
    page.wait_for_selector(".plot-cloud .js-plotly-plot, .plot-cloud.js-plotly-plot, .plot-cloud canvas")
    until(page, "document.querySelectorAll('.plot-cloud').length === document.querySelectorAll('.plot-cloud canvas.over').length", 60)


@test("synthetic static serve", webgl=True)
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
    tab.expect(paint="distance")
    page.locator(".projection .segmented button", has_text="V").click()
    assert page.locator(".plot-cloud").count() == 4
    table = json.loads(tab.save("cloud-Q", "JSON"))
    page.goto(f"{tab.base}?tab=umap&flat=true&point=5")
    page.wait_for_selector(".pointtext .mark-query, .pointtext .mark-both")
    assert f"sequence {table[5]['seq_idx']}" in page.locator(".pointtext").inner_text()
    assert str(table[5]["query"]) in page.locator(".pointtext .q").inner_text()
    tab.shot("projection-2d")


# How far from the middle of its panel plotly draws each point, 1 at the edge.
PLACES_3D = """[...document.querySelectorAll('.plot3d')].map((plot) => {
  const { glplot: { cameraParams: { model, view, projection } }, dataScale } = plot._fullLayout.scene._scene;
  const through = (v, m) => [0, 1, 2, 3].map((row) => m[row] * v[0] + m[4 + row] * v[1] + m[8 + row] * v[2] + m[12 + row] * v[3]);
  const { x, y, z } = plot.data[0];
  return x.map((_, i) => {
    const [a, b, , w] = [model, view, projection].reduce(through, [x[i] * dataScale[0], y[i] * dataScale[1], z[i] * dataScale[2], 1]);
    return Math.max(Math.abs(a / w), Math.abs(b / w));
  }).sort((a, b) => a - b);
})"""


@test("synthetic static", webgl=True)
def most_points_fill_their_panel_in_three_dimensions_whatever_the_strays(tab):
    page = tab.page

    def stray(route):
        file = route.fetch().json()
        for axes in file["pca"].values():
            axes["d0"][0] = 100 * max(map(abs, axes["d0"]))
        route.fulfill(json=file)
    for strays in (0, 1):
        if strays:
            page.route("**/umap/L*.json*", stray)
        tab.open("tab=umap&cloud=pca")
        clouds_ready(page)
        for places in page.evaluate(PLACES_3D):
            seen = places[int(0.98 * (len(places) - 1))]
            assert 0.5 < seen < 1, f"98 % of the points end at {seen} of a panel"
            assert not strays or places[-1] > 20, "a stray is somewhere else, not left out"
    tab.shot("projection-3d-strays")


@test("synthetic static serve")
def a_lasso_names_a_cluster_that_can_be_renamed_and_deleted(tab):
    tab.open("tab=umap&flat=true")
    page = tab.page
    page.wait_for_selector(".plot-cloud canvas.over")
    page.locator("button", has_text="Lasso").click()
    tab.still()
    box = at_rest(page.locator(".plot-cloud canvas").first)
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


@test("live")
def an_edge_lands_in_the_projection_and_clusters_are_saved(tab):
    tab.open("flat=true").cards()
    page = tab.page
    card = page.locator(".card").first
    card.locator("button.umap").click()
    card.locator(".tok").nth(9).click()
    card.locator(".tok").nth(4).click()
    until(page, "/is marked/.test(document.querySelector('.projection .note').textContent)")
    tab.expect(point="p.+")
    assert "A projected edge" in page.locator(".pointtext").inner_text()
    tab.shot("landed")
    page.locator("button", has_text="Lasso").click()
    box = at_rest(page.locator(".plot-cloud canvas").first)
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


@test("synthetic static serve")
def what_a_token_rule_matches_becomes_a_cluster(tab):
    tab.open("tab=umap&flat=true&paint=token&rule=/e/")
    page = tab.page
    tab.ready()
    matches = int(re.match(r"(\d+) of", page.locator(".projection .note").first.inner_text()).group(1))
    assert matches > 0
    page.locator("button", has_text="Name them").click()
    page.locator("[aria-label='Name of the cluster']").fill("with e")
    page.keyboard.press("Enter")
    page.wait_for_selector(".clusters li")
    assert int(page.locator(".clusters .num").inner_text()) == matches
    page.locator("[aria-label='Delete cluster with e']").click()
    until(page, "document.querySelector('.clusters li') === null")


def draw_lasso(page, corners):
    box = at_rest(page.locator(".plot-cloud canvas").first)
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def name_points(page, name):
    page.locator("[aria-label='Name of the cluster']").fill(name)
    page.keyboard.press("Enter")


LEFT = [(0.01, 0.01), (0.6, 0.01), (0.6, 0.99), (0.01, 0.99)]
ALL = [(0.005, 0.005), (0.995, 0.005), (0.995, 0.995), (0.005, 0.995)]
COUNTS = "Object.fromEntries([...document.querySelectorAll('.clusters li')].map((n) => [n.querySelector('.name').textContent, +n.querySelector('.num').textContent]))"


@test("live serve")
def clusters_are_neither_taken_nor_overwritten_without_a_word(tab):
    tab.open()
    layer, number = tab.data("config.json")["heads"][1]
    tab.open(f"tab=umap&flat=true&layer={layer}&head={number}").ready()
    page = tab.page
    saved = "/Saved\\./.test(document.querySelector('.panel-clusters').textContent)"
    page.locator("button", has_text="Lasso").click()
    tab.still()
    draw_lasso(page, LEFT)
    name_points(page, "left")
    until(page, saved)
    left = page.evaluate(COUNTS)["left"]
    # A second lasso without pressing the button again: what it takes is said before it does, and can be taken back.
    draw_lasso(page, ALL)
    page.locator("[aria-label='Name of the cluster']").fill("all")
    assert "Removes left." in page.locator(".panel-clusters").inner_text()
    page.keyboard.press("Enter")
    until(page, f"{saved} && !('left' in {COUNTS})")
    assert "Removes left." in page.locator(".panel-clusters .note").first.inner_text()
    page.locator(".panel-clusters button", has_text="Undo").click()
    until(page, f"{COUNTS}.left === {left}")
    until(page, saved)
    page.locator("[aria-label='Delete cluster left']").click()
    until(page, f"!('left' in {COUNTS}) && {saved}")
    page.locator(".panel-clusters button", has_text="Undo").click()
    until(page, f"{COUNTS}.left === {left} && {saved}")
    # Somebody else saves; this tab learns of it when it saves, and both stand.
    head = tab.head()
    layer, number = re.findall(r"\d+", head)
    there = tab.data(f"umap/{head}.json")
    taken = {tuple(p) for c in there["clusters"] for p in c["points"]}
    free = next(p for p in zip(there["seq_idx"], there["top_q"], there["top_k"]) if p not in taken)
    clusters = [*there["clusters"], {"name": "theirs", "color": "#112233", "points": [list(free)]}]
    page.evaluate("""(body) => fetch('/api/head_vis/public/save_umap_clusters/v0', {
        method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)})""",
        {"layer": int(layer), "head": int(number), "clusters": clusters})
    page.locator(".clusters li", has_text="left").locator("button", has_text="Rename").click()
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    until(page, f"'theirs' in {COUNTS} && 'mine' in {COUNTS} && !('left' in {COUNTS})")
    until(page, "/Saved/.test(document.querySelector('.panel-clusters').textContent)")
    members = {c["name"]: {tuple(p) for p in c["points"]} for c in there["clusters"]}
    stored = {c["name"]: {tuple(p) for p in c["points"]} for c in tab.data(f"umap/{head}.json")["clusters"]}
    assert stored == {"mine": members["left"], "theirs": {tuple(free)}}
    # What cannot be saved keeps a Retry, over a reload.
    page.route("**/save_umap_clusters/**", lambda route: route.abort())
    mine = page.evaluate(COUNTS)["mine"]
    page.locator("[aria-label='Delete cluster theirs']").click()
    page.locator(".panel-clusters button", has_text="Retry").wait_for()
    page.reload()
    page.locator(".panel-clusters button", has_text="Retry").wait_for()
    assert page.evaluate(COUNTS) == {"mine": mine}
    page.unroute("**/save_umap_clusters/**")
    page.locator(".panel-clusters button", has_text="Retry").click()
    until(page, "/Saved/.test(document.querySelector('.panel-clusters').textContent)")
    assert [c["name"] for c in tab.data(f"umap/{head}.json")["clusters"]] == ["mine"]
    tab.complaints = [c for c in tab.complaints if "ERR_FAILED" not in c]


@test("live")
def a_head_that_is_changed_while_another_one_is_saved_is_saved_too(tab):
    page, held = tab.page, []

    def hold(route):
        if held:
            route.continue_()
        else:
            held.append(route)
    page.route("**/save_umap_clusters/**", hold)
    heads = tab.open().data("config.json")["heads"][:2]
    for layer, head in heads:
        if held:
            page.keyboard.press("h")
            tab.expect(layer=str(layer), head=str(head))
        else:
            tab.open(f"tab=umap&flat=true&paint=token&rule=/./&layer={layer}&head={head}")
        tab.ready()
        until(page, "![...document.querySelectorAll('.clusters li')].some((n) => n.textContent.startsWith('all of'))")
        tab.still()
        page.locator(".projection select").nth(1).select_option("token")
        page.locator("button", has_text="Name them").click()
        name_points(page, f"all of L{layer}H{head}")
        page.locator(".clusters li", has_text=f"all of L{layer}H{head}").wait_for()
    held[0].continue_()
    until(page, "/Saved\\./.test(document.querySelector('.panel-clusters').textContent)")
    for layer, head in heads:
        assert f"all of L{layer}H{head}" in [c["name"] for c in tab.data(f"umap/L{layer}H{head}.json")["clusters"]]
    page.keyboard.press("Shift+H")
    tab.ready()
    assert "Not saved" not in page.locator(".panel-clusters").inner_text()
    # Points that still have no name are not another head's.
    page.locator(".projection select").nth(1).select_option("token")
    page.locator("button", has_text="Name them").click()
    assert page.locator("[aria-label='Name of the cluster']").is_visible()
    page.locator("[aria-label='Next head']").click()
    tab.ready()
    assert not page.locator("[aria-label='Name of the cluster']").count()
