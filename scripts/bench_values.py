#!/usr/bin/env python3
"""Measure products of analog values against NumPy's float32 product of the same shape.

Usage: ``scripts/bench_values.py`` with the Python that has aimcsim installed active. Everything runs in one process on
one thread and in turn, over and over. What counts is the least processor time of each, since other work on the machine
can only add to it. A ratio is the time of the faster of NumPy's two forms, ``x @ w.T`` and ``x @ wt`` with wt
contiguous, over the time of the product: 1 is as fast as NumPy without any converters.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")  # read when NumPy is imported

import numpy as np  # noqa: E402

from aimcsim import _kernels  # noqa: E402
from aimcsim._kernels import Converters, Levels, Noise, Product, converted_product, serial_planes, sliced_product  # noqa: E402
from aimcsim.analog import AnalogMatrix, AnalogSpec, ConverterSpec, InputSpec, RangeSpec, WireSpec, program  # noqa: E402
from aimcsim.analog.devices import Generic  # noqa: E402

SIDE = 256
BATCHES = (1, 64, 1024)
SLICES, CELL_BITS, INPUT_BITS = 4, 2, 7
DAC8 = Levels(1 / 127, -127, 127)
ADC8 = Converters(Levels(20 / 127, -127, 127))
PEER_PRODUCT = (2.3e5, 7.5e5, 7.4e5)
"""NumPy's products per second of one core on the machine that the peers were measured on, by batch."""
PEERS: dict[str, tuple[float | None, float | None, float | None]] = {
    "DAC8 + ADC8": (9.4e4, 5.0e5, 5.9e5),  # aihwkit 1.2.0 C++ tile; CrossSim 3.2.0; CrossSim
    "read noise": (1.5e4, 1.7e4, 1.6e4),  # aihwkit 1.2.0 C++ tile with PCM_READ; CrossSim 421, 284 and none
    "slices, integer": (1.7e3, 7.5e3, 5.3e3),  # CrossSim 3.2.0, balanced; offset; balanced
    "slices, real": (1.7e3, 7.5e3, 5.3e3),
}
"""The most products per second that any peer gave, by batch: CrossSim 3.2.0, aihwkit 1.2.0, aihwkit-lightning 2.1.0."""
Row = dict[str, Any]
Call = Callable[[], Any]


def sliced(state: np.ndarray) -> Product:
    """Return a read of slices [K, slices * N] bit by bit, a converter at each."""
    planes, weights = serial_planes(INPUT_BITS)
    factors = np.repeat([[float(1 << CELL_BITS * index)] for index in range(SLICES)], SIDE, axis=1)
    converters = Converters(Levels(4, -127, 127))
    return sliced_product(state, drivers=DAC8, planes=planes, weights=weights, converters=converters, factors=factors)


def products(weights: np.ndarray, numbers: np.random.Generator) -> dict[str, Product]:
    """Return what is measured, with the instruction set that is active now."""
    level = np.rint(weights * 127).astype(np.int64)
    mask = (1 << CELL_BITS) - 1
    digits = [np.sign(level) * (np.abs(level) >> CELL_BITS * index & mask) for index in range(SLICES)]
    state = np.concatenate(digits, axis=1)
    programmed = state * (1 + 0.01 * numbers.standard_normal(state.shape))
    return {
        "no converters": converted_product(weights),
        "DAC8 + ADC8": converted_product(weights, drivers=DAC8, converters=ADC8),
        "read noise": converted_product(weights, drivers=DAC8, converters=ADC8, noise=Noise((0.01 * weights) ** 2)),
        "slices, integer": sliced(state.astype(np.int8)),
        "slices, real": sliced(programmed.astype(np.float32)),
    }


def matrices(weights: np.ndarray) -> dict[str, AnalogMatrix]:
    """Return what is measured through the public face, checks and drawing of noise included."""
    fixed, each = InputSpec(bits=8), InputSpec(bits=8, range="abs_max")
    limits = RangeSpec(kind="fixed", bounds=((-20.0, 20.0),))
    converter = ConverterSpec(kind="uniform", bits=8, levels="symmetric", range=limits)
    noisy, wires = Generic(read=0.01, law="proportional"), WireSpec(input_pitch_ohm=1.0, output_pitch_ohm=1.0)
    specs = {
        "matrix, DAC8 + ADC8": AnalogSpec(inputs=fixed, converter=converter),
        "matrix, DAC8 + ADC8, abs-max range": AnalogSpec(inputs=each, converter=converter),
        "matrix, DAC8 + ADC8, wires": AnalogSpec(inputs=fixed, converter=converter, wires=wires),
        "matrix, read noise, drawn": AnalogSpec(inputs=fixed, converter=converter, device=noisy),
    }
    return {name: program(weights, spec) for name, spec in specs.items()}


