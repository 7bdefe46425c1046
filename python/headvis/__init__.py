# SPDX-License-Identifier: Apache-2.0
"""What HeadVis' tools write, as NumPy arrays.

    work = headvis.open("work")
    work.metrics["induction_score"].value      # [H], a number a head
    work.patterns("L5H1")[17].dense()          # [tokens, tokens], A[query, key]

Names and shapes are those of docs/work-files.md. Nothing is read before it is asked for. Where pandas is
installed, frame() gives the same as a table.
"""

from headvis.clouds import Cloud, CloudMatrix
from headvis.files import Head, WorkFileError, edit
from headvis.lists import Edges, Pattern, Patterns
from headvis.tree import Tree
from headvis.work import Model, Work

__all__ = [
    "Cloud", "CloudMatrix", "Edges", "Head", "Model", "Pattern", "Patterns", "Tree", "Work", "WorkFileError",
    "edit", "open", "tree",
]


def open(folder: str = "work") -> Work:  # noqa: A001: headvis.open is how it is called
    """The work files in a folder (make's WORK). Files are opened when they are first asked for."""
    return Work(folder)


def tree(folder: str = "data") -> Tree:
    """The data tree in a folder (make's DATA): what the page shows."""
    return Tree(folder)
