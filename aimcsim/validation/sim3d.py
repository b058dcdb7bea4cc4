"""The three-dimensional machine as its authors simulate it [sim3d]: what its preset gives for each of its targets."""

from __future__ import annotations

from functools import partial

import numpy as np

from aimcsim.ops import RELU, Activation, Add, Attention, Conv2d, LayerKind, LayerNorm, LazyArray, Sliding, TensorShape
from aimcsim.run import simulate
from aimcsim.validation.registry import kept, preset, simulated
from aimcsim.workload.graph import Layer, Workload
from aimcsim.workload.weights import random_weight

MODEL, HEADS, HIDDEN = 768, 12, 3072


def encoders(count: int, tokens: int) -> Workload:
    """Return a stack of transformer encoders with norms behind the sums, the shapes of BERT-base."""
    layers: list[Layer] = []
    shape = TensorShape(1, tokens, MODEL)

    def add(name: str, op: LayerKind, *inputs: str, length: int = MODEL) -> str:
        layers.append(Layer(name, op, inputs, TensorShape(1, tokens, length)))
        return name

    def linear(name: str, taken: str, k: int, n: int) -> str:
        weight = LazyArray((1, k, n), partial(random_weight, name, 1, k, n))
        op = Conv2d(Sliding((1, tokens), (1, 1)), weight, np.zeros(n, np.float32))
        return add(name, op, taken, length=n)

    def norm(name: str, taken: str) -> str:
        return add(name, LayerNorm(np.ones(MODEL, np.float32), np.zeros(MODEL, np.float32)), taken)

    taken = "tokens"
    for number in range(count):
        at = f"encoder{number}"
        met = [linear(f"{at}.{part}", taken, MODEL, MODEL) for part in ("query", "key", "value")]
        seen = linear(f"{at}.out", add(f"{at}.attention", Attention(HEADS), *met), MODEL, MODEL)
        first = norm(f"{at}.norm1", add(f"{at}.sum1", Add(), seen, taken))
        up = add(f"{at}.relu", Activation(RELU), linear(f"{at}.up", first, MODEL, HIDDEN), length=HIDDEN)
        down = linear(f"{at}.down", up, HIDDEN, MODEL)
        taken = norm(f"{at}.norm2", add(f"{at}.sum2", Add(), down, first))
    return Workload(f"{count} encoders, {tokens} tokens", {"tokens": shape}, tuple(layers), (taken,))


@kept
def encoders_ns(count: int, tokens: int, attention_units: int = 96, digital_units: int = 288) -> float:
    """Return the time from the first product to the last norm; bringing tokens in is no part of it there."""
    units = {"attention_unit": attention_units, "digital_unit": digital_units}
    chip = preset("sim3d", [f"tile.slots.{name}.count={number}" for name, number in units.items()])
    ops = simulate(chip, encoders(count, tokens), grain="layer").ops
    begin, end = ops["start_ps"][ops["kind"] == "mvm"].min(), ops["end_ps"][ops["kind"] == "vector"].max()
    return float(end - begin) / 1000


@simulated("sim3d.encoder_1")
def encoder_1_ns() -> float:
    """Return the time of one encoder with one token."""
    return encoders_ns(1, 1)


@simulated("sim3d.encoder_64")
def encoder_64_ns() -> float:
    """Return the time of one encoder with 64 tokens."""
    return encoders_ns(1, 64)


@simulated("sim3d.encoders_12")
def encoders_12_ns() -> float:
    """Return the time of twelve encoders with 32 tokens."""
    return encoders_ns(12, 32)


@simulated("sim3d.encoders_2")
def encoders_2_ns() -> float:
    """Return the time of two encoders with 16 tokens."""
    return encoders_ns(2, 16)


@simulated("sim3d.few_units")
def few_units_ns() -> float:
    """Return the same with one attention unit and four digital ones."""
    return encoders_ns(2, 16, 1, 4)


@simulated("sim3d.one_unit")
def one_unit_ns() -> float:
    """Return the same with one unit of each kind."""
    return encoders_ns(2, 16, 1, 1)
