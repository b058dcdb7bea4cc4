"""What the trained networks lose by noise on their weights, beside what is recorded for them: a table for the docs.

    python scripts/accuracy_bands.py [SEEDS [SAMPLES]]

Default: 5 programmings, all samples. The recorded accuracies are those of float activations and whole matrices with
normal noise on every weight, its deviation a part of the largest weight of the matrix (`tensor`) or of its column. Here
weights stand in single cells of 8 bits, whose conductances get that noise when they are programmed; inputs have 10 bits
or more and no code clips. Right of the slash: the same noise added to the weights of the float network, and what is
recorded. MNIST is read from ../shared, beside the checkout.
"""

from __future__ import annotations

import gzip
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aimcsim import evaluate, load_workload
from aimcsim.accuracy import Evaluation
from aimcsim.ops import MatrixKind
from aimcsim.workload import Workload
from aimcsim.workload.graph import Layer

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT / "../shared"
SIGMAS = (0.01, 0.02, 0.05)
RECORDED_SEEDS = 3

# Accuracy in float, and with noise of 1, 2 and 5 % of the largest weight.
RECORDED = {
    ("digits_mlp", "tensor"): (0.992, 0.990, 0.989, 0.981),
    ("digits_resnet8", "tensor"): (0.997, 0.997, 0.996, 0.994),
    ("digits_dscnn", "tensor"): (0.992, 0.984, 0.982, 0.959),
    ("digits_dscnn", "column"): (0.992, 0.989, 0.986, 0.986),
    ("mnist_lenet5", "tensor"): (0.984, 0.984, 0.985, 0.983),
    ("mnist_dscnn", "tensor"): (0.979, 0.977, 0.968, 0.613),
    ("mnist_dscnn", "column"): (0.979, 0.978, 0.978, 0.968),
    ("mnist_resnet8", "tensor"): (0.985, 0.984, 0.983, 0.949),
}

LARGE = ("tile.crossbars=1024", "tile.crossbar.cells=offset", "tile.crossbar.cell_bits=8", "tile.adc.step=1")
# One group of a depthwise layer an array, so that no cell holds anything but a weight.
ARRAYS = {
    True: ("tile.crossbar.rows=16", "numbers.input_bits=12", "tile.adc.bits=12"),
    False: ("tile.crossbar.rows=64", "numbers.input_bits=10", "tile.adc.bits=14"),
}
DIGITS = 127 / 255
"""A weight of the largest magnitude is 127 of the 255 digits of a cell."""


@dataclass(frozen=True)
class Samples:
    """A trained network with its test samples and their labels."""

    network: Workload
    inputs: dict[str, np.ndarray]

    @classmethod
    def of(cls, name: str, count: int | None = None) -> Samples:
        """Return the first `count` test samples of a network; of MNIST those it was not trained on."""
        if name.startswith("digits"):
            path = ROOT / "traces" / f"{name}.onnx"
            with np.load(ROOT / "traces/digits_test.npz") as stored:
                images, labels = stored["input"], stored["labels"]
        else:
            path = SHARED / "workloads/own_trained" / f"{name}.onnx"
            images, labels = _mnist()
        network = load_workload(path)
        (key,) = network.inputs
        shaped = images.reshape(len(images), *network.layout(key).index.shape)
        return cls(network, {key: shaped[:count], "labels": labels[:count]})

    @property
    def grouped(self) -> bool:
        """Whether a layer has several groups."""
        shapes = (getattr(layer.op, "matrix_shape", (1,)) for layer in self.network.layers)
        return any(shape[0] > 1 for shape in shapes)

    def noisy(self, sigma: float, scale: str, seeds: int) -> Evaluation:
        """Return what comes of noise of `sigma` on every weight."""
        errors = ("tile.analog.device=generic", f"tile.analog.parameters={{programming: {sigma * DIGITS}}}")
        overrides = [*LARGE, *ARRAYS[self.grouped], *errors, f"tile.analog.weight_scale={scale}"]
        return evaluate("tiny", self.network, self.inputs, analog="analog", seeds=seeds, overrides=overrides)

    def noisy_float(self, sigma: float, scale: str, seeds: int) -> list[float]:
        """Return accuracies of the same noise added to the weights of the float network: what no array computes."""
        networks = [_with_noise(self.network, sigma, scale, np.random.default_rng(seed)) for seed in range(seeds)]
        found = [evaluate("tiny", network, self.inputs, overrides=["tile.crossbars=1024"]) for network in networks]
        return [float(one.accuracy[0]) for one in found if one.accuracy is not None]

    def eight_bits(self) -> Evaluation:
        """Return what comes of 8-bit weights and inputs and converters that lose nothing."""
        wide = ["tile.crossbars=1024", "tile.adc.bits=16", "tile.adc.step=1"]
        return evaluate("tiny", self.network, self.inputs, analog="quantized", overrides=wide)

    def exact(self) -> Evaluation:
        """Return what comes of exact arrays."""
        return evaluate("tiny", self.network, self.inputs, overrides=["tile.crossbars=1024"])


