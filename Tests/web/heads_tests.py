# SPDX-License-Identifier: Apache-2.0
"""The overview, the keys and the metrics of a head."""

import json

import re

from page import PATIENCE_S, at_rest, test, until


@test("synthetic static serve")
def the_first_view_shows_heads_and_the_strongest_sequences(tab):
    tab.open().cards()
    page = tab.page
    config = tab.data("config.json")
    first = config["heads"][0]
    assert page.locator("h1").inner_text() == f"Layer {first[0]} Head {first[1]}"
    maxima = [float(t) for t in page.locator(".card header .num b").all_inner_texts()]
    assert maxima and maxima == sorted(maxima, reverse=True)
    assert config["model_name"] in page.locator(".model").inner_text()
    tab.shot("first-view")


@test("synthetic static serve")
def the_keys_do_what_they_say_and_leave_chords_alone(tab):
    tab.open().cards()
    page, press = tab.page, tab.page.keyboard.press
    heads = tab.data("config.json")["heads"]
    press("h")
    tab.expect(head=str(heads[1][1]))
    press("Shift+H")
    press("l")
    press("Shift+L")
    tab.expect(layer=str(heads[0][0]), head=str(heads[0][1]))
    press("]")
    tab.expect(interval="9")
    press("[")
    tab.expect(interval="10")
    press("[")
    tab.expect(interval="1|-1")  # through custom where there is one
    press("t")
    tab.expect(transpose="true")
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 't', ctrlKey: true, bubbles: true}))")
    page.evaluate("dispatchEvent(new KeyboardEvent('keydown', {key: 'r', metaKey: true, bubbles: true}))")
    tab.expect(transpose="true", reduction=None)
    press("t")
    press("r")
    tab.expect(reduction="pairwise_max")
    press("m")
    tab.expect(tab="metrics")
    press("m")
    press("?")
    tab.expect(tab="help")
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


@test("static serve")
def heads_that_attend_alike_are_listed_with_their_likeness(tab):
    tab.open()
    layer, head = tab.data("config.json")["heads"][-1]
    similar = tab.data(f"heads/L{layer}H{head}.json")["similar"][:8]
    rows = tab.open(f"layer={layer}&head={head}&tab=circuit").page.locator("table.similar tbody tr")
    rows.first.wait_for()
    assert rows.count() == len(similar)
    for row, other in zip(rows.all(), similar):
        text = row.inner_text()
        assert text.startswith(f"L{other['layer']}H{other['head']}"), text
        assert abs(float(text.split()[1]) - other["likeness"]) < 0.006, text
    assert json.loads(tab.save("alike", "JSON"))[0]["mean_rank_difference"] <= 1
    made = tab.data(f"heads/L{layer}H{head}.json")["similar_weights"]
    rows_of_made = tab.page.locator("table.similar-weights tbody tr")
    assert rows_of_made.count() == min(8, len(made))
    for row, other in zip(rows_of_made.all(), made):
        name, qk, ov = row.inner_text().split()[:3]
        assert name == f"L{other['layer']}H{other['head']}" and abs(float(qk) - other["qk"]) < 0.006 and abs(float(ov) - other["ov"]) < 0.006
    assert [r["qk_cosine"] for r in json.loads(tab.save("similar-weights", "JSON"))] == [o["qk"] for o in made]
    first = similar[0]
    rows.first.locator("button.link").click()
    tab.expect(layer=str(first["layer"]), head=str(first["head"]), seq=None, sel=None)


def strongest_edge(record):
    """Query and key of the strongest attention outside row 0 and column 0, the first of equal ones."""
    n = record["seq_len"]
    _, at = max((v, -at) for at, v in zip(record["attention_indices"], record["attention_values"]) if at >= n and at % n)
    return divmod(-at, n)


@test("static serve")
def a_held_edge_is_taken_along_to_a_head_that_attends_alike(tab):
    layer, head = tab.open().data("config.json")["heads"][-1]
    mine = tab.data(f"heads/L{layer}H{head}.json")
    other, record = mine["similar"][0], mine["sequences"][0]
    path = "heads/L{layer}H{head}.json".format(**other)
    theirs = tab.data(path)
    without = [s for s in theirs["sequences"] if s["sequence_id"] != record["sequence_id"]]
    for is_kept in (True, False):
        there = [*without, record] if is_kept else without
        tab.page.route(f"**/{path}", lambda route: route.fulfill(json={**theirs, "sequences": there}))
        tab.open("layer={}&head={}&tab=circuit&seq={}&qpos={}&kpos={}".format(layer, head, record["sequence_id"], *strongest_edge(record)))
        tab.page.locator("table.similar button.link", has_text=re.compile("^L{layer}H{head}$".format(**other))).click()
        then = record if is_kept else max(without, key=lambda s: s["max_activation"])
        q, k = strongest_edge(then)
        tab.expect(layer=str(other["layer"]), head=str(other["head"]), tab="circuit", seq=str(then["sequence_id"]), qpos=str(q), kpos=str(k),
                   sel=f"{then['sequence_id']}:{q}")
        tab.page.locator("#tab-qk").click()
        tab.page.wait_for_selector(".view-qk .edge .mark-query, .view-qk .edge .mark-both")
        tab.expect(attr="qk", qpos=str(q))


