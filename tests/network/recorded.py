"""Recorded cases and traces as networks and packets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aimcsim.network import FlitNetwork, Router, mesh, torus

PIPELINES = {"fast": "fast", "deflt": "default"}


class Case(NamedTuple):
    """Packets as (create, src, dst, flits), and the recorded cycles of their tails."""

    name: str
    network: FlitNetwork
    packets: list[tuple[int, int, int, int]]
    tails: list[int]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def network_of(row: dict[str, str]) -> FlitNetwork:
    size = int(row["k"])
    fabric = torus(size, size) if row.get("topology") == "torus" else mesh(size, size)
    return FlitNetwork(fabric, Router(int(row["vcs"]), int(row["buf"]), PIPELINES[row["pipeline"]]))


def cases(file: Path) -> Iterator[Case]:
    for row in rows_of(file):
        found = re.findall(r"t(\d+):(\d+)>(\d+):(\d+)", row["packets"])
        packets = [tuple(map(int, numbers)) for numbers in found]
        yield Case(row["case"], network_of(row), packets, list(map(int, row["booksim_tail"].split())))


def trace(file: Path) -> np.ndarray:
    """Rows of id, create, src, dst, flits, inject, head_eject, tail_eject."""
    return np.array([[int(cell) for cell in row.values()] for row in rows_of(file)])


def check_trace(folder: Path, row: dict[str, str]) -> None:
    recorded, network = trace(folder / row["file"]), network_of(row)
    network.offer_many(*recorded[:, 1:5].T)
    network.drain()
    found = network.packets()
    for name, column in (("inject", 5), ("head_eject", 6), ("tail_eject", 7)):
        assert (getattr(found, name) == recorded[:, column]).all(), (row["file"], name)
