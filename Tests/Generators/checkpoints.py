#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Tests/Fixtures/checkpoints: small checkpoints and the numbers that are in them.

    pip install gguf==0.19.0 h5py numpy safetensors
    python3 Tests/Generators/checkpoints.py [FOLDER]

small.safetensors, sharded/ and small.gguf are written by the formats' own libraries from a seed, so
running this again gives the same bytes. FOLDER holds pairs NAME.gguf, NAME.h5 whose HDF5 file has the
decoded values under /dequantized; with it, random-blocks (all quantized types) and llama-Q4_1 (a whole
tiny model with its tokenizer) are copied too.

Expected values are raw little-endian Float32, tensor after tensor in the order of the names below:
  small.f32          tensors of small.safetensors, by name
  small-gguf.f32     tensors of small.gguf, by name
  random-blocks.f32  all tensors, by name
  llama-Q4_1.f32     the datasets under /dequantized, by name; "[0:16]" in one means its first rows
"""
import json
import shutil
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

OUT = Path(__file__).resolve().parent.parent / "Fixtures" / "checkpoints"


def write_floats(name, arrays):
    data = b"".join(np.ascontiguousarray(a, dtype="<f4").tobytes() for a in arrays)
    (OUT / name).write_bytes(data)


def safetensors_files(rng):
    """Odd sizes, so that no loop ends on a whole vector. BF16 is in small.gguf: numpy has none."""
    weights = {
        "embed.weight": rng.standard_normal((21, 19)).astype(np.float32),
        "double": rng.standard_normal((3, 5)),
        "half.weight": rng.standard_normal((37, 33)).astype(np.float16),
        "cube": rng.standard_normal((2, 3, 17)).astype(np.float32),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "norm.weight": rng.standard_normal(50).astype(np.float32),
        "scalar": np.array(2.5, dtype=np.float32),
    }
    steps = {"steps": np.arange(4, dtype=np.int64)}
    save_file({**weights, **steps}, OUT / "small.safetensors", {"format": "np"})
    write_floats("small.f32", [weights[k] for k in sorted(weights)])

    folder = OUT / "sharded"
    folder.mkdir(exist_ok=True)
    names = sorted(weights)
    weight_map = {}
    for i, part in enumerate([names[:3], names[3:]]):
        file = f"model-{i + 1:05}-of-00002.safetensors"
        save_file({k: weights[k] for k in part}, folder / file)
        weight_map.update({k: file for k in part})
    size = sum(w.nbytes for w in weights.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def gguf_file(rng):
    w = gguf.GGUFWriter(OUT / "small.gguf", "llama")
    w.add_custom_alignment(64)
    w.add_uint8("n.uint8", 200)
    w.add_int8("n.int8", -100)
    w.add_uint16("n.uint16", 60000)
    w.add_int16("n.int16", -30000)
    w.add_uint32("n.uint32", 4000000000)
    w.add_int32("n.int32", -2000000000)
    w.add_uint64("n.uint64", 2**63)
    w.add_int64("n.int64", -(2**62))
    w.add_float32("x.float32", 0.1)
    w.add_float64("x.float64", 0.1)
    w.add_bool("yes", True)
    w.add_bool("no", False)
    w.add_string("text", "häd \u0120vis")
    w.add_array("tokens", ["a", "", "\u0120the", "\n"])
    w.add_array("numbers", [1, -2, 3])
    w.add_array("scores", [0.5, -1.25])
    expected = {}
    types = {"f32": "F32", "f16": "F16", "bf16": "BF16", "q8": "Q8_0", "q4": "Q4_1", "x4": "MXFP4"}
    for name, kind in types.items():
        values = rng.standard_normal((3, 64)).astype(np.float32)
        kind = gguf.GGMLQuantizationType[kind]
        stored = gguf.quants.quantize(values, kind)
        w.add_tensor(name, stored, raw_dtype=kind)
        expected[name] = gguf.quants.dequantize(stored, kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    write_floats("small-gguf.f32", [expected[k] for k in sorted(expected)])


def decoded_pairs(folder):
    import h5py

    for name in ["random-blocks", "llama-Q4_1"]:
        shutil.copyfile(folder / f"{name}.gguf", OUT / f"{name}.gguf")
        with h5py.File(folder / f"{name}.h5") as file:
            group = file["dequantized"]
            write_floats(f"{name}.f32", [group[k][()] for k in sorted(group)])


OUT.mkdir(parents=True, exist_ok=True)
safetensors_files(np.random.default_rng(1))
gguf_file(np.random.default_rng(2))
if len(sys.argv) > 1:
    decoded_pairs(Path(sys.argv[1]))
