"""When requests arrive: a process with a rate, or a file of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from aimcsim.errors import ConfigError, UnitError
from aimcsim.units import PS_PER_S, parse_quantity
from aimcsim.workload.arrival_file import LATEST_PS, read_arrivals

PROCESSES = ("poisson", "fixed", "burst")
FORMS = "poisson:RATE, fixed:RATE, burst:COUNT:RATE (RATE such as `2 kHz`), or the name of a CSV file"
MOST_IN_BURST = 1_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When each request arrives, ps after the first could be admitted, ascending.

    Attributes
    ----------
    said : str
        What was asked for, as the summary repeats it.
    """

    said: str
    times_ps: tuple[int, ...]


def arrivals(asked: str | Path | Sequence[int], requests: int | None, seed: int) -> Arrivals:
    """Return the arrivals of so many requests; without a number, of all that a file or list has, else of one.

    Parameters
    ----------
    asked : str, path or sequence of int
        ``poisson:RATE``: gaps are exponential and independent, drawn by Philox from `seed` and rounded to a picosecond.
        ``fixed:RATE``: request r arrives r periods after the begin, rounded down. ``burst:COUNT:RATE``: so many at
        once, bursts at a fixed rate. A path: a file that `read_arrivals` reads. A sequence: the times themselves, ps.

    Raises
    ------
    ConfigError, TraceError
        If it cannot be understood, has too few arrivals, or goes beyond `LATEST_PS`.
    """
    if not isinstance(asked, str | Path):
        return _counted("a list", _checked(asked), requests)
    process, colon, rest = str(asked).partition(":")
    if process in PROCESSES and colon:
        times = _of_process(process, rest, str(asked), requests or 1, seed)
        if times[-1] > LATEST_PS:
            raise ConfigError(f"--arrivals {asked}: request {len(times) - 1} arrives after {LATEST_PS} ps, the latest")
        return Arrivals(str(asked), times)
    if not _exists(Path(asked)):
        raise ConfigError(f"--arrivals takes {FORMS}; there is no file `{asked}`")
    return _counted(str(asked), read_arrivals(Path(asked)), requests)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _of_process(process: str, rest: str, asked: str, requests: int, seed: int) -> tuple[int, ...]:
    """Return the times of a process with a rate."""
    if process == "burst":
        count, colon, rest = rest.partition(":")
        if not colon or not count.isdecimal() or not 1 <= int(count) <= MOST_IN_BURST:
            raise ConfigError(f"--arrivals takes burst:COUNT:RATE, such as `burst:8:2 kHz` (got `{asked}`)")
        return tuple(_periodic(place // int(count), _rate(rest, asked)) for place in range(requests))
    rate = _rate(rest, asked)
    if process == "fixed":
        return tuple(_periodic(place, rate) for place in range(requests))
    generator = np.random.Generator(np.random.Philox(key=seed % (1 << 64)))
    gaps = generator.exponential(float(PS_PER_S / rate), requests)
    if gaps.sum() > LATEST_PS:
        return (LATEST_PS + 1,)
    times: list[int] = np.cumsum(np.rint(gaps).astype(np.int64)).tolist()
    return tuple(times)


def _rate(text: str, asked: str) -> Fraction:
    try:
        rate = parse_quantity(text, "frequency")
    except UnitError as error:
        raise UnitError(f"--arrivals {asked}: {error}") from error
    if not 0 < rate <= PS_PER_S:
        raise ConfigError(f"--arrivals {asked}: a rate is above 0 and at most 1 THz")
    return rate


def _periodic(place: int, rate: Fraction) -> int:
    """Return when a clock of some rate, in Hz, has its tick number `place`."""
    return place * PS_PER_S * rate.denominator // rate.numerator


def _checked(times: Sequence[int]) -> tuple[int, ...]:
    """Return times given as a list, after refusing what are none."""
    if not isinstance(times, Sequence | np.ndarray):
        raise ConfigError(f"arrivals must be text, a path or a list of picoseconds (got {times!r})")
    plain = [int(time) if isinstance(time, int | np.integer) else -1 for time in times]
    if any(not 0 <= time <= LATEST_PS for time in plain):
        raise ConfigError(f"arrivals must be whole picoseconds from 0 to {LATEST_PS}")
    if any(later < earlier for earlier, later in pairwise(plain)):
        raise ConfigError("arrivals must ascend")
    return tuple(plain)


def _counted(said: str, times: tuple[int, ...], requests: int | None) -> Arrivals:
    """Return the first so many of some times."""
    if not times:
        raise ConfigError("arrivals must have at least one time")
    if requests is not None and requests > len(times):
        raise ConfigError(f"{requests} requests, but {said} has the arrivals of {len(times)}")
    return Arrivals(said, times[:requests])
