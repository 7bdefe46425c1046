#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Tests/Fixtures/dictionaries: tiny dictionaries that SAELens saved, and what it computes with them.

    pip install sae-lens==6.54.12 torch==2.15.0 safetensors==0.8.0
    python3 Tests/Generators/dictionaries.py

Each folder holds what SAELens' own `save_model` wrote (cfg.json, sae_weights.safetensors) and
expected.safetensors, all float32, computed after SAELens' own `load_from_disk`:
    x               [7, 16]  residual vectors, far from the origin and of different lengths
    activations     [7, 40]  encode(x)
    reconstruction  [7, 16]  decode(encode(x))
Weights are random numbers from a seed, so running this again gives the same numbers. The cfg.json of the
folders `old-*` is written by hand after the flat files of SAELens 1 to 5; SAELens 6 still reads them.
`centred` says that TransformerLens took the mean off the residual stream: SAELens is given x minus its
mean, and the mean is added to what it answers.
"""
import json
import os
import shutil
import warnings
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import torch
from safetensors.torch import load_file, save_file
from sae_lens import SAE
from sae_lens.saes.gated_sae import GatedSAE, GatedSAEConfig
from sae_lens.saes.jumprelu_sae import JumpReLUSAE, JumpReLUSAEConfig
from sae_lens.saes.sae import SAEMetadata
from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig
from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

OUT = Path(__file__).resolve().parent.parent / "Fixtures" / "dictionaries"
D_IN, D_SAE, ROWS = 16, 40, 7

KINDS = {
    "standard": (StandardSAE, StandardSAEConfig, {}),
    "topk": (TopKSAE, TopKSAEConfig, {"k": 5}),
    "jumprelu": (JumpReLUSAE, JumpReLUSAEConfig, {}),
    "gated": (GatedSAE, GatedSAEConfig, {}),
}

# name: (kind, options of its config, hook)
NEW = {
    "standard": ("standard", {}, "blocks.2.hook_resid_pre"),
    "standard-raw": ("standard", {"apply_b_dec_to_input": False}, "blocks.2.hook_resid_post"),
    "standard-constant-norm": (
        "standard", {"normalize_activations": "constant_norm_rescale"}, "model.layers.2"),
    "standard-bf16": ("standard", {"dtype": "bfloat16"}, "blocks.2.hook_resid_pre"),
    "topk": ("topk", {}, "blocks.2.hook_resid_pre"),
    "topk-rescaled": ("topk", {"rescale_acts_by_decoder_norm": True}, "blocks.2.hook_resid_pre"),
    "topk-rescaled-layer-norm": (
        "topk", {"rescale_acts_by_decoder_norm": True, "normalize_activations": "layer_norm"},
        "transformer.h.2"),
    "topk-raw": (
        "topk", {"apply_b_dec_to_input": False,
                 "normalize_activations": "expected_average_only_in"}, "gpt_neox.layers.2"),
    # More than can be positive in some rows.
    "topk-wide": ("topk", {"k": 38}, "blocks.2.hook_resid_pre"),
    "topk-f16": ("topk", {"dtype": "float16"}, "blocks.2.hook_resid_pre"),
    "jumprelu": ("jumprelu", {}, "blocks.2.hook_resid_pre"),
    "jumprelu-raw-layer-norm": (
        "jumprelu", {"apply_b_dec_to_input": False, "normalize_activations": "layer_norm"},
        "blocks.2.hook_resid_post"),
    "jumprelu-constant-norm": (
        "jumprelu", {"normalize_activations": "constant_norm_rescale"},
        "blocks.2.hook_resid_pre"),
    "gated": ("gated", {}, "blocks.2.hook_resid_pre"),
    "gated-raw": (
        "gated", {"apply_b_dec_to_input": False,
                  "normalize_activations": "expected_average_only_in"},
        "blocks.2.hook_resid_pre"),
    "gated-layer-norm": (
        "gated", {"normalize_activations": "layer_norm"}, "blocks.2.hook_resid_pre"),
}

# Flat files of older releases: name: (kind of the weights, cfg.json beside the sizes)
OLD = {
    "old-standard": ("standard", {
        "hook_point": "blocks.2.hook_resid_pre", "hook_point_layer": 2,
        "hook_point_head_index": None, "model_name": "gpt2-small", "dtype": "torch.float32",
        "device": "cuda", "use_cached_activations": False, "lp_norm": 1, "context_size": 128,
    }),
    "old-topk": ("topk", {
        "architecture": "standard", "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 5},
        "hook_name": "blocks.2.hook_resid_post", "hook_layer": 2, "hook_head_index": None,
        "apply_b_dec_to_input": False, "normalize_activations": "none", "dtype": "torch.float32",
        "device": "cpu", "finetuning_scaling_factor": False, "sae_lens_training_version": "3.20.0",
        "model_from_pretrained_kwargs": {},
    }),
    "old-gated": ("gated", {
        "architecture": "gated", "activation_fn_str": "relu", "activation_fn_kwargs": {},
        "hook_name": "blocks.2.hook_resid_pre", "hook_layer": 2, "hook_head_index": None,
        "apply_b_dec_to_input": True, "normalize_activations": False, "dtype": "float32",
        "device": "cpu", "finetuning_scaling_factor": False,
    }),
    "centred": ("standard", {
        "architecture": "standard", "activation_fn_str": "relu", "hook_layer": 2,
        "hook_name": "blocks.2.hook_resid_pre", "hook_head_index": None, "dtype": "torch.float32",
        "apply_b_dec_to_input": True, "normalize_activations": "none", "device": "cpu",
        "model_from_pretrained_kwargs": {"center_writing_weights": True},
    }),
}


def made(kind, options, hook, seed):
    """A dictionary with random weights; directions of different lengths, thresholds above and below 0."""
    sae_class, config_class, defaults = KINDS[kind]
    metadata = SAEMetadata(model_name="tiny", hook_name=hook, hook_head_index=None)
    sae = sae_class(config_class(
        d_in=D_IN, d_sae=D_SAE, device="cpu", metadata=metadata, **{**defaults, **options}))
    torch.manual_seed(seed)
    spread = {"W_enc": 0.4, "W_dec": 0.4, "b_dec": 1.0, "threshold": 0.8, "r_mag": 0.3}
    with torch.no_grad():
        for name, weight in sae.named_parameters():
            weight.copy_(torch.randn(weight.shape) * spread.get(name, 0.2))
    return sae


def write_expected(folder, seed, centred=False):
    # float32 whatever the weights are stored as: what is tested is not torch's rounding.
    sae = SAE.load_from_disk(folder, dtype="float32")
    torch.manual_seed(seed + 1000)
    x = torch.randn(ROWS, D_IN) * torch.linspace(0.3, 6, ROWS)[:, None] + torch.randn(D_IN) + 0.5
    mean = x.mean(dim=-1, keepdim=True) if centred else torch.zeros(ROWS, 1)
    with torch.no_grad():
        activations = sae.encode(x - mean)
        reconstruction = sae.decode(activations) + mean
    save_file({"x": x, "activations": activations, "reconstruction": reconstruction},
              folder / "expected.safetensors")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for seed, (name, (kind, options, hook)) in enumerate(NEW.items()):
        made(kind, options, hook, seed).save_model(OUT / name)
        write_expected(OUT / name, seed)
    for seed, (name, (kind, config)) in enumerate(OLD.items(), start=len(NEW)):
        sae = made(kind, {}, "blocks.2.hook_resid_pre", seed)
        sae.save_model(OUT / name)
        if name == "old-standard":
            # Early releases stored a factor for each activation, all ones unless fine-tuned.
            weights = load_file(OUT / name / "sae_weights.safetensors")
            weights["scaling_factor"] = torch.ones(D_SAE)
            save_file(weights, OUT / name / "sae_weights.safetensors")
        with open(OUT / name / "cfg.json", "w") as file:
            json.dump({"d_in": D_IN, "d_sae": D_SAE, **config}, file)
        write_expected(OUT / name, seed, centred=name == "centred")


if __name__ == "__main__":
    main()
