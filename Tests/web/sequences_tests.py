# SPDX-License-Identifier: Apache-2.0
"""The sequences of a head and their heat maps."""

import re

from page import at_rest, color, test, until


@test("synthetic static serve")
def hovering_a_token_shows_its_row_its_column_and_lines(tab):
    tab.open("").cards()
    page = tab.page
    card = page.locator(".card").first
    q, k = tab.strongest_line(card)
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


@test("synthetic static serve")
def tokens_are_reached_and_held_by_keyboard(tab):
    tab.open().cards()
    page = tab.page
    page.locator(".card .tok[tabindex='0']").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert re.match(r"\d+: ", focused), focused
    page.keyboard.press("Enter")
    tab.expect(sel=".+:.+")
    page.keyboard.press("Escape")
    tab.expect(sel=None)


@test("synthetic static serve")
def several_tokens_sum_their_attention(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    q = int(re.search(r"strongest (\d+)", card.inner_text()).group(1))
    card.locator(f".tok[data-i='{q}']").click()
    other = q - 1 if card.locator(f".tok[data-i='{q - 1}']").count() else q + 1
    card.locator(f".tok[data-i='{other}']").click(modifiers=["Shift"])
    tab.expect(sel=f".+:({q},{other}|{other},{q})")
    assert "2 tokens" in card.locator(".line").inner_text()
    tab.shot("summed")


@test("synthetic static serve")
def the_heat_map_is_linked_with_the_tokens_both_ways(tab):
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    card.locator("[aria-label^='Heat map']").click()
    canvas = card.locator(".plot-map canvas").first
    canvas.wait_for()
    until(page, "document.querySelector('.plot-map canvas').width > 300")
    box = at_rest(canvas)
    canvas.hover(position={"x": 60, "y": min(box["width"], box["height"]) * 0.5})
    until(page, "!document.getElementById('tip').hidden")
    assert "query" in page.locator("#tip").inner_text()
    until(page, "document.querySelector('.card .source, .card .mark-key') !== null")
    page.mouse.wheel(0, -600)
    canvas.focus()
    page.keyboard.press("0")
    tab.shot("heat-map")
    assert b"<svg" in tab.save(page.evaluate("document.querySelector('.panel-map').dataset.panel"), "SVG")


@test("synthetic static serve")
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
    tab.expect(open=".+")


@test("synthetic static serve")
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


def bytes_of(text, *sizes):
    """The byte tokens of a text, as a tree writes them, so many bytes a token."""
    data = [chr(b) if b < 0x80 else f"<0x{b:02X}>" for b in text.encode()]
    return ["".join(data[sum(sizes[:i]):sum(sizes[:i + 1])]) for i in range(len(sizes))]


SPELT = bytes_of(" 😀", 3, 1, 1) + bytes_of("你", 1, 2) + bytes_of("好", 2, 1) + bytes_of("שלום", *[1] * 8) + [" <0xE4>"]


def with_byte_tokens(tab):
    """The strongest sequence begins with characters in bytes; its pattern stays, as does the number of its tokens."""
    def change(route):
        head = route.fetch()
        file = head.json()
        for sequence in file["sequences"]:
            sequence["tokens"][1:1 + len(SPELT)] = SPELT
        route.fulfill(response=head, json=file)
    tab.page.route("**/heads/*.json", change)


@test("synthetic static serve")
def byte_tokens_stand_under_the_character_they_spell(tab):
    with_byte_tokens(tab)
    tab.open().cards()
    page = tab.page
    card = page.locator(".card").first
    unfold = card.locator("button", has_text="Unfold")
    if unfold.count():
        unfold.click()
        tab.expect(open=".+")
    whole = card.locator(".whole")
    texts = whole.all_inner_texts()
    assert texts == list("😀你好שלום"), texts
    texts = card.locator(".tok").all_inner_texts()
    assert texts[1:8] == ["F0 9F", "98", "80", "E4", "BD A0", "E5 A5", "BD"] and texts[1 + len(SPELT) - 1] == " <0xE4>", texts[:20]
    above = whole.first.bounding_box()
    for i in (1, 2, 3):
        under = card.locator(f".tok[data-i='{i}']").bounding_box()
        assert under["y"] > above["y"] + above["height"] / 2
    # Hebrew runs from right to left although the text around does not.
    places = [whole.nth(i).bounding_box()["x"] for i in range(3, 7)]
    assert places == sorted(places, reverse=True), places
    last = card.locator(".tok[data-i='2']")
    last.hover()
    until(page, "!document.getElementById('tip').hidden")
    tip = page.locator("#tip").inner_text()
    assert tip.startswith("2: ") and "98 of 😀" in tip, tip
    last.click()
    tab.expect(sel=".+:2")
    card.locator(".tok[data-i='3']").click(modifiers=["Shift"])
    tab.expect(sel=".+:(2,3|3,2)")
    last.focus()
    page.keyboard.press("ArrowRight")
    until(page, "document.activeElement.dataset.i === '3'")
    assert "80 of 😀" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    for width in (390, 1440, 3840):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900 if width < 3000 else 2160})
            page.emulate_media(color_scheme=scheme)
            tab.still()
            tab.shot(f"bytes-{width}-{scheme}")
    page.set_viewport_size({"width": 1440, "height": 900})
    drawing = tab.save_card(card, "SVG").decode()
    assert drawing.count(">😀<") == 1 and drawing.index(">😀<") < drawing.index(">F0 9F<")
    card.locator(".chip").first.click()
    until(page, "document.querySelector('.card .chip').textContent === 'Copied'")
    assert "😀你好שלום <0xE4>" in page.evaluate("navigator.clipboard.readText()")
    page.locator(".toolbar input[type=search]").fill("你好")
    until(page, "/match/.test(document.querySelector('.sequences > .note').textContent)")
    assert page.locator(".card").count() >= 1
