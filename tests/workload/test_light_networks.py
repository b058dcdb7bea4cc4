"""The networks that come with the `onnx` package load as they are, quickly, and have their known sizes."""

import csv
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aimcsim.ops import Conv2d, MatrixKind
from aimcsim.workload import Workload, load_workload

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")

# Multiply-accumulates and matrix weights. Those of DenseNet are derived below.
TOTALS = {
    "bvlc_alexnet": (654_560_384, 60_954_656),
    "vgg19": (19_632_062_464, 143_652_544),
    "resnet50": (4_089_184_256, 25_502_912),
    "squeezenet": (349_151_936, 1_231_552),
    "shufflenet": (124_664_528, 1_365_464),
}


def light(name: str) -> Path:
    """The file of a network, whose weights are all one number."""
    return Path(onnx.__file__).parent / f"backend/test/data/light/light_{name}.onnx"


@pytest.mark.parametrize("name", TOTALS)
def test_the_totals_are_those_that_are_known(name: str) -> None:
    workload = load_workload(light(name))
    assert (workload.macs, workload.weights) == TOTALS[name]


@pytest.mark.parametrize("name", TOTALS)
def test_every_layer_with_weights_has_its_known_shape(shared_dir: Path, name: str) -> None:
    """Reference tables give groups, rows, columns and products of each layer, in order."""
    with (shared_dir / f"workloads/shapes/{name}.csv").open() as file:
        expected = [
            tuple(int(row[column]) for column in ("groups", "rows", "cols", "mvms", "weights", "macs"))
            for row in csv.DictReader(file)
        ]
    assert shapes(load_workload(light(name))) == expected


def shapes(workload: Workload) -> list[tuple[int, ...]]:
    """Groups, rows, columns, output vectors, weights and multiply-accumulates of each layer with weights."""
    return [
        (*layer.op.matrix_shape, layer.shape.vectors, layer.weights, layer.macs)
        for layer in workload.layers
        if isinstance(layer.op, MatrixKind)
    ]


def dense_block(channels: int, pixels: int, layers: int) -> tuple[int, int]:
    """Products and weights of a dense block: 1 x 1 to 128 channels, then 3 x 3 to 32 that are joined to the rest."""
    weights = sum((channels + 32 * i) * 128 + 9 * 128 * 32 for i in range(layers))
    return weights * pixels, weights


def test_densenet_has_the_layers_of_its_paper() -> None:
    # Stem 7 x 7 to 64 channels on 112 x 112; blocks of 6, 12, 24, 16 layers, between them 1 x 1 to half the channels;
    # in this file the classes are a 1 x 1 convolution.
    macs, weights = 3 * 49 * 64 * 112**2, 3 * 49 * 64
    channels = 64
    for layers, side in ((6, 56), (12, 28), (24, 14), (16, 7)):
        block = dense_block(channels, side**2, layers)
        channels += 32 * layers
        half = channels * (channels // 2) if side > 7 else 0
        macs, weights = macs + block[0] + half * side**2, weights + block[1] + half
        channels = channels // 2 if side > 7 else channels
    workload = load_workload(light("densenet121"))
    assert (workload.macs, workload.weights) == (macs + 1024 * 1000, weights + 1024 * 1000)
    # Its normalisations stand before the convolutions and cannot become part of them: one for each but the stem's.
    assert sum(layer.kind == "affine" for layer in workload.layers) == 62


@pytest.mark.parametrize(("name", "joins"), [("inception_v1", 9), ("inception_v2", 10)])
def test_inception_loads_with_all_its_branches(name: str, joins: int) -> None:
    workload = load_workload(light(name))
    assert sum(layer.kind == "concat" for layer in workload.layers) == joins
    assert workload.layers[-1].kind == "softmax"
    assert workload.layers[-1].shape.elements == 1000


def test_a_channel_shuffle_moves_channels_and_no_pixels() -> None:
    workload = load_workload(light("shufflenet"))
    moves = [layer for layer in workload.layers if layer.kind == "reshape"]
    assert len(moves) == 16
    for layer in moves:
        (window,) = layer.op.windows(*workload.input_shapes(layer))
        assert window.needs.tolist() == list(range(layer.shape.vectors))


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet"])
def test_values_are_those_of_onnxruntime(name: str, same_as_onnxruntime: object) -> None:
    # One image: the network's batch is 1. Weights of one number hide orders, which random graphs test.
    samples = np.random.default_rng(0).random((1, 3, 224, 224)).astype(np.float32)
    same_as_onnxruntime(light(name), samples)  # type: ignore[operator]


def test_a_weight_of_one_number_takes_the_memory_of_one() -> None:
    for layer in load_workload(light("vgg19")).layers:
        if isinstance(layer.op, Conv2d):
            assert set(layer.op.weight.strides) == {0}


LOAD = """
import sys, aimcsim
aimcsim.load_workload(sys.argv[1])
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("name", ["resnet50", "vgg19"])
def test_loading_takes_less_than_two_seconds_and_little_memory(name: str, tmp_path: Path) -> None:
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", LOAD, light(name)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, with all imports: a machine that does other things must not fail this.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2, time.perf_counter() - begin
    # Its own peak, in KiB. The weights alone would take 102 and 575 MB.
    assert int(result.stdout) * 1024 < 150e6
