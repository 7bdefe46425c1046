#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/published: small dictionaries in the layouts that publishers use, with the activations that
their published formulas give for some vectors. Needs numpy; torch files are written without torch. What SAELens gives for
the same files is written by published_with_saelens.py.

    python3 Tests/Generators/published_dictionaries.py
"""

import gzip
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
        self.array = np.array(array, "<f4", order="C")

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
        archive.writestr(zipfile.ZipInfo("ae/data.pkl"), buffer.getvalue())
        archive.writestr(zipfile.ZipInfo("ae/version"), b"3\n")
        for i, run in enumerate(runs):
            archive.writestr(zipfile.ZipInfo(f"ae/data/{i}"), run.tobytes())


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


def case(path, activations, layer=4, place="residual", gain=1.0):
    """gain: what the decoder and its bias are multiplied by, to speak of x itself."""
    folder = ROOT / path
    folder.mkdir(parents=True, exist_ok=True)
    cases[path] = {"layer": layer, "place": place, "gain": gain, "activations": activations.tolist()}
    return folder


folder = case("gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71", jump(raw, threshold))
np.savez(folder / "params.npz", **square)
folder = case("gemma-scope-2-270m-pt/resid_post/layer_3_width_16k_l0_small", jump(raw, threshold))
save_safetensors(folder / "params.safetensors", {k.lower() if k[0] == "W" else k: v for k, v in square.items()})
(folder / "config.json").write_text(json.dumps({"architecture": "jump_relu", "hf_hook_point_in": "model.layers.3.output", "model_name": "google/gemma-3-270m"}))
folder = case("gemma-scope-2b-pt-att/layer_3/width_16k/average_l0_104", jump(raw, threshold), layer=3, place="heads")
np.savez(folder / "params.npz", **square)
folder = case("gemma-scope-2-1b-pt/attn_out/layer_3_width_65k_l0_big", jump(raw, threshold), layer=3, place="heads")
save_safetensors(folder / "params.safetensors", {k.lower() if k[0] == "W" else k: v for k, v in square.items()})
folder = case("attn-saes-gpt2-small-all-layers", relu(centred), layer=3, place="heads")
save_torch(folder / "gpt2-small_L3_Hcat_z_lr1.20e-03_ds24576_v9.pt", {k: v for k, v in square.items() if k != "threshold"})
(folder / "gpt2-small_L3_Hcat_z_lr1.20e-03_ds24576_v9_cfg.json").write_text(json.dumps(
    {"act_name": "blocks.3.attn.hook_z", "act_size": D, "dict_size": F, "layer": 3, "l1_coeff": 1.8}))

# Llama Scope: an input as long as the corpus's on average becomes sqrt(D) long. The threshold of the first release is held
# against x W_E + b / s, that is s times lower; features fire by what they add, which is one with unit directions only.
MEAN = 2.5
s = D**0.5 / MEAN
scoped = s * x @ w_enc + b_enc
lengths = np.linalg.norm(w_dec, axis=1)
scope = {"hook_point_in": "blocks.3.hook_resid_post", "hook_point_out": "blocks.3.hook_resid_post", "act_fn": "jumprelu",
         "d_model": D, "d_sae": F, "norm_activation": "dataset-wise", "apply_decoder_bias_to_pre_encoder": False,
         "use_decoder_bias": True, "use_glu_encoder": False, "top_k": K}
both = {**linear, "decoder.bias": b_dec}
for name, includes in [("Llama3_1-8B-Base-L3R-8x", False), ("Llama3_1-8B-Base-L3R-32x", True)]:
    folder = case(name, jump(scoped, s * 0.3 / (lengths if includes else 1)), gain=1 / s)
    (folder / "checkpoints").mkdir(exist_ok=True)
    save_safetensors(folder / "checkpoints/final.safetensors", both)
    (folder / "hyperparams.json").write_text(json.dumps(
        {**scope, "jump_relu_threshold": 0.3, "sparsity_include_decoder_norm": includes,
         "dataset_average_activation_norm": {"in": MEAN, "out": MEAN}}))
folder = case("Llama-Scope-R1-Distill/800M-Slimpajama-0-OpenR1-Math-220k/L3R", jump(scoped, threshold), gain=1 / s)
save_safetensors(folder / "sae_weights.safetensors", {
    **both, "log_jumprelu_threshold": np.log(threshold), "dataset_average_activation_norm.in": np.float32(MEAN).reshape(()),
    "dataset_average_activation_norm.out": np.float32(MEAN).reshape(())})
(folder / "config.json").write_text(json.dumps({**scope, "sae_type": "sae", "expansion_factor": 8}))
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

# Neuronpedia's exports of labels, as its export-data.py writes them; a batch without a label of its own.
folder = ROOT / "neuronpedia/3-gemmascope-res-16k/explanations"
folder.mkdir(parents=True, exist_ok=True)
for batch, labels in [(0, [(0, "names of months"), (1, "\u00e9t\u00e9")]), (2, []), (10, [(29, "the last"), (0, "second")])]:
    lines = [json.dumps({"id": "x", "modelId": "gemma-2-2b", "layer": "3-gemmascope-res-16k", "index": str(index),
                         "description": text, "embedding": "[0.1, 0.2]", "typeName": "oai_token-act-pair"}) for index, text in labels]
    with gzip.GzipFile(folder / f"batch-{batch}.jsonl.gz", "wb", mtime=0) as file:
        file.write("".join(line + "\n" for line in lines).encode())

(ROOT / "expected.json").write_text(json.dumps({"x": x.tolist(), "b_dec": b_dec.tolist(), "w_dec": w_dec.tolist(), "cases": cases}))
print(f"{len(cases)} dictionaries in {ROOT}")
