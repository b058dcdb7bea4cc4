"""Node voltages of chains of resistor networks, by turning stars into meshes.

A node with conductances c to its neighbours can be taken out of a network if every two of them are joined by
``c_a c_b / sum of c`` more. Nothing is ever subtracted, so results are good to rounding for any mix of resistances, and
a wire of no resistance is simply one of very little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_OHM = 1e-30
"""What a wire of no resistance has: far below rounding beside any other."""


def siemens(ohm: float) -> float:
    """Return the conductance of a piece of wire."""
    return 1.0 / max(ohm, LEAST_OHM)


@dataclass(frozen=True, slots=True)
class Section:
    """The nodes of one section of a chain; further axes are independent networks side by side.

    Attributes
    ----------
    inside : [nodes, nodes, ...]    Conductances within the section, symmetric; the diagonal does not count.
    down : [nodes, ...]             From each node to the same node of the next section; 0 in the last section.
    known : [nodes, ...]            To nodes of known voltage, ground among them.
    drive : [nodes, ...]            Sum of these conductances times those voltages, ampere.
    """

    inside: Floats
    down: Floats
    known: Floats
    drive: Floats


@dataclass(frozen=True, slots=True)
class _Star:
    """A node taken out: its voltage is `own` plus `shares` of those of the nodes after it."""

    own: Floats
    shares: Floats


def node_voltages(sections: Sequence[Section]) -> Floats:
    """Return the voltages [sections, nodes, ...] of a chain. Every node must have a path to a known voltage.

    The work is of the order of ``sections * nodes^3``.
    """
    stars: list[_Star] = []
    above: Section | None = None
    for section in sections:
        above = _take_out(section, above, stars)
    return _voltages(stars, len(sections[0].inside)).reshape(len(sections), len(sections[0].inside), -1)


def _take_out(section: Section, above: Section | None, stars: list[_Star]) -> Section:
    """Take the nodes of `section` out; return what this leaves between those of the next section."""
    nodes = len(section.down)
    mesh = np.zeros((2 * nodes, 2 * nodes, *section.inside.shape[2:]))
    known = np.concatenate([section.known, np.zeros_like(section.known)])
    drive = np.concatenate([section.drive, np.zeros_like(section.drive)])
    mesh[:nodes, :nodes] = section.inside
    here, there = np.arange(nodes), np.arange(nodes, 2 * nodes)
    mesh[here, there] = mesh[there, here] = section.down
    if above is not None:
        mesh[:nodes, :nodes] += above.inside
        known[:nodes] += above.known
        drive[:nodes] += above.drive
    for node in range(nodes):
        arms = mesh[node, node + 1 :]
        total = arms.sum(axis=0) + known[node]
        shares = arms / total
        mesh[node + 1 :, node + 1 :] += shares[:, np.newaxis] * arms
        known[node + 1 :] += shares * known[node]
        drive[node + 1 :] += shares * drive[node]
        stars.append(_Star(drive[node] / total, shares))
    return Section(mesh[nodes:, nodes:], section.down, known[nodes:], drive[nodes:])


def _voltages(stars: Sequence[_Star], nodes: int) -> Floats:
    """Return the voltages of all nodes in order, from the last one taken out backwards."""
    voltage = np.zeros((len(stars) + nodes, *stars[0].own.shape))
    for index in range(len(stars) - 1, -1, -1):
        star = stars[index]
        after = voltage[index + 1 : index + 1 + len(star.shares)]
        voltage[index] = star.own + (star.shares * after).sum(axis=0)
    return voltage[: len(stars)]
