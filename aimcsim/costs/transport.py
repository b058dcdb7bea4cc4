"""Energy of moving a flit: through a router and over a link of a length.

Source: [noxim], which states no node, so nothing here is scaled to one. Assumes: routers of five ports with buffers of
four flits, and dimension-order routing.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from aimcsim.costs.model import ActionCost, Source
from aimcsim.costs.parameters import Estimate, Parameters, outside, rounded

# [noxim] power.yaml: pJ a flit by the bits of a flit.
PUSH_PJ: Mapping[int, float] = {32: 0.762, 64: 1.50}
POP_PJ: Mapping[int, float] = {32: 0.534, 64: 1.03}
CROSSBAR_PJ: Mapping[int, float] = {32: 0.221, 64: 0.400, 128: 0.80}
ROUTING_PJ, SELECTION_PJ = 0.060, 0.050

# [noxim] power.yaml: fJ a bit by the millimetres of a link.
LINK_FJ_PER_BIT: Mapping[float, float] = {0.5: 25.0, 1.0: 48.8, 2.0: 96.3, 3.0: 143.0}


def line(table: Mapping[int, float] | Mapping[float, float], at: float) -> float:
    """Return what a table says at a place: straight between its neighbours, or through the nearest two beyond it."""
    known = sorted(table.items())
    place = min(max(1, sum(x < at for x, _ in known)), len(known) - 1)
    (x0, y0), (x1, y1) = known[place - 1], known[place]
    return y0 + (at - x0) / (x1 - x0) * (y1 - y0)


def router(asked: Parameters) -> Estimate:
    """Return the energy of one flit of `bits` through a router, and over a link of `length_m` if one is given."""
    bits, length_mm = asked.bits, float(asked.length_m * 1000)
    stored = line(PUSH_PJ, bits) + line(POP_PJ, bits)
    crossed = line(CROSSBAR_PJ, bits)
    moved = bits * line(LINK_FJ_PER_BIT, length_mm) / 1000 if length_mm else 0.0
    how = f"{bits} bits: buffer {stored:.4g} + crossbar {crossed:.4g} + routing 0.06 + selection 0.05"
    how += f" + {moved:.4g} pJ for {length_mm:g} mm of link" if length_mm else " pJ"
    energy_pj = stored + crossed + ROUTING_PJ + SELECTION_PJ + moved
    beyond = outside("a flit", bits, min(PUSH_PJ), max(PUSH_PJ), lambda width: f"{width} bits")
    return _one(energy_pj, how, (*beyond, *(_length_beyond(length_mm) if length_mm else ())))


def link(asked: Parameters) -> Estimate:
    """Return the energy of `bits` over a link of `length_m`; 8 bits if they are not given."""
    bits, length_mm = asked.bits or 8, float(asked.length_m * 1000)
    per_bit = line(LINK_FJ_PER_BIT, length_mm)
    return _one(
        bits * per_bit / 1000, f"{bits} bits x {per_bit:.4g} fJ for {length_mm:g} mm", _length_beyond(length_mm)
    )


def _one(energy_pj: float, how: str, beyond: tuple[str, ...]) -> Estimate:
    source = Source("noxim", "power_yaml", how)
    cost = ActionCost(rounded(Fraction(energy_pj) / 10**12), source, "derived")
    return Estimate(source=source, actions={"": cost}, beyond=beyond)


def _length_beyond(length_mm: float) -> tuple[str, ...]:
    return outside("a link", length_mm, min(LINK_FJ_PER_BIT), max(LINK_FJ_PER_BIT), lambda mm: f"{float(mm):g} mm")
