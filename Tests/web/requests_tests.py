# SPDX-License-Identifier: Apache-2.0
"""What the page asks for: nothing that is not there, a backend before what it stored, and a server that went away."""

import re

from page import test, until


def choose(tab, card, kind, q, k):
    """Opens the edge of a card's sequence by pressing its tokens."""
    card.locator(f"button.{kind}").click()
    card.locator(f".tok[data-i='{q}']").click()
    card.locator(f".tok[data-i='{k}']").click()
    tab.page.wait_for_selector(".view:not([hidden]) .pairs li, .view:not([hidden]) .empty.error", timeout=60_000)


@test("live stored synthetic static serve")
def a_walk_asks_for_no_file_that_is_not_there(tab):
    missing, asked = [], []
    tab.page.on("response", lambda r: missing.append(r.url) if r.status == 404 else None)
    tab.page.on("request", lambda r: asked.append(r.url))
    tab.open().cards()
    page = tab.page
    live = page.locator(".backend").get_attribute("data-state") != "static"
    if live:
        until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    for key in "hHm][":
        page.keyboard.press("Shift+H" if key == "H" else key)
        tab.ready()
    told = "custom_heads" in tab.data("server_config.json")  # else opening Custom is the only way to know
    for query in ("tab=metrics", "tab=umap&flat=true&point=3", "tab=help", "interval=1", *(["interval=-1"] if told else [])):
        tab.open(query).ready()
    tab.open().cards()
    card = page.locator(".card").first
    name = card.get_attribute("data-id")
    listed = tab.data("attributions/manifest.json").get(f"{tab.head()}S{name}", {})
    if live or listed:
        q, k = tab.strongest_line(card)
        for kind in ("qk", "ov"):
            for edge in [(q, k), *listed.get(kind, [])]:
                tab.open().cards()
                choose(tab, card, kind, *edge)
    # A link may name an edge that nobody stored.
    tab.open(f"attr=qk&seq={name}&qpos=3&kpos=2").ready()
    assert not missing, missing
    assert live or not [url for url in asked if "/custom_sequences/" in url]
    assert len([url for url in asked if re.search("/attributions/(qk|ov)/", url)]) == (
        0 if live else sum(len(edges) for edges in listed.values()))


@test("live")
def a_backend_is_asked_before_the_answer_it_stored(tab):
    stored = {"pairs": [{
        "query_feature": 1, "key_feature": 2, "attribution": 1, "query_description": "from before", "key_description": "from before",
        "query_snippets": [], "key_snippets": []}], "query_marginals": [], "key_marginals": []}
    asked = []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(json=stored)
    tab.page.route("**/attributions/qk/*", answer)
    tab.page.route("**/attributions/manifest.json", lambda route: route.fulfill(json={"L0H0S5": {"qk": [[12, 5]], "ov": []}}))
    edge = "attr=qk&layer=0&head=0&seq=5&qpos=12&kpos=5"
    tab.open(edge)
    page = tab.page
    page.wait_for_selector(".pairs li")
    assert "from before" not in page.locator(".pairs").inner_text() and not asked
    assert len([url for url in tab.posts if "qk_attributions" in url]) == 1
    # Gone, it leaves what it stored, and that is said.
    page.route("**/qk_attributions/**", lambda route: route.abort())
    tab.open(edge)
    page.wait_for_selector(".pairs li")
    assert "from before" in page.locator(".pairs").inner_text() and len(asked) == 1
    assert "stored earlier" in page.locator(".attribution > :nth-child(2) > .note").inner_text()
    page.unroute("**/qk_attributions/**")
    page.locator(".attribution .note button").click()
    until(page, "!/from before/.test(document.querySelector('.pairs')?.textContent ?? 'from before')")
    tab.complaints = [c for c in tab.complaints if "ERR_FAILED" not in c]


@test("stored")
def custom_sequences_of_a_tree_are_read_where_it_has_some(tab):
    record = {"sequence_id": "cab12", "tokens": ["A", " cat"], "attention_indices": [3], "attention_values": [0.5], "seq_len": 2, "max_activation": 0.5}
    page, asked = tab.page, []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(json={"sequences": [record]})
    page.route("**/custom_sequences/*", answer)
    heads = {}
    page.route("**/server_config.json", lambda route: route.fulfill(json=heads))
    options = "[...document.querySelector('.toolbar select').options].map((o) => o.textContent)[0]"
    # Not told: offered, and read when it is asked for.
    tab.open("interval=1").cards()
    assert page.evaluate(options) == "Custom" and not asked
    page.locator(".toolbar select").first.select_option("-1")
    page.wait_for_selector(".card[data-id='cab12']")
    assert page.evaluate(options) == "Custom (1)"
    tab.open("sel=cab12:1").cards()
    until(page, f"{options} === 'Custom (1)'")
    # Told: read at once, or not at all.
    heads["custom_heads"] = [[0, 1]]
    asked.clear()
    tab.open().cards()
    assert page.evaluate(options) != "Custom" and not asked
    page.keyboard.press("h")
    until(page, f"{options} === 'Custom (1)'")
    assert len(asked) == 1
    tab.open("interval=-1").cards()
    assert len(asked) == 1


