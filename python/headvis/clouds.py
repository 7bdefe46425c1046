# SPDX-License-Identifier: Apache-2.0
"""A head's clouds: points of its query, key, output and value vectors, and where the page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from headvis.files import Array, Floats, HeadName, Integers, WorkFile, WorkFileError, pandas_module, rows

if TYPE_CHECKING:
    import pandas


class CloudMatrix:
    """One of the clouds Q, K, O and V: n points of d dimensions. Each array is read when it is asked for."""

    def __init__(self, file: WorkFile, group: str) -> None:
        self._group = file.h5[group]

    def _read(self, name: str) -> Array:
        return rows(self._group[name])

    @property
    def points(self) -> Floats:
        """[n, d]: the vectors that UMAP laid out: q, k, v, or z L."""
        return self._read("points")

    @property
    def pca(self) -> Floats:
        """[n, 3]: PCA coordinates."""
        return self._read("pca")

    @property
    def pca_mean(self) -> Floats:
        """[d]: what PCA subtracts from q, k, v or z."""
        return self._read("pca_mean")

    @property
    def pca_axes(self) -> Floats:
        """[3, d]: coordinate c of a vector x is row c times (x - mean)."""
        return self._read("pca_axes")

    @property
    def explained_variance_ratio(self) -> Floats:
        """[3]: share of the variance along each axis."""
        return self._read("explained_variance_ratio")

    def umap(self, view: int = 0) -> Floats:
        """[n, 3]: coordinates in a UMAP view; the views are in `Work.views`."""
        if f"umap_{view}" not in self._group:
            raise WorkFileError(f"There is no UMAP view {view}: VIEWS and UMAP=1 say which there are.")
        return self._read(f"umap_{view}")


class Cloud(Mapping[str, CloudMatrix]):
    """The clouds of one head by name: Q, K, O, V. Point i is the same edge in each of them."""

    def __init__(self, file: WorkFile, head: HeadName) -> None:
        name = str(file.heads[file.index(head)])
        if name not in file.h5["clouds"]:
            raise WorkFileError(f"{file.path}: {name} has no cloud; it has too few edges.")
        self._file = file
        self._group = f"clouds/{name}"

    def _read(self, name: str) -> Array:
        return rows(self._file.h5[f"{self._group}/{name}"])

    @property
    def sequence(self) -> Integers:
        """[n]: the sequence of each point's edge."""
        return self._read("sequence")

    @property
    def query(self) -> Integers:
        """[n]: position of the query, from 0."""
        return self._read("query")

    @property
    def key(self) -> Integers:
        """[n]: position of the key."""
        return self._read("key")

    @property
    def attention(self) -> Floats:
        """[n]: A[query, key]."""
        return self._read("attention")

    @property
    def norm(self) -> Floats:
        """[n]: length of the query vector."""
        return self._read("norm")

    def __getitem__(self, matrix: str) -> CloudMatrix:
        if matrix not in self:
            raise KeyError(f"{matrix}: the clouds are {', '.join(self)}")
        return CloudMatrix(self._file, f"{self._group}/{matrix}")

    def __contains__(self, matrix: object) -> bool:
        return matrix in tuple(self)

    def __iter__(self) -> Iterator[str]:
        stored = self._file.h5[self._group]
        return iter([name for name in ("Q", "K", "O", "V") if name in stored])

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def frame(self) -> pandas.DataFrame:
        """A table with a row a point: its edge."""
        names = ("sequence", "query", "key", "attention", "norm")
        return pandas_module().DataFrame({name: self._read(name) for name in names})
