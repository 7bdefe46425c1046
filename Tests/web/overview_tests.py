# SPDX-License-Identifier: Apache-2.0
"""Notes, presets, a second head, figures, and the way through the page by keys."""

import json
import re
from xml.etree import ElementTree

from page import test, until

SVG = "{http://www.w3.org/2000/svg}"


@test("synthetic static serve")
def notes_on_heads_are_shown_filtered_kept_and_exported(tab):
    tab.open().cards()
    page = tab.page
    name = tab.head()
    if page.locator(".backend").get_attribute("data-state") != "static":
        until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    page.locator(".head-note button").click()
    page.locator("[aria-label='Name of the head']").fill("<b>copies</b> names")
    page.locator("[aria-label='Note on the head']").fill("strongest on lists")
    page.locator("[aria-label='Colour 2']").click()
    tab.shot("note-editor")
    page.locator(".note-editor button", has_text="Save").click()
    page.locator(".head-note b").wait_for()
    assert page.locator(".head-note b").inner_text() == "<b>copies</b> names"
    page.locator(".find").fill("#copies")
    until(page, "document.querySelectorAll('tr[data-head]').length === 1")
    assert page.locator("tr[data-head]").get_attribute("data-head") == name
    rows = json.loads(tab.save("table", "JSON"))
    assert [(r["note_name"], r["note_text"]) for r in rows] == [("<b>copies</b> names", "strongest on lists")]
    page.locator(".find").fill("")
    page.reload()
    page.locator(".head-note b").wait_for()
    assert page.locator("tr[data-head] .note-cell", has_text="copies").count() == 1
    tab.shot("notes")
    page.locator(".head-note button").click()
    for label in ("Name of the head", "Note on the head"):
        page.locator(f"[aria-label='{label}']").fill("")
    page.locator("[aria-label='No colour']").click()
    page.locator(".note-editor button", has_text="Save").click()
    until(page, "document.querySelector('.head-note b') === null")


@test("synthetic static")
def a_preset_sets_the_view_and_says_what_its_numbers_mean(tab):
    tab.open().cards()
    page = tab.page
    page.locator("[aria-label='Preset']").select_option("previous")
    tab.expect(preset="previous", x="previous_token_score", sort="-previous_token_score", grid="previous_token_score")
    assert "Elhage" in page.locator(".preset-note").inner_text()
    rows = tab.data("scatter_data.json")
    best = max(rows, key=lambda r: r["previous_token_score"])
    assert page.locator("tr[data-head]").first.get_attribute("data-head") == f"L{best['layer']}H{best['head']}"
    page.locator(".goto").fill(f"{best['layer']}.{best['head']}")
    page.locator(".goto").press("Enter")
    until(page, f"/previous token 1st of {len(rows)}/.test(document.querySelector('.standing-line').textContent)")
    tab.shot("preset")
    tab.complaints = [c for c in tab.complaints if "/heads/" not in c]  # the synthetic tree has files of some heads only


@test("synthetic")
def the_filter_governs_all_forms_and_the_keys(tab):
    tab.open().cards()
    page = tab.page
    page.locator(".find").fill("0.0 0.2 0.3")
    until(page, "document.querySelectorAll('tr[data-head]').length === 3")
    page.locator("h1").focus()
    for wanted in ("2", "3", "0", "2"):
        page.keyboard.press("h")
        until(page, f"document.querySelector('h1').textContent.endsWith('Head {wanted}')")
    page.keyboard.press("Shift+H")
    until(page, "document.querySelector('h1').textContent.endsWith('Head 0')")
    page.locator("[aria-label='Save this filter']").click()
    page.locator(".find").fill("qk<1")
    until(page, "/qk may be qk_distance or qk_distance_variance/.test(document.querySelector('.filter .note').textContent)")
    page.reload()
    until(page, "String(Array.from(document.querySelectorAll('#saved-filters option'), (o) => o.value)) === '0.0 0.2 0.3'")
    tab.open("layer=99&head=3").cards()
    assert "no head L99H3" in page.locator("main [role=alert]").inner_text()


