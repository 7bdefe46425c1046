# SPDX-License-Identifier: Apache-2.0
"""Attributions and custom prompts: asked of a backend, stored, refused."""

import json
import re

from page import AXE, test, until


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
    tab.expect(attr="qk")
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
    tab.expect(pick="1")
    page.locator(".attribution .segmented button", has_text="Marginal Query").click()
    tab.expect(view="query")
    tab.shot("marginals")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".pairs")
    page.locator("#tab-ov").click()
    page.wait_for_selector(".empty.error")
    assert page.locator(".empty.error code").inner_text() == "make dictionary LAYERS=0"
    page.locator("[aria-label='Copy make dictionary LAYERS=0']").click()
    until(page, "document.querySelector('.command button').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "make dictionary LAYERS=0"
    # What the backend said of the layer is known from then on.
    page.locator("#tab-sequences").click()
    page.locator(".card").nth(1).locator("button.ov").hover()
    until(page, "/make dictionary LAYERS=0/.test(document.getElementById('tip').textContent)")
    page.locator(".card").nth(1).locator("button.qk").hover()
    until(page, "document.getElementById('tip').textContent === 'Choose an edge for its attribution'")
    page.route("**/attributions/manifest.json", lambda route: route.fulfill(json={"L0H2S1": {"qk": [[3, 2]], "ov": []}}))
    tab.open("").cards()
    page.locator(".card").nth(1).locator("button.qk").hover()  # the tree has an answer of the layer
    until(page, "document.getElementById('tip').textContent === 'Choose an edge for its attribution'")
    page.locator(".card").nth(1).locator("button.ov").hover()
    until(page, "/whether layer 0 has a dictionary is told when/.test(document.getElementById('tip').textContent)")
    assert "solid" not in page.locator(".card button.ov").first.get_attribute("class")


def numbers(page, selector):
    return [float(text.replace("−", "-")) for text in page.locator(selector).all_inner_texts()]


@test("live")
def the_score_is_a_sum_and_the_writes_of_a_head_are_listed(tab):
    tab.open("layer=0&head=1").cards()
    page = tab.page
    card = page.locator(".card").first
    card.locator("button.ov").click()
    card.locator(".tok").nth(12).click()
    card.locator(".tok").nth(5).click()
    page.wait_for_selector(".sum tr.total")
    assert "synthetic-dictionary, layer 0, 4,096 features" in page.locator(".facts").inner_text()
    assert "attention 0.4321" in page.locator(".facts").inner_text()
    table = json.loads(tab.save("ov-sum", "JSON"))
    assert [row["term"] for row in table] == page.locator(".sum th").all_inner_texts()
    *terms, total = [row["value"] for row in table]
    assert abs(sum(terms) - total) < 2e-3
    for shown, value in zip(numbers(page, ".sum td.num"), [*terms, total]):
        assert abs(shown - value) <= 0.006, (shown, value)
    assert tab.save("ov-sum", "SVG").decode().count("<rect") == len(table) + 1  # and the ground
    few = page.locator(".sum tr").count()
    page.locator("[aria-label='Maximise What the score is made of']").click()
    until(page, f"document.querySelectorAll('.sum tr').length > {few}")
    tab.shot("score-sum")
    page.locator("[data-panel='ov-sum'] .menu > button").click()
    page.locator("[data-panel='ov-sum'] .menu-items button", has_text="Figure").click()
    page.wait_for_selector(".figure-preview canvas")
    figure = tab.download(page.locator("dialog button", has_text="Save SVG").click).decode()
    assert ">adds<" in figure and ">takes away<" in figure
    page.locator("dialog button", has_text="Close").click()
    until(page, "document.querySelector('dialog') === null")
    page.keyboard.press("Escape")
    page.locator(".attribution .segmented button", has_text="Writes").click()
    tab.expect(view="writes")
    rows = json.loads(tab.save("ov-list", "JSON"))
    assert [row["feature"] for row in rows] == [str(2000 + i) for i in range(5)]
    assert len(numbers(page, ".pairs .score")) == 5
    page.locator(".pairs li").nth(1).click()
    assert "not active at query 12" in page.locator(".side-query").inner_text()
    page.locator(".partner-row").nth(2).click()
    tab.expect(pick="1", partner="2")
    partner = page.locator(".side-key .description").inner_text()
    tab.shot("writes")
    page.reload()
    page.wait_for_selector(".side-key .description")
    assert page.locator(".side-key .description").inner_text() == partner
    page.go_back()
    page.wait_for_selector(".card .tok")


@test("stored")
def a_static_tree_opens_stored_edges_and_says_what_the_others_need(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    assert "solid" in card.locator("button.qk").get_attribute("class")
    assert page.locator(".card").nth(1).locator("button.qk").get_attribute("aria-disabled") == "true"
    page.locator(".card").nth(1).locator("button.qk").hover()
    until(page, "/make attributions/.test(document.getElementById('tip').textContent)")
    card.locator("button.qk").click()
    assert card.locator(".tok.cached").count() == 2
    card.locator(".tok[data-i='12']").click()
    assert card.locator(".tok.cached").count() == 1
    tab.shot("stored-edge")
    card.locator(".tok[data-i='5']").click()
    page.wait_for_selector(".pairs [aria-selected=true]")
    tab.shot("stored-answer")
    tab.open("").cards()
    card.locator("button.ov").click()
    card.locator(".line button", has_text="20 → 11").click()
    page.wait_for_selector(".pairs [aria-selected=true]")
    tab.expect(attr="ov", qpos="20", kpos="11")
    page.locator(".attribution .segmented button", has_text="Written features").click()
    tab.expect(view="written")
    page.wait_for_selector(".partners .partner-row")
    assert page.locator(".pairs [role=option]").count() == 4
    keys = page.locator(".partners .partner-row .k").all_inner_texts()
    assert [key.split()[:2] for key in keys] == [["key", "11"], ["key", "0"]] and "said" in keys[0], keys
    tab.shot("written-features")
    page.go_back()
    card.locator("button.qk").click()
    card.locator(".tok[data-i='9']").click()
    card.locator(".tok[data-i='3']").click()
    page.wait_for_selector(".empty.error")
    assert page.locator(".empty.error code").all_inner_texts() == ["make serve", "make attributions"]
    tab.shot("not-stored")
    page.locator(".empty.error button", has_text="12 → 5").click()
    page.wait_for_selector(".pairs [aria-selected=true]")
    assert tab.posts == []


@test("serve")
def an_edge_of_the_real_model_is_taken_apart(tab):
    tab.open("").cards()
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    card = page.locator(".card").first
    tokens = card.locator(".tok")
    for kind in ("qk", "ov"):
        card.locator(f"button.{kind}").click()
        tokens.nth(12).click()
        tokens.nth(11).click()
        page.wait_for_selector(f"#{kind}-row-0, .empty.error:visible")
        if page.locator(".empty.error:visible").count():
            # Without a dictionary of the layer.
            assert "make dictionary" in page.locator(".empty.error:visible").inner_text()
            tab.shot("no-dictionary")
            return
        page.wait_for_selector(".sum tr.total >> visible=true")
        *terms, total = [row["value"] for row in json.loads(tab.save(f"{kind}-sum", "JSON"))]
        assert abs(sum(terms) - total) < 1e-3 * max(1, abs(total)), (terms, total)
        scores = [row["attribution"] for row in json.loads(tab.save(f"{kind}-list", "JSON"))]
        assert scores == sorted(scores, key=abs, reverse=True)
        assert page.locator(".side-query .snippets:visible, .side-key .snippets:visible").count() > 0
        tab.shot(f"real-{kind}")
        page.go_back()
        page.wait_for_selector(".card .tok")
        assert "solid" in card.locator(f"button.{kind}").get_attribute("class")


@test("live")
def a_causal_error_is_shown_as_the_backend_says_it(tab):
    tab.open("attr=qk&seq=0&qpos=2&kpos=9")
    tab.page.wait_for_selector(".empty.error")
    assert "the model is causal" in tab.page.locator(".empty.error").inner_text()


@test("live serve")
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
    text.fill(" ".join(["word"] * 12000))
    send.click()
    until(page, "document.querySelector('.composer .note.error') !== null", 60)
    page.locator(f"[aria-label='Delete sequence {name}']").click()
    until(page, f"document.querySelector(\".card[data-id='{name}']\") === null")


@test("live serve stored")
def a_link_to_a_tab_of_edges_opens_the_strongest_edge_of_what_is_shown(tab):
    page = tab.page
    config, server = tab.open().data("config.json"), page.locator(".backend").get_attribute("data-state")
    layer, head = config["heads"][1 if server != "static" else 0]
    records = tab.data(f"heads/L{layer}H{head}.json")["sequences"]
    interval = min(s["interval"] for s in records)

    def strongest(records):
        first = max(records, key=lambda s: s["max_activation"])
        n = first["seq_len"]
        _, at = max((v, -i) for i, v in zip(first["attention_indices"], first["attention_values"]) if i >= n and i % n)
        return str(first["sequence_id"]), *map(str, divmod(-at, n))
    for query, shown in ((f"tab=qk&layer={layer}&head={head}", [s for s in records if s["interval"] == max(s["interval"] for s in records)]),
                         (f"attr=ov&layer={layer}&head={head}&interval={interval}", [s for s in records if s["interval"] == interval])):
        tab.open(query)
        kind = query[4:6] if query.startswith("tab") else query[5:7]
        page.wait_for_selector(f".view-{kind} .edge .tok")
        if server == "static":  # what is stored is all that can be shown
            stored = tab.data("attributions/manifest.json")
            tab.expect(attr=kind, qpos=r"\d+")
            params = tab.params()
            assert [int(params["qpos"]), int(params["kpos"])] in stored[f"{tab.head()}S{params['seq']}"][kind]
        else:
            name, q, k = strongest(shown)
            tab.expect(attr=kind, seq=re.escape(name), qpos=q, kpos=k)
        assert page.locator(f".view-{kind} .edge .mark-query, .view-{kind} .edge .mark-both").count() == 1
    tab.shot("edge-preselected")
    page.wait_for_selector(".view-ov .pairs li, .view-ov .empty.error", timeout=60_000)


@test("stored")
def a_tab_of_edges_without_any_shows_the_sequences(tab):
    tab.page.route("**/attributions/manifest.json", lambda route: route.fulfill(json={}))
    tab.open("tab=qk").cards()
    tab.expect(tab=None, attr=None)
    assert tab.page.locator("#tab-qk").get_attribute("aria-disabled") == "true"
