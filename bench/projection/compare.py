#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the pictures and times of bench-projection with umap-learn's, on the same clouds.

    python3 -m venv bench/projection/.venv
    bench/projection/.venv/bin/pip install "umap-learn==0.5.12"
    swift build -c release --product bench-projection
    bench/projection/export-clouds work/project.h5 FOLDER L16H0 L17H5
    bench/projection/.venv/bin/python bench/projection/compare.py [--clouds FOLDER]

FOLDER holds real clouds: raw little-endian float32 files NAME.f32, [n, d] row-major, and for each a
NAME.json {"shape": [n, d]}. Synthetic clouds of known structure are always there: separated blobs, a ring
and a swiss roll in 64 dimensions, and two mixtures of Gaussians of unequal spread.

Trustworthiness (Venna and Kaski 2001) and the share of the nearest neighbours kept are at 15 neighbours,
means over the seeds. umap-learn runs unseeded, which is its parallel, fastest form; its first fit, which
compiles, is not counted. Fit times are medians, one fit at a time.
"""
import argparse
import json
import pathlib
import re
import subprocess
import tempfile
import time
import warnings

import numpy as np
from sklearn.datasets import make_swiss_roll


def turned(points, seed, dimensions=64):
    """Points of a few dimensions turned into many."""
    random = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(random.normal(size=(dimensions, points.shape[1])))
    return points @ basis.T


def synthetic(n):
    """Clouds of known structure, by name."""
    random = np.random.default_rng(1)
    member = random.integers(0, 8, n)
    yield "blobs", 8 * random.normal(size=(8, 64))[member] + random.normal(size=(n, 64))
    angle = random.uniform(0, 2 * np.pi, n)
    circle = 5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    yield "ring", turned(circle, 2) + 0.05 * random.normal(size=(n, 64))
    yield "swiss-roll", turned(make_swiss_roll(n, noise=0.1, random_state=0)[0], 3)
    member = random.integers(0, 20, n)
    widths = random.gamma(2, 0.5, size=(20, 64))
    yield "mixture", 2 * random.normal(size=(20, 64))[member] + random.normal(size=(n, 64)) * widths[member]
    widths = np.arange(1, 65) ** -0.8
    member = random.integers(0, 60, n)
    yield "power-law", widths * (3 * random.normal(size=(60, 64))[member] + random.normal(size=(n, 64)))


def squared_distances(points):
    points = points.astype(np.float64)
    norms = (points * points).sum(axis=1)
    squared = norms[:, None] + norms - 2 * points @ points.T
    np.fill_diagonal(squared, np.inf)
    return squared


class Truth:
    """The neighbourhoods of a cloud, which pictures are measured against."""

    def __init__(self, points, k=15):
        n = len(points)
        order = np.argsort(squared_distances(points), axis=1)
        self.k = k
        self.ranks = np.empty((n, n), np.int32)
        np.put_along_axis(self.ranks, order, np.arange(1, n + 1, dtype=np.int32)[None], axis=1)

    def quality(self, picture):
        """(trustworthiness, share of the k nearest neighbours kept)."""
        n, k = len(picture), self.k
        near = np.argpartition(squared_distances(picture), k, axis=1)[:, :k]
        ranks = np.take_along_axis(self.ranks, near, axis=1)
        penalty = np.clip(ranks - k, 0, None).sum()
        return np.array([1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1)), (ranks <= k).mean()])


def ours(options, name, path, dimensions, folder):
    """Pictures by seed, median fit seconds and placing seconds."""
    output = subprocess.run(
        [options.bench, path, "--dimensions", str(dimensions), "--seeds", str(options.seeds),
         "--neighbors", str(options.neighbors), "--min-dist", str(options.min_dist),
         "--workers", "2", "--output", folder],
        check=True, capture_output=True, text=True).stdout
    fits = [float(s) for s in re.findall(r"umap ([\d.]+) s", output)]
    places = [float(s) for s in re.findall(r"place ([\d.]+) s", output)]
    pictures = [
        np.fromfile(f"{folder}/{name}.{seed}.f32", np.float32).reshape(-1, 3)
        for seed in range(options.seeds)]
    return pictures, np.median(fits), np.median(places)


def theirs(options, points):
    """Pictures of several fits and their median seconds."""
    import umap
    pictures, times = [], []
    for _ in range(options.seeds):
        start = time.perf_counter()
        pictures.append(umap.UMAP(
            n_components=3, n_neighbors=options.neighbors, min_dist=options.min_dist).fit_transform(points))
        times.append(time.perf_counter() - start)
    return pictures, np.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=".build/release/bench-projection")
    parser.add_argument("--clouds", help="folder of real clouds")
    parser.add_argument("--points", type=int, default=5000, help="of a synthetic cloud")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--neighbors", type=int, default=15)
    parser.add_argument("--min-dist", type=float, default=0.1)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")

    clouds = [(name, points.astype(np.float32)) for name, points in synthetic(options.points)]
    for path in sorted(pathlib.Path(options.clouds).glob("*.f32")) if options.clouds else []:
        shape = json.loads(path.with_suffix(".json").read_text())["shape"]
        clouds.append((path.stem, np.fromfile(path, "<f4").reshape(shape)))

    theirs(argparse.Namespace(**{**vars(options), "seeds": 1}), clouds[0][1])
    print(f"{'cloud':24} {'points':>12}  {'trustworthiness':^23}  {'15 nearest kept':^23}"
          f"  {'seconds a fit':^21}  {'place':>8}")
    print(f"{'':24} {'':>12}" + f"  {'here':>7} {'umap':>7} {'diff':>7}" * 2
          + f"  {'here':>6} {'umap':>6} {'ratio':>7}")
    for name, points in clouds:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/{name}.f32"
            points.astype("<f4").tofile(path)
            mine, seconds, placing = ours(options, name, path, points.shape[1], folder)
        reference, their_seconds = theirs(options, points)
        truth = Truth(points)
        here = np.mean([truth.quality(picture) for picture in mine], axis=0)
        there = np.mean([truth.quality(picture) for picture in reference], axis=0)
        print(f"{name:24} {points.shape[0]:>6} x {points.shape[1]:<3}"
              + "".join(f"  {a:7.4f} {b:7.4f} {a - b:+7.4f}" for a, b in zip(here, there))
              + f"  {seconds:6.2f} {their_seconds:6.2f} {their_seconds / seconds:6.1f}x"
              + f"  {1000 * placing:5.1f} ms", flush=True)


if __name__ == "__main__":
    main()