@test("live")
def a_server_that_goes_away_is_not_called_live_and_is_found_again(tab):
    tab.open("interval=-1&layer=1&head=0")
    page = tab.page
    badge, text = page.locator(".backend"), page.locator(".composer textarea")
    until(page, "document.querySelector('.backend').textContent === 'live'")
    until(page, "/No custom sequence of this head yet/.test(document.querySelector('.cards').textContent)")
    assert not page.locator(".status button", has_text="Retry").is_visible()
    away = ("**/api/**", "**/data/**")
    for pattern in away:
        page.route(pattern, lambda route: route.abort())
    text.fill("while it is away")
    page.locator(".composer .primary").click()
    until(page, "document.querySelector('.backend').textContent === 'no answer'")
    assert badge.get_attribute("data-state") == "gone"
    until(page, "/not known/.test(document.querySelector('.cards').textContent)")
    assert "yet" not in page.locator(".cards").inner_text()
    assert "does not answer" in page.locator(".composer .note").inner_text()
    assert text.input_value() == "while it is away"
    tab.shot("server-gone")
    page.locator(".status button", has_text="Retry").click()
    tab.still()
    assert badge.inner_text() == "no answer"
    for pattern in away:
        page.unroute(pattern)
    page.locator(".status button", has_text="Retry").click()
    until(page, "document.querySelector('.backend').textContent === 'live'")
    until(page, "/No custom sequence of this head yet/.test(document.querySelector('.cards').textContent)")
    page.locator(".composer .primary").click()
    page.locator(".card .tok").first.wait_for()
    # Left alone, the page finds out by itself, both ways; what could not be read meanwhile comes with it.
    for pattern in away:
        page.route(pattern, lambda route: route.abort())
    until(page, "document.querySelector('.backend').textContent === 'no answer'")
    for pattern in away:
        page.unroute(pattern)
    until(page, "document.querySelector('.backend').textContent === 'live'")
    tab.complaints = [c for c in tab.complaints if "ERR_FAILED" not in c]


@test("live")
def custom_sequences_that_cannot_be_read_are_not_called_none(tab):
    page = tab.page
    page.route("**/server_config.json", lambda route: route.fulfill(json={"server_url": tab.base, "context": {"tag": "verbatim"}}))
    page.route("**/custom_sequences/**", lambda route: route.abort())
    tab.open("interval=-1&layer=1&head=1")
    page.wait_for_selector(".cards .empty.error")
    assert "is not known" in page.locator(".cards").inner_text()
    assert page.locator(".toolbar select").first.locator("option").first.inner_text() == "Custom"
    page.unroute("**/custom_sequences/**")
    page.locator(".cards button", has_text="Try again").click()
    until(page, "/No custom sequence of this head yet/.test(document.querySelector('.cards').textContent)")
    tab.complaints = [c for c in tab.complaints if "ERR_FAILED" not in c]


@test("live")
def half_a_character_is_not_sent(tab):
    tab.open("interval=-1")
    page = tab.page
    until(page, "!document.querySelector('.composer textarea').disabled")
    page.evaluate("document.querySelector('.composer textarea').value = '\\u{1f600}ab\\ud83dc'")
    page.locator(".composer .primary").click()
    assert "half of a character (a lone surrogate) at position 3" in page.locator(".composer .note").inner_text()
    assert not [url for url in tab.posts if "add_custom_sequence" in url]


@test("live static")
def the_badge_is_seen_on_a_phone_and_says_what_it_means(tab):
    page = tab.page
    page.set_viewport_size({"width": 390, "height": 844})
    tab.open().cards()
    badge, tip = page.locator(".backend"), page.locator("#tip")
    live = badge.get_attribute("data-state") != "static"
    if live:
        until(page, "document.querySelector('.backend').dataset.state === 'ready'")
    box = badge.bounding_box()
    assert box["width"] >= 24 and box["height"] >= 24 and box["x"] + box["width"] <= 390
    badge.click()
    assert ("live operations work" if live else "stored data only") in tip.inner_text()
    tab.shot("badge-phone")
    if not live:
        return
    page.route("**/api/**", lambda route: route.abort())
    page.evaluate("dispatchEvent(new Event('focus'))")
    until(page, "document.querySelector('.backend').dataset.state === 'gone'")
    retry = page.locator(".status button", has_text="Retry")
    for width in (390, 371, 320):
        page.set_viewport_size({"width": width, "height": 844})
        tab.still()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert retry.bounding_box()["width"] >= 24 and badge.is_visible()
    badge.click()
    assert "does not answer" in tip.inner_text()
    page.unroute("**/api/**")
    retry.click()
    until(page, "document.querySelector('.backend').dataset.state === 'ready'")
    tab.complaints = [c for c in tab.complaints if "ERR_FAILED" not in c]