def calls(batch: int) -> dict[str, Call]:
    """Return everything to be timed at a batch, with the instruction set that is active now."""
    numbers = np.random.default_rng(0)
    weights = np.clip(numbers.normal(0, 0.3, (SIDE, SIDE)), -1, 1).astype(np.float32)
    rows = np.ascontiguousarray(weights.T)
    x = numbers.uniform(-1, 1, (batch, SIDE)).astype(np.float32)
    full = np.where(x < 0, np.float32(-1), np.float32(1))
    scale = np.abs(x).max(axis=1)
    normal = numbers.standard_normal((batch, SIDE))
    made = products(weights, numbers)
    eight_bits, noisy = made["DAC8 + ADC8"], made["read noise"]
    integer, real = made["slices, integer"], made["slices, real"]
    faces: dict[str, Call] = {name: partial(matrix.outputs, x) for name, matrix in matrices(weights).items()}
    return {
        "x @ w.T": lambda: x @ rows.T,
        "x @ wt": lambda: x @ weights,
        "no converters": lambda: made["no converters"].outputs(x),
        "DAC8 + ADC8": lambda: eight_bits.outputs(x),
        "DAC8 + ADC8, a scale for each vector": lambda: eight_bits.outputs(x, scale),
        "DAC8 + ADC8, with codes": lambda: eight_bits.conversions(x),
        "read noise": lambda: noisy.outputs(x, None, normal),
        "slices, integer": lambda: integer.outputs(x),
        "slices, integer, all bits set": lambda: integer.outputs(full),
        "slices, real": lambda: real.outputs(x),
        "slices, real, all bits set": lambda: real.outputs(full),
        **faces,
    }


def least_times(timed: dict[str, Call], seconds: float, batch: int) -> dict[str, float]:
    """Return the least processor time of each call, in seconds, over turns that last `seconds` together."""
    repeats = max(1, 20 // batch)  # enough for the clock's own time not to count
    least = dict.fromkeys(timed, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in timed.items():
            call()
            start = time.process_time()
            for _ in range(repeats):
                call()
            least[name] = min(least[name], (time.process_time() - start) / repeats)
    return least


def measure(isa: str, batch: int, seconds: float) -> list[Row]:
    """Return a row for each product."""
    _kernels.select(isa)
    least = least_times(calls(batch), seconds, batch)
    numpy_s = min(least.pop("x @ w.T"), least.pop("x @ wt"))
    index = BATCHES.index(batch)
    rows: list[Row] = []
    for case, product_s in least.items():
        peer = PEERS.get(case, (None, None, None))[index]
        row = {"case": case, "isa": isa, "batch": batch, "us": product_s * 1e6, "numpy_us": numpy_s * 1e6}
        peer_ratio = peer and peer / PEER_PRODUCT[index]
        rows.append({**row, "ratio": numpy_s / product_s, "peer_ratio": peer_ratio})
    return rows


def machine() -> str:
    """Return the processor's name (Linux), and NumPy's version."""
    info = Path("/proc/cpuinfo")
    names = [line.split(": ")[1] for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, NumPy {np.__version__}"


def markdown(rows: list[Row]) -> str:
    """Return the table of docs/performance.md."""
    isas = list(dict.fromkeys(row["isa"] for row in rows))
    heads = [f"{isa}, batch {batch}" for isa in isas for batch in BATCHES]
    lines = [f"| product | {' | '.join(heads)} | best peer |", f"|---|{'---:|' * len(heads)}---:|"]
    for case in dict.fromkeys(row["case"] for row in rows):
        of_case = {(row["isa"], row["batch"]): row for row in rows if row["case"] == case}
        ratios = [f"{of_case[isa, batch]['ratio']:.2g}" for isa in isas for batch in BATCHES]
        peers = [of_case[isas[0], batch]["peer_ratio"] for batch in BATCHES]
        peer = " / ".join("-" if ratio is None else f"{ratio:.2g}" for ratio in peers) if any(peers) else "-"
        lines.append(f"| {case} | {' | '.join(ratios)} | {peer} |")
    times = ", ".join(
        f"{min(row['numpy_us'] for row in rows if row['batch'] == batch):.3g} us at batch {batch}" for batch in BATCHES
    )
    return "\n".join([*lines, "", f"{machine()}; NumPy: {times}"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure products of analog values against NumPy's.")
    there = [name for name in _kernels.implementations() if name != "twin"][::-1]
    parser.add_argument("--isa", choices=there, nargs="+", default=there, help="instruction sets (default: all)")
    parser.add_argument("--seconds", type=float, default=8, help="time for each batch and instruction set (default: 8)")
    parser.add_argument("--json", action="store_true", help="print every figure (default: the table of the docs)")
    options = parser.parse_args()
    rows = [row for isa in options.isa for batch in BATCHES for row in measure(isa, batch, options.seconds)]
    print(json.dumps({"machine": machine(), "rows": rows}, indent=2) if options.json else markdown(rows))


if __name__ == "__main__":
    main()
