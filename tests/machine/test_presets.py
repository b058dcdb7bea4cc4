"""Does every chip that comes with the package run, and do both engines agree about it?"""

import pytest

from aimcsim import simulate
from aimcsim.spec import preset_names

LAYERS = [
    "name: dot, kind: conv2d, out_channels: 16, kernel: 1, activation: relu",
    "name: deep, kind: conv2d, out_channels: 16, kernel: 3, pads: 1, groups: 16",
    "name: pool, kind: max_pool, kernel: 2",
    "name: sum, kind: add, inputs: [pool, pool]",
]

ATTENTION = ["name: seen, kind: attention, inputs: [x, x, x], heads: 2, causal: true"]


@pytest.mark.parametrize("chip", preset_names())
def test_every_preset_runs_alike_on_both_engines(workload, chip):
    # Convolution, depthwise convolution, pooling and sum; hermes-core has one crossbar, and so room for the first, and
    # gaincell has room for attention alone.
    layers = {"hermes-core": LAYERS[:1], "gaincell": ATTENTION}.get(chip, LAYERS)
    net = workload([6, 6, 8], layers, [layers[-1].split(",")[0].removeprefix("name: ")])
    fast, reference = (
        simulate(chip, net, requests=2, grain="vector", engine=engine) for engine in ("fast", "reference")
    )

    assert fast.ops.records() == reference.ops.records()
    assert fast.summary["energy_j"] == reference.summary["energy_j"]
    assert fast.summary["energy_j"]["total"] > 0
