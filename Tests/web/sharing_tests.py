# SPDX-License-Identifier: Apache-2.0
"""Links, exports, embedding, screens of every size, and accessibility."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

from page import AXE, test, until

SVG = "{http://www.w3.org/2000/svg}"


@test("synthetic static serve")
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


def svg_of(data):
    return ElementTree.fromstring(data)


def rgb(text):
    return [int(v) for v in re.findall(r"\d+", text)[:3]]


@test("synthetic static serve")
def a_sequence_exports_the_tokens_and_colours_on_screen(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    q, _ = tab.strongest_line(card)
    card.locator(f".tok[data-i='{q}']").click()
    tab.expect(sel=f".+:{q}")
    page.mouse.move(5, 5)
    until(page, "document.querySelector('.card .tok.chosen') !== null && document.getElementById('tip').hidden")
    # Read first: once the menu is closed, the pointer is over a token again.
    shown = card.locator(".tok").evaluate_all("all => all.map(n => n.style.backgroundColor).filter(Boolean)")
    arcs = card.locator(".arcs path").count()
    drawing = svg_of(tab.save_card(card, "SVG"))
    texts = [node.text or "" for node in drawing.iter(f"{SVG}text")][1:]  # without the title
    on_screen = card.locator(".tok, .gap, .whole").all_inner_texts()
    assert [t.strip() for t in texts] == [t.strip() for t in on_screen]
    fills = {tuple(rgb(r.get("fill"))) for r in drawing.iter(f"{SVG}rect") if r.get("fill", "").startswith("rgb")}
    assert shown and {tuple(rgb(c)) for c in shown} <= fills
    curves = [path for path in drawing.iter(f"{SVG}path") if "Q" in path.get("d")]
    assert len(curves) == arcs > 0
    rows = csv.reader(io.StringIO(tab.save_card(card, "CSV").decode()))
    next(rows)
    record = json.loads(tab.save_card(card, "JSON"))
    pattern = {(int(r[0]), int(r[1])): float(r[4]) for r in rows}
    n = record["seq_len"]
    assert pattern == {(i // n, i % n): v for i, v in zip(record["attention_indices"], record["attention_values"])}
    head = tab.data(f"heads/{tab.head()}.json")
    stored = next(s for s in head["sequences"] if s["sequence_id"] == record["sequence_id"])
    assert record == {key: stored[key] for key in record}


@test("synthetic static serve")
def plots_and_tables_export_the_numbers_of_the_tree(tab):
    tab.open("tab=metrics")
    page = tab.page
    tab.ready()
    rows = tab.data("scatter_data.json")
    head = tab.data(f"heads/{tab.head()}.json")
    bars = json.loads(tab.save("histogram", "JSON"))
    assert [b["value"] for b in bars] == head["histogram"]["bin_values"]
    assert svg_of(tab.save("histogram", "SVG")).findall(f".//{SVG}rect")
    for table in tab.data("config.json")["custom_tables"]:
        given = head.get(table["key"])
        if not given:
            continue
        saved = json.loads(tab.save(f"table-{table['key']}", "JSON"))
        assert saved == given[:len(saved)]
        assert len(saved) == page.locator(f"[data-panel='table-{table['key']}'] tbody tr").count()
    statistics = json.loads(tab.save("statistics", "JSON"))
    assert all(head["statistics"][r["statistic"]] == r["value"] for r in statistics)
    scatter = json.loads(tab.save("scatter", "JSON"))
    by_name = {(r["layer"], r["head"]): r for r in rows}
    assert len(scatter) == len(rows)
    for row in scatter:
        assert all(by_name[row["layer"], row["head"]].get(k, v) == v for k, v in row.items())


@test("synthetic static serve")
def the_view_is_saved_as_one_file_that_needs_no_script(tab):
    tab.open().cards()
    page = tab.page
    shown = page.locator(".card").count()
    report = tab.download(page.locator("[aria-label='Save this view as one HTML file']").click).decode()
    assert "<script" not in report and not re.search(r'(src|href)="(?!data:|http://(localhost|127))', report)
    assert report.count("<svg") == shown + 2  # the sequences, the scatter and the grid
    other = page.context.new_page()
    complaints = []
    other.on("console", lambda m: complaints.append(m.text))
    other.set_content(report)
    assert page.locator("h1").inner_text().split()[1] in other.locator("h1").inner_text()
    with other.expect_download() as waiting:
        other.locator("section a", has_text="JSON").first.click()
    record = json.loads(Path(waiting.value.path()).read_text())
    assert f"{record['max_activation']:.3f}" == page.locator(".card header .num b").first.inner_text()
    if tab.shots:
        other.screenshot(path=f"{tab.shots}/report.png")
    assert not complaints, complaints
    other.close()
    tab.open("tab=metrics").ready()
    assert tab.download(page.locator("[aria-label='Save this view as one HTML file']").click).count(b"<section>") >= 6
    page.set_viewport_size({"width": 390, "height": 844})
    tab.open().cards()
    phone = tab.download(page.locator("[aria-label='Save this view as one HTML file']").click).decode()
    assert "All heads" in phone, "where the overview is out of sight and not drawn, its table is saved"


NEAR = 1.5  # pixels: an address has whole ones


def missed(at):
    """How many pixels the open head's sequences are from a place, given as JavaScript, of the form of `at`."""
    return """((at) => {
        const [, id, past] = /^(.*):(-?\\d+)$/.exec(at);
        const item = document.querySelector(`.card[data-id='${id}']`);
        return item ? Math.abs(item.getBoundingClientRect().top + Number(past) - document.querySelector('.toolbar').getBoundingClientRect().bottom) : Infinity;
    })(""" + at + ")"


