# SPDX-License-Identifier: Apache-2.0
"""Loads a trained dictionary with SAELens and holds it against the formulas in NumPy, Float64.

    python -m venv .venv && .venv/bin/pip install sae-lens==6.54.12 torch==2.15.0 h5py==3.16.0
    stage-scan dump --model MODEL --text "Some text." --layers 5 --output dump.h5
    .venv/bin/python bench/dictionary/check-with-saelens.py DICTIONARIES/L5 dump.h5

Prints the largest relative difference of activations and reconstructions, whether the same features
fire, and the variance that is explained; exits with 1 if anything differs.
"""

import json
import sys

import h5py
import numpy as np
import torch
from sae_lens import SAE
from safetensors.numpy import load_file


def expected(folder, config, x):
    """Activations and reconstruction of the rows of x by the formulas of TopK."""
    w = {k: v.astype(np.float64) for k, v in load_file(f"{folder}/sae_weights.safetensors").items()}
    pre = np.maximum((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"], 0)
    threshold = np.sort(pre, axis=1)[:, -config["k"], None]
    activations = np.where(pre >= threshold, pre, 0)
    lengths = np.linalg.norm(w["W_dec"], axis=1)
    assert np.allclose(lengths, 1, atol=1e-5), "decoder rows are not of unit length"
    return activations, activations @ w["W_dec"] + w["b_dec"]


def main(folder, dump):
    config = json.load(open(f"{folder}/cfg.json"))
    hook = config["metadata"]["hook_name"]
    layer = hook.split(".")[1]
    with h5py.File(dump) as file:
        x = file[f"layers/{layer}/resid_pre"][:].astype(np.float64)
    sae = SAE.load_from_disk(folder)
    with torch.no_grad():
        activations = sae.encode(torch.tensor(x, dtype=torch.float32))
        reconstruction = sae.decode(activations).double().numpy()
    activations = activations.double().numpy()
    wanted, wanted_reconstruction = expected(folder, config, x)

    def difference(a, b):
        return (np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max()

    same = ((activations > 0) == (wanted > 0)).mean()
    differences = difference(activations, wanted), difference(reconstruction, wanted_reconstruction)
    later = x[1:]
    lost = ((later - reconstruction[1:]) ** 2).sum() / ((later - later.mean(0)) ** 2).sum()
    print(f"{type(sae).__name__} at {hook}: {len(x)} positions, L0 {(activations > 0).sum(1).mean():.1f}")
    print(f"activations differ by {differences[0]:.1e}, reconstructions by {differences[1]:.1e}")
    print(f"the same features fire: {100 * same:.3f}%")
    print(f"explained variance without position 0: {100 * (1 - lost):.1f}%")
    return 0 if max(differences) < 1e-3 and same > 0.9999 else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
