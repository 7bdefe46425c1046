#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/published: small dictionaries in the layouts that publishers use, with the activations that
their published formulas give for some vectors. Needs numpy; torch files are written without torch.

    python3 Tests/Generators/published_dictionaries.py
"""

import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).parents[1] / "Fixtures/published"
D, F, K = 12, 30, 4
rng = np.random.default_rng(5)


def normal(*shape):
    return rng.normal(size=shape).astype("<f4")


# --- torch.save, by the pickle that it would write ---------------------------------------------------


def rebuild(*arguments):
    raise NotImplementedError


torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = "torch._utils", "_rebuild_tensor_v2", "_rebuild_tensor_v2"
utils._rebuild_tensor_v2 = rebuild
torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
sys.modules.update({"torch": torch, "torch._utils": utils})


class Tensor:
    def __init__(self, array):
        self.array = np.ascontiguousarray(array, "<f4")

    def __reduce__(self):
        shape = self.array.shape
        strides = tuple(s // 4 for s in self.array.strides)
        return rebuild, (Storage(self.array), 0, shape, strides, False, {})


class Storage:
    def __init__(self, array):
        self.array = array


def save_torch(path, tensors):
    runs = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Storage):
                runs.append(value.array)
                return ("storage", torch.FloatStorage, str(len(runs) - 1), "cpu", value.array.size)
            return None

    buffer = io.BytesIO()
    Pickler(buffer, 2).dump({name: Tensor(array) for name, array in tensors.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("ae/data.pkl", buffer.getvalue())
        for i, run in enumerate(runs):
            archive.writestr(f"ae/data/{i}", run.tobytes())


def save_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# --- formulas --------------------------------------------------------------------------------------

relu = lambda x: np.maximum(x, 0)


def top_k(p):
    kept = np.zeros_like(p)
    for row, out in zip(p, kept):
        best = np.argsort(-row, kind="stable")[:K]
        out[best] = relu(row[best])
    return kept


x = normal(6, D)
w_enc, w_dec = normal(D, F) / 3, normal(F, D)
b_enc, b_dec, threshold = normal(F) / 4, normal(D) / 3, np.abs(normal(F)) / 2
r_mag, gate_bias, mag_bias = normal(F) / 5, normal(F) / 4, normal(F) / 4
raw, centred = x @ w_enc + b_enc, (x - b_dec) @ w_enc + b_enc
jump = lambda p, t: p * (p > t) * (p > 0)
linear = {"encoder.weight": w_enc.T, "encoder.bias": b_enc, "decoder.weight": w_dec.T}
square = {"W_enc": w_enc, "W_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec, "threshold": threshold}


def trainer(**values):
    return {"trainer": {"layer": 3, "activation_dim": D, "dict_size": F, "lm_name": "x", **values}, "buffer": {"ctx_len": 8}}


cases = {}


def case(path, activations, layer=4):
    folder = ROOT / path
    folder.mkdir(parents=True, exist_ok=True)
    cases[path] = {"layer": layer, "activations": activations.tolist()}
    return folder


folder = case("gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71", jump(raw, threshold))
np.savez(folder / "params.npz", **square)
folder = case("gemma-scope-2-270m-pt/resid_post/layer_3_width_16k_l0_small", jump(raw, threshold))
save_safetensors(folder / "params.safetensors", {k.lower() if k[0] == "W" else k: v for k, v in square.items()})
(folder / "config.json").write_text(json.dumps({"architecture": "jump_relu", "hf_hook_point_in": "model.layers.3.output"}))
folder = case(f"SAE-Res-Qwen3-1.7B-Base-W32K-L0_{K}", top_k(raw))
save_torch(folder / "layer3.sae.pt", {"W_enc": w_enc.T, "W_dec": w_dec.T, "b_enc": b_enc, "b_dec": b_dec})
folder = case("sae-pythia-70m-32k/layers.3", top_k(centred))
save_safetensors(folder / "sae.safetensors", {"encoder.weight": w_enc.T, "encoder.bias": b_enc, "W_dec": w_dec, "b_dec": b_dec})
(folder / "cfg.json").write_text(json.dumps({"d_in": D, "expansion_factor": 32, "k": K, "normalize_decoder": True}))
folder = case("goodfire", relu(raw))
save_torch(folder / "Llama-3.1-8B-Instruct-SAE-l3.pth", {
    "encoder_linear.weight": w_enc.T, "encoder_linear.bias": b_enc, "decoder_linear.weight": w_dec.T,
    "decoder_linear.bias": b_dec})
for kind, tensors, activations in [
    ("AutoEncoder", {**linear, "bias": b_dec}, relu(centred)),
    ("AutoEncoderTopK", {**linear, "b_dec": b_dec}, top_k(centred)),
    ("BatchTopKSAE", {**linear, "b_dec": b_dec, "threshold": np.float32(0.4).reshape(())}, jump(centred, 0.4)),
    ("MatryoshkaBatchTopKSAE", {**square, "threshold": np.float32(0.4).reshape(())}, jump(centred, 0.4)),
    ("JumpReluAutoEncoder", square, jump(raw, threshold)),
    ("GatedAutoEncoder",
     {"encoder.weight": w_enc.T, "decoder.weight": w_dec.T, "decoder_bias": b_dec, "r_mag": r_mag,
      "gate_bias": gate_bias, "mag_bias": mag_bias},
     ((x - b_dec) @ w_enc + gate_bias > 0) * relu(np.exp(r_mag) * ((x - b_dec) @ w_enc) + mag_bias)),
]:
    folder = case(f"dictionary_learning/{kind}/trainer_0", activations)
    save_torch(folder / "ae.pt", tensors)
    (folder / "config.json").write_text(json.dumps(trainer(dict_class=kind, k=K, submodule_name="resid_post_layer_3")))

(ROOT / "expected.json").write_text(json.dumps({"x": x.tolist(), "b_dec": b_dec.tolist(), "w_dec": w_dec.tolist(), "cases": cases}))
print(f"{len(cases)} dictionaries in {ROOT}")
