# SPDX-License-Identifier: Apache-2.0
"""Two make data at once in one WORK and one DATA: the second says who is at work, or waits; the tree is right."""

import os
import subprocess
import time

from server import ROOT, Failure
from workshop import MODEL, contents


def make(folder, **variables):
    settings = {
        "MODEL": MODEL, "DATASET": folder.parent / "whole/corpus.txt", "LAYERS": "all", "SEQ_LEN": 128, "N_POINTS": 50,
        "MAX_POINTS": 100, "WORK": folder / "work", "DATA": folder / "data", **variables,
    }
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.Popen(
        ["make", "data", *[f"{name}={value}" for name, value in settings.items()]], cwd=ROOT, env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )


def tree(folder):
    return {name: data for name, data in contents(folder / "data").items()}


def pair(folder, pause, wait):
    """Two runs, the second a moment after the first; their statuses and what they said."""
    first = make(folder, WAIT=wait)
    time.sleep(pause)
    second = make(folder, WAIT=wait)
    said = [process.communicate(timeout=600)[1] for process in (first, second)]
    return [first.returncode, second.returncode], said


def run(workshop, is_long):
    alone = workshop.folder / "alone"
    first = make(alone)
    said = first.communicate(timeout=600)[1]
    if first.returncode != 0:
        raise Failure(f"make data alone: {said}")
    wanted = tree(alone)
    refused = waited = 0
    rounds = 12 if is_long else 3
    for i in range(rounds):
        folder = workshop.folder / f"two-{i}"
        wait = i % 2
        statuses, said = pair(folder, 0.1 * (i // 2), wait)
        if wait:
            if statuses != [0, 0]:
                raise Failure(f"with WAIT=1: {statuses}: {''.join(said)}")
            waited += any("waiting for process" in text for text in said)
        else:
            # One may be over before the other begins.
            if 0 not in statuses:
                raise Failure(f"both stop: {''.join(said)}")
            lost = [text for status, text in zip(statuses, said) if status != 0]
            if lost and "is in use by process" not in lost[0]:
                raise Failure(f"the second stops with: {lost[0]}")
            refused += len(lost)
        found = {name: data for name, data in tree(folder).items()}
        if differing := [name for name in wanted if found.get(name) != wanted[name]]:
            raise Failure(f"round {i}: {len(differing)} files differ, such as {differing[0]}")
    for stamp in (ROOT / ".build/trees").glob(str(workshop.folder).replace("/", "--") + "*"):
        stamp.unlink()
    return f"{rounds} rounds: {refused} second runs stopped, {waited} waited, every tree is that of a run alone"
