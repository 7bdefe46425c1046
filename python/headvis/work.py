# SPDX-License-Identifier: Apache-2.0
"""The work files of one run."""

from __future__ import annotations

import pathlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headvis.clouds import Cloud
from headvis.files import (
    Columns, Floats, Head, HeadName, Integers, Metrics, WorkFile, pandas_module, rows, text, texts
)
from headvis.lists import Edges, Patterns, scaled

if TYPE_CHECKING:
    import pandas


class Model(NamedTuple):
    """What the scan notes of the model."""

    name: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int
    is_causal: bool


class Sequences:
    """The walked sequences: N of them."""

    def __init__(self, file: WorkFile) -> None:
        self._group = file.h5["sequences"]
        #: [N + 1], the first token of each sequence, and the end.
        self.start: Integers = self._group["start"][...]
        #: [N], how many tokens each has.
        self.lengths: Integers = np.diff(self.start)
        self._vocabulary = file.h5["vocabulary"]

    def __len__(self) -> int:
        return len(self.lengths)

    def tokens(self, sequence: int) -> Integers:
        """[tokens]: token ids of a sequence."""
        number = range(len(self))[sequence]
        return rows(self._group["token"], slice(int(self.start[number]), int(self.start[number + 1])))

    @cached_property
    def _display(self) -> dict[int, str]:
        return dict(zip(map(int, self._vocabulary["id"][...]), texts(self._vocabulary["display"])))

    def display(self, sequence: int) -> list[str]:
        """Its tokens as they are shown."""
        return [self._display[int(token)] for token in self.tokens(sequence)]

    def source(self, sequence: int) -> tuple[str, int]:
        """The file and the line (from 1) of its document."""
        file, line = self._group["source"][range(len(self))[sequence]]
        return str(text(self._group["files"][int(file)])), int(line)


class Weights:
    """What the model's weights say of all its M heads that can be taken apart, without a corpus."""

    def __init__(self, file: WorkFile) -> None:
        self.heads = file.heads
        #: The metrics of weights.h5, [M] each.
        self.metrics = Metrics(file)
        #: Under q, k and v, [M, M]: row, the head that writes; column, the later head that reads.
        self.composition = Columns(file, "composition")
        #: The projection kernel of what is written and what is read, under q, k and v, [M, M] likewise.
        self.projection_kernel = Columns(file, "projection_kernel")
        #: Cosines of two heads' maps from the residual stream to itself, under qk and ov, [M, M].
        self.likeness = Columns(file, "likeness")
        #: Dimensions of the residual stream that a head reads, under q, k and v, and writes, under o, [M].
        self.dimensions = Columns(file, "dimensions")


class Work:
    """The work files in a folder. H studied heads, N walked sequences; a head is "L5H1", "5.1" or (5, 1)."""

    def __init__(self, folder: str | pathlib.Path) -> None:
        self.folder = pathlib.Path(folder)

    def _file(self, name: str) -> WorkFile:
        return WorkFile(self.folder / f"{name}.h5", f"headvis-{name.split('-')[0]}")

    @cached_property
    def scan(self) -> WorkFile:
        """scan.h5."""
        return self._file("scan")

    @cached_property
    def sample(self) -> WorkFile:
        """sample.h5."""
        return self._file("sample")

    @cached_property
    def project(self) -> WorkFile:
        """project.h5."""
        return self._file("project")

    @cached_property
    def writes(self) -> WorkFile:
        """writes.h5."""
        return self._file("writes")

    @cached_property
    def map(self) -> WorkFile:
        """map.h5."""
        return self._file("map")

    def features(self, layer: int) -> WorkFile:
        """features-L5.h5: the evidence of a layer's dictionary."""
        return self._file(f"features-L{int(layer)}")

    def head_output_features(self, layer: int) -> WorkFile:
        """features-Z5.h5: the evidence of a dictionary of the outputs of a layer's heads."""
        return self._file(f"features-Z{int(layer)}")

    @property
    def heads(self) -> list[Head]:
        """The H studied heads; axes named "head index" follow this order."""
        return self.scan.heads

    @property
    def model(self) -> Model:
        """Name and sizes of the model."""
        facts = self.scan.h5["model"].attrs
        values = {name: text(facts[name]) for name in Model._fields}
        return Model(**values | {"is_causal": bool(values["is_causal"])})

    @property
    def provenance(self) -> dict[str, Any]:
        """How the scan was made: inputs with hashes, parameters, seed, tool version."""
        return self.scan.provenance

    @cached_property
    def sequences(self) -> Sequences:
        """The walked sequences."""
        return Sequences(self.scan)

    @cached_property
    def metrics(self) -> Metrics:
        """The metrics of metrics.h5 by name: value and standard error, [H] each."""
        return Metrics(self._file("metrics"))

    @cached_property
    def statistics(self) -> Columns:
        """Sums over the queries of each sequence by name (entropy_sum, ...): [N, H], mass_by_distance [N, H, B]."""
        return Columns(self.scan, "statistics")

    @cached_property
    def weights(self) -> Weights:
        """The metrics and compositions of weights.h5."""
        return Weights(self._file("weights"))

    def patterns(self, head: HeadName) -> Patterns:
        """Sparse attention of the sequences that may be shown of a head: top 8 of a row, 0.005 or more."""
        return Patterns(self.scan, "patterns", head, self.sequences.lengths)

    def high_attention(self, head: HeadName) -> Patterns:
        """All pairs of a head with 0.1 or more, outside row 0 and column 0."""
        return Patterns(self.scan, "high_attention", head, self.sequences.lengths)

    def samples(self, head: HeadName) -> pandas.DataFrame:
        """A table with a row for each sequence that is shown of a head: sequence, interval, is_top, max_activation."""
        table = self.sample.h5["sequences"]
        mine = rows(table["head_index"]) == self.sample.index(head)
        names = ("sequence", "interval", "is_top", "max_activation")
        return pandas_module().DataFrame({name: rows(table[name])[mine] for name in names}).astype({"is_top": bool})

    def edges(self, head: HeadName) -> Edges:
        """The strongest edges of a head, with q, k, v and z, [E, d]."""
        return Edges.of(self.scan, head)

    def output_weights(self, head: HeadName) -> Floats:
        """[d, D]: W_O of a head; z W_O is what it adds to the residual stream."""
        stored, index = self.scan.h5, self.scan.index(head)
        return scaled(stored["output_weights"][index], stored["output_weights_exponent"][index])

    def clouds(self, head: HeadName) -> Cloud:
        """The clouds Q, K, O and V of a head."""
        return Cloud(self.project, head)

    @property
    def views(self) -> list[tuple[int, float]]:
        """The UMAP views of the clouds: neighbours and least distance of each."""
        views = self.project.h5["views"]
        return list(zip(views["n_neighbors"][...].tolist(), views["min_dist"][...].tolist()))
