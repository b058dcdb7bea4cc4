"""Train the four networks of `traces/` on scikit-learn's digits and write them with their test inputs.

Needs PyTorch, scikit-learn and the `onnx` extra; nothing else in this repository does. Run from the root, with this
checkout importable (half a minute on one core):

    python scripts/train_networks.py

Writes `traces/digits_{mlp,cnn,resnet8,dscnn}.onnx`, `traces/digits_test.npz` (`input`, `labels`), and the demo's copy
of the CNN under `aimcsim/data/workloads/`, which needs no `onnx` package to be read.

The split is the first 1437 images of `default_rng(0).permutation` for training and the last 360 for testing; pixels
are divided by 16. One thread and a fixed seed make a second run write the same weights on the same machine.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn

from aimcsim.workload import load_workload, save_workload

ROOT = Path(__file__).resolve().parents[1]
TRACES = ROOT / "traces"
DEMO = ROOT / "aimcsim" / "data" / "workloads"
DEMO_NETWORK = "digits_cnn"
DEMO_SAMPLES = 64

TRAIN_SAMPLES = 1437
BATCH = 64
PEAK_LEARNING_RATE = 6e-3
WEIGHT_DECAY = 1e-4
OPSET = 17


class Digits(NamedTuple):
    """Images [n, 1, 8, 8] in 0..1 and their labels, split for training and testing."""

    train: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def digits() -> Digits:
    """Load scikit-learn's digits and split them."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    images = (data.images[order] / 16).astype(np.float32)[:, None]
    labels = data.target[order].astype(np.int64)
    head, tail = slice(TRAIN_SAMPLES), slice(TRAIN_SAMPLES, None)
    return Digits(images[head], labels[head], images[tail], labels[tail])


def sequence(**parts: nn.Module) -> nn.Sequential:
    """Chain modules under names, which become the names of the layers."""
    return nn.Sequential(OrderedDict(parts))


def conv(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, *, relu: bool = True
) -> nn.Module:
    """Convolution, batch normalisation and, if wished, the rectifier."""
    parts: dict[str, nn.Module] = {
        "conv": nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        "norm": nn.BatchNorm2d(outputs),
    }
    return sequence(**parts, relu=nn.ReLU()) if relu else sequence(**parts)


class Residual(nn.Module):
    """Two convolutions beside a shortcut, which is a 1x1 convolution where size or channels change."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv(inputs, outputs, stride=stride)
        self.second = conv(outputs, outputs, relu=False)
        changes = stride != 1 or inputs != outputs
        self.shortcut = conv(inputs, outputs, 1, stride, relu=False) if changes else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the rectified sum of both paths."""
        out: Tensor = self.relu(self.second(self.first(x)) + self.shortcut(x))
        return out


class GlobalMean(nn.Module):
    """Mean over all pixels of every channel."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [n, C] for [n, C, H, W]."""
        return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)


def mlp() -> nn.Module:
    """64-64-32-10 perceptron, 6 570 parameters."""
    return sequence(
        flatten=nn.Flatten(),
        fc1=nn.Linear(64, 64), relu1=nn.ReLU(),
        fc2=nn.Linear(64, 32), relu2=nn.ReLU(),
        fc3=nn.Linear(32, 10),
    )  # fmt: skip


def cnn() -> nn.Module:
    """Three convolutions, two poolings and a classifier, 15 338 parameters."""
    return sequence(
        conv1=nn.Conv2d(1, 16, 3, padding=1), relu1=nn.ReLU(),
        conv2=nn.Conv2d(16, 32, 3, padding=1), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
        conv3=nn.Conv2d(32, 32, 3, padding=1), relu3=nn.ReLU(), pool3=nn.MaxPool2d(2),
        flatten=nn.Flatten(), fc=nn.Linear(128, 10),
    )  # fmt: skip


def resnet8() -> nn.Module:
    """Three residual blocks of 16, 32 and 32 channels; batch normalisation stays unfolded in the file."""
    return sequence(
        stem=conv(1, 16),
        block1=Residual(16, 16, 1),
        block2=Residual(16, 32, 2),
        block3=Residual(32, 32, 2),
        mean=GlobalMean(),
        fc=nn.Linear(32, 10),
    )


def dscnn() -> nn.Module:
    """A stem and four depthwise-separable blocks."""
    widths = (16, 32, 48, 48, 64)
    strides = (1, 2, 1, 2)
    blocks: dict[str, nn.Module] = {"stem": conv(1, widths[0])}
    for i, stride in enumerate(strides):
        blocks[f"depthwise{i + 1}"] = conv(widths[i], widths[i], stride=stride, groups=widths[i])
        blocks[f"pointwise{i + 1}"] = conv(widths[i], widths[i + 1], 1)
    return sequence(**blocks, mean=GlobalMean(), fc=nn.Linear(widths[-1], 10))


EPOCHS = {mlp: 60, cnn: 30, resnet8: 25, dscnn: 40}


def batches(data: Digits) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in a fresh random order."""
    order = torch.randperm(len(data.train))
    for chosen in order.split(BATCH):
        yield torch.from_numpy(data.train)[chosen], torch.from_numpy(data.train_labels)[chosen]


def train(network: nn.Module, data: Digits, epochs: int) -> float:
    """Fit `network`; return its accuracy on the test images."""
    steps = epochs * -(-len(data.train) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LEARNING_RATE, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for images, labels in batches(data):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        predicted = network(torch.from_numpy(data.test)).argmax(1).numpy()
    return float(np.mean(predicted == data.test_labels))


def export(network: nn.Module, path: Path, sample: NDArray[np.float32]) -> None:
    """Write `network` as ONNX with a symbolic batch.

    PRESERVE keeps the exporter from folding batch normalisation in the residual network, so that the importer's own
    folding has a trained example; the depthwise network is folded by the exporter.
    """
    residual = any(isinstance(module, Residual) for module in network.modules())
    mode = torch.onnx.TrainingMode.PRESERVE if residual else torch.onnx.TrainingMode.EVAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network, (torch.from_numpy(sample),), path, dynamo=False, training=mode, opset_version=OPSET,
            do_constant_folding=not residual, input_names=["input"], output_names=["logits"],
            dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
        )  # fmt: skip


def write_demo(data: Digits) -> None:
    """Copy the demo's network and a few test images into the package."""
    DEMO.mkdir(parents=True, exist_ok=True)
    save_workload(load_workload(TRACES / f"{DEMO_NETWORK}.onnx"), DEMO / f"{DEMO_NETWORK}.yaml")
    np.savez_compressed(
        DEMO / f"{DEMO_NETWORK}_inputs.npz", input=data.test[:DEMO_SAMPLES], labels=data.test_labels[:DEMO_SAMPLES]
    )


def main() -> None:
    """Train, export and report every network."""
    torch.set_num_threads(1)
    data = digits()
    TRACES.mkdir(exist_ok=True)
    np.savez_compressed(TRACES / "digits_test.npz", input=data.test, labels=data.test_labels)
    for build, epochs in EPOCHS.items():
        torch.manual_seed(0)
        network = build()
        accuracy = train(network, data, epochs)
        export(network, TRACES / f"digits_{build.__name__}.onnx", data.test[:1])
        parameters = sum(p.numel() for p in network.parameters())
        print(f"digits_{build.__name__}: {parameters} parameters, test accuracy {accuracy:.4f}")
    write_demo(data)


if __name__ == "__main__":
    main()