def _with_noise(network: Workload, sigma: float, scale: str, rng: np.random.Generator) -> Workload:
    """Return a network with normal noise on every weight of its matrices."""

    def noisy(layer: Layer) -> Layer:
        if not isinstance(layer.op, MatrixKind):
            return layer
        weight = np.asarray(layer.op.weight)
        largest = np.abs(weight).max(axis=1 if scale == "column" else None, keepdims=True)
        found = weight + sigma * largest * rng.normal(size=weight.shape)
        return replace(layer, op=replace(layer.op, weight=found.astype(np.float32)))

    return replace(network, layers=tuple(map(noisy, network.layers)))


def _mnist() -> tuple[np.ndarray, np.ndarray]:
    folder = SHARED / "workloads/mnist"
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int64)
    held_out = np.random.default_rng(0).permutation(len(pixels))[8000:]
    return (pixels[held_out] / 255).astype(np.float32), labels[held_out]


def deviation(found: Evaluation, recorded: float) -> float:
    """Return one sigma of the difference between a mean accuracy and the recorded one.

    Both are means over programmings, with the spread that is seen here; and samples vary by themselves, which counts
    twice, since recorded and simulated accuracies may be of others.
    """
    assert found.accuracy is not None, "there are labels"
    seeds, samples = len(found.points), len(next(iter(found.values())))
    share = min(max(recorded, 1 / samples), 1 - 1 / samples)
    spread = float(found.accuracy.var(ddof=1)) if seeds > 1 else 0.0
    return math.sqrt(spread * (1 / seeds + 1 / RECORDED_SEEDS) + 2 * share * (1 - share) / samples)


def row(name: str, scale: str, seeds: int, count: int | None) -> list[str]:
    """Return what a network loses, as cells of a table."""
    samples, recorded = Samples.of(name, count), RECORDED[name, scale]
    exact, eight = samples.exact(), samples.eight_bits()
    cells = [name, scale, f"{100 * exact.agreement[0]:.1f}", f"{100 * eight.agreement[0]:.1f}"]
    assert eight.accuracy is not None, "there are labels"
    cells.append(f"{100 * eight.accuracy[0]:.1f} ({100 * (exact.float_accuracy or 0):.1f})")
    for sigma, expected in zip(SIGMAS, recorded[1:], strict=True):
        found = samples.noisy(sigma, scale, seeds)
        assert found.accuracy is not None, "there are labels"
        mean, direct = float(found.accuracy.mean()), float(np.mean(samples.noisy_float(sigma, scale, seeds)))
        cells.append(
            f"{100 * mean:.1f} ± {100 * found.accuracy.std(ddof=1):.1f} / {100 * direct:.1f} / {100 * expected:.1f}"
        )
    return cells


def main(arguments: list[str]) -> None:
    """Print the table."""
    seeds = int(arguments[0]) if arguments else 5
    count = int(arguments[1]) if len(arguments) > 1 else None
    print("| network | scale | ideal agrees | 8 bits agree | 8 bits right (float) | noise of 1 % | 2 % | 5 % |")
    print("|---|---|---|---|---|---|---|---|")
    for name, scale in RECORDED:
        if name.startswith("mnist") and not SHARED.exists():
            continue
        print("| " + " | ".join(row(name, scale, seeds, count)) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
