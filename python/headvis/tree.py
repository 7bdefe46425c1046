# SPDX-License-Identifier: Apache-2.0
"""The data tree: the JSON that the page shows."""

from __future__ import annotations

import json
import pathlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headvis.files import Head, HeadName, WorkFileError, pandas_module

if TYPE_CHECKING:
    import pandas


class Tree:
    """A data tree in a folder. Each file is read when it is asked for, and again each time but config.json."""

    def __init__(self, folder: str | pathlib.Path) -> None:
        self.folder = pathlib.Path(folder)

    def read(self, path: str) -> Any:
        """A file of the tree, such as "scatter_data.json"."""
        file = self.folder / path
        try:
            return json.loads(file.read_bytes())
        except FileNotFoundError:
            raise WorkFileError(f"{file}: is missing; run make data to write it.") from None
        except ValueError as error:
            raise WorkFileError(f"{file}: is no JSON ({error}); run make data again.") from None

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json: model, heads, metrics with their descriptions, and `pipeline_config`, how it was made."""
        return dict(self.read("config.json"))

    @property
    def heads(self) -> list[Head]:
        """The heads of the tree."""
        return [Head(layer, head) for layer, head in self.config["heads"]]

    def head(self, head: HeadName) -> dict[str, Any]:
        """heads/L5H1.json: sequences with their attention, histograms, tables, statistics."""
        return dict(self.read(f"heads/{Head.of(head)}.json"))

    def cloud(self, head: HeadName) -> dict[str, Any]:
        """umap/L5H1.json: coordinates of the clouds, clusters and projected points."""
        return dict(self.read(f"umap/{Head.of(head)}.json"))

    def custom_sequences(self, head: HeadName) -> Any:
        """custom_sequences/L5H1.json: what was asked of the head with one's own prompts; empty if nothing was."""
        path = f"custom_sequences/{Head.of(head)}.json"
        return self.read(path) if (self.folder / path).exists() else []

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """scatter_data.json: a row a head, with layer, head and its metrics."""
        return list(self.read("scatter_data.json"))

    def frame(self) -> pandas.DataFrame:
        """The metrics as a table with a row a head."""
        return pandas_module().DataFrame(self.metrics).set_index(["layer", "head"])
