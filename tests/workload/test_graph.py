"""The layer graph itself, and how users' arrays enter and leave it."""

import numpy as np
import pytest

from aimcsim.errors import ConfigError, TraceError
from aimcsim.ops import RELU, Activation, Add, TensorShape
from aimcsim.workload import Layer, Layout, Workload

SHAPE = TensorShape(2, 3, 4)


def relu(name: str, source: str) -> Layer:
    """A rectifier of the test's shape."""
    return Layer(name, Activation(RELU), (source,), SHAPE)


def test_a_graph_answers_for_its_tensors() -> None:
    both = Layer("both", Add(), ("a", "x"), SHAPE)
    net = Workload("net", {"x": SHAPE}, (relu("a", "x"), both), ("both",))
    assert net.layer("both") is both
    assert net.shape("x") == net.shape("a") == SHAPE
    assert net.input_shapes(both) == (SHAPE, SHAPE)
    assert [(layer.name, position) for layer, position in net.consumers("x")] == [("a", 0), ("both", 1)]
    assert net.consumers("both") == ()
    assert (net.macs, net.weights) == (0, 0)


@pytest.mark.parametrize(
    ("layers", "outputs", "words"),
    [
        ((relu("a", "b"), relu("b", "x")), ("a",), "layer `a`: there is no tensor `b` before it"),
        ((relu("a", "x"), relu("a", "x")), ("a",), "layer `a`: the name is taken"),
        ((relu("x", "x"),), ("x",), "layer `x`: the name is taken"),
        ((Layer("a", Add(), ("x",), SHAPE),), ("a",), "add takes 2 inputs"),
        ((Layer("a", Activation(RELU), ("x",), TensorShape(1, 1, 1)),), ("a",), "its output is 2 x 3 x 4"),
        (
            (Layer("a", Activation(RELU), ("x",), SHAPE, after=("x",)),),
            ("a",),
            "layer `a`: there is no layer `x` before it to wait for",
        ),
        ((relu("score", "x"),), ("scores",), "output `scores` is no layer. Did you mean `score`?"),
    ],
)
def test_a_graph_that_does_not_fit_together_is_refused(
    layers: tuple[Layer, ...], outputs: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Workload("net", {"x": SHAPE}, layers, outputs)
    assert words in str(caught.value)


@pytest.mark.parametrize(("order", "own"), [("HWC", (2, 3, 4)), ("CHW", (4, 2, 3)), ("F", (24,))])
def test_packing_puts_the_channels_of_a_pixel_into_one_vector(order: str, own: tuple[int, ...]) -> None:
    layout = Layout.ordered(SHAPE, order)  # type: ignore[arg-type]
    net = Workload("net", {"x": SHAPE}, (relu("a", "x"),), ("a",), {"x": layout, "a": layout})
    samples = np.random.default_rng(0).standard_normal((5, *own)).astype(np.float32)
    packed = net.pack_inputs("x", samples)
    assert packed.shape == (5, 6, 4)
    images = {"HWC": samples, "CHW": np.moveaxis(samples, 1, -1) if order == "CHW" else samples, "F": samples}[order]
    assert packed.tobytes() == np.ascontiguousarray(images).tobytes()
    assert net.unpack_outputs("a", packed).tobytes() == samples.tobytes()


def test_users_arrays_of_a_wrong_kind_are_refused() -> None:
    net = Workload("net", {"pixels": SHAPE}, (relu("a", "pixels"),), ("a",))
    with pytest.raises(TraceError, match=r"no input `pixel`\. Did you mean `pixels`"):
        net.pack_inputs("pixel", np.zeros((1, 2, 3, 4)))
    with pytest.raises(TraceError, match=r"expected an array of shape \[n, 2, 3, 4\] \(got \[2, 3, 4\]\)"):
        net.pack_inputs("pixels", np.zeros((2, 3, 4)))
    with pytest.raises(TraceError, match="expected numbers"):
        net.pack_inputs("pixels", np.array([["a"]]))


def test_a_tensor_without_a_stated_layout_is_flat_if_it_is_one_vector() -> None:
    assert Layout.natural(TensorShape(1, 1, 5)).index.shape == (5,)
    assert Layout.natural(SHAPE).index.shape == (2, 3, 4)
