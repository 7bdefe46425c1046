# SPDX-License-Identifier: Apache-2.0
"""kill -9 while clients write: what was acknowledged is there, and every file is whole."""

import json
import random
import threading
import time

from many_prompts import fill
from server import Failure


class Writer(threading.Thread):
    """Writes to one head until the connection breaks; notes what was acknowledged."""

    def __init__(self, site, number, layer, head):
        super().__init__(daemon=True)
        self.site, self.number, self.layer, self.head = site, number, layer, head
        self.added, self.deleted, self.maybe_deleted = set(), set(), set()
        self.clusters = -1
        self.error = None

    def run(self):
        try:
            for i in range(1_000_000):
                self.write_clusters(i)
                if self.site.has_model:
                    self.write_prompts(i)
        except (OSError, ValueError):
            pass  # It was killed.
        except Failure as failure:
            self.error = failure

    def ask(self, name, **body):
        status, content = self.site.post(name, {"layer": self.layer, "head": self.head, **body})
        if status != 200:
            raise Failure(f"{name}: {status} {content}")
        return content

    def write_clusters(self, i):
        if self.number < 2:  # One writer a head, so that the last is known.
            self.ask("save_umap_clusters", clusters=[{"name": str(i), "color": "black", "points": [[0, 1, 1]] * 50}])
            self.clusters = i

    def write_prompts(self, i):
        name = self.ask("add_custom_sequence", text=f"Writer {self.number} writes {i}.")["sequence_id"]
        self.added.add(name)
        if i % 4 == 3:
            self.maybe_deleted.add(name)
            self.ask("delete_custom_sequence", sequence_id=name)
            self.deleted.add(name)


def check(site, writers, before):
    """Counts what was acknowledged and is there; fails if something is missing."""
    files = 0
    for file in site.data.rglob("*.json"):
        if file.name.startswith("."):
            continue
        try:
            json.loads(file.read_bytes())
        except ValueError as error:
            raise Failure(f"{file.relative_to(site.data)} is torn: {error}") from None
        files += 1
    kept = 0
    for writer in writers:
        if writer.error:
            raise writer.error
        name = f"L{writer.layer}H{writer.head}.json"
        if writer.added:
            stored = json.loads((site.data / "custom_sequences" / name).read_bytes())["sequences"]
            ids = [entry["sequence_id"] for entry in stored]
            if ids[: len(before)] != before:
                raise Failure(f"{name} has lost prompts that were there before")
            if len(ids) != len(set(ids)):
                raise Failure(f"{name} holds a prompt twice")
            if missing := writer.added - writer.maybe_deleted - set(ids):
                raise Failure(f"{len(missing)} of {len(writer.added)} acknowledged prompts are lost")
            if back := writer.deleted & set(ids):
                raise Failure(f"{len(back)} deleted prompts are back")
            kept += len(writer.added) + len(writer.deleted)
        if writer.clusters >= 0:
            clusters = json.loads((site.data / "umap" / name).read_bytes())["clusters"]
            if int(clusters[0]["name"]) not in (writer.clusters, writer.clusters + 1):
                raise Failure(f"clusters {clusters[0]['name']} are there, and {writer.clusters} were acknowledged")
            kept += writer.clusters + 1
    return files, kept


def run(site, is_long):
    chance = random.Random(2)
    heads = site.heads()[:2]
    rounds = 40 if is_long else 5
    # So many that the files are large ones, which grow in place of being written anew.
    before = [fill(site, *head, 1000)[1] for head in heads][0]
    total = files = 0
    for _ in range(rounds):
        writers = [Writer(site, i, *heads[i % len(heads)]) for i in range(8)]
        for writer in writers:
            writer.start()
        time.sleep(chance.uniform(0.3, 2.5))
        site.kill()
        for writer in writers:
            writer.join(30)
        files, kept = check(site, writers, before)
        total += kept
        site.start()
        if left := [file.name for file in site.data.rglob(".*.tmp")]:
            raise Failure(f"after a new start {left} is left")
    return f"{rounds} kills under {len(writers)} clients: {total} acknowledged writes, none lost; {files} files whole"
