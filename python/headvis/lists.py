# SPDX-License-Identifier: Apache-2.0
"""Lists of pairs and edges: what a file keeps of a head's attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from headvis.files import Array, Floats, HeadName, Integers, WorkFile, pandas_module

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Pattern:
    """Attention of one head in one sequence, as the pairs that are kept: n of them."""

    #: Its number, from 0.
    sequence: int
    #: How many tokens it has.
    length: int
    #: [n], positions from 0.
    query: Integers
    #: [n]
    key: Integers
    #: [n], A[query, key].
    attention: Floats

    def dense(self) -> Floats:
        """[length, length]: A[query, key], and 0 where no pair is kept."""
        pattern = np.zeros((self.length, self.length), np.float32)
        pattern[self.query, self.key] = self.attention
        return pattern


class Patterns(Mapping[int, Pattern]):
    """The sequences of one head whose pairs are kept, by number.

    `group` is index and entries: a row of head_index, sequence, start and count for each list, whose pairs are
    rows start ..< start + count of query, key and attention.
    """

    def __init__(self, file: WorkFile, group: str, head: HeadName, lengths: Integers) -> None:
        self._lists = file.h5[group]
        self._lengths = lengths
        rows = np.flatnonzero(self._lists["head_index"][...] == file.index(head))
        #: The numbers of its sequences, [lists], as they stand in the file.
        self.sequences: Integers = self._lists["sequence"][...][rows]
        self._rows = {int(sequence): int(row) for sequence, row in zip(self.sequences, rows)}

    def __getitem__(self, sequence: int) -> Pattern:
        row = self._rows[int(sequence)]
        start = int(self._lists["start"][row])
        entries = slice(start, start + int(self._lists["count"][row]))
        query, key, attention = (self._lists[name][entries] for name in ("query", "key", "attention"))
        return Pattern(
            int(sequence), int(self._lengths[sequence]), query.astype(np.int64), key.astype(np.int64), attention
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True)
class Edges:
    """The strongest edges of one head: E of them, with the vectors at both ends; d is the head size."""

    #: [E], the sequence of each edge.
    sequence: Integers
    #: [E], positions from 0.
    query: Integers
    #: [E]
    key: Integers
    #: [E], A[query, key].
    attention: Floats
    #: [E], by what the edges were ranked.
    strength: Floats
    #: [E, d], query vectors, after rotary and not scaled.
    q: Floats
    #: [E, d], key vectors at the key, after rotary.
    k: Floats
    #: [E, d], value vectors at the key.
    v: Floats
    #: [E, d], attention-weighted values at the query, before W_O.
    z: Floats

    @staticmethod
    def of(file: WorkFile, head: HeadName) -> Edges:
        """The edges that scan.h5 keeps of a head."""
        table = file.h5["edges"]
        mine = table["head_index"][...] == file.index(head)
        # They stand in runs, a block of sequences after the other.
        turns = np.flatnonzero(np.diff(np.concatenate(([False], mine, [False])).astype(np.int8)))
        runs = [slice(int(first), int(end)) for first, end in zip(turns[::2], turns[1::2])]

        def column(name: str) -> Array:
            return np.concatenate([table[name][run] for run in runs]) if runs else table[name][:0]

        def vectors(name: str, row: str) -> Floats:
            return np.concatenate([stored_vectors(file, name, table[row][run]) for run in runs or [slice(0)]])

        sequence, query, key = (column(name).astype(np.int64) for name in ("sequence", "query", "key"))
        q, z = (vectors(f"edge_queries/{name}", "query_row") for name in "qz")
        k, v = (vectors(f"edge_keys/{name}", "key_row") for name in "kv")
        return Edges(sequence, query, key, column("attention"), column("strength"), q, k, v, z)

    def __len__(self) -> int:
        return len(self.sequence)

    def frame(self) -> pandas.DataFrame:
        """A table with a row an edge, without the vectors."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return pandas_module().DataFrame({name: column for name, column in columns.items() if column.ndim == 1})


def stored_vectors(file: WorkFile, name: str, rows: Integers) -> Floats:
    """[rows, d]: rows of a dataset of half numbers, each times 2 to the power that stands beside it."""
    if not len(rows):
        return np.zeros((0, file.h5[name].shape[1]), np.float32)
    first, end = int(rows.min()), int(rows.max()) + 1
    mine = rows.astype(np.int64) - first
    return scaled(file.h5[name][first:end][mine], file.h5[f"{name}_exponent"][first:end][mine])


def scaled(values: Array, exponent: Integers) -> Floats:
    """[rows, d]: half numbers, each row times 2 to the power of its exponent."""
    vectors: Floats = np.ldexp(values.astype(np.float32), exponent[:, None])
    return vectors
