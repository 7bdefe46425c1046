# SPDX-License-Identifier: Apache-2.0
"""The command `headvis`: the makefile and the programs that the wheel carries, in the current folder.

    headvis data LAYERS="5 8"     a target of the makefile, with its variables
    headvis serve                 ... and the server is one of them
    headvis scan --help           a program by its name

A word that names both a target and a program (serve, dictionary) is the program where anything but NAME=VALUE
follows it.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import sys
from importlib import metadata
from typing import NoReturn

#: The unpacked release that lies in the wheel.
RELEASE = pathlib.Path(__file__).parent / "release"
#: The programs by the names that they have here.
PROGRAMS = {
    name: f"stage-{name}"
    for name in ("scan", "metrics", "sample", "project", "map", "weights", "writes", "emit", "dictionary")
} | {"serve": "serve"}
#: Those that are targets of the makefile as well.
TARGETS = {"serve", "dictionary"}


def command(words: list[str], release: pathlib.Path = RELEASE) -> list[str]:
    """The command line that `headvis WORDS` stands for."""
    name = words[0].removeprefix("stage-") if words else ""
    is_assignment = [re.match(r"[A-Z_]+=", word) is not None for word in words[1:]]
    if name in PROGRAMS and (name not in TARGETS or words[0] != name or not all(is_assignment)):
        return [str(release / "programs" / "launch"), PROGRAMS[name], *words[1:]]
    return ["make", "--no-print-directory", "-f", str(release / "Makefile"), *words]


def main() -> NoReturn:
    """Becomes the program that its arguments name."""
    words = sys.argv[1:]
    if words in (["--version"], ["-V"]):
        print(f"headvis {metadata.version('headvis')}")
        sys.exit()
    if words in ([], ["--help"], ["-h"]):
        print((__doc__ or "").partition("\n")[2])
        words = ["help"]
    if not RELEASE.is_dir():
        sys.exit("This headvis only opens what the tools wrote: the programs come with the wheel, or are built by make.")
    for tool in ("bash", "make"):
        if shutil.which(tool) is None:
            sys.exit(f"headvis needs {tool}: install it (Debian: apt-get install {tool}).")
    line = command(words)
    # What the makefile fetches, it fetches with the pip of this Python.
    os.environ["PATH"] = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.execvp(line[0], line)
