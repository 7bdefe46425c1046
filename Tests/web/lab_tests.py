# SPDX-License-Identifier: Apache-2.0
"""The lab: questions to a head, asked of the real backend, stored, linked, exported; and stored answers without one."""

import csv
import io
import json

from page import AXE, test, until

EXAMPLES = ["Sources", "Who does this?", "What does it write?", "Sweep", "Swap", "Test", "Geometry", "Virtual weights"]


def answered(page):
    page.wait_for_selector(".lab-answer [data-panel^='lab-'], .lab-answer .error", timeout=60_000)
    assert not page.locator(".lab-answer .error").count(), page.locator(".lab-answer .error").inner_text()


@test("serve")
def every_example_of_the_lab_runs_and_has_a_link(tab):
    tab.open("tab=lab").ready()
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    for name in EXAMPLES:
        page.locator(".lab-examples").get_by_role("button", name=name, exact=True).click()
        answered(page)
        tab.expect(tab="lab", ask="[0-9a-f]{16}")
        panel = page.locator(".lab-answer [data-panel]").first.get_attribute("data-panel")
        rows = list(csv.DictReader(io.StringIO(tab.save(panel, "CSV").decode())))
        assert rows, name
        if panel == "lab-sources":
            sums = {side: sum(float(row["value"]) for row in rows if row["side"] == side) for side in ("at the key", "at the query")}
            assert abs(sums["at the key"] - sums["at the query"]) < 2e-3, sums
        if panel == "lab-swap":
            for row in rows:
                for what in ("score", "attention"):
                    before, after, difference = (row[f"{what}_{side}"] for side in ("before", "after", "difference"))
                    assert not (before and after) or abs(float(after) - float(before) - float(difference)) < 1e-6, row
            edge = page.locator("[data-panel='lab-swap'] table").first.inner_text()
            assert all(word in edge for word in ("before", "after", "difference", "score", "attention")), edge
        if page.locator(f"[data-panel='{panel}'] canvas").count():
            assert tab.save(panel, "SVG").startswith(b"<svg")
            assert tab.save(panel, "PNG").startswith(b"\x89PNG")
        tab.shot(f"lab-{panel}")
        link = page.url
        posts = len(tab.posts)
        page.goto("about:blank")
        page.goto(link)
        answered(page)
        assert len(tab.posts) == posts, "a stored answer is read from the tree"
        tab.open("tab=lab").ready()
        until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    assert page.locator(".lab-list li").count() == len(EXAMPLES)
    page.locator(".lab-list li button").last.click()
    answered(page)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.id, v.nodes[0].html.slice(0, 200)]))")
    assert not found, found


@test("serve")
def a_form_says_what_is_wrong_and_a_file_of_questions_is_a_job(tab):
    tab.open("tab=lab").ready()
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    page.locator("#lab-prompt").fill("When the tall cat slept")
    page.locator("#lab-query").fill("Paris")
    page.locator("#lab-query").press("Enter")
    page.wait_for_selector(".lab-answer .error")
    assert "'Paris' is not in this prompt; its tokens are" in page.locator(".lab-answer .error").inner_text()
    page.locator("#lab-query").fill("")
    page.get_by_role("button", name="Ask", exact=True).click()
    until(page, "/Query is empty/.test(document.querySelector('.lab-answer').textContent)")
    page.locator("#lab-query").fill("-1")
    line = tab.download(page.get_by_role("button", name="Save question").click).decode()
    question = json.loads(line)
    assert question["question"] == "sources" and question["query"] == -1
    head = {"layer": question["layer"], "head": question["head"]}
    sweep = {"question": "sweep", **head, "prompt": "the {cat|dog} ran", "query": -1, "key": "{}"}
    page.locator("input[type=file]").set_input_files({
        "name": "questions.jsonl", "mimeType": "application/jsonl",
        "buffer": "\n".join(json.dumps(q) for q in (sweep, {**sweep, "prompt": "no slot"})).encode()})
    until(page, "/done: 1 answers, 1 without/.test(document.querySelector('.lab-answer').textContent)", 60)
    assert "Question 2" in page.locator(".lab-answer").inner_text()
    saved = tab.download(page.get_by_role("button", name="Save these questions").click).decode()
    assert sweep["prompt"] in [json.loads(line).get("prompt") for line in saved.splitlines()], saved
    page.locator(".lab-list li button", has_text="Sweep").first.click()
    answered(page)
    assert page.locator("[data-panel=lab-sweep] tbody tr").count() == 2


