# SPDX-License-Identifier: Apache-2.0
"""Every stage, killed at calls that change the disk: its output is the older one or the whole new one, and the next
run makes the same bytes as ever and leaves nothing of the killed one."""

import os
import signal

from server import Failure
from workshop import build_library, contents, leftovers


def chosen(count, most):
    """Calls spread evenly from the first to the last."""
    return sorted({1 + round(i * (count - 1) / max(1, most - 1)) for i in range(most)}) if count else []


def check(workshop, stage, call, poor):
    folder = workshop.copy(stage)
    output = folder / stage.output
    before, wanted = contents(output), contents(workshop.whole / stage.output)
    environment = {"LD_PRELOAD": str(workshop.library), **({"HEADVIS_POOR": "1"} if poor else {})}
    result = workshop.run(stage, folder, HEADVIS_KILL_AT=str(call), **environment)
    if result.returncode != -signal.SIGKILL:
        return False  # It came to an end with fewer calls than the run before.
    found = contents(output)
    place = f"{stage.name} killed at call {call}{' without exchange' if poor else ''}"
    is_tree = stage.output == "data"
    if is_tree:
        made = {"custom_sequences/L0H0.json": b'{"sequences":[]}', "notes.txt": b"mine"}
        wanted = {**wanted, **made}
    folders_may_miss = poor and is_tree or stage.name == "train"
    if found not in (before, wanted) and not (found is None and folders_may_miss):
        raise Failure(f"{place}: its output is neither the older one nor the new one")
    result = workshop.run(stage, folder, **environment)
    if result.returncode != 0:
        raise Failure(f"{place}: the next run says: {result.stderr.strip()}")
    if contents(output) != wanted:
        raise Failure(f"{place}: the next run writes something else")
    if left := leftovers(folder):
        raise Failure(f"{place}: the next run leaves {', '.join(left)}")
    return True


def count(workshop, stage, poor):
    """The calls of a run that nobody kills."""
    log = workshop.folder / "calls"
    environment = {"LD_PRELOAD": str(workshop.library), "HEADVIS_KILL_COUNT": str(log)}
    result = workshop.run(stage, workshop.copy(stage), **environment, **({"HEADVIS_POOR": "1"} if poor else {}))
    if result.returncode != 0:
        raise Failure(f"{stage.name} beside the library: {result.stderr.strip()}")
    return int(log.read_text())


def run(workshop, is_long):
    if not build_library(workshop.library):
        return "left out, as there is no C compiler"
    told, total = [], 0
    for stage in workshop.stages:
        for poor in [False, True] if stage.name == "emit" else [False]:
            calls = count(workshop, stage, poor)
            points = chosen(calls, 200 if is_long else 8)
            kills = sum(check(workshop, stage, call, poor) for call in points)
            total += kills
            told.append(f"{stage.name}{' without exchange' if poor else ''} {kills} of {calls}")
    return f"{total} kills, each followed by a run: {', '.join(told)}"
