#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts a published byte-level BPE tokenizer down to what the texts of its fixture need, ids renumbered.

    python3 trim_tokenizers.py FOLDER        (needs: pip install tokenizers==0.23.3)

FOLDER holds tokenizer.json, or vocab.json and merges.txt, and tokenization.json (and perhaps prompt.json) with the texts. A merge
that is never made in a text can go without changing what any other does there: at each step BPE makes the pair of the
lowest rank, and those stay. What is left is Hugging Face's reading of the texts with the cut tokenizer: this script writes
its ids and tokens anew, and stops unless every text has the same tokens as before.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel


def made(token, ranks):
    """The merges that make a token out of its characters, in order."""
    parts, merges = list(token), []
    while len(parts) > 1:
        pairs = [pair for pair in zip(parts, parts[1:]) if pair in ranks]
        if not pairs:
            break
        best = min(pairs, key=ranks.get)
        merges.append(best)
        joined, i = [], 0
        while i < len(parts):
            if tuple(parts[i:i + 2]) == best:
                joined.append(parts[i] + parts[i + 1])
                i += 2
            else:
                joined.append(parts[i])
                i += 1
        parts = joined
    return merges


def cut(vocab, merges, tokens, keep):
    """The vocabulary and merges that `tokens` need, with ids in the old order; `keep` stays whatever happens."""
    ranks = {tuple(merge): rank for rank, merge in enumerate(merges)}
    wanted = {merge for token in tokens for merge in made(token, ranks)}
    names = {token for token in vocab if len(token) == 1} | keep | {a + b for a, b in wanted}
    ordered = sorted((name for name in names if name in vocab), key=vocab.get)
    return {name: i for i, name in enumerate(ordered)}, [m for m in merges if tuple(m) in wanted]


def load(folder):
    if (folder / "tokenizer.json").exists():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer(BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.pre_tokenizer, tokenizer.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer


def dump(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def main(folder):
    before = load(folder)
    named = {name: json.loads((folder / name).read_text()) for name in ("tokenization.json", "prompt.json")
             if (folder / name).exists()}
    texts = [text for value in named.values() for text in (value if isinstance(value, list) else [value])]
    tokens = {text["text"]: before.encode(text["text"]).tokens for text in texts}
    used = {token for row in tokens.values() for token in row}
    if (folder / "tokenizer.json").exists():
        whole = json.loads((folder / "tokenizer.json").read_text())
        model, added = whole["model"], {token["content"] for token in whole["added_tokens"]}
        joined = isinstance(model["merges"][0], str)
        merges = [m.split(" ") if joined else m for m in model["merges"]]
        model["vocab"], kept = cut(model["vocab"], merges, used, added)
        model["merges"] = [" ".join(merge) for merge in kept] if joined else kept
        for token in whole["added_tokens"]:
            token["id"] = model["vocab"][token["content"]]
        dump(folder / "tokenizer.json", whole)
    else:
        vocab = json.loads((folder / "vocab.json").read_text())
        lines = (folder / "merges.txt").read_text().split("\n")
        merges = [line.split(" ") for line in lines if line and not line.startswith("#")]
        vocab, kept = cut(vocab, merges, used, {"<|endoftext|>"})
        dump(folder / "vocab.json", vocab)
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2"] + [" ".join(m) for m in kept]) + "\n")
    after = load(folder)
    for text in texts:
        encoded = after.encode(text["text"])
        if encoded.tokens != tokens[text["text"]]:
            sys.exit(f"{folder}: {text['text']!r} has other tokens than before")
        text["ids"] = encoded.ids
    for name, value in named.items():
        (folder / name).write_text(json.dumps(value, indent=1 if name == "prompt.json" else None) + "\n")


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        main(Path(folder))