@test("synthetic static")
def the_map_of_heads_is_linked_with_the_rest(tab):
    tab.open().cards()
    config = tab.data("config.json")
    layer, head = config["heads"][0]
    page = tab.page
    canvas = page.locator(".plot-headmap canvas").first
    canvas.scroll_into_view_if_needed()
    tab.shot("headmap")
    rows = json.loads(tab.save("headmap", "JSON"))
    assert len(rows) == len(config["heads"])
    lines = re.findall("<path ", tab.save("headmap", "SVG").decode())
    similar = tab.data(f"heads/L{layer}H{head}.json").get("similar", [])
    assert len(lines) == min(8, len(similar)), (len(lines), len(similar))
    names = page.get_by_label("Map", exact=True)
    assert names.locator("option").count() == len(tab.data("head_map.json")["maps"])
    canvas.focus()
    tab.still()
    page.keyboard.press("ArrowLeft")
    until(page, "!document.getElementById('tip').hidden")
    hot = page.locator("#tip b").first.inner_text()
    assert hot and hot != tab.head()
    page.keyboard.press("Enter")
    tab.expect(layer=hot[1:].split("H")[0], head=hot.split("H")[1])
    names.select_option(index=names.locator("option").count() - 1)
    tab.expect(atlas=tab.data("head_map.json")["maps"][-1]["name"])


@test("static serve")
def heads_that_work_together_are_a_click_apart(tab):
    tab.open().cards()
    config = tab.data("config.json")
    studied = {tuple(h) for h in config["heads"]}
    layer, head = config["heads"][-1]
    circuit = tab.data(f"heads/L{layer}H{head}.json").get("composition")
    assert circuit, "the tree tells of no circuits"
    panel = tab.open(f"layer={layer}&head={head}&tab=circuit").page.locator(".circuit")
    panel.wait_for()
    partners = [p for p in circuit["reads_from"]["k"] if p["deviations"] >= 3][:6]
    assert panel.locator("table").count() >= 1 or not partners
    for p in partners:
        assert f"L{p['layer']}H{p['head']}" in panel.inner_text(), panel.inner_text()
    saved = json.loads(tab.save("circuit", "JSON"))
    assert all(r["kernel"] >= 0 and (r["kernel"] > r["kernel_chance"]) == (r["kernel_deviations"] > 0) for r in saved)
    writes = tab.data(f"heads/L{layer}H{head}.json")["writes"]
    rows = tab.page.locator(".panel-writes tbody tr")
    assert rows.count() == len(writes) and rows.first.locator(".written").count() == 16
    directions = tab.data(f"heads/L{layer}H{head}.json")["ov_directions"]
    pairs = tab.page.locator(".panel-directions tbody.pair")
    assert directions and pairs.count() == len(directions)
    for pair, direction in zip(pairs.all(), directions):
        ends = [t for end in ("high", "low") for side in ("reads", "writes") for t in direction[side][end]]
        assert pair.locator(".written").count() == len(ends)
    tab.shot("circuit")
    link = panel.locator("button.link")
    if link.count():
        name = link.first.inner_text()
        link.first.click()
        assert tuple(map(int, name[1:].split("H"))) in studied
        tab.expect(layer=name[1:].split("H")[0], head=name.split("H")[1])


@test("synthetic static serve")
def the_overview_is_linked(tab):
    tab.open().cards()
    page = tab.page
    row = page.locator("tr[data-head]").nth(2)
    row.hover()
    name = row.get_attribute("data-head")
    assert page.locator("tr.hot").get_attribute("data-head") == name
    row.click()
    assert page.locator("tr.current").get_attribute("data-head") == name
    tab.expect(head=name.split("H")[1])
    grid = page.locator(".plot-grid canvas").first
    grid.scroll_into_view_if_needed()
    tab.still()  # a list that still scrolls takes the tip away
    for i in range(10 * PATIENCE_S):  # and so do the new head's drawings as they come; the pointer moves on a little
        grid.hover(position={"x": 60 + i % 2, "y": 20})
        page.wait_for_timeout(100)
        if not page.locator("#tip").is_hidden():
            break
    assert page.locator("#tip").is_visible()
    page.locator(".find").fill(f"L{name[1:].split('H')[0]}")
    until(page, "/ of /.test(document.querySelector('.panel-table .note').textContent)")
    box = at_rest(page.locator(".plot-scatter canvas").first)
    page.locator(".find").fill("")
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 120)
    page.mouse.move(box["x"] + 260, box["y"] + 200)
    page.mouse.up()
    tab.expect(box="([^,]+,){3}[^,]+")
    tab.shot("box-select")
    page.keyboard.press("Escape")
    tab.expect(box=None)
    page.locator(".goto").fill(name.replace("L", "").replace("H", "."))
    page.locator(".goto").press("Enter")
    assert page.locator("h1").inner_text().endswith(name.split("H")[1])


