"""IBM's speech chip [ambrogio23]: what its preset gives for each of its targets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from aimcsim.ops import Conv2d, Sliding, TensorShape
from aimcsim.run import simulate
from aimcsim.spec import ChipFile
from aimcsim.spec.rates import array_energy_j
from aimcsim.validation.registry import kept, preset, simulated
from aimcsim.validation.sim3d import encoders
from aimcsim.workload.graph import Layer, Workload

WIDTH = 512


@kept
def _chip() -> ChipFile:
    return preset("speech")


def _chain(layers: int) -> Workload:
    """Return so many layers in a row, each as large as a tile."""
    shape = TensorShape(1, 1, WIDTH)
    weight, bias = np.zeros((1, WIDTH, WIDTH), np.float32), np.zeros(WIDTH, np.float32)
    names = ["frame", *(f"step{number}" for number in range(layers))]
    made = [
        Layer(name, Conv2d(Sliding((1, 1), (1, 1)), weight, bias), (before,), shape) for before, name in pairwise(names)
    ]
    return Workload("chain", {"frame": shape}, tuple(made), (names[-1],))


@kept
def _frame_ns(steps: int) -> float:
    """Return the time of so many products in a row, each on a tile of its own that takes the pulses of the one before.

    Results of a step are there within it; so the frame ends when the product behind its last one could begin, which is
    as far behind the first one as their results are apart.
    """
    ops = simulate(_chip(), _chain(steps + 1), grain="vector").ops
    ends = ops["end_ps"][ops["kind"] == "mvm"]
    return float(ends.max() - ends.min()) / 1000


@simulated("speech.decoder_frame")
def decoder_frame_ns() -> float:
    """Return the time of a frame of the decoder, five steps."""
    return _frame_ns(5)


@simulated("speech.rnnt_step")
def rnnt_step_ns() -> float:
    """Return the time of a step of an RNNT chip, seven steps of its tiles."""
    return _frame_ns(7)


@simulated("speech.kws_frame")
def kws_frame_ns() -> float:
    """Return the time of a frame of keyword spotting, eight steps."""
    return _frame_ns(8)


def _devices() -> int:
    crossbar = _chip().tile.crossbar
    return _chip().instances("crossbar") * crossbar.rows * crossbar.cols


@simulated("speech.devices")
def devices_million() -> float:
    """Return the devices of all tiles."""
    return _devices() / 10**6


@simulated("speech.albert_fill")
def albert_fill_pct() -> float:
    """Return the part of them that the one encoder of ALBERT takes, whose weights all its layers share."""
    return 100 * encoders(1, 1).weights * _chip().cells_per_weight / _devices()


@simulated("speech.tile_eff")
def tile_efficiency_tops_w() -> float:
    """Return the operations of a product of a full tile over its energy."""
    operations = 2 * _chip().tile.crossbar.rows * _chip().weights_per_row
    return float(operations / array_energy_j(_chip()) / 10**12)
