# SPDX-License-Identifier: Apache-2.0
"""Hostile, broken and incomplete trees."""

from page import test, until


@test("odd")
def hostile_text_stays_text_and_the_rest_works_around_broken_files(tab):
    tab.page.add_init_script("window.alert = () => { window.alerted = true }")
    tab.open().cards()
    page = tab.page
    for query in ("", "tab=metrics", "tab=umap&flat=true&point=3", "tab=help"):
        tab.open(query)
        tab.ready()
        assert not page.evaluate("window.alerted === true")
        assert page.locator("main img, main script, #side img, .model b").count() == 0
    assert page.locator(".model").inner_text() == "<b>odd</b>/model"
    tab.open("layer=0&head=1")
    page.wait_for_selector(".empty.error")
    assert "heads/L0H1.json is cut short" in page.locator(".empty.error").inner_text()
    assert "problem" in page.locator(".warn").inner_text()
    tab.shot("cut-short")
    page.keyboard.press("h")
    page.wait_for_selector(".card .tok")
    tab.open("layer=1&head=3")
    page.wait_for_selector(".empty.error")
    assert "heads/L1H3.json is missing" in page.locator(".empty.error").inner_text()
    tab.open("layer=99&head=0").cards()
    assert page.locator("h1").inner_text() == "Layer 0 Head 0"
    tab.complaints = [c for c in tab.complaints if "heads/L1H3.json" not in c]


@test("odd")
def a_tree_without_its_optional_files_still_opens(tab):
    refuse = ("scatter_data.json", "server_config.json", "manifest.json", "sequences.json")
    for name in refuse:
        tab.page.route(f"**/{name}", lambda route: route.fulfill(status=404, body="no"))
    tab.open().cards()
    assert "problem" in tab.page.locator(".warn").inner_text()
    tab.page.locator(".warn").click()
    assert "scatter_data.json is missing" in tab.page.locator(".problems").inner_text()
    tab.open("tab=umap&flat=true&point=1")
    until(tab.page, "/no token data|sequence/.test(document.querySelector('.pointtext').textContent)")
    tab.page.route("**/config.json", lambda route: route.fulfill(status=404, body="no"))
    tab.page.goto(tab.base)
    tab.page.wait_for_selector(".fatal")
    assert "config.json is missing" in tab.page.locator(".fatal").inner_text()
    tab.complaints = [c for c in tab.complaints if "404" not in c]


@test("neuronpedia")
def a_tree_as_neuronpedia_exports_it_opens_unchanged(tab):
    tab.open().cards()
    page = tab.page
    assert page.locator(".model").inner_text() == "google/gemma-3-1b-pt"
    intervals = page.locator(".toolbar select").first.locator("option").all_inner_texts()
    assert sum(" of 5" in words for words in intervals) == 5, intervals
    assert page.locator("#tab-umap").is_disabled() or page.locator("#tab-umap").get_attribute("aria-disabled") == "true"
    tab.open("tab=metrics&layer=1&head=2")
    page.wait_for_selector(".plot-bars")
    text = page.locator(".metrics").inner_text()
    for words in ("Activation distribution", "Q-K distance", "Samples kept", "prev_token_score"):
        assert words.lower().replace("_", " ") in text.lower().replace("_", " "), words
    tab.shot("neuronpedia-metrics")
    tab.open("layer=1&head=0&tab=metrics")  # statistics with a null
    page.wait_for_selector(".plot-bars")
    assert page.locator(".warn").count() == 0 or not page.locator(".warn").is_visible()
