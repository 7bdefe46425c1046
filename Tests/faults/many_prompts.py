# SPDX-License-Identifier: Apache-2.0
"""Prompts in a file that holds thousands: what one more takes."""

import json
import statistics
import time

from server import Failure


def fill(site, layer, head, count):
    """Gives a head so many prompts; returns its file and their ids."""
    file = site.data / "custom_sequences" / f"L{layer}H{head}.json"
    entry = {"tokens": ["x"] * 60, "attention_indices": list(range(60)), "seq_len": 60}
    stored = [{"sequence_id": f"c{i:012x}", **entry} for i in range(count)]
    file.write_text(json.dumps({"sequences": stored}, separators=(",", ":")))
    return file, [entry["sequence_id"] for entry in stored]


def run(site, is_long):
    if not site.has_model:
        return "left out, as there is no model"
    layer, head = site.heads()[0]
    told = []
    for count in [1000, 10_000] + ([100_000] if is_long else []):
        site.kill()
        file, stored = fill(site, layer, head, count)
        site.start()
        times = []
        for i in range(30):
            start = time.monotonic()
            status, _ = site.post("add_custom_sequence", {"layer": layer, "head": head, "text": f"one more {i}"})
            times.append((time.monotonic() - start) * 1000)
            if status != 200:
                raise Failure(f"prompt {i} is answered with {status}")
        # The same again needs no pass and no write: the difference is what storing takes, and the pass.
        again = []
        for i in range(30):
            start = time.monotonic()
            site.post("add_custom_sequence", {"layer": layer, "head": head, "text": f"one more {i}"})
            again.append((time.monotonic() - start) * 1000)
        ids = [entry["sequence_id"] for entry in json.loads(file.read_text())["sequences"]]
        if ids[:count] != stored or len(set(ids)) != count + 30:
            raise Failure(f"of {count} + 30 prompts {len(set(ids))} are there")
        size = file.stat().st_size / 1e6
        told.append(
            f"{count} prompts ({size:.1f} MB): {statistics.median(times[2:]):.1f} ms each, the first {times[0]:.0f} ms, "
            f"known ones {statistics.median(again):.1f} ms"
        )
    return "; ".join(told)
