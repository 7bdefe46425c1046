# SPDX-License-Identifier: Apache-2.0
"""Sequences that a link leads to and the open head did not keep."""

import json
import re
import time

from page import test, until


def not_kept(tab):
    """Two heads and the record of a sequence; the file of the second is served without it."""
    (layer, head), other = tab.data("config.json")["heads"][:2]
    record = max(tab.data(f"heads/L{layer}H{head}.json")["sequences"], key=lambda s: s["max_activation"])

    def leave_out(route):
        file = route.fetch().json()
        route.fulfill(json={**file, "sequences": [s for s in file["sequences"] if s["sequence_id"] != record["sequence_id"]]})
    tab.page.route("**/heads/L{}H{}.json".format(*other), leave_out)
    return (layer, head), other, record


@test("static serve")
def a_sequence_that_the_head_did_not_keep_is_shown_and_called_so(tab):
    tab.open().cards()
    page = tab.page
    live = page.locator(".backend").get_attribute("data-state") != "static"
    if live:
        until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    (layer, head), (other_layer, other_head), record = not_kept(tab)
    name, tokens = str(record["sequence_id"]), record["tokens"]
    value, q, k = max((v, *divmod(at, record["seq_len"])) for at, v in zip(record["attention_indices"], record["attention_values"])
                      if at % record["seq_len"] and at >= record["seq_len"])
    says = "The model ran the head on it now" if live else "Only its text is known here"
    # From the ranking of the heads, as a reader comes there: a backend tells all of them, however late it says that it can.
    page.route("**/status/v0", lambda route: (time.sleep(1), route.continue_()))
    tab.open(f"layer={layer}&head={head}&interval={record['interval']}&rank={name}:{q},{k}&at={name}:0").cards()
    until(page, f"/^\\d+ heads.*{'told by the model' if live else ''}/.test(document.querySelector('.panel-rank [role=status]')?.textContent)", 60)
    page.unroute("**/status/v0")
    link = page.locator(".edgeheads button", has_text=re.compile(f"^L{other_layer}H{other_head}$"))
    if live:
        link.click()
    else:
        assert not link.count()  # without a model only heads that keep it are ranked
        tab.open(f"layer={other_layer}&head={other_head}&sel={name}:{q}&at={name}:0")
    card = page.locator(f".guests .card[data-id='{name}']")
    card.locator(".tok").first.wait_for()
    assert tab.head() == f"L{other_layer}H{other_head}"
    assert f"did not keep sequence {name}" in card.inner_text() and says in card.inner_text(), card.inner_text()
    assert not page.locator(f".cards .card[data-id='{name}']").count()
    shown = int(card.locator(".tok").first.get_attribute("data-i"))
    assert tokens[shown].strip() in card.locator(".tok").first.inner_text()
    assert card.locator("[aria-label^='Heat map']").count() == (1 if live else 0)
    if live:
        answer = page.request.post(tab.base + "api/head_vis/public/sequence_pattern/v0", data={
            "layer": other_layer, "head": other_head, "seq_idx": name, "context": {}}).json()
        assert f"{answer['max_activation']:.3f}" in card.inner_text()
        assert f"Its attention {q} → {k} is" in card.inner_text()
    tab.shot("guest")
    # What is exported of it is what is known of it.
    exported = json.loads(tab.save_card(card, "JSON"))
    assert exported["tokens"] == tokens and bool(exported["attention_values"]) == live
    # The tabs of an edge have its text, too.
    tab.open(f"layer={other_layer}&head={other_head}&attr=qk&seq={name}&qpos={q}&kpos={k}")
    page.locator(".edge .tok").first.wait_for()
    assert "did not keep" in page.locator(".edge").inner_text()
    assert page.locator(".edge .tok.mark-query").get_attribute("data-i") == str(q)
    tab.shot("guest-edge")
    # A sequence that is nowhere is not waited for.
    tab.open("sel=99999999:1")
    until(page, "/No file of this tree/.test(document.querySelector('.guests')?.textContent)", 60)
    tab.complaints = [c for c in tab.complaints if "sequence_pattern" not in c]


@test("live")
def a_custom_sequence_of_another_head_is_shown_and_can_be_run_here(tab):
    page = tab.page
    tab.open("interval=-1&layer=0&head=0")
    until(page, "!document.querySelector('.composer textarea').disabled")
    page.locator(".composer textarea").fill("The cat sat on the mat")
    page.locator(".composer .primary").click()
    page.wait_for_selector(".card .tok")
    name = page.locator(".card").first.get_attribute("data-id")
    tab.open(f"interval=-1&layer=0&head=0&rank={name}:3,2").cards()
    page.keyboard.press("h")
    guest = page.locator(f".guests .card[data-id='{name}']")
    guest.locator(".tok").first.wait_for()
    said = guest.inner_text()
    assert "a custom one of another head" in said and "sample" not in said, said
    assert not [url for url in tab.posts if "sequence_pattern" in url]
    guest.locator("button", has_text="Run it here").click()
    page.wait_for_selector(f".cards .card[data-id='{name}'] .tok")
    until(page, "!document.querySelector('.guests .card')")


@test("serve")
def answers_of_the_lab_show_the_text_they_are_of(tab):
    tab.open().cards()
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    _, (layer, head), record = not_kept(tab)
    name = str(record["sequence_id"])
    question = {"question": "rank", "layer": layer, "head": head, "prompt": {"sequence": name}, "queries": [9], "keys": [4]}
    page.goto(f"{tab.base}?layer={layer}&head={head}&tab=lab&ask={json.dumps(question)}")
    text = page.locator(".lab-answer .edgetext")
    text.wait_for(timeout=60_000)
    assert text.locator(".mark-query").inner_text().strip() == record["tokens"][9].strip()
    assert text.locator(".mark-key").inner_text().strip() == record["tokens"][4].strip()
    until(page, "/did not keep it/.test(document.querySelector('.lab-answer').textContent)")
    tab.shot("lab-text")
    page.locator(".lab-answer button", has_text=f"Open sequence {name}").click()
    page.locator(f".guests .card[data-id='{name}'] .tok").first.wait_for()
    tab.expect(tab=None, sel=f"{name}:9")
