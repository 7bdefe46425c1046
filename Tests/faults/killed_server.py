# SPDX-License-Identifier: Apache-2.0
"""serve, killed at calls that change the disk while it writes one thing after the other: what was acknowledged is there,
what was not is there whole or not at all, and the next server does the rest and leaves nothing of the killed one."""

import json
import shutil

from killed_stages import chosen
from many_prompts import fill
from server import Failure
from workshop import build_library, leftovers

# Beside what a server has while it runs.
PARTS = [".tmp", ".partial"]


class Written:
    """What is asked for in turn, and how to see that it was done."""

    def __init__(self, site):
        self.site = site
        (self.layer, self.head), *_ = site.heads()
        self.names = {}
        self.steps = [
            self.clusters("one"), self.note("first"), self.clusters("two"), self.note("second"), self.clusters("three"),
        ]
        if site.has_model:
            texts = ["A cat.", "A dog.", "A bird."]
            self.steps[2:2] = [self.add(texts[0]), self.add(texts[1]), self.delete(texts[0]), self.add(texts[2])]
            self.steps += [self.prompt("All heads."), self.question("The cat sat. The cat"), self.add("The end.")]

    def ask(self, operation, /, **body):
        status, content = self.site.post(operation, {"layer": self.layer, "head": self.head, **body})
        if status != 200:
            raise Failure(f"{operation}: {status} {content}")
        return content

    def read(self, path):
        try:
            return json.loads((self.site.data / path).read_bytes())
        except FileNotFoundError:
            return {}

    def ids(self):
        return [entry["sequence_id"] for entry in self.read(f"custom_sequences/L{self.layer}H{self.head}.json")["sequences"]]

    # Each step: what asks for it, and what the tree then shows, for as long as no later step changes it.

    def clusters(self, name):
        body = [{"name": name, "color": "black", "points": [[0, 1, 1]] * 50}]
        return (
            "clusters", name, lambda: self.ask("save_umap_clusters", clusters=body),
            lambda: self.read(f"umap/L{self.layer}H{self.head}.json")["clusters"][0]["name"],
        )

    def note(self, text):
        return (
            "note", text, lambda: self.ask("save_note", name="n", text=text, color=""),
            lambda: self.read("notes.json")[f"L{self.layer}H{self.head}"]["text"],
        )

    def add(self, text):
        def act():
            self.names[text] = self.ask("add_custom_sequence", text=text)["sequence_id"]

        return text, True, act, lambda: self.names[text] in self.ids()

    def delete(self, text):
        def act():
            # A deletion whose answer was lost may have been made.
            status, content = self.site.post(
                "delete_custom_sequence", {"layer": self.layer, "head": self.head, "sequence_id": self.names[text]}
            )
            if status not in (200, 404):
                raise Failure(f"delete_custom_sequence: {status} {content}")

        return text, False, act, lambda: self.names[text] in self.ids()

    def prompt(self, text):
        def shown():
            listed = self.read("prompts/index.json")["prompts"][0]
            folder = f"prompts/{listed['sequence_id']}"
            return bool(self.read(f"{folder}/heads.json")) and listed["text"] == text

        return "prompt", True, lambda: self.ask("add_prompt", text=text), shown

    def question(self, prompt):
        def act():
            answer = self.ask("ask_head", question="rank", prompt=prompt, queries=[-1], keys=[0])
            self.names["question"] = answer["id"]

        def shown():
            name = self.names["question"]
            return name in json.dumps(self.read("lab/manifest.json")) and bool(self.read(f"lab/{name}.json"))

        return "question", True, act, shown

    def go_on(self, step=0):
        """Asks for what is left; returns the number of steps that were acknowledged."""
        while step < len(self.steps):
            try:
                self.steps[step][2]()
            except (OSError, ValueError):
                return step
            step += 1
        return step

    def check(self, acknowledged):
        """Fails where something acknowledged is not there; what was being written may be, or not."""
        latest = {what: (value, shown) for what, value, _, shown in self.steps[:acknowledged]}
        if acknowledged < len(self.steps):
            latest.pop(self.steps[acknowledged][0], None)
        for what, (value, shown) in latest.items():
            try:
                found = shown()
            except (KeyError, IndexError, ValueError):
                found = None
            if found != value:
                raise Failure(f"{what}: {value} was acknowledged, and {found} is there")


def whole_files(site):
    for file in site.data.rglob("*.json"):
        if not file.name.startswith("."):
            try:
                json.loads(file.read_bytes())
            except ValueError as error:
                raise Failure(f"{file.relative_to(site.data)} is torn: {error}") from None


def start_over(site, before):
    site.kill()
    shutil.rmtree(site.data)
    shutil.copytree(before, site.data)


def kill_at(site, before, library, call):
    """Returns whether the server came to that call."""
    start_over(site, before)
    place = f"serve killed at call {call}"
    written = Written(site)
    try:
        site.start(LD_PRELOAD=str(library), HEADVIS_KILL_AT=str(call))
        acknowledged = written.go_on()
    except Failure:
        acknowledged = 0
    if site.process.poll() is None:
        return False
    try:
        whole_files(site)
        written.check(acknowledged)
        site.start()
        written.check(acknowledged)
        if (done := written.go_on(acknowledged)) != len(written.steps):
            raise Failure(f"the next server ends at step {done}")
        written.check(done)
        whole_files(site)
        site.end()
        if left := [name for name in leftovers(site.data) if any(part in name for part in PARTS)]:
            raise Failure(f"the next server leaves {', '.join(left)}")
    except Failure as failure:
        raise Failure(f"{place}: {failure}") from None
    return True


def run(site, is_long):
    library = site.folder / "kill_at.so"
    if not build_library(library):
        return "left out, as there is no C compiler"
    # So many that the file is a large one, which grows in place of being written anew.
    fill(site, *site.heads()[0], 3000)
    before = site.folder / "before"
    site.kill()
    shutil.copytree(site.data, before)
    log = site.folder / "calls"
    site.start(LD_PRELOAD=str(library), HEADVIS_KILL_COUNT=str(log))
    written = Written(site)
    if written.go_on() != len(written.steps):
        raise Failure("serve beside the library does not come to an end")
    written.check(len(written.steps))
    site.end()
    calls = int(log.read_text())
    points = chosen(calls, calls if is_long else 12)
    kills = sum(kill_at(site, before, library, call) for call in points)
    return f"{kills} kills of {calls} calls in {len(written.steps)} writes: every acknowledged one there, the rest done after it"
