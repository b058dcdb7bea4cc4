"""A run with several seeds: where the figures lie that depend on what is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aimcsim.errors import ConfigError
from aimcsim.run import Run, simulate
from aimcsim.spec.chip_file import ChipFile
from aimcsim.workload.graph import Workload

MOST_SEEDS = 10_000

DRAWN = (
    "latency_ps.mean",
    "latency_ps.p50",
    "latency_ps.p99",
    "latency_ps.max",
    "throughput_per_s",
    "ops_per_s",
    "outputs_checked.max_rel_err",
    "outputs_checked.agreement",
    "outputs_checked.accuracy",
)
"""Figures of a summary that seeds move and that no grade has a range for, by their paths in it."""


def simulate_seeds(
    chip: ChipFile | str | Path, workload: Workload | str | Path, *, seeds: int, seed: int = 0, **options: Any
) -> Run:
    """Return the run of the first of several seeds, its `ranges` over all of them.

    A range is from the lowest end to the highest over the seeds, each with what its costs are graded; a figure that no
    grade has a range for lies between the least and the most that occurred. Tables and outputs are of the first seed.

    Parameters
    ----------
    chip, workload, options   As `aimcsim.simulate`, without `components`.
    seeds : int               How many: `seed`, `seed` + 1, ...

    Raises
    ------
    ConfigError
        If nothing that is asked for depends on a seed. What `simulate` raises.
    """
    _check(seeds, options)
    first = simulate(chip, workload, seed=seed, **options)
    if seeds > 1:
        others = (simulate(chip, workload, seed=seed + number, **options).summary for number in range(1, seeds))
        found = list(map(_ranges, (first.summary, *others)))
        first.summary["ranges"] = {name: _hull([one[name] for one in found]) for name in found[0]}
        first.summary["seeds"] = seeds
    return first


def _check(seeds: object, options: Mapping[str, Any]) -> None:
    if not isinstance(seeds, int) or not 1 <= seeds <= MOST_SEEDS:
        raise ConfigError(f"--seeds must be a whole number from 1 to {MOST_SEEDS} (got {seeds!r})")
    if options.get("components"):
        raise ConfigError("components of your own are attached to one run, not to one for each of several seeds")
    drawn = str(options.get("arrivals")).startswith("poisson:") or options.get("analog") == "analog"
    if seeds > 1 and not drawn:
        raise ConfigError(
            f"--seeds {seeds}: nothing is drawn, so every seed gives the same; "
            "drawn are `--arrivals poisson:RATE` and the errors of devices, `--analog analog`"
        )


def _ranges(summary: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the ranges that a run has of its costs, and the figures that have none as ranges without width."""
    return {**summary["ranges"], **{name: [value, value] for name, value in _drawn(summary)}}


def _drawn(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for path in DRAWN:
        outer, _, inner = path.partition(".")
        value = (summary.get(outer) or {}).get(inner) if inner else summary.get(outer)
        if value is not None:
            yield path, value


def _hull(ranges: Sequence[Sequence[float]]) -> list[float]:
    return [min(low for low, _ in ranges), max(high for _, high in ranges)]
