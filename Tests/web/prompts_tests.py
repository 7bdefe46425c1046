# SPDX-License-Identifier: Apache-2.0
"""One prompt for all heads: run, named, arranged, deleted and brought back, read by every head and from every tab."""

import json
import re

from leak_tests import WALK, bounded, steps
from page import test, until

TEXT = "When Mary and John went to the store, John gave a drink to Mary"


def run_prompt(tab, text):
    page = tab.page
    until(page, "document.querySelector('.backend').dataset.state === 'ready'", 120)
    until(page, "!document.querySelector('.promptbox textarea').disabled")
    page.locator(".promptbox textarea").fill(text)
    page.locator(".promptbox button.primary").click()
    page.wait_for_selector(".plot-thumbnails canvas", timeout=60_000)
    until(page, "document.querySelector('.promptbox textarea').value === ''", 60)
    return tab.params()["prompt"]


@test("serve")
def a_prompt_runs_through_all_heads_and_stands_in_each(tab):
    tab.open().cards()
    page = tab.page
    name = run_prompt(tab, TEXT)
    heads = tab.data("config.json")["heads"]
    stored = tab.data(f"prompts/{name}/heads.json")
    assert [[h["layer"], h["head"]] for h in stored["heads"]] == sorted(heads)
    page.locator("[aria-label='Metric of the prompt']").select_option("previous_token_score")
    table = json.loads(tab.save("prompt-heads", "JSON"))
    assert [r["previous_token_score"] for r in table] == sorted((r["previous_token_score"] for r in table), reverse=True)
    first = f"L{table[0]['layer']}H{table[0]['head']}"
    assert page.locator(".prompt-body .ranking button").first.inner_text().startswith(first)
    tab.shot("prompt-heads")
    # What the per-head endpoint answers for the same text is the same record.
    one = page.evaluate("""async ([layer, head, text]) => (await fetch('/api/head_vis/public/add_custom_sequence/v0', {
        method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({layer, head, text})})).json()""",
        [table[0]["layer"], table[0]["head"], TEXT])
    layer = tab.data(f"prompts/{name}/L{table[0]['layer']}.json")
    same = next(s for s in layer["sequences"] if s["head"] == table[0]["head"])
    for key in ("sequence_id", "attention_indices", "attention_values", "seq_len", "max_activation"):
        assert same[key] == one[key], key
    assert layer["tokens"] == one["tokens"]
    # Chosen edges colour the heads; the model's ranking of all heads agrees with what is stored.
    page.locator(".prompt-body .tok").nth(10).click()
    page.locator(".prompt-body .tok").nth(9).click()
    tab.expect(edge="10,9", by="edge")
    until(page, "/edge/.test(document.querySelector('[aria-label=\"Metric of the prompt\"]').value)")
    tab.still()
    edges = {(r["layer"], r["head"]): r["attention_on_edge"] for r in json.loads(tab.save("prompt-heads", "JSON"))}
    answer = page.evaluate("""async (id) => (await fetch('/api/head_vis/public/attention_on_edge/v0', {
        method: 'POST', headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({layer: %d, head: %d, seq_idx: id, query_pos: 10, key_pos: 9})})).json()""" % tuple(heads[0]), name)
    for row in answer["heads"]:
        kept = edges[row["layer"], row["head"]]
        assert abs(kept - row["attention"]) < 1e-4 or (kept == 0 and row["attention"] < 0.2), row
    assert any(edges.values())
    tab.shot("prompt-edge")
    page.locator(".prompt-body .ranking button").first.click()
    tab.expect(tab=None, interval="-1")
    page.locator(f".card[data-id='{name}'] .tok").first.wait_for()
    page.keyboard.press("h")
    page.locator(f".card[data-id='{name}'] .tok").first.wait_for()


@test("serve")
def prompts_are_named_arranged_deleted_and_read_from_a_file(tab):
    tab.open("tab=prompts")
    page = tab.page
    first = run_prompt(tab, "one two three four one two three four")
    second = run_prompt(tab, "red green blue red green blue")
    listed = "[...document.querySelectorAll('.prompts .name')].map((n) => n.textContent)"
    assert [p["sequence_id"] for p in tab.data("prompts/index.json")["prompts"]][:2] == [second, first]
    page.locator(".prompts li").first.locator("button", has_text="Rename").click()
    page.keyboard.type("colours")
    page.keyboard.press("Enter")
    until(page, f"{listed}[0] === 'colours'")
    page.locator("[aria-label='Move colours down']").click()
    until(page, f"{listed}[1] === 'colours'")
    tab.shot("prompts")
    saved = json.loads(tab.download(page.locator("button", has_text="Save all").click))
    assert saved["prompts"][1] == {"text": "red green blue red green blue", "name": "colours"}
    # Another tab sees what this one does.
    other = tab.page.context.new_page()
    other.goto(f"{tab.base}?tab=prompts")
    until(other, f"{listed}[1] === 'colours'")
    page.locator("[aria-label='Delete prompt colours']").click()
    until(page, f"!{listed}.includes('colours')")
    until(other, f"!{listed}.includes('colours')")
    other.close()
    page.locator(".promptlist .note button", has_text="Undo").click()
    until(page, f"{listed}.includes('colours')", 60)
    for left in reversed(range(len(tab.data("prompts/index.json")["prompts"]))):
        page.locator(".prompts li button.icon", has_text="×").first.click()
        until(page, f"{listed}.length === {left}")
    page.locator(".promptlist input[type=file]").set_input_files(
        files=[{"name": "prompts.json", "mimeType": "application/json", "buffer": json.dumps(saved).encode()}])
    until(page, f"{listed}.length === {len(saved['prompts'])}", 60)
    assert {"text": "red green blue red green blue", "name": "colours"} in [
        {"text": p["text"], "name": p["name"]} for p in tab.data("prompts/index.json")["prompts"]]
    assert [p["name"] for p in tab.data("prompts/index.json")["prompts"]] == [p["name"] for p in saved["prompts"]]


@test("serve")
def heads_switched_over_a_prompt_leave_nothing_behind(tab):
    tab.open("tab=prompts")
    run_prompt(tab, TEXT)
    for query in ("tab=prompts", "interval=-1"):
        tab.open(query).ready()
        bounded(tab, query, lambda: tab.page.evaluate(WALK, steps(36)), lambda: tab.page.evaluate(WALK, steps(200)))