@test("synthetic static serve")
def the_metrics_tab_says_where_the_head_stands(tab):
    tab.open("tab=metrics")
    page = tab.page
    page.wait_for_selector(".standing tbody tr")
    page.wait_for_selector(".plot-bars canvas")
    lines = json.loads(tab.save("standing", "JSON"))
    rows = tab.data("scatter_data.json")
    state = page.evaluate("[...new URLSearchParams(location.search)]")
    where = dict(state)
    mine = next(r for r in rows if str(r["layer"]) == where["layer"] and str(r["head"]) == where["head"])
    for line in lines:
        assert line["rank"] == 1 + sum(r[line["metric"]] > mine[line["metric"]] for r in rows), line
    tab.shot("metrics")


@test("large")
def five_thousand_heads_stay_light(tab):
    tab.open().cards()
    page = tab.page
    assert page.locator("tr[data-head]").count() < 120
    page.locator(".scroller").evaluate("n => { n.scrollTop = n.scrollHeight }")
    until(page, "[...document.querySelectorAll('tr[data-head]')].at(-1).dataset.head.startsWith('L')")
    tab.still()
    assert page.locator("tr[data-head]").count() < 120
    page.locator(".find").fill("L49")
    until(page, "/^100 of 5000/.test(document.querySelector('.panel-table .note').textContent)")
    page.locator(".find").fill("")
    tab.shot("5000-heads")


@test("synthetic static serve")
def heads_are_ranked_on_an_edge(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    q, k = re.search(r"strongest (\d+) \S+ → (\d+)", card.inner_text()).groups()
    card.locator("[aria-label^='Rank the heads']").click()
    card.locator(f".tok[data-i='{q}']").click()
    card.locator(f".tok[data-i='{k}']").click()
    name = card.get_attribute("data-id")
    tab.expect(rank=f"{re.escape(name)}:{q},{k}")
    panel = f"rank-{name}"
    config = tab.data("config.json")
    if len(config["heads"]) > 64:
        page.locator("button", has_text="Rank the heads").click()
    until(page, "/^\\d+ heads/.test(document.querySelector('.panel-rank [role=status]').textContent)", 60)
    rows = json.loads(tab.save(panel, "JSON"))
    assert rows and [r["attention"] for r in rows] == sorted((r["attention"] for r in rows), reverse=True)
    told = "told by the model" in page.locator(".panel-rank [role=status]").inner_text()
    assert not told or len(rows) == len(config["heads"])
    stored = {}
    for row in rows[:6]:
        head = tab.data(f"heads/L{row['layer']}H{row['head']}.json")
        record = next((s for s in head["sequences"] if str(s["sequence_id"]) == name), None)
        assert record or told
        if not record:
            continue  # the model tells of heads whose files have other samples
        stored[row["layer"], row["head"]] = record
        at = int(q) * record["seq_len"] + int(k)
        found = dict(zip(record["attention_indices"], record["attention_values"]))
        assert found.get(at) == row["attention"] or (at not in found and row["attention"] < (0.2 if told else 1e-9)), row
    tab.shot("edge-heads")
    other = next((r for r in rows if (r["layer"], r["head"]) in stored and f"L{r['layer']}H{r['head']}" != tab.head()), None)
    if other:
        other["interval"] = stored[other["layer"], other["head"]]["interval"]
        page.locator(".edgeheads button", has_text=re.compile(f"^L{other['layer']}H{other['head']}$")).click()
        tab.expect(layer=str(other["layer"]), head=str(other["head"]), rank=".+", interval=str(other["interval"]))
        page.locator(f".card[data-id='{name}'] .edgeheads tr.current").wait_for()
    page.locator(".panel-rank button", has_text="Close").click()
    until(page, "document.querySelector('.panel-rank') === null")
    tab.complaints = [c for c in tab.complaints if "/heads/" not in c]  # the synthetic tree has files of some heads only
