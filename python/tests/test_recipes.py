# SPDX-License-Identifier: Apache-2.0
"""Each recipe of docs/python.md runs as it stands there but for its head, in a folder with two runs.

torch and transformer_lens are too large to be installed for a test: in their place stands a module that answers with
the forward pass of stage-scan dump, which is tested against transformers elsewhere.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

import h5py

import headvis
from support import DATA, ROOT, WORK

PROGRAMS = os.environ.get("HEADVIS_BIN", str(ROOT / ".build" / "bin"))

TORCH = "from numpy import asarray as tensor\n"
TRANSFORMER_LENS = """
import os, subprocess, tempfile
import h5py

class HookedTransformer:
    @staticmethod
    def from_pretrained(name):
        return HookedTransformer()

    def run_with_cache(self, tokens):
        with tempfile.TemporaryDirectory() as folder:
            output = os.path.join(folder, "dump.h5")
            subprocess.run(
                [os.environ["SCAN"], "dump", "--model", os.environ["MODEL"], "--tokens", " ".join(map(str, tokens[0])),
                 "--layers", os.environ["LAYERS"], "--output", output], check=True)
            with h5py.File(output) as file:
                return None, {("pattern", int(layer)): file[f"layers/{layer}/attention"][...][None] for layer in file["layers"]}
"""


def recipes():
    """The code under each heading, by heading."""
    document = (ROOT / "docs" / "python.md").read_text()
    found = {}
    for section in document.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        found[heading] = textwrap.dedent("\n".join(line for line in body.split("\n") if re.match("    |$", line)))
    return found


class Recipes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "work").symlink_to(WORK)
        (self.folder / "data").symlink_to(DATA)

    def run_recipe(self, heading, **variables):
        code = recipes()[heading].replace("L5H1", str(headvis.open(WORK).heads[1]))
        environment = os.environ | variables | {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, [self.folder, *sys.path])), "MPLBACKEND": "Agg"}
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def test_there_are_six(self):
        self.assertEqual(len(recipes()), 6)

    def test_plot_two_metrics(self):
        self.run_recipe("Plot two metrics")
        self.assertTrue((self.folder / "metrics.png").read_bytes().startswith(b"\x89PNG"))

    def test_one_heads_patterns(self):
        lines = self.run_recipe("One head's patterns")
        values = [float(line.split()[0]) for line in lines[:-1]]
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(len(values), 10)

    def test_nearest_points_of_a_cloud(self):
        values = [float(line.split()[0]) for line in self.run_recipe("Nearest points of a cloud")]
        self.assertEqual((len(values), values[0], values), (10, 0.0, sorted(values)))

    def test_compare_two_runs(self):
        # Another threshold changes the token entropies and nothing else.
        other = self.folder / "work-other"
        other.mkdir()
        (other / "scan.h5").symlink_to(WORK / "scan.h5")
        subprocess.run(
            [f"{PROGRAMS}/stage-metrics", "--scan", str(WORK / "scan.h5"), "--attention-threshold", "0.5", "--output",
             str(other / "metrics.h5")], check=True, stderr=subprocess.DEVNULL)
        changed = [line.split(":")[0] for line in self.run_recipe("Compare two runs") if ": at most 0.0 " not in line]
        self.assertEqual(set(changed), {"query_token_entropy", "key_token_entropy"})

    def test_edit_a_work_file(self):
        # On a copy, which the next stage then reads as it is.
        (self.folder / "work").unlink()
        (self.folder / "work").mkdir()
        for name in ("scan", "metrics", "sample"):
            shutil.copy(WORK / f"{name}.h5", self.folder / "work")
        self.run_recipe("Edit a work file")
        work = headvis.open(self.folder / "work")
        before = headvis.open(WORK).metrics["induction_score"].value
        self.assertNotEqual(before[0], 0)
        self.assertEqual(work.metrics["induction_score"].value.tolist(), [0, *before[1:]])
        emit = [f"{PROGRAMS}/stage-emit", "--data", str(self.folder / "emitted")]
        for name in ("scan", "metrics", "sample"):
            emit += [f"--{name}", str(self.folder / "work" / f"{name}.h5")]
        subprocess.run(emit, check=True, stderr=subprocess.DEVNULL)
        shown = headvis.tree(self.folder / "emitted").metrics
        self.assertEqual(next(row for row in shown if (row["layer"], row["head"]) == work.heads[0])["induction_score"], 0)
        # Without headvis.edit the same is one sentence.
        subprocess.run(
            [f"{PROGRAMS}/stage-metrics", "--scan", str(WORK / "scan.h5"), "--output",
             str(self.folder / "work" / "metrics.h5")], check=True, stderr=subprocess.DEVNULL)
        with h5py.File(self.folder / "work" / "metrics.h5", "r+") as file:
            file["metrics/induction_score/value"][0] = 0.0
        refused = subprocess.run(emit, stderr=subprocess.PIPE, text=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("if you edited it, take the digest away", refused.stderr)

    def test_check_against_transformer_lens(self):
        (self.folder / "torch.py").write_text(TORCH)
        (self.folder / "transformer_lens.py").write_text(TRANSFORMER_LENS)
        lines = self.run_recipe(
            "Check against TransformerLens", SCAN=f"{PROGRAMS}/stage-scan",
            MODEL=str(ROOT / (WORK / ".stamps" / "model").read_text().strip()),
            LAYERS=str(headvis.open(WORK).heads[0].layer))
        self.assertEqual(len(lines), 5)
        for line in lines:
            self.assertLess(float(line.split()[-2]), 1e-4)


if __name__ == "__main__":
    unittest.main()
