# SPDX-License-Identifier: Apache-2.0
"""The stages on a tiny model, each with what it should write."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from server import ROOT, Failure

MODEL = ROOT / "Tests/Fixtures/models/induction-gpt2"
SHARDS = 2
QUESTION = {"question": "sweep", "layer": 1, "head": 0, "prompt": "cat {cat|sun}", "query": "{}", "key": 1}
# What a tree may have in it for a moment while it takes another one's place.
MARK = ".headvis-unfinished-tree"


class Stage:
    """A program with its arguments in a folder, and the file or folder that it writes there."""

    def __init__(self, name, output, *words):
        self.name, self.output, self.words = name, output, words


def stages():
    text = ["--model", MODEL, "--corpus", "corpus.txt", "--seq-len", "128"]
    scan = [*text, "--points", "100", "--workers", "2"]
    tree = ["metrics", "sample", "project", "weights", "writes", "map", "probe", "lab"]
    return [
        Stage("scan", "scan.h5", "stage-scan", "run", *scan, "--output", "scan.h5"),
        *[
            Stage(f"shard {i}", f"{i}.h5", "stage-scan", "run", *scan, "--shard", f"{i}/{SHARDS}", "--output", f"{i}.h5")
            for i in range(1, SHARDS + 1)
        ],
        Stage("merge", "merged.h5", "stage-scan", "merge", "1.h5", "2.h5", "--output", "merged.h5"),
        Stage("metrics", "metrics.h5", "stage-metrics", "--scan", "scan.h5", "--output", "metrics.h5"),
        Stage("sample", "sample.h5", "stage-sample", "--scan", "scan.h5", "--output", "sample.h5"),
        Stage(
            "project", "project.h5",
            "stage-project", "--scan", "scan.h5", "--points", "50", "--views", "5:0.1", "--output", "project.h5",
        ),
        Stage("weights", "weights.h5", "stage-weights", "--model", MODEL, "--output", "weights.h5"),
        Stage("writes", "writes.h5", "stage-writes", "--model", MODEL, "--scan", "scan.h5", "--output", "writes.h5"),
        Stage("map", "map.h5", "stage-map", "--scan", "scan.h5", "--weights", "weights.h5", "--output", "map.h5"),
        Stage(
            "probe", "probe.h5",
            "stage-probe", "--model", MODEL, "--length", "20", "--sequences", "4", "--output", "probe.h5",
        ),
        Stage(
            "lab", "lab.h5",
            "stage-lab", "--model", MODEL, "--questions", "questions.jsonl", "--no-bos", "--output", "lab.h5",
        ),
        Stage(
            "train", "dictionaries/L1",
            "stage-dictionary", "train", *text, "--layers", "1", "--features-per-dimension", "2", "--k", "4",
            "--max-tokens", "1500", "--output-folder", "dictionaries",
        ),
        Stage(
            "evidence", "features-L1.h5",
            "stage-dictionary", "evidence", *text, "--layers", "1", "--dictionaries", "dictionaries",
            "--output-folder", ".",
        ),
        *[
            Stage(
                f"evidence of shard {i}", f"evidence-{i}.h5",
                "stage-dictionary", "evidence", *text, "--layers", "1", "--dictionaries", "dictionaries",
                "--shard", f"{i}/{SHARDS}", "--output", f"evidence-{i}.h5",
            )
            for i in range(1, SHARDS + 1)
        ],
        Stage(
            "merged evidence", "merged/features-L1.h5",
            "stage-dictionary", "merge", "evidence-1.h5", "evidence-2.h5", "--output-folder", "merged",
        ),
        Stage("emit", "data", "stage-emit", "--scan", "scan.h5", *[f"--{x}={x}.h5" for x in tree], "--data", "data"),
    ]


class Workshop:
    """A folder, removed in the end, in which every stage has run once."""

    def __init__(self, programs):
        self.programs = programs.resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="headvis-stages-"))
        self.whole = self.folder / "whole"
        self.stages = stages()
        self.library = self.folder / "kill_at.so"

    def __enter__(self):
        self.whole.mkdir()
        (self.whole / "corpus.txt").write_text("\n".join(texts()) + "\n")
        (self.whole / "questions.jsonl").write_text(json.dumps(QUESTION) + "\n")
        for stage in self.stages:
            result = self.run(stage, self.whole)
            if result.returncode != 0:
                raise Failure(f"{stage.name}: {result.stderr}")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def command(self, stage):
        return [self.programs / stage.words[0], *stage.words[1:]]

    def run(self, stage, folder, **environment):
        return subprocess.run(
            self.command(stage), cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=300,
        )

    def copy(self, stage):
        """The folder as it is before the stage runs again: something older lies where it writes."""
        folder = self.folder / "copy"
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.whole, folder)
        output = folder / stage.output
        if stage.output == "data":
            # What people make, and a file of somebody's own.
            (output / "custom_sequences/L0H0.json").write_text('{"sequences":[]}')
            (output / "notes.txt").write_text("mine")
            (output / "heads/L0H0.json").write_text("{}")
        elif stage.name == "lab":
            # It goes on from the answers that are there.
            output.unlink()
        elif output.is_file():
            output.write_bytes(b"older")
        return folder

def build_library(path):
    """Builds the library that kills; False where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        return False
    source = Path(__file__).parent / "kill_at.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", path, source, "-ldl"], check=True)
    return True


def texts():
    """The texts of the induction model's test sequences: its tokenizer splits at spaces."""
    vocabulary = json.loads((MODEL / "tokenizer.json").read_text())["model"]["vocab"]
    words = {number: word for word, number in vocabulary.items()}
    lists = json.loads((MODEL / "test_sequences.json").read_text())
    if isinstance(lists, dict):
        lists = next(iter(lists.values()))
    return [" ".join(words[token] for token in tokens) for tokens in lists]


def contents(path):
    """The bytes of a file, or of every file in a folder by its name; None if there is nothing."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and file.name != MARK]
        return {str(file.relative_to(path)): file.read_bytes() for file in files}
    return path.read_bytes() if path.exists() else None


def leftovers(folder):
    """Names that a stage makes on its way: locks stay, and what else there is should not."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob(".*")
        if not path.name.endswith(".lock") and not path.name.startswith(".parameters")
    ]