@test("static serve")
def a_second_head_stands_beside_the_open_one(tab):
    tab.open().cards()
    page = tab.page
    live = page.locator(".backend").get_attribute("data-state") != "static"
    if live:
        until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    first, second = tab.data("config.json")["heads"][:2]
    tab.open(f"vs={second[0]}.{second[1]}").cards()
    if live:
        until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    names = [f"L{layer}H{head}" for layer, head in (first, second)]
    card = page.locator(".card").first
    assert card.locator(".beside-name").all_inner_texts() == names
    stored = {str(s["sequence_id"]): s for s in tab.data(f"heads/{names[1]}.json")["sequences"]}
    for card in page.locator(".card").all()[:4]:
        name = card.get_attribute("data-id")
        column = card.locator(".beside-column").nth(1)
        if name in stored or live:
            column.locator(".tok").first.wait_for()
            assert column.locator(".tok").all_inner_texts() == card.locator(".beside-column").first.locator(".tok").all_inner_texts()
        else:
            until(page, f"/does not store/.test(document.querySelector(`.card[data-id='{name}'] .beside`).textContent)")
    largest = max(s["max_activation"] for n in names for s in tab.data(f"heads/{n}.json")["sequences"])
    until(page, f"Math.abs(parseFloat(document.querySelector('.colourbar').textContent.replace(/^0/, '')) - {largest}) < 1e-3")
    tab.shot("beside")
    both = next((c for c in page.locator(".card").all()[:4] if c.get_attribute("data-id") in stored or live), None)
    if both:
        both.get_by_label("Heat map of sequence").click()
        panel = both.locator(".panel-map")
        panel.locator("button", has_text="difference").click()
        tab.expect(pattern="difference")
        own, other = (next((s for s in tab.data(f"heads/{n}.json")["sequences"] if str(s["sequence_id"]) == both.get_attribute("data-id")), None)
                      for n in names)
        saved = json.loads(tab.save(panel.get_attribute("data-panel"), "JSON"))
        def entry(record, i):
            return dict(zip(record["attention_indices"], record["attention_values"])).get(i, 0)
        if own and other:
            n = own["seq_len"]
            assert saved and all(abs(r["attention"] - entry(own, r["query"] * n + r["key"]) + entry(other, r["query"] * n + r["key"])) < 1e-6
                                 for r in saved)
        panel.scroll_into_view_if_needed()
        tab.shot("difference")
        both.get_by_label("Heat map of sequence").click()
    page.locator("button", has_text="Swap").click()
    tab.expect(layer=str(second[0]), head=str(second[1]), vs=f"{first[0]}\\.{first[1]}")
    tab.open(f"vs={second[0]}.{second[1]}&tab=metrics").ready()
    assert f"{names[1]} in blue" in page.locator(".panel-standing h2").inner_text()
    tab.shot("beside-metrics")


@test("synthetic static")
def figures_are_light_and_as_wide_as_a_column(tab):
    tab.page.emulate_media(color_scheme="dark")
    tab.open().cards()
    page = tab.page
    page.locator("[data-panel='scatter'] .menu > button").click()
    page.locator("[data-panel='scatter'] .menu-items button", has_text="Figure").click()
    page.locator("[aria-label='Title of the figure']").fill("Heads & <layers>")
    page.locator("[aria-label='Caption of the figure']").fill("Every head of the model, once. " * 6)
    page.locator("[aria-label='Width in millimetres']").fill("170")
    tab.shot("figure")
    drawing = ElementTree.fromstring(tab.download(page.locator("dialog button", has_text="Save SVG").click))
    assert drawing.get("width") == "170mm"
    texts = [node.text for node in drawing.iter(f"{SVG}text")]
    assert texts[0] == "Heads & <layers>" and sum("Every head" in (t or "") for t in texts) >= 2
    assert drawing.find(f"{SVG}rect").get("fill") == "#ffffff"
    png = tab.download(page.locator("dialog button", has_text="Save PNG").click)
    assert int.from_bytes(png[16:20], "big") in range(2000, 2020)  # 170 mm at 300 dots an inch
    page.locator("dialog button", has_text="Close").click()
    until(page, "document.querySelector('dialog') === null")
    card = page.locator(".card").first
    assert b"#ffffff" in tab.save_card(card, "SVG")


@test("synthetic static")
def the_strip_says_where_attention_goes(tab):
    tab.open().cards()
    page = tab.page
    shown = {n.get_attribute("data-id") for n in page.locator(".card").all()}
    total, first, own = 0.0, 0.0, 0.0
    for s in tab.data(f"heads/{tab.head()}.json")["sequences"]:
        if str(s["sequence_id"]) not in shown or s["interval"] != 10:
            continue
        for at, value in zip(s["attention_indices"], s["attention_values"]):
            q, k = divmod(at, s["seq_len"])
            total += value
            first += value * (k == 0)
            own += value * (k == q and k > 0)
    words = page.locator(".doing-words").inner_text()
    for what, share in (("position 0", first), ("the token itself", own)):
        percent = re.search(f"{what} (\\d+)%", words)
        assert abs(int(percent.group(1) if percent else 0) - 100 * share / total) <= 0.51, (what, words)