@test("synthetic static serve")
def a_link_restores_place_width_panels_and_lenses(tab):
    # So low that the sequences of the smallest tree do not fit.
    tab.page.set_viewport_size({"width": 1440, "height": 520})
    tab.open().cards()
    page = tab.page
    page.locator(".divider").focus()
    page.keyboard.press("ArrowRight")
    tab.expect(width=r"\d+")
    width = page.evaluate("document.getElementById('side').offsetWidth")
    page.mouse.move(900, 300)
    # As far as a tree with few sequences lets it.
    page.evaluate("(v => v.scrollTop = Math.min(900, 0.8 * (v.scrollHeight - v.clientHeight)))(document.querySelector('.view-sequences'))")
    tab.expect(at=".+:[1-9].*")
    until(page, f"{missed('new URLSearchParams(location.search).get(`at`)')} < {NEAR}")
    link, place = page.evaluate("[location.href, new URLSearchParams(location.search).get('at')]")
    page.keyboard.press("m")
    page.wait_for_selector(".standing")
    tab.expect(tab="metrics", at=None)
    page.go_back()
    tab.cards()
    until(page, f"{missed(json.dumps(place))} < {NEAR}")
    page.goto("about:blank")
    page.goto(link)
    tab.cards()
    until(page, f"{missed(json.dumps(place))} < {NEAR}")
    assert page.evaluate("document.getElementById('side').offsetWidth") == width
    page.keyboard.press("]")
    tab.expect(at=None, interval=".+")
    page.locator(".card").nth(3).scroll_into_view_if_needed()
    page.locator(".card").nth(3).locator("[aria-label^='Maximise sequence']").click()
    tab.expect(full="card-.+")
    tab.shot("maximised")
    page.reload()
    page.wait_for_selector(".card.full .tok")
    page.keyboard.press("Escape")
    until(page, "document.querySelector('.card.full') === null")
    tab.open("tab=umap&flat=true&cloud=pca").ready()
    canvas = page.locator("[data-panel='cloud-Q'] canvas").first
    canvas.hover(position={"x": 120, "y": 90})
    page.mouse.wheel(0, -300)
    tab.expect(lens="Q.+")
    assert re.fullmatch(r"\d+\.\d% of variance", page.locator("[data-panel='cloud-Q'] .controls").inner_text())
    circles = svg_of(tab.save("cloud-Q", "SVG")).findall(f".//{SVG}circle")
    first = float(circles[0].get("cx"))
    page.reload()
    tab.ready()
    assert abs(float(svg_of(tab.save("cloud-Q", "SVG")).findall(f".//{SVG}circle")[0].get("cx")) - first) < 1.5
    canvas = page.locator("[data-panel='cloud-Q'] canvas").first
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    tab.expect(point=r"\d+")
    page.keyboard.press("0")
    tab.expect(lens=None)
    page.locator("[aria-label='Maximise Clusters']").click()
    tab.expect(full="clusters")


def with_late_custom_sequences(tab, many):
    """Makes the open head have custom sequences whose file waits; answers what opens a place of the head and what lets the file come."""
    page = tab.page
    page.set_viewport_size({"width": 1440, "height": 520})
    tab.open().cards()
    layer, head = (int(n) for n in re.findall(r"\d+", tab.head()))
    # So wide that the bar above the sequences has room for its words, and not for the number of custom ones.
    spare = page.evaluate("document.querySelector('.toolbar .spring').offsetWidth")
    width = page.evaluate("document.getElementById('side').offsetWidth") + spare - 3
    place = f"{page.locator('.card').nth(2).get_attribute('data-id')}:20"
    records = [{"sequence_id": f"c{i}", "tokens": ["a"], "seq_len": 1, "attention_indices": [], "attention_values": [], "max_activation": 0}
               for i in range(many)]
    waiting = []
    page.route("**/server_config.json", lambda route: route.fulfill(json={"custom_heads": [[layer, head]]}))
    page.route("**/custom_sequences/*", lambda route: waiting.append(route))

    def opened():
        page.goto("about:blank")
        tab.open(f"layer={layer}&head={head}&width={width}&at={place}").cards()
        until(page, f"{missed(json.dumps(place))} < {NEAR}")
        return place, page.evaluate("document.querySelector('.toolbar').offsetHeight")

    def let_come():
        page.wait_for_timeout(500)  # that the page has long been at its place
        while waiting:
            waiting.pop().fulfill(json={"sequences": records})
        until(page, f"[...document.querySelectorAll('.toolbar option')].some((o) => o.textContent.includes('({many})'))")
        tab.still()
    return opened, let_come


