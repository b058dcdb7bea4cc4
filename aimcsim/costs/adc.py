"""Energy and area of a converter by resolution, rate and node: a regression over published converters.

Source: [adc24], fitted to the ADC performance survey 1997-2023: the best energy at an effective number of bits, a rate
and a node, and the area that goes with it. Assumes: the nominal resolution is the effective one; four fifths of the
energy at the full rate are drawn for each conversion, a fifth in any case, as its authors do.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, exp, log

from aimcsim.costs.model import ActionCost, Source
from aimcsim.costs.parameters import Estimate, Parameters, nanometres, outside, rounded
from aimcsim.units import format_si

# [adc24] coefficients of the fit, natural logarithms; node in nm, rate in Hz, energy in pJ, area in um2.
FOM_AT_LOW_RATE_DB, FOM_PER_BIT_DB = 128.30684, 3.2205115
FOM_AT_1_HZ_DB, FOM_PER_LOG_RATE_DB = 213.78067, -2.87190304
ENERGY_INTERCEPT, ENERGY_PER_LOG_NODE, ENERGY_PER_LOG_BITS, ENERGY_RESIDUAL = (
    26.0495686,
    1.88003692,
    -2.82912561,
    -1.47020228,
)
AREA_INTERCEPT, AREA_PER_LOG_NODE, AREA_PER_LOG_RATE, AREA_PER_LOG_ENERGY = (
    1.34619164,
    0.99327947,
    0.18071539,
    0.29912426,
)
DYNAMIC = Fraction(4, 5)

LEAST_BITS, MOST_BITS = 4, 17
LEAST_RATE_HZ, MOST_RATE_HZ = 1e3, 1e10
LEAST_NODE_M, MOST_NODE_M = 4e-9, 1e-6


def energy_pj(bits: int, rate_hz: float, node_nm: float) -> float:
    """Return all energy of one conversion at the full rate, pJ."""
    signal_db = 6.020600 * bits + 1.760913
    fom_db = min(FOM_AT_1_HZ_DB + FOM_PER_LOG_RATE_DB * log(rate_hz), FOM_AT_LOW_RATE_DB + FOM_PER_BIT_DB * ceil(bits))
    fit = ENERGY_INTERCEPT + ENERGY_PER_LOG_NODE * log(node_nm) + ENERGY_PER_LOG_BITS * log(bits) + ENERGY_RESIDUAL
    return 0.5 * 10 ** ((signal_db - fom_db) / 10) * exp(fit)


def area_um2(rate_hz: float, node_nm: float, energy: float) -> float:
    """Return the area of a converter that takes `energy` pJ a conversion, um2."""
    logs = AREA_PER_LOG_NODE * log(node_nm) + AREA_PER_LOG_RATE * log(rate_hz) + AREA_PER_LOG_ENERGY * log(energy)
    return exp(AREA_INTERCEPT + logs)


def regression(asked: Parameters) -> Estimate:
    """Return what one converter of `bits` at `rate_hz` in `node_m` takes."""
    rate, node = float(asked.rate_hz), float(asked.node_nm)
    whole = energy_pj(asked.bits, rate, node)
    convert_j = rounded(DYNAMIC * Fraction(whole) / 10**12)
    static_w = rounded((1 - DYNAMIC) * Fraction(whole) / 10**12 * asked.rate_hz)
    said = (
        f"{asked.bits} bits, {format_si(asked.rate_hz, 'S/s')}, {nanometres(asked.node_m)}: {whole:.4g} pJ a conversion"
    )
    source = Source("adc24", "regression", f"{said}, a fifth of it drawn in any case")
    return Estimate(
        area_m2=rounded(area_um2(rate, node, whole) / 1e12),
        static_power_w=static_w,
        source=source,
        actions={"convert": ActionCost(convert_j, source, "derived", rate_hz=asked.rate_hz)},
        beyond=(
            *outside("a resolution", asked.bits, LEAST_BITS, MOST_BITS, lambda bits: f"{bits} bits"),
            *outside("a rate", asked.rate_hz, LEAST_RATE_HZ, MOST_RATE_HZ, lambda rate: format_si(rate, "S/s")),
            *outside("a node", asked.node_m, LEAST_NODE_M, MOST_NODE_M, lambda node: format_si(node, "m")),
        ),
    )
