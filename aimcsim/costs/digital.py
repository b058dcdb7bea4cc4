"""Energy and area of digital arithmetic by operation and node, and of vector units made of it.

Source: [horowitz14] at 45 nm, [aladdin14] at 40 nm, [jouppi21] at 7 nm. Another node than an operation's own is reached
by the scaling of logic (see `nodes`), which has no 40 nm: what is known there alone stays there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from aimcsim.costs.model import ActionCost, Source
from aimcsim.costs.nodes import ENERGY, area_factor, energy_factor
from aimcsim.costs.parameters import Estimate, ModelError, Parameters, known_node, nanometres, rounded
from aimcsim.located import one_of


@dataclass(frozen=True, slots=True)
class Operation:
    """One arithmetic operation as it was published; an area of 0 is not known."""

    energy_pj: float
    node_nm: int
    source: Source
    area_um2: float = 0.0


_HOROWITZ, _ALADDIN = Source("horowitz14", "fig1.1.9"), Source("aladdin14", "40nm")

OPERATIONS: Mapping[str, Operation] = {
    "int8_add": Operation(0.03, 45, _HOROWITZ),
    "int32_add": Operation(0.1, 45, _HOROWITZ),
    "int8_mul": Operation(0.2, 45, _HOROWITZ),
    "int32_mul": Operation(3.1, 45, _HOROWITZ),
    "fp16_mul": Operation(1.1, 45, _HOROWITZ),
    "fp32_add": Operation(0.9, 45, _HOROWITZ),
    "fp32_mul": Operation(3.7, 45, _HOROWITZ),
    "add32": Operation(0.21, 40, _ALADDIN, 278.0),
    "mul32": Operation(12.68, 40, _ALADDIN, 6350.0),
    "compare32": Operation(0.0295, 40, _ALADDIN),
    "counter32": Operation(0.2507, 40, _ALADDIN),
    "register_bit": Operation(0.009, 40, _ALADDIN, 5.98),
    "bf16_mac": Operation(0.084, 7, Source("jouppi21", "7nm")),
}

LANE_AREA_UM2, LANE_AREA_NODE_NM = 278.0 + 6350.0, 40
"""[aladdin14] A 32-bit adder and a 32-bit multiplier, 40 nm: what one lane of a vector unit is made of."""


def operation(asked: Parameters) -> Estimate:
    """Return the energy of `operation`, one or several joined by `+`, in `node_m`."""
    names = [name.strip() for name in asked.operation.split("+")]
    for name in names:
        if name not in OPERATIONS:
            raise ModelError("operation", f"no such operation {one_of(name, OPERATIONS)}")
    energies = [_energy_pj(OPERATIONS[name], asked.node_m) for name in names]
    parts = [
        f"{name} {pj:.4g} pJ{_scaled(OPERATIONS[name], asked.node_m)}" for name, pj in zip(names, energies, strict=True)
    ]
    first = OPERATIONS[names[0]].source
    source = Source(first.reference, first.locator, " + ".join(parts))
    energy_j = rounded(Fraction(sum(energies)) / 10**12)
    return Estimate(source=source, actions={"": ActionCost(energy_j, source, "derived")})


def _energy_pj(one: Operation, node_m: Fraction) -> float:
    return one.energy_pj * _factor(one, node_m)


def _factor(one: Operation, node_m: Fraction) -> float:
    if node_m * 10**9 == one.node_nm:
        return 1.0
    if one.node_nm not in ENERGY:
        known_node(node_m, {one.node_nm: None})
    return energy_factor(one.node_nm, node_m)


def _scaled(one: Operation, node_m: Fraction) -> str:
    """Return how a node other than the published one was reached."""
    if node_m * 10**9 == one.node_nm:
        return ""
    return f" ({one.energy_pj:g} at {one.node_nm} nm x {_factor(one, node_m):.4g} of stillmaker17)"


def vector_unit(asked: Parameters) -> Estimate:
    """Return a unit of `lanes` adders and multipliers whose `op` is `operation` on one element.

    Its area is that of 40 nm; to other nodes it goes by the area of logic from 45 nm, the nearest that scaling knows.
    """
    op = operation(asked).actions[""]
    at_40 = asked.node_m * 10**9 == LANE_AREA_NODE_NM
    factor = 1.0 if at_40 else area_factor(45, asked.node_m)
    said = f"{asked.lanes} lanes x (278 um2 add32 + 6350 um2 mul32), 40 nm"
    how = said if at_40 else f"{said}, x {factor:.4g} of stillmaker17 from 45 nm to {nanometres(asked.node_m)}"
    return Estimate(
        area_m2=rounded(asked.lanes * LANE_AREA_UM2 * factor / 1e12),
        source=Source("aladdin14", "40nm", how),
        actions={"op": op},
    )
