"""Does a chip with exact weights and converters compute what the network computes?"""

import gzip

import numpy as np
import pytest

from aimcsim import evaluate, load_workload, simulate

pytest.importorskip("onnxruntime")

NETWORKS = ["digits_mlp", "digits_cnn", "digits_resnet8", "digits_dscnn"]


def onnxruntime_outputs(path, samples):
    """Return what onnxruntime makes of samples, one row each."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {session.get_inputs()[0].name: samples})
    return outputs.reshape(len(samples), -1)


def same_predictions_and_values(outputs, expected):
    """Every prediction is the same; the largest difference is at most 1e-4 of the largest value."""
    got = next(iter(outputs.values())).reshape(expected.shape)
    assert np.array_equal(got.argmax(axis=1), expected.argmax(axis=1))
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def digits(network, traces_dir):
    """Return a digits network, its file, the name of its input, and all test samples in its layout with labels."""
    path = traces_dir / f"{network}.onnx"
    workload = load_workload(path)
    (name,) = workload.inputs
    with np.load(traces_dir / "digits_test.npz") as stored:
        images, labels = stored["input"], stored["labels"]
    return workload, path, name, images.reshape(len(images), *workload.layout(name).index.shape), labels


@pytest.mark.parametrize("network", NETWORKS)
def test_ideal_is_onnxruntime_on_every_sample(network, traces_dir):
    workload, path, name, images, _ = digits(network, traces_dir)

    outputs = evaluate("tiny", workload, {name: images}, analog="ideal")

    same_predictions_and_values(outputs, onnxruntime_outputs(path, images))


@pytest.mark.parametrize("network", ["mnist_lenet5", "mnist_dscnn", "mnist_resnet8"])
def test_ideal_is_onnxruntime_on_mnist(network, shared_dir):
    path = shared_dir / "workloads" / "own_trained" / f"{network}.onnx"
    with gzip.open(shared_dir / "workloads" / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    held_out = np.random.default_rng(0).permutation(len(pixels))[8000:]  # the 2 000 it was not trained on
    images = (pixels[held_out] / 255).astype(np.float32)
    workload = load_workload(path)

    outputs = evaluate("isaac", workload, {next(iter(workload.inputs)): images}, analog="ideal")

    same_predictions_and_values(outputs, onnxruntime_outputs(path, images))


@pytest.mark.parametrize("analog", ["ideal", "quantized"])
@pytest.mark.parametrize("preset", ["tiny", "isaac"])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_clocked_run_computes_the_same_bits_as_outside_the_clock(network, preset, analog, traces_dir):
    workload, _, name, images, labels = digits(network, traces_dir)
    few = {name: images[:2], "labels": labels[:2]}

    run = simulate(preset, workload, inputs=few, analog=analog)

    outside = evaluate(preset, workload, {name: images[:2]}, analog=analog)
    for key, values in outside.items():
        assert np.array_equal(run.outputs[key], values)
    assert run.summary["outputs_checked"]["agreement"] == 1.0


@pytest.mark.parametrize("network", NETWORKS)
def test_sixteen_bits_through_isaacs_converters_lose_almost_nothing(network, traces_dir):
    # Flipped columns of 128 two-bit cells sum to at most 192 of 255 codes, so no conversion rounds or clips; what is
    # left is the rounding of weights and inputs to 16 bits, 2^-15 each of their largest.
    workload, path, name, images, _ = digits(network, traces_dir)

    outputs = evaluate("isaac", workload, {name: images[:50]}, analog="quantized")

    expected = onnxruntime_outputs(path, images[:50])
    got = next(iter(outputs.values())).reshape(expected.shape)
    assert np.abs(got - expected).max() <= 2e-3 * np.abs(expected).max()
    assert np.array_equal(got.argmax(axis=1), expected.argmax(axis=1))


@pytest.fixture(scope="module")
def by_the_first():
    """Keep what the first implementation makes of each network, to compare the others with."""
    return {}


@pytest.mark.parametrize("analog", ["ideal", "quantized"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_instruction_set_and_the_twin_give_the_same_bits(
    network, analog, implementation, by_the_first, traces_dir
):
    workload, _, name, images, _ = digits(network, traces_dir)

    outputs = next(iter(evaluate("tiny", workload, {name: images[:2]}, analog=analog).values()))

    first = by_the_first.setdefault((network, analog), outputs)
    assert np.array_equal(outputs, first)