@test("serve")
def virtual_weights_say_what_they_lack_and_a_sweep_takes_a_file(tab):
    tab.open().cards()
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    manifest = tab.data("attributions/manifest.json")
    without = next(((layer, head) for layer, head in tab.data("config.json")["heads"]
                    if not any(key.startswith(f"L{layer}H") for key in manifest)), None)
    if without:  # no layer with a dictionary
        tab.open("tab=lab&layer={}&head={}".format(*without)).ready()
        until(page, "!document.querySelector('.lab-examples button').disabled")
        page.locator(".lab-examples").get_by_role("button", name="Virtual weights").click()
        page.wait_for_selector(".lab-answer .error p >> nth=1", timeout=60_000)
        said = page.locator(".lab-answer .error").inner_text()
        assert f"the server has none of layer {without[0]}" in said and page.locator(".lab-answer .error code").count() == 1, said
        tab.shot("lab-virtual-lacks")
    tab.open("tab=lab").ready()
    until(page, "!document.querySelector('.lab-examples button').disabled")
    page.get_by_label("Question", exact=True).select_option("sweep")
    page.locator("#lab-values").wait_for()
    files = page.get_by_label("A file of values, one a line")
    files.set_input_files({"name": "large.txt", "mimeType": "text/plain", "buffer": b"x" * (1 << 20) + b"y"})
    until(page, "/larger than 1 MB/.test(document.querySelector('.lab-field .row').textContent)")
    files.set_input_files({"name": "animals.txt", "mimeType": "text/plain", "buffer": b"cat\r\ndog\n\nbird\n"})
    until(page, "/3 values of animals.txt/.test(document.querySelector('.lab-field .row').textContent)")
    assert page.locator("#lab-values").input_value() == "cat\ndog\nbird"
    tab.shot("lab-sweep-form")
    page.get_by_role("button", name="Ask", exact=True).click()
    answered(page)
    assert page.locator("[data-panel=lab-sweep] tbody th").all_inner_texts() == ["cat", "dog", "bird"]
    page.locator("#lab-values").fill("1..9:4")
    page.get_by_role("button", name="Ask", exact=True).click()
    until(page, "document.querySelector('[data-panel=lab-sweep] tbody th')?.textContent === '1'", 60)
    assert page.locator("[data-panel=lab-sweep] tbody th").all_inner_texts() == ["1", "5", "9"]


@test("serve")
def a_form_is_not_filled_anew_under_the_hands_of_its_user(tab):
    tab.open("tab=lab").ready()
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    prompt = page.locator("#lab-prompt")
    prompt.fill("When the")
    prompt.evaluate("node => (node.setSelectionRange(4, 4), node.dataset.same = 'yes')")
    with page.expect_response("**/status/v0"):
        page.evaluate("dispatchEvent(new Event('focus'))")
    tab.still()
    assert page.evaluate("document.activeElement.dataset.same === 'yes' && document.activeElement.selectionStart === 4")


@test("stored")
def stored_answers_open_without_a_backend(tab):
    page = tab.page
    identity, unknown, writes = "0123456789abcdef", "fedcba9876543210", "00000000000000aa"
    tab.open("tab=lab").ready()
    layer, head = (int(n) for n in tab.head()[1:].split("H"))
    question = {"question": "sweep", "layer": layer, "head": head, "prompt": "a {b|<i>c</i>}", "query": "{}", "key": 0}
    token = {"position": 1, "text": "<img src=x onerror=alert(1)>"}
    rows = [{"value": v, "tokens": [v], "query": token, "key": token, "score": None, "attention": a} for v, a in (("b", 0.25), ("<i>c</i>", 0.5))]
    written = {"promotes": [{"text": " up", "logit": 1.5}], "suppresses": [{"text": " down", "logit": -1.5}]}
    files = {
        "manifest": {"answers": [{"id": identity, "question": "sweep", "layer": layer, "head": head, "about": "a {b|<i>c</i>}", "corpus": False}]},
        identity: {"id": identity, "question": question, "answer": {"rows": rows, "several_tokens": 0}},
        writes: {"id": writes, "question": {**question, "question": "writes"}, "answer": {
            "tokens": ["a", "b"], "query": token, "total": written, "keys": [{**token, "attention": 0.5, "written": written}]}},
        unknown: {"id": unknown, "question": {**question, "question": "constructor"}, "answer": {}},
    }
    for name, value in files.items():
        page.route(f"**/data/lab/{name}.json", lambda route, _, value=value: route.fulfill(json=value))
    tab.open("tab=lab").ready()
    page.locator(".lab-list li button").first.click()
    answered(page)
    assert page.locator("[data-panel=lab-sweep] tbody tr").count() == 2
    assert not page.locator("[data-panel=lab-sweep] i, [data-panel=lab-sweep] img").count()
    assert page.get_by_role("button", name="Ask", exact=True).is_disabled()
    tab.shot("lab-stored")
    tab.open(f"tab=lab&ask={writes}").ready()
    answered(page)
    assert "alone: raises ␣up, lowers ␣down" in page.locator(".lab-answer").inner_text()
    tab.open(f"tab=lab&ask={unknown}").ready()
    page.wait_for_selector(".lab-answer .error")
    assert "This answer is not as expected" in page.locator(".lab-answer .error").inner_text()
    assert page.get_by_label("Question", exact=True).input_value() == "sources", "the form stays as it was"
    assert tab.posts == []