@test("synthetic static")
def the_page_is_used_by_keys_and_on_the_narrowest_screen(tab):
    tab.open().cards()
    page = tab.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    tabs = 0
    while not page.evaluate("document.activeElement.classList.contains('tok')"):
        page.keyboard.press("Tab")
        tabs += 1
        assert tabs <= 3
    layer, head = tab.data("config.json")["heads"][1]
    page.keyboard.press("/")
    page.keyboard.type(f"{layer}.{head}")
    page.keyboard.press("Enter")
    until(page, "document.activeElement.tagName === 'H1'")
    page.locator(".plot-scatter canvas").first.focus()
    page.keyboard.press("ArrowRight")
    until(page, "/^L\\d+H\\d+, /.test([...document.querySelectorAll('.unseen')].map((n) => n.textContent).join(''))")
    page.set_viewport_size({"width": 320, "height": 640})
    for query in ("", "tab=metrics", "tab=umap&flat=true", "tab=prompts", "tab=help", "pane=list", "vs=0.1"):
        tab.open(query).ready()
        wide = page.evaluate("""() => {
            const seen = [...document.querySelectorAll('body *')].filter((n) => n.checkVisibility() && !n.closest('.wide, .scroller, .tabs, pre, .unseen, .skip, .tip'));
            return seen.filter((n) => n.getBoundingClientRect().right > innerWidth + 1).map((n) => n.outerHTML.slice(0, 90)).slice(0, 3);
        }""")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320 and not wide, (query, wide)
        if query in ("", "pane=list"):
            tab.shot(f"narrowest{'-heads' if query else ''}")


def figure_of(tab, panel, caption):
    """The SVG of a panel's figure, and what its dialog shows; the dialog is closed again."""
    page = tab.page
    menu = page.locator(f"[data-panel='{panel}'] .menu").first
    menu.locator("> button").click()
    menu.locator("button", has_text="Figure").click()
    page.wait_for_selector(".figure-preview canvas")
    page.locator("[aria-label='Caption of the figure']").fill(caption)
    tab.shot(f"figure-{panel}")
    title = page.locator("[aria-label='Title of the figure']").input_value()
    drawing = ElementTree.fromstring(tab.download(page.locator("dialog button", has_text="Save SVG").click))
    assert tab.download(page.locator("dialog button", has_text="Save PNG").click)[:8] == b"\x89PNG\r\n\x1a\n"
    page.locator("dialog button", has_text="Close").click()
    until(page, "document.querySelector('dialog') === null")
    texts = [node.text or "" for node in drawing.iter(f"{SVG}text")]
    assert drawing.find(f"{SVG}rect").get("fill") == "#ffffff" and texts[0] == title and texts.count(caption) == 1
    return drawing, title, texts


