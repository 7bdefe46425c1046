# SPDX-License-Identifier: Apache-2.0
"""What the command `headvis` stands for."""

import pathlib
import unittest

from headvis.command import PROGRAMS, command
from support import ROOT

HOME = pathlib.Path("/a folder")
MAKE = ["make", "--no-print-directory", "-f", "/a folder/Makefile"]
LAUNCH = ["/a folder/programs/launch"]


class Commands(unittest.TestCase):
    def test_targets_go_to_the_makefile(self):
        for words in (["data", "LAYERS=5 8"], ["serve"], ["serve", "PORT=8081"], ["dictionary", "LAYERS=5"], ["-n", "data"],
                      ["help"], ["SEED=3", "data"], []):
            self.assertEqual(command(words, HOME), MAKE + words)

    def test_programs_go_by_their_names(self):
        for words, program in (
            (["scan", "--help"], "stage-scan"), (["stage-scan", "dump"], "stage-scan"), (["metrics"], "stage-metrics"),
            (["serve", "--help"], "serve"), (["dictionary", "train", "--layers", "5"], "stage-dictionary"),
            (["stage-dictionary"], "stage-dictionary"),
        ):
            self.assertEqual(command(words, HOME), LAUNCH + [program] + words[1:])

    def test_every_program_of_the_release_has_a_name(self):
        sources = {path.name for path in (ROOT / "Sources").glob("stage-*")} | {"serve"}
        self.assertEqual(set(PROGRAMS.values()), sources)


if __name__ == "__main__":
    unittest.main()