@test("synthetic static")
def the_place_of_a_link_is_kept_while_the_rest_arrives(tab):
    opened, let_come = with_late_custom_sequences(tab, 2000)
    place, height = opened()
    let_come()
    assert tab.page.evaluate("document.querySelector('.toolbar').offsetHeight") > height, "the bar above the place has not grown"
    assert tab.page.evaluate(missed(json.dumps(place))) < NEAR
    tab.page.set_viewport_size({"width": 900, "height": 600})
    until(tab.page, f"{missed(json.dumps(place))} < {NEAR}")
    tab.page.wait_for_timeout(400)  # longer than it takes to write another place
    tab.expect(at=re.escape(place))


@test("synthetic static")
def who_scrolls_away_from_the_place_of_a_link_is_left_there(tab):
    opened, let_come = with_late_custom_sequences(tab, 2000)
    view = "document.querySelector('.view-sequences')"
    for scroll in (lambda: tab.page.mouse.wheel(0, -60), lambda: tab.page.evaluate(f"{view}.scrollTop -= 60")):  # as assistive technology does
        place, _ = opened()
        tab.page.mouse.move(900, 300)
        scroll()
        until(tab.page, f"new URLSearchParams(location.search).get('at') !== {json.dumps(place)}")
        let_come()
        assert tab.page.evaluate(missed(json.dumps(place))) > 30


@test("live")
def a_list_that_is_filled_anew_leaves_its_reader_in_place(tab):
    page, (layer, head) = tab.page, tab.open().data("config.json")["heads"][-1]

    def add(word):
        answer = page.request.post(f"{tab.base}api/head_vis/public/add_custom_sequence/v0", data={
            "layer": layer, "head": head, "text": f"{word} " + "the cat sat on the mat " * 15})
        assert answer.ok
    for i in range(12):
        add(f"w{i}")
    tab.open(f"interval=-1&layer={layer}&head={head}").cards()
    until(page, "document.querySelector('.backend').dataset.state === 'ready'")
    page.evaluate("(v => v.scrollTop = v.scrollHeight / 2)(document.querySelector('.view-sequences'))")
    tab.expect(at=".+:.+")
    until(page, f"{missed('new URLSearchParams(location.search).get(`at`)')} < {NEAR}")
    place = tab.params()["at"]
    add("another")
    page.evaluate("dispatchEvent(new Event('focus'))")  # asks the backend what is new
    until(page, "document.querySelectorAll('.cards > .card').length === 13")
    tab.still()
    assert page.evaluate(missed(json.dumps(place))) < NEAR


@test("synthetic static serve")
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


@test("synthetic static serve")
def embed_mode_has_no_chrome_and_narrow_screens_work(tab):
    tab.open("embed=1").cards()
    assert not tab.page.locator("#top").is_visible() and not tab.page.locator("#side").is_visible()
    tab.page.set_viewport_size({"width": 360, "height": 740})
    tab.open().cards()
    overflow = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"the page is {overflow} px wider than the screen"
    tab.shot("narrow")
    # A link's place is at the top there, too, where nothing is pinned above it.
    name = tab.page.locator(".card").nth(1).get_attribute("data-id")
    tab.open(f"at={name}:0").cards()
    until(tab.page, f"""Math.abs(document.querySelector(".card[data-id='{name}']").getBoundingClientRect().top
        - document.querySelector('.view:not([hidden])').getBoundingClientRect().top) < 3""")
    tab.page.locator(".pane-switch").click()
    tab.page.wait_for_selector("tr[data-head]")
    tab.shot("narrow-heads")
    tab.open("full=scatter").page.wait_for_selector(".panel-scatter.full canvas", state="visible")
    for name in ("metrics", "help"):
        tab.open(f"tab={name}")
        tab.page.wait_for_selector(".standing, .helptext")
        tab.still()
        assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


@test("synthetic static")
def every_view_passes_axe_in_light_and_dark(tab):
    axe = AXE.read_text()
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme)
        for query in ("", "tab=metrics", "tab=circuit", "tab=help", "tab=umap&flat=true&regions=true", "full=headmap&atlas=composition", "full=table", "tab=prompts", "vs=0.2", "preset=sink&map=0"):
            tab.open(query)
            tab.ready()
            tab.page.evaluate(axe)
            found = tab.page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160), v.nodes[0].failureSummary]))")
            assert not found, (scheme, query, found)


@test("synthetic static")
def wide_and_dark_look_right(tab):
    tab.page.emulate_media(color_scheme="dark")
    tab.open().cards()
    assert tab.page.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.shot("dark")
    tab.page.locator("[aria-label='Light colours']").click()
    tab.expect(theme="light")
    tab.page.set_viewport_size({"width": 3840, "height": 2160})
    tab.still()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.shot("4k")
