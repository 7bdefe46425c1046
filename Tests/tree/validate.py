# SPDX-License-Identifier: Apache-2.0
"""Checks a data tree against its contract: python3 validate.py DATA. Prints every fault, exits 1 if any."""

import json
import math
import re
import sys
from pathlib import Path

faults = []


def check(condition, what):
    if not condition:
        faults.append(what)
    return condition


def load(path):
    """The JSON of a file; NaN and numbers with more than four decimals are faults."""
    text = path.read_text(encoding="utf-8")

    def number(literal):
        check(len(literal.partition(".")[2]) <= 4 and "e" not in literal.lower(), f"{path}: {literal}")
        return float(literal)

    def constant(name):
        faults.append(f"{path}: holds {name}")

    return json.loads(text, parse_float=number, parse_constant=constant)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def check_sequence(name, sequence, intervals):
    length = sequence["seq_len"]
    tokens, indices, values = (sequence[k] for k in ("tokens", "attention_indices", "attention_values"))
    check(len(tokens) == length and all(isinstance(t, str) for t in tokens), f"{name}: tokens")
    check(len(indices) == len(values), f"{name}: indices and values differ in number")
    check(all(0 <= i < length * length for i in indices) and len(set(indices)) == len(indices), f"{name}: indices")
    check(all(0 < v <= 1 for v in values), f"{name}: values outside 0...1")
    check(sequence["interval"] in range(1, intervals + 1), f"{name}: interval {sequence['interval']}")
    inner = [v for i, v in zip(indices, values) if i >= length and i % length]
    check(abs(max(inner, default=0) - sequence["max_activation"]) < 1e-9 or sequence["max_activation"] <= 0.005,
          f"{name}: max_activation")


def check_head(root, layer, head, config):
    path = root / "heads" / config["head_data_pattern"].format(layer=layer, head=head)
    check(path.stat().st_size < 15e6, f"{path}: larger than 15 MB")
    payload = load(path)
    ids = [s["sequence_id"] for s in payload["sequences"]]
    check(ids and len(set(ids)) == len(ids), f"{path}: sequences missing or doubled")
    for sequence in payload["sequences"]:
        check_sequence(f"{path}: sequence {sequence['sequence_id']}", sequence, config["n_intervals"])
    for key in ["histogram", *(plot["key"] for plot in config["custom_plots"])]:
        plot = payload[key]
        check(len(plot["bin_edges"]) == len(plot["bin_values"]) + 1, f"{path}: {key}")
    check(payload["qk_distance_histogram"]["bin_edges"][:5] == [0, 1, 2, 4, 8], f"{path}: distance bins")
    for table in config["custom_tables"]:
        weights = [row["weight"] for row in payload[table["key"]]]
        check(weights == sorted(weights, reverse=True), f"{path}: {table['key']} is not sorted")
    check(set(payload["statistics"]) <= set(config["statistics_display"]), f"{path}: statistics without labels")


def check_cloud(root, layer, head, sequences):
    path = root / "umap" / f"L{layer}H{head}.json"
    cloud = load(path)
    n = len(cloud["seq_idx"])
    check(n > 0 and len(cloud["top_q"]) == len(cloud["top_k"]) == len(cloud["norms"]) == n, f"{path}: lengths")
    for places in [cloud["pca"], *(view["embeddings"] for view in cloud.get("views", []))]:
        for matrix in "QKOV":
            check(all(len(places[matrix][axis]) == n for axis in ("d0", "d1", "d2")), f"{path}: {matrix}")
    for s, q, k in zip(cloud["seq_idx"], cloud["top_q"], cloud["top_k"]):
        tokens = sequences.get(str(s), [])
        check(0 <= q < len(tokens) and 0 <= k < len(tokens), f"{path}: ({s}, {q}, {k}) has no tokens")
    check(isinstance(cloud["clusters"], list) and isinstance(cloud["projected_points"], list), f"{path}: saved")


def check_snippets(name, snippets):
    """Text on which a feature fires."""
    for snippet in snippets:
        check(snippet["tokens"] and len(snippet["tokens"]) == len(snippet["activations"]), f"{name}: snippet")
        check(snippet["interval"] in range(1, 11), f"{name}: interval {snippet['interval']}")


