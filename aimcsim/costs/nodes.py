"""How logic changes from one technology node to another; not converters, which have a regression, and not cells.

Source: [stillmaker17], fitted to simulations of logic with predictive models. Assumes: 0.8 V, and that an operation is
built from the same gates in both nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from aimcsim.costs.parameters import known_node

SUPPLY_V = 0.8

# [stillmaker17] energy of a gate, relative: a V^2 + b V + c.
ENERGY: Mapping[int, tuple[float, float, float]] = {
    130: (7.171, -6.709, 2.904),
    90: (4.762, -4.781, 2.092),
    65: (3.755, -4.398, 1.975),
    45: (1.103, -0.362, 0.2767),
    32: (0.9559, -0.7823, 0.471),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
    10: (0.2068, -0.09311, 0.02375),
    7: (0.1776, -0.09097, 0.02447),
}
AREA: Mapping[int, float] = {
    130: 14, 90: 6.1, 65: 3.3, 45: 2.2, 32: 1, 20: 0.46, 16: 0.41, 14: 0.38, 10: 0.22, 7: 0.13,
}  # fmt: skip
"""[stillmaker17] Area of a gate over that at 32 nm."""


def energy_factor(from_nm: int, to_m: Fraction) -> float:
    """Return by what the energy of an operation is multiplied; `ModelError` if the node is not in the tables."""
    to_nm = known_node(to_m, ENERGY)
    return 1.0 if to_nm == from_nm else _energy(to_nm) / _energy(from_nm)


def area_factor(from_nm: int, to_m: Fraction) -> float:
    """Return by what the area of logic is multiplied; `ModelError` if the node is not in the tables."""
    to_nm = known_node(to_m, AREA)
    return 1.0 if to_nm == from_nm else AREA[to_nm] / AREA[from_nm]


def _energy(node_nm: int) -> float:
    a, b, c = ENERGY[node_nm]
    return a * SUPPLY_V**2 + b * SUPPLY_V + c
