# SPDX-License-Identifier: Apache-2.0
"""Every stage on a disk that is too small: a sentence, no crash, and nothing left but what was there."""

import shlex
import shutil
import subprocess

from server import Failure
from workshop import contents


def namespace():
    """How to get mounts of one's own; None where the system gives none."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if shutil.which("unshare") and subprocess.run([*command, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True).returncode == 0:
            return command
    return None


def attempt(workshop, stage, unshare, size):
    """Runs the stage with its output on a disk of so many bytes; returns how it ended and what is there then."""
    folder = workshop.copy(stage)
    output = folder / stage.output
    small, after = workshop.folder / "small", workshop.folder / "after"
    small.mkdir(exist_ok=True)
    shutil.rmtree(after, ignore_errors=True)
    keeps = stage.output == "data"
    words = [str(small / stage.output) if word == stage.output else str(word) for word in map(str, workshop.command(stage))]
    folder_of = {"train": "dictionaries", "evidence": ".", "merged evidence": "merged"}.get(stage.name)
    words = [str(small) if word == folder_of else word for word in words]
    script = f"""mount -t tmpfs -o size={size} headvis {shlex.quote(str(small))} || exit 99
        {f"cp -r {shlex.quote(str(output))} {shlex.quote(str(small))} || exit 98" if keeps else ":"}
        {shlex.join(words)}
        status=$?
        cp -r {shlex.quote(str(small))} {shlex.quote(str(after))}
        exit $status"""
    result = subprocess.run(
        [*unshare, "sh", "-c", script], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    left = contents(after)
    if keeps:
        before = {f"data/{name}": data for name, data in contents(output).items()}
        left = {name: data for name, data in left.items() if before.get(name) != data}
        if result.returncode not in (0, 98) and any(name not in contents(after) for name in before):
            raise Failure(f"emit on {size} bytes took files of the older tree")
    # What the lab has found so far stays, for the next run.
    return result, [name for name in left if not name.endswith((".lock", ".progress"))]


def run(workshop, is_long):
    unshare = namespace()
    if unshare is None:
        return "left out, as it takes mounts that this user may not make"
    refused = 0
    for stage in workshop.stages:
        whole = contents(workshop.whole / stage.output)
        bytes_of_whole = sum((len(data) + 4095) // 4096 * 4096 for data in whole.values()) if isinstance(whole, dict) else len(whole)
        shares = [i / 20 for i in range(20)] if is_long else [0, 0.3, 0.8]
        for share in shares:
            base = 3 * bytes_of_whole // 2 if stage.output == "data" else 4096
            result, left = attempt(workshop, stage, unshare, base + int(bytes_of_whole * share))
            place = f"{stage.name} on {base + int(bytes_of_whole * share)} bytes"
            if result.returncode in (98, 99):
                continue
            if result.returncode == 0:
                if share == 0:
                    raise Failure(f"{place}: succeeds on a disk that cannot hold it")
                continue
            last = (result.stderr.strip().splitlines() or [""])[-1]
            if result.returncode < 0 or result.returncode > 125:
                raise Failure(f"{place}: ends with {result.returncode}: {last}")
            if not last.startswith("Error: ") or not last.endswith((".", "?")) or "184467440737" in last:
                raise Failure(f"{place}: is no sentence: {last}")
            if left:
                raise Failure(f"{place}: leaves {', '.join(left[:5])}")
            refused += 1
    return f"{refused} runs of {len(workshop.stages)} stages refused with a sentence, nothing left behind"