def check_attribution(path):
    """A stored answer of qk_attributions or ov_attributions."""
    answer = load(path)
    scores = [abs(pair["attribution"]) for pair in answer["pairs"]]
    check(scores == sorted(scores, reverse=True), f"{path}: pairs are not sorted")
    for pair in answer["pairs"]:
        for side in ("query", "key"):
            check(isinstance(pair[f"{side}_feature"], int) and pair[f"{side}_description"], f"{path}: {side} feature")
            check_snippets(path, pair[f"{side}_snippets"])
    for marginal in answer["query_marginals"] + answer["key_marginals"]:
        check(is_number(marginal["marginal_score"]) and marginal["description"], f"{path}: marginal")
        check_snippets(path, marginal["snippets"])
        for partner in marginal["top_interactions"]:
            check(is_number(partner["pairwise_score"]) and partner["description"], f"{path}: interaction")
            check_snippets(path, partner["snippets"])
    total = answer["explained"] + sum(term["value"] for term in answer["error_terms"])
    check(abs(total - answer["score"]) < 1e-3 * max(1, abs(answer["score"])), f"{path}: terms miss the score")


def check_map(root, heads):
    """head_map.json and `similar`: extra files and keys, which a tree may lack."""
    if not (root / "head_map.json").exists():
        return
    head_map = load(root / "head_map.json")
    check(head_map["heads"] == heads, "head_map.json: other heads than config.json")
    for layout in head_map["maps"]:
        places = layout["coordinates"]
        check(len(places) == len(heads), f"head_map.json: {layout['name']} has not a place for each head")
        check(all(len(p) == 3 and all(map(is_number, p)) for p in places), f"head_map.json: {layout['name']}")
        check(all(0 <= w <= 1 for w in layout["weights"]), f"head_map.json: weights of {layout['name']}")
    for layer, head in heads:
        similar = load(root / "heads" / f"L{layer}H{head}.json").get("similar", [])
        check(len(similar) == min(20, len(heads) - 1), f"similar of {layer}.{head}: {len(similar)} heads")
        check([layer, head] not in [[s["layer"], s["head"]] for s in similar], f"similar of {layer}.{head}: itself")
        made = load(root / "heads" / f"L{layer}H{head}.json").get("similar_weights", [])
        check(all(-1.001 <= m[c] <= 1.001 for m in made for c in ("qk", "ov")), f"similar_weights of {layer}.{head}: no cosine")
        values = [s["likeness"] for s in similar]
        check(values == sorted(values, reverse=True), f"similar of {layer}.{head}: not the most alike first")
        check(all(0 <= v <= 1 for v in values), f"similar of {layer}.{head}: a likeness beyond 0 to 1")


def main(root):
    config = load(root / "config.json")
    heads = config["heads"]
    rows = load(root / "scatter_data.json")
    check([[r["layer"], r["head"]] for r in rows] == heads, "scatter_data.json: other heads than config.json")
    for row in rows:
        check(all(is_number(value) for value in row.values()), "scatter_data.json: a row holds more than numbers")
        for metric in config["metrics"]:
            check(is_number(row.get(metric)), f"scatter_data.json: {metric} of {row['layer']}.{row['head']}")
    errors = load(root / "scatter_errors.json")
    check([[r["layer"], r["head"]] for r in errors] == heads, "scatter_errors.json: other heads than config.json")
    check(set(config["metrics"]) == set(config["metric_descriptions"]), "config.json: metric_descriptions")
    for layer, head in heads:
        check_head(root, layer, head, config)
    names = {f"L{layer}H{head}.json" for layer, head in heads}
    check({p.name for p in (root / "heads").iterdir()} == names, "heads/: not exactly the heads of config.json")
    check(config["has_umap"] == bool(config["umap_heads"]), "config.json: has_umap")
    check(config.get("has_head_map", False) == (root / "head_map.json").exists(), "config.json: has_head_map")
    sequences = load(root / "umap" / "sequences.json")
    for layer, head in config["umap_heads"]:
        check_cloud(root, layer, head, sequences)
    for folder in ("custom_sequences", "attributions/qk", "attributions/ov"):
        check((root / folder).is_dir(), f"{folder}: missing")
    for name in config["people_files"]:
        check(isinstance(load(root / name), dict), f"{name}: not an object")
    manifest = load(root / "attributions" / "manifest.json")
    for key, edges in manifest.items():
        check(re.fullmatch(r"L\d+H\d+S(\d+|c[0-9a-f]+)", key) and {"qk", "ov"} <= set(edges), f"manifest: {key}")
        for kind in ("qk", "ov"):
            for q, k in edges.get(kind, []):
                check_attribution(root / "attributions" / kind / f"{key}Q{q}K{k}.json")
    check_map(root, heads)
    load(root / "server_config.json")
    check("pipeline_config" in config, "config.json: pipeline_config")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    for fault in faults[:50]:
        print(fault)
    print(f"{sys.argv[1]}: {len(faults)} faults")
    sys.exit(bool(faults))
