"""What the trained networks lose by noise on their weights, beside what is recorded for them: a table for the docs.

    python scripts/accuracy_bands.py [SEEDS [SAMPLES]]
    python scripts/accuracy_bands.py float

Default: 5 programmings, all samples of digits and the 1000 of MNIST that the record is of. `float` leaves out the
arrays and tells by how many sigmas the record is off what noise on the float network's weights gives. The recorded
accuracies are those of float activations and whole matrices with normal noise on every weight and none on biases, its
deviation a part of the largest weight of the matrix (`tensor`) or of its column; means and deviations over three seeds,
of MNIST two. Here weights stand in single cells of 8 bits, whose conductances get that noise when they are programmed;
inputs have 10 bits or more and no code clips. After the slash: the same noise added to the weights of the float
network, over 20 seeds, and what is recorded. MNIST is read from ../shared, beside the checkout.
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
FLOAT_SEEDS = 20
RECORDED_SAMPLES = {"digits": 360, "mnist": 1000}
RECORDED_SEEDS = {"digits": 3, "mnist": 2}
ROUNDED = 0.001  # the last digit of recorded accuracies

# Accuracy with noise of 1, 2 and 5 % of the largest weight: mean and deviation over seeds.
RECORDED = {
    ("digits_mlp", "tensor"): ((0.990, 0.001), (0.989, 0.002), (0.981, 0.008)),
    ("digits_resnet8", "tensor"): ((0.997, 0.0), (0.996, 0.001), (0.994, 0.003)),
    ("digits_dscnn", "tensor"): ((0.984, 0.001), (0.982, 0.003), (0.959, 0.017)),
    ("digits_dscnn", "column"): ((0.989, 0.0), (0.986, 0.0), (0.986, 0.0)),
    ("mnist_lenet5", "tensor"): ((0.984, 0.001), (0.985, 0.002), (0.983, 0.001)),
    ("mnist_dscnn", "tensor"): ((0.977, 0.001), (0.968, 0.003), (0.613, 0.342)),
    ("mnist_dscnn", "column"): ((0.978, 0.001), (0.978, 0.002), (0.968, 0.003)),
    ("mnist_resnet8", "tensor"): ((0.984, 0.001), (0.983, 0.001), (0.949, 0.006)),
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
        """Return the first `count` test samples of a network; of MNIST, 1000 by default that it was not trained on."""
        if name.startswith("digits"):
            path = ROOT / "traces" / f"{name}.onnx"
            with np.load(ROOT / "traces/digits_test.npz") as stored:
                images, labels = stored["input"], stored["labels"]
        else:
            path = SHARED / "workloads/own_trained" / f"{name}.onnx"
            images, labels = _mnist()
            count = count or RECORDED_SAMPLES["mnist"]
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


def deviation(name: str, accuracies: np.ndarray, samples: int, recorded: float) -> float:
    """Return one sigma of the difference between a mean accuracy of the network `name` and the recorded one.

    Both are means over programmings, with the spread that is seen here, and the recorded one is rounded. Samples are
    the recorded ones; where only some of them are taken, they vary by themselves.
    """
    family = name.partition("_")[0]
    share = min(max(recorded, 1 / samples), 1 - 1 / samples)
    chosen = share * (1 - share) * (1 / samples - 1 / RECORDED_SAMPLES[family])
    seeds = 1 / len(accuracies) + 1 / RECORDED_SEEDS[family]
    return math.sqrt(accuracies.var(ddof=1) * seeds + max(chosen, 0.0) + ROUNDED**2 / 12)


def float_row(name: str, scale: str) -> list[str]:
    """Return what noise on the float network's weights costs, the record, and how many sigmas that is off."""
    samples, cells = Samples.of(name), [name, scale]
    for sigma, (expected, spread) in zip(SIGMAS, RECORDED[name, scale], strict=True):
        found = np.array(samples.noisy_float(sigma, scale, FLOAT_SEEDS))
        sigmas = (expected - found.mean()) / deviation(name, found, len(samples.inputs["labels"]), expected)
        means = ((found.mean(), found.std(ddof=1)), (expected, spread))
        cells.append(" / ".join(f"{100 * mean:.1f} ± {100 * of:.1f}" for mean, of in means) + f" ({sigmas:+.1f})")
    return cells


def row(name: str, scale: str, seeds: int, count: int | None) -> list[str]:
    """Return what a network loses, as cells of a table."""
    samples, recorded = Samples.of(name, count), RECORDED[name, scale]
    exact, eight = samples.exact(), samples.eight_bits()
    cells = [name, scale, f"{100 * exact.agreement[0]:.1f}", f"{100 * eight.agreement[0]:.1f}"]
    assert eight.accuracy is not None, "there are labels"
    cells.append(f"{100 * eight.accuracy[0]:.1f} ({100 * (exact.float_accuracy or 0):.1f})")
    for sigma, expected in zip(SIGMAS, recorded, strict=True):
        found = samples.noisy(sigma, scale, seeds)
        assert found.accuracy is not None, "there are labels"
        direct = np.array(samples.noisy_float(sigma, scale, FLOAT_SEEDS))
        pairs = [(one.mean(), one.std(ddof=1)) for one in (found.accuracy, direct)]
        cells.append(" / ".join(f"{100 * mean:.1f} ± {100 * spread:.1f}" for mean, spread in (*pairs, expected)))
    return cells


def main(arguments: list[str]) -> None:
    """Print the table."""
    arrays = arguments != ["float"]
    seeds = int(arguments[0]) if arrays and arguments else 5
    count = int(arguments[1]) if len(arguments) > 1 else None
    heads = "ideal agrees | 8 bits agree | 8 bits right (float) | " if arrays else ""
    print(f"| network | scale | {heads}noise of 1 % | 2 % | 5 % |")
    print("|---" * (8 if arrays else 5) + "|")
    for name, scale in RECORDED:
        if name.startswith("mnist") and not SHARED.exists():
            continue
        cells = row(name, scale, seeds, count) if arrays else float_row(name, scale)
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
