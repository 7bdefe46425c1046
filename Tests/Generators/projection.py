#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/projection/reference.json: what umap-learn 0.5 computes at each step of a fit.

Needs umap-learn (see bench/projection/compare.py). Run from the root of the repository.
"""
import json
import pathlib

import numpy as np
import scipy.spatial.distance
import sklearn.manifold
import umap
import umap.umap_ as reference

NEIGHBORS = 10


def steps(points):
    """Neighbour distances, rho, sigma, the fuzzy union and its Laplacian's eigenvalues."""
    distances = scipy.spatial.distance.cdist(points.astype(np.float64), points.astype(np.float64))
    indices = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBORS]
    near = np.take_along_axis(distances, indices, axis=1).astype(np.float32)
    graph, sigmas, rhos = reference.fuzzy_simplicial_set(
        points, NEIGHBORS, np.random.RandomState(0), "euclidean",
        knn_indices=indices, knn_dists=near)[:3]
    graph = graph.toarray().astype(np.float64)
    rows, columns = np.nonzero(np.triu(graph))
    pruned = np.where(graph < graph.max() / 500, 0, graph)
    scale = 1 / np.sqrt(pruned.sum(axis=0))
    values = np.linalg.eigvalsh(np.eye(len(points)) - scale[:, None] * pruned * scale)
    return {
        "dimensions": points.shape[1],
        "points": points.ravel().tolist(),
        "rho": rhos.tolist(),
        "sigma": sigmas.tolist(),
        "rows": rows.tolist(),
        "columns": columns.tolist(),
        "weights": graph[rows, columns].tolist(),
        "eigenvalues": values[1:4].tolist(),
    }


def quality(points):
    """Trustworthiness and share of neighbours kept at 15, means over five seeds."""
    before = np.argsort(scipy.spatial.distance.cdist(points, points), axis=1)[:, 1:16]
    trust, kept = [], []
    for seed in range(5):
        picture = umap.UMAP(n_components=3, n_neighbors=NEIGHBORS, random_state=seed).fit_transform(points)
        after = np.argsort(scipy.spatial.distance.cdist(picture, picture), axis=1)[:, 1:16]
        trust.append(sklearn.manifold.trustworthiness(points, picture, n_neighbors=15))
        kept.append(np.mean([len(set(a) & set(b)) / 15 for a, b in zip(before, after)]))
    return {"trustworthiness": float(np.mean(trust)), "kept": float(np.mean(kept))}


def main():
    random = np.random.default_rng(7)
    small = random.normal(size=(60, 5)).astype(np.float32)
    small[7] = small[3]  # a duplicate
    turn = random.uniform(0, 2 * np.pi, 300)
    ring = np.stack([np.cos(turn), np.sin(turn), 0.2 * random.normal(size=300)], axis=1)
    curves = [
        {"min_dist": m, "spread": s, "a": a, "b": b}
        for m, s in [(0.0, 1.0), (0.1, 1.0), (0.25, 1.0), (0.5, 1.0), (0.99, 1.0), (0.1, 2.0), (0.5, 0.5)]
        for a, b in [map(float, reference.find_ab_params(s, m))]
    ]
    result = {
        "neighbors": NEIGHBORS,
        "curves": curves,
        "small": steps(small),
        "ring": steps(ring.astype(np.float32)),
        "ring_quality": quality(ring.astype(np.float32)),
    }
    path = pathlib.Path("Tests/Fixtures/projection/reference.json")
    path.parent.mkdir(parents=True, exist_ok=True)

    def short(value):
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, list):
            return [short(item) for item in value]
        if isinstance(value, dict):
            return {key: short(item) for key, item in value.items()}
        return value

    path.write_text(json.dumps(short(result)) + "\n")


if __name__ == "__main__":
    main()