@test("synthetic static")
def two_heads_stand_side_by_side_in_a_figure(tab):
    tab.page.emulate_media(color_scheme="dark")
    tab.open().cards()
    page = tab.page
    first, second = tab.data("config.json")["heads"][:2]
    names = [f"L{layer}H{head}" for layer, head in (first, second)]
    query = f"layer={first[0]}&head={first[1]}&vs={second[0]}.{second[1]}"
    # Clouds: every point of both, one scale, one legend.
    tab.open(f"{query}&tab=umap&flat=true&cloud=pca&paint=distance").ready()
    clouds = [tab.data(f"umap/{name}.json") for name in names]
    drawing, title, texts = figure_of(tab, "cloud-Q", "One caption for both.")
    assert title.startswith(f"{names[0]} and {names[1]}") and [f"{name} · PCA" in texts for name in names] == [True, True]
    circles = drawing.findall(f".//{SVG}circle")
    inside = sum(len(cloud["seq_idx"]) for cloud in clouds)
    assert 0.9 * inside <= len(circles) <= inside, (len(circles), inside)
    farthest = max(abs(q - k) for cloud in clouds for q, k in zip(cloud["top_q"], cloud["top_k"]))
    assert f"|q − k|, 0 to {farthest}, logarithmic" in texts
    left = [c for c in circles if float(c.get("cx")) < float(drawing.get("viewBox").split()[2]) / 2]
    assert 0 < len(left) < len(circles)
    assert any(t.endswith(" in both") for t in texts)
    # Profiles: the bars of both, on the same axes.
    tab.open(f"{query}&tab=metrics").ready()
    until(page, f"document.querySelector('.panel-standing h2').textContent.includes('{names[1]}')")
    heads = [tab.data(f"heads/{name}.json") for name in names]
    drawing, _, texts = figure_of(tab, "histogram", "Both histograms.")
    assert all(name in texts for name in names)
    bars = drawing.findall(f".//{SVG}rect[@opacity='0.85']")
    assert len(bars) == sum(len(head["histogram"]["bin_values"]) for head in heads)
    at = texts.index("max activation")
    assert texts.count("max activation") == 2
    ticks = texts[texts.index(names[0]) + 1:at]
    assert ticks == texts[texts.index(names[1]) + 1:][:len(ticks)]
    # Metrics: both over the same strips.
    _, title, texts = figure_of(tab, "standing", "All metrics of both.")
    assert title.startswith(f"{names[0]} and {names[1]}: ") and "blue" not in title
    assert texts.count(names[0]) == texts.count(names[1]) == 1
    rows = {(r["layer"], r["head"]): r for r in tab.data("scatter_data.json")}
    known = json.loads(tab.save("standing", "JSON"))
    assert sum(t.endswith(f" of {known[0]['of']}") for t in texts) == 2 * len(known)
    assert all(rows[tuple(first)][r["metric"]] == r["value"] for r in known)
    page.emulate_media(color_scheme="light")
    for width, height in ((390, 800), (1440, 900), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        menu = page.locator("[data-panel='histogram'] .menu").first
        menu.locator("> button").click()
        menu.locator("button", has_text="Figure").click()
        page.wait_for_selector(".figure-preview canvas")
        assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().right <= innerWidth")
        tab.shot(f"figure-pair-{width}")
        page.keyboard.press("Escape")
        until(page, "document.querySelector('dialog') === null")


@test("synthetic static")
def the_figure_of_a_sequence_is_cropped_to_an_edge_and_its_map_keeps_what_is_held(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    q, k = tab.strongest_line(card)
    card.locator(f".tok[data-i='{q}']").click()
    tab.expect(sel=f".+:{q}")
    n = int(re.search(r"(\d+) tokens", card.inner_text()).group(1))
    menu = card.locator("header .menu")
    menu.locator("> button").click()
    menu.locator("button", has_text="Figure").click()
    page.wait_for_selector(".figure-preview canvas")

    def saved():
        drawing = ElementTree.fromstring(tab.download(page.locator("dialog button", has_text="Save SVG").click))
        return drawing, [node.text or "" for node in drawing.iter(f"{SVG}text")]
    _, whole = saved()
    assert any(t.startswith("attention given, 0 to ") for t in whole) and any(t.startswith("attention received, 0 to ") for t in whole)
    page.locator("dialog label", has_text="Only around").click()
    page.wait_for_selector(".figure-preview canvas")
    tab.shot("figure-crop")
    drawing, texts = saved()
    assert len(texts) < len(whole) or n < 60
    words = card.locator(".tok").evaluate_all("all => all.map((n) => [n.dataset.i, n.textContent])")
    near = [text for i, text in words if min(abs(int(i) - q), abs(int(i) - k)) <= 3 and text.strip() and "\n" not in text]
    assert all(any(text.strip() in t for t in texts) for text in near), (near, texts)
    # Two spans, each from a token to a token or by a width, which the next figure begins with.
    page.get_by_label("Tokens on either side of the query").fill("1")
    page.get_by_label("Tokens on either side of the query").press("Enter")
    page.get_by_label("First token around the key").fill(str(k))
    page.get_by_label("Last token around the key").fill(str(k + 2))
    page.get_by_label("Last token around the key").press("Tab")
    assert page.get_by_label("First token around the query").input_value() == str(max(0, q - 1))
    page.wait_for_selector(".figure-preview canvas")
    tab.shot("figure-spans")
    chosen = sorted({i for i in (*range(max(0, q - 1), q + 2), *range(k, k + 3)) if i < n})
    left_out = n - len(chosen)
    gaps = sum(int(m.group(1)) for t in saved()[1] if (m := re.search(r"⋯ (\d+) tokens ⋯", t)))
    assert gaps == left_out, (gaps, left_out, chosen)
    page.locator("dialog button", has_text="Close").click()
    until(page, "document.querySelector('dialog') === null")
    menu.locator("> button").click()
    menu.locator("button", has_text="Figure").click()
    page.wait_for_selector(".figure-preview canvas")
    assert page.locator("dialog .check input").is_checked() and page.get_by_label("Last token around the key").input_value() == str(min(n - 1, k + 2))
    page.locator("dialog button", has_text="Close").click()
    until(page, "document.querySelector('dialog') === null")
    card.get_by_label("Heat map of sequence").click()
    until(page, "document.querySelector('.plot-map canvas').width > 300")
    held = ElementTree.fromstring(tab.save(card.locator(".panel-map").get_attribute("data-panel"), "SVG"))
    mark = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--query-mark').trim()")
    assert len(held.findall(f".//{SVG}path[@stroke='{mark}']")) == 1
