# SPDX-License-Identifier: Apache-2.0
"""A work file: HDF5 with a schema, heads and provenance; columns of it by name."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

import h5py
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]
Array = npt.NDArray[Any]


class WorkFileError(Exception):
    """One sentence: which file, what is wrong with it, what to run."""


class Head(NamedTuple):
    """A head's address, which reads L5H1."""

    layer: int
    head: int

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"

    @staticmethod
    def of(name: HeadName) -> Head:
        """A head from its name ("L5H1" or "5.1") or from the pair (5, 1)."""
        if not isinstance(name, str):
            return Head(int(name[0]), int(name[1]))
        match = re.fullmatch(r"L?(\d+)[H.](\d+)", name.strip(), re.IGNORECASE | re.ASCII)
        if match is None:
            raise WorkFileError(f'"{name}" is no head; they are written like L5H1, or (5, 1).')
        return Head(int(match[1]), int(match[2]))


HeadName = Union[str, Head, tuple[int, int]]

class Schema(NamedTuple):
    """A kind of work file: the version of its layout that is read here, and the stage that writes it."""

    version: int
    stage: str


SCHEMAS = {
    "headvis-scan": Schema(4, "stage-scan"), "headvis-metrics": Schema(1, "stage-metrics"),
    "headvis-sample": Schema(1, "stage-sample"), "headvis-project": Schema(1, "stage-project"),
    "headvis-weights": Schema(2, "stage-weights"), "headvis-writes": Schema(2, "stage-writes"),
    "headvis-map": Schema(1, "stage-map"), "headvis-probe": Schema(1, "stage-probe"),
    "headvis-lab": Schema(1, "stage-lab"),
    "headvis-features": Schema(1, "stage-dictionary evidence"),
}


def text(value: Any) -> Any:
    """An attribute or element as Python has it: text for bytes, a plain number for a NumPy scalar."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def texts(dataset: h5py.Dataset) -> list[str]:
    """The strings of a dataset."""
    return [text(value) for value in dataset[...]]


def rows(dataset: h5py.Dataset, part: Any = ...) -> Array:
    """The numbers of a dataset, or of some of its rows."""
    return np.asarray(dataset[part])


def pandas_module() -> Any:
    """pandas, which is needed only for tables."""
    try:
        import pandas
    except ImportError:
        raise WorkFileError("pandas is needed for tables: pip install pandas.") from None
    return pandas


class WorkFile:
    """An open work file. What the properties of Work do not give is in `h5`, under the names of docs/work-files.md."""

    def __init__(self, path: pathlib.Path, schema: str) -> None:
        version, stage = SCHEMAS[schema]
        if not path.is_file():
            raise WorkFileError(f"{path}: is missing; run make data, or {stage}, to write it.")
        try:
            # Files get their names when they are complete, so that no lock is needed where there are none.
            self.h5 = h5py.File(path, "r", locking="best-effort")
        except OSError as error:
            raise WorkFileError(f"{path}: cannot be read as HDF5 ({error}); run {stage} again.") from None
        found, its_version = (text(self.h5.attrs.get(name)) for name in ("schema", "schema_version"))
        if (found, its_version) != (schema, version):
            self.h5.close()
            what = f"{found} version {its_version}" if found else "another kind of HDF5 file"
            raise WorkFileError(
                f"{path}: is {what}, not {schema} version {version}; run {stage} again, or use the headvis of its version."
            )
        self.path = path
        self.heads = [Head(int(layer), int(head)) for layer, head in self.h5["heads"][...]] if "heads" in self.h5 else []

    @property
    def provenance(self) -> dict[str, Any]:
        """Facts on how the file was made: inputs with hashes, parameters, seed, tool version."""
        return {name: text(value) for name, value in sorted(self.h5["provenance"].attrs.items())}

    def index(self, head: HeadName) -> int:
        """The row of a head in the file's datasets ("head index")."""
        address = Head.of(head)
        if address not in self.heads:
            raise WorkFileError(f"{self.path}: {address} is not in it; these heads are: {' '.join(map(str, self.heads))}.")
        return self.heads.index(address)


@contextlib.contextmanager
def edit(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """A work file to be changed. Its digest, which would be wrong afterwards, is taken away: zeros stand in its place."""
    with h5py.File(path, "r+") as file:
        size = file.userblock_size
        try:
            yield file
        finally:
            file.close()
            with open(path, "r+b") as raw:
                raw.write(bytes(size))


class Columns(Mapping[str, Array]):
    """Datasets of a group by name, each read when it is asked for."""

    def __init__(self, file: WorkFile, group: str, names: list[str] | None = None) -> None:
        self.file = file
        self.group = group
        self.names = list(file.h5[group]) if names is None else names

    def __getitem__(self, name: str) -> Array:
        if name not in self.names:
            raise KeyError(f"{name}: {self.file.path} has {', '.join(self.names)}")
        return rows(self.file.h5[f"{self.group}/{name}"])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def about(self, name: str) -> str:
        """What the numbers are, in one sentence."""
        return str(text(self.file.h5[f"{self.group}/{name}"].attrs["about"]))


class Metric(NamedTuple):
    """A number a head, with its error."""

    name: str
    #: [H]
    value: Floats
    #: [H], a delete-one jackknife error by sequence; of numbers from weights alone, which have none, NaN.
    standard_error: Floats
    #: What it is, in one sentence.
    about: str


class Metrics(Mapping[str, Metric]):
    """The metrics of all studied heads, by name, in display order."""

    def __init__(self, file: WorkFile) -> None:
        self.file = file
        self.heads = file.heads
        self.names = texts(file.h5["metric_names"])

    def __getitem__(self, name: str) -> Metric:
        if name not in self.names:
            raise KeyError(f"{name}: {self.file.path} has {', '.join(self.names)}")
        stored = self.file.h5[f"metrics/{name}"]
        value = stored["value"] if isinstance(stored, h5py.Group) else stored
        error = stored["standard_error"][...] if isinstance(stored, h5py.Group) else np.full(value.shape, np.nan)
        return Metric(name, value[...], error, str(text(value.attrs["about"])))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def frame(self, errors: bool = False) -> pandas.DataFrame:
        """A table with a row a head and a column a metric; with `errors`, also a column NAME_se each."""
        columns = {}
        for name, metric in self.items():
            columns[name] = metric.value
            if errors:
                columns[f"{name}_se"] = metric.standard_error
        pandas = pandas_module()
        return pandas.DataFrame(columns, index=pandas.MultiIndex.from_tuples(self.heads, names=["layer", "head"]))
