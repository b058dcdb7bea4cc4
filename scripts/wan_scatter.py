"""How much twelve programmings of rram_wan scatter where pairs are collapsed, and whether they meet their own gates.

    python scripts/wan_scatter.py [EXPERIMENTS]

Default: 250, some three minutes. An experiment is what `stats_stochastic.json` records: twelve programmings of one
matrix, its mean spread and compensation factor at 1 s, 1 day and 2 days. The equations are those of aihwkit 1.1.0,
`ReRamWan2022NoiseModel` with `SinglePairConductanceConverter`, in NumPy alone; nothing of aimcsim is used. Weights are
normal and clipped to [-1, 1] with the recorded deviation, new ones for each experiment.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

RECORDS = Path(__file__).resolve().parents[1] / "../shared/reference/numeric/stats_stochastic.json"
MODELS = {"ReRamWan2022_default_gmax25": 25.0, "ReRamWan2022_gmax40": 40.0}
SPREAD_US = {
    "1s": (0.348, 16.030, -43.853, 45.393, -16.815),
    "1day": (0.701, 22.086, -50.773, 47.095, -16.458),
    "2day": (0.782, 20.274, -43.507, 37.062, -11.934),
}
PROGRAMMINGS = 12
GATES = (0.02, 0.005)


def weights(rng: np.random.Generator, deviation: float) -> Reals:
    """Return normal weights in [-1, 1] with a deviation, the largest exactly 1."""
    drawn = rng.normal(0.0, 0.3, (256, 256))
    w: Reals = np.clip(drawn * deviation / np.clip(drawn, -1, 1).std(), -1, 1)
    w.flat[0] = 1.0
    return w


def spread(u: Reals, time: str, g_max_us: float, rng: np.random.Generator) -> Reals:
    """Return devices around the targets `u`, the fit in uS taken at any g_max as it stands."""
    sigma = np.polynomial.polynomial.polyval(u, SPREAD_US[time]) / g_max_us
    held: Reals = np.maximum(u + sigma * rng.standard_normal(u.shape), 0.0)
    return held


def programming(w: Reals, g_max_us: float, rng: np.random.Generator) -> Reals:
    """Return deviation of the weights and compensation factor at the three times: [time, (deviation, factor)]."""
    sides = np.stack([np.maximum(w, 0.0), np.maximum(-w, 0.0)])
    written = np.subtract(*spread(sides, "1s", g_max_us, rng))
    scale, size = np.abs(written).max(), np.abs(written).mean()
    later = [scale * np.subtract(*spread(sides, time, g_max_us, rng)) for time in SPREAD_US]
    return np.array([((now - w).std(), size / np.abs(now).mean()) for now in later])


def report(name: str, recorded: dict[str, Any], deviation: float, experiments: int) -> None:
    """Print how a model's means scatter, how far its records are off, and how often two experiments agree."""
    rng = np.random.default_rng(1)
    found = np.empty((experiments, len(SPREAD_US), 2))
    for one in found:
        w = weights(rng, deviation)
        one[:] = np.mean([programming(w, MODELS[name], rng) for _ in range(PROGRAMMINGS)], axis=0)
    half = experiments // 2
    agree = (np.abs(found[:half, None] / found[None, half : 2 * half] - 1.0) <= GATES).all(axis=-1)
    for index, time in enumerate(SPREAD_US):
        expected = np.array([recorded[time]["raw"]["w_err_std"], recorded[time]["alpha_mean"]])
        mean, scatter = found[:, index].mean(axis=0), found[:, index].std(axis=0, ddof=1)
        numbers = [
            f"{100 * scatter[i] / mean[i]:.2f} | {100 * (expected[i] / mean[i] - 1):+.2f}"
            f" ({(expected[i] - mean[i]) / scatter[i]:+.1f})"
            for i in range(2)
        ]
        print(f"| {name} | {time} | {' | '.join(numbers)} | {100 * agree[..., index].mean():.0f} |")
    print(f"all three times: {100 * agree.all(axis=-1).mean():.0f} % of pairs of experiments")


def main(experiments: int = 250) -> None:
    """Print the table of all models."""
    held = json.loads(RECORDS.read_text(encoding="utf-8"))
    print("| model | time | weights, scatter % | recorded off, % (scatters)", end=" | ")
    print("factor, scatter % | recorded off, % (scatters) | pairs agree, % |")
    print("|---|---|---|---|---|---|---|")
    for name in MODELS:
        report(name, held["aihwkit"][name], held["setup"]["W_std"], experiments)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
