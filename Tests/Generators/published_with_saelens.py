#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/published/saelens.json: what SAELens' own loaders make of the files that
published_dictionaries.py wrote, for the same vectors.

    pip install sae-lens==6.54.12 torch
    python3 Tests/Generators/published_with_saelens.py

SAELens fetches from the Hub; here its fetching finds the fixtures. Where it knows shapes or models by name, they are told
(`overrides`). The mean length of Llama Scope R1's inputs, which its tensors hold, SAELens keeps in a list by release. sparsify
is left out: this release of SAELens transposes its decoder, which sparsify itself does not.
"""

import json
import logging
import pathlib
import warnings

import torch
from sae_lens import SAE
from sae_lens.loading import pretrained_sae_loaders as loaders
from safetensors import safe_open

ROOT = pathlib.Path(__file__).parents[1] / "Fixtures/published"
expected = json.loads((ROOT / "expected.json").read_text())
x = torch.tensor(expected["x"])
D, F = x.shape[1], len(expected["w_dec"])
S = D**0.5 / 2.5
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

# path: (loader, what it is told as repository and folder, overrides, factor of the input folded in)
CASES = {
    "gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71": ("gemma_2", 1, {"d_in": D, "d_sae": F}, None),
    "gemma-scope-2b-pt-att/layer_3/width_16k/average_l0_104": ("gemma_2", 1, {"d_in": D, "d_sae": F}, None),
    "gemma-scope-2-270m-pt/resid_post/layer_3_width_16k_l0_small": ("gemma_3", 1, {}, None),
    "attn-saes-gpt2-small-all-layers": ("connor_rob_hook_z", 1, {}, None),
    "SAE-Res-Qwen3-1.7B-Base-W32K-L0_4": ("qwen_scope", 1, {"d_in": D, "d_sae": F, "dtype": "float32"}, None),
    "goodfire": ("goodfire", 1, {"d_in": D, "d_sae": F}, None),
    "Llama3_1-8B-Base-L3R-8x": ("llama_scope", 0, {"dtype": "float32"}, S),
    "Llama-Scope-R1-Distill/800M-Slimpajama-0-OpenR1-Math-220k/L3R": ("llama_scope_r1_distill", 1, {"d_sae": F}, S),
    **{f"dictionary_learning/{kind}/trainer_0": ("dictionary_learning_1", 1, {}, None) for kind in [
        "AutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE", "JumpReluAutoEncoder", "GatedAutoEncoder"]},
}
# Where the Hub's repository is not the first folder, or the file not the folder.
NAMES = {
    "attn-saes-gpt2-small-all-layers": ("attn-saes-gpt2-small-all-layers", "gpt2-small_L3_Hcat_z_lr1.20e-03_ds24576_v9.pt"),
    "SAE-Res-Qwen3-1.7B-Base-W32K-L0_4": ("SAE-Res-Qwen3-1.7B-Base-W32K-L0_4", "layer3.sae.pt"),
    "goodfire": ("Goodfire/Llama-3.1-8B-Instruct-SAE-l19", "Llama-3.1-8B-Instruct-SAE-l19.pth"),
}


def found(repo_id, filename, subfolder=None, **_):
    parts = [subfolder, filename] if subfolder else [filename]
    if repo_id.startswith("Goodfire/"):
        return str(ROOT / "goodfire/Llama-3.1-8B-Instruct-SAE-l3.pth")
    path = ROOT.joinpath(repo_id, *parts)
    if not path.exists():
        raise loaders.EntryNotFoundError(str(path))
    return str(path)


def shapes(repo_id, filename):
    with safe_open(found(repo_id, filename), framework="pt") as file:
        return {name: file.get_slice(name).get_shape() for name in file.keys()}


loaders.hf_hub_download = found
loaders.get_safetensors_tensor_shapes = shapes
answers = {}
for path, (name, depth, overrides, scale) in CASES.items():
    parts = path.split("/")
    repository, folder = NAMES.get(path, ("/".join(parts[:depth]), "/".join(parts[depth:])))
    config, state, _ = loaders.NAMED_PRETRAINED_SAE_LOADERS[name](
        repository, folder, device="cpu", force_download=False, cfg_overrides=dict(overrides))
    config = loaders.handle_config_defaulting(config)
    kind = SAE.get_sae_class_for_architecture(config["architecture"])
    sae = kind(SAE.get_sae_config_class_for_architecture(config["architecture"]).from_dict(config))
    sae.process_state_dict_for_loading(state)
    sae.load_state_dict({key: value.float() for key, value in state.items()}, strict=True)
    if scale:
        sae.fold_activation_norm_scaling_factor(scale)
    sae.turn_off_forward_pass_hook_z_reshaping()
    sae = sae.float().eval()
    with torch.no_grad():
        activations = sae.encode(x)
        answers[path] = {"hook": sae.cfg.metadata.hook_name, "activations": activations.tolist(),
                         "reconstruction": sae.decode(activations).tolist()}
(ROOT / "saelens.json").write_text(json.dumps(answers))
print(f"{len(answers)} dictionaries by SAELens")
for path, answer in answers.items():
    theirs, formula = torch.tensor(answer["activations"]), torch.tensor(expected["cases"][path]["activations"])
    print(f"{(theirs - formula).abs().max():.1e}  {path}")
