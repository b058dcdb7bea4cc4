"""Workload files: what they mean, and where every mistake in them is."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from aimcsim.errors import ConfigError, ReferenceError_, UnknownFieldError
from aimcsim.ops import RELU, Conv2d, FloatArray, Linear, MatrixKind, Pool2d, TensorShape, clip
from aimcsim.run import build
from aimcsim.workload import Workload, float_reference, load_workload, save_workload
from aimcsim.workload.layer_kinds import KINDS

EXAMPLE = """\
schema: aimcsim-workload/1
name: example
inputs:
  image: [8, 8, 2]
layers:
  - {name: conv, kind: conv2d, out_channels: 4, kernel: [3, 2], stride: 2, pads: [1, 0, 1, 1], groups: 2, activation: relu}
  - {name: pool, kind: max_pool, kernel: 2}
  - {name: side, kind: conv2d, inputs: conv, out_channels: 4, kernel: 2, stride: 2, activation: {clip: [-1, 6]}}
  - {name: sum, kind: add, inputs: [pool, side]}
  - {name: mean, kind: global_average_pool}
  - {name: classes, kind: linear, out_features: 3}
outputs: [classes]
"""  # noqa: E501 - one layer, one line


def load(tmp_path: Path, text: str) -> Workload:
    """Write `text` as net.yaml and load it."""
    path = tmp_path / "net.yaml"
    path.write_bytes(text.encode())
    return load_workload(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    """The messages about `text`, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert len(str(caught.value).splitlines()) == len(caught.value.problems)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def weight(workload: Workload, name: str) -> FloatArray:
    """The weight of a matrix layer."""
    op = workload.layer(name).op
    assert isinstance(op, MatrixKind)
    return np.asarray(op.weight)


def test_the_example_is_the_network_it_looks_like(tmp_path: Path) -> None:
    workload = load(tmp_path, EXAMPLE)
    conv, side = workload.layer("conv").op, workload.layer("side").op
    assert isinstance(conv, Conv2d)
    assert isinstance(side, Conv2d)
    # Height (8 + 2 - 3) // 2 + 1 = 4, width (8 + 1 - 2) // 2 + 1 = 4.
    assert [str(layer.shape) for layer in workload.layers] == [
        "4 x 4 x 4", "2 x 2 x 4", "2 x 2 x 4", "2 x 2 x 4", "1 x 1 x 4", "1 x 1 x 3",
    ]  # fmt: skip
    assert conv.matrix_shape == (2, 6, 2)  # two groups of 3 * 2 positions * 1 channel -> 2 channels
    assert conv.activation == RELU
    assert side.activation == clip(-1, 6)
    assert workload.layer("pool").inputs == ("conv",)
    assert workload.layer("sum").inputs == ("pool", "side")
    # conv 2*6*2 weights x 16 pixels, side 4*2*2*4 x 4 pixels, classes 4*3 once.
    assert workload.macs == 24 * 16 + 64 * 4 + 12
    assert workload.weights == 24 + 64 + 12
    assert [layer.name for layer, _ in workload.consumers("conv")] == ["pool", "side"]
    assert workload.consumers("side")[0][1] == 1


def test_weights_are_random_but_the_layers_own(tmp_path: Path) -> None:
    first = load(tmp_path, EXAMPLE)
    second = load(tmp_path, EXAMPLE.replace("kernel: 2}", "kernel: 2, stride: 2}").replace("name: example", "name: b"))
    assert weight(first, "conv").tobytes() == weight(second, "conv").tobytes()
    assert len(first.assumptions) == 1
    assert "random" in first.assumptions[0]


def test_random_weights_take_no_memory_until_their_values_are_asked_for(tmp_path: Path) -> None:
    # 2^26 weights are 256 MiB, and twice that while they are drawn; the bias of the layer takes 32 KiB.
    text = "schema: aimcsim-workload/1\nname: wide\ninputs: {x: [8192]}\nlayers:\n"
    text += "  - {name: classes, kind: linear, out_features: 8192}\noutputs: [classes]\n"
    tracemalloc.start()
    try:
        workload = load(tmp_path, text)
        build("isaac", workload, chips="auto", overrides=["tile.buffers.edram.size=16 MiB"])
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert workload.weights == 2**26
    assert peak_bytes < 64 * 2**20


def test_random_weights_are_drawn_once(tmp_path: Path) -> None:
    op = load(tmp_path, EXAMPLE).layer("classes").op
    assert isinstance(op, MatrixKind)
    assert np.asarray(op.weight) is np.asarray(op.weight)


def test_random_weights_keep_the_size_of_the_sums(tmp_path: Path) -> None:
    text = EXAMPLE.replace("out_features: 3", "out_features: 5000")
    values = weight(load(tmp_path, text), "classes")
    # 20 000 draws of width 1/sqrt(4): the sample's deviation is within 5 / sqrt(2 * 20 000) = 2.5 % of it.
    assert values.std() == pytest.approx(0.5, rel=0.025)
    assert abs(values.mean()) < 5 * 0.5 / np.sqrt(20_000)


def test_crlf_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, EXAMPLE.replace("\n", "\r\n")).macs == load(tmp_path, EXAMPLE).macs


def test_every_kind_survives_saving_and_loading(tmp_path: Path) -> None:
    text = EXAMPLE.replace(
        "  - {name: mean,",
        "  - {name: avg, kind: average_pool, kernel: 2, stride: 1, pads: 1, count_include_pad: true}\n"
        "  - {name: act, kind: activation, activation: {clip: [-.inf, 1e-3]}}\n"
        "  - {name: fold, kind: reshape, shape: [2, 3, 6]}\n"
        "  - {name: mean,",
    ).replace("outputs: [classes]", "outputs: [{name: sum, layout: CHW}, classes]")
    workload = load(tmp_path, text)
    save_workload(workload, tmp_path / "saved.yaml")
    again = load_workload(tmp_path / "saved.yaml")

    x = np.random.default_rng(0).standard_normal((4, 8, 8, 2)).astype(np.float32)
    assert again.assumptions == ()
    for name in workload.outputs:
        one, two = (
            net.unpack_outputs(name, float_reference(net, {"image": net.pack_inputs("image", x)})[name])
            for net in (workload, again)
        )
        assert one.tobytes() == two.tobytes()
        assert one.shape == two.shape
    assert again.unpack_outputs("sum", np.zeros((4, 4, 4), np.float32)).shape == (4, 4, 2, 2)


EVERY_KIND = """\
schema: aimcsim-workload/1
name: every
weights: net.npz
inputs: {image: [6, 7, 4]}
layers:
  - {name: conv, kind: conv2d, out_channels: 4, kernel: [2, 3], pads: [1, 2, 1, 2], dilation: 2, activation: silu}
  - {name: scaled, kind: affine, activation: {leaky_relu: 0.125}}
  - {name: shifted, kind: affine, per_vector: true}
  - {name: steep, kind: prelu}
  - {name: twice, kind: add, inputs: [steep, shifted]}
  - {name: less, kind: subtract, inputs: [twice, scaled]}
  - {name: times, kind: multiply, inputs: [less, scaled], activation: {hard_sigmoid: [0.25, 0.5]}}
  - {name: over, kind: divide, inputs: [less, times]}
  - {name: most, kind: maximum, inputs: [over, less]}
  - {name: least, kind: minimum, inputs: [most, twice]}
  - {name: near, kind: local_response, size: 3, alpha: 0.5, beta: 0.5, bias: 2}
  - {name: soft, kind: softmax}
  - {name: log, kind: log_softmax, inputs: near}
  - {name: norm, kind: layer_norm, epsilon: 0.25}
  - {name: seen, kind: attention, inputs: [norm, log, near], heads: 2, causal: true}
  - {name: wide, kind: concat, inputs: [soft, log, seen]}
  - {name: high, kind: concat, axis: height, inputs: [wide, wide]}
  - {name: peak, kind: max_pool, kernel: 3, stride: 2, ceil_mode: true}
  - {name: picked, kind: gather, shape: [1, 2, 3], fill: 1.5}
  - {name: curved, kind: activation, activation: {elu: [0.5]}}
outputs: [curved]
"""


def test_every_kind_of_digital_layer_survives_saving_and_loading(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    shapes = {"conv.weight": (1, 24, 4), "scaled.factor": (1, 4), "shifted.offset": (42, 4), "steep.slope": (4,)}
    shapes |= {"norm.factor": (4,), "norm.offset": (4,)}
    arrays = {name: rng.random(shape).astype(np.float32) + np.float32(0.5) for name, shape in shapes.items()}
    np.savez(tmp_path / "net.npz", **arrays, **{"picked.index": np.array([5, -1, 0, 5, 9, 1])})
    workload = load(tmp_path, EVERY_KIND)
    # Rounded up, a window of 3 at stride 2 stands at 0, 2, .. 10 of 12 and at 0, 2, 4 of 7.
    assert str(workload.layer("peak").shape) == "6 x 3 x 12"
    assert {layer.op.kind for layer in workload.layers} | {"linear", "reshape"} >= {
        kind for kind in KINDS if "_pool" not in kind
    }
    save_workload(workload, tmp_path / "saved.yaml")
    again = load_workload(tmp_path / "saved.yaml")
    x = {"image": workload.pack_inputs("image", rng.random((3, 6, 7, 4)))}
    one, two = (float_reference(net, x)["curved"] for net in (workload, again))
    assert one.tobytes() == two.tobytes()
    assert [(a.name, a.kind, a.shape) for a in workload.layers] == [(a.name, a.kind, a.shape) for a in again.layers]
    assert 1.5 in one  # what no element was picked for


def test_a_gather_needs_its_positions(tmp_path: Path) -> None:
    text = EXAMPLE.replace("kind: linear, out_features: 3", "kind: gather, shape: [1, 1, 2]")
    assert problems(tmp_path, text) == [
        "net.yaml:11:5: layers[5]: a gather needs the array `classes.index` in a weight file"
    ]


def test_an_odd_name_survives_saving(tmp_path: Path) -> None:
    text = EXAMPLE.replace("name: classes", 'name: "true: [a]"').replace("[classes]", '["true: [a]"]')
    save_workload(load(tmp_path, text), tmp_path / "saved.yaml")
    assert load_workload(tmp_path / "saved.yaml").outputs == ("true: [a]",)


# Each mistake: what to replace in the example, by what, and the messages that must come out.
MISTAKES = [
    (
        "out_features: 3",
        "out_featurs: 3",
        [
            "net.yaml:11:5: layers[5]: the field `out_features` is missing",
            "net.yaml:11:35: layers[5].out_featurs: unknown field (got `out_featurs`). Did you mean `out_features`?",
        ],
    ),
    (
        "kind: max_pool",
        "kind: maxpool",
        ["net.yaml:7:24: layers[1].kind: unknown kind (got `maxpool`). Did you mean `max_pool`?"],
    ),
    (
        "inputs: [pool, side]",
        "inputs: [pol, side]",
        [
            "net.yaml:7:5: layers[1]: nothing takes the tensor `pool`; use it, or list it among the outputs",
            "net.yaml:9:36: layers[3].inputs: there is no tensor `pol` before this layer. Did you mean `pool`?",
        ],
    ),
    (
        "inputs: conv",
        "inputs: sum",
        ["net.yaml:8:40: layers[2].inputs: there is no tensor `sum` before this layer. It comes later."],
    ),
    (
        "inputs: conv,",
        "inputs: conv, after: [pol],",
        [
            "net.yaml:8:53: layers[2].after: there is no layer `pol` before this one to wait for. Did you mean `pool`?",
        ],
    ),
    (
        "activation: relu",
        "activation: Relu",
        [
            "net.yaml:6:119: layers[0].activation: unknown activation (got `Relu`). Did you mean `relu`?",
        ],
    ),
    (
        "activation: relu",
        "activation: {sigmoid: 3}",
        ["net.yaml:6:119: layers[0].activation: sigmoid takes 0 parameters (got 1)"],
    ),
    (
        "activation: relu",
        "activation: {elu: [x]}",
        ["net.yaml:6:119: layers[0].activation: the parameters of elu must be numbers (got `['x']`)"],
    ),
    ("groups: 2", "groups: 3", ["net.yaml:6:104: layers[0].groups: must divide 2 input and 4 output channels (got 3)"]),
    (
        "kernel: 2}",
        "kernel: 9}",
        ["net.yaml:7:42: layers[1].kernel: a kernel of height 9 does not fit an input of height 4"],
    ),
    (
        "pads: [1, 0, 1, 1]",
        "pads: [1, 0, 1]",
        ["net.yaml:6:82: layers[0].pads: must be 1 or 4 whole numbers, each 0 or more (got `[1, 0, 1]`)"],
    ),
    (
        "pads: [1, 0, 1, 1]",
        "pads: 2",
        [
            "net.yaml:6:82: layers[0].pads: pads must be 0 or more and below the kernel (got (2, 2, 2, 2) for (3, 2))",
        ],
    ),
    (
        "out_channels: 4, kernel: 2, stride: 2",
        "out_channels: 4.5, kernel: 2, stride: 2",
        ["net.yaml:8:60: layers[2].out_channels: must be a whole number, 1 or more (got `4.5`)"],
    ),
    (
        "clip: [-1, 6]",
        "clip: [6, -1]",
        ["net.yaml:8:97: layers[2].activation: clip needs a low limit below its high limit (got 6 and -1)"],
    ),
    (
        "inputs: conv, out_channels: 4",
        "inputs: conv, out_channels: 5",
        ["net.yaml:9:5: layers[3]: add takes two inputs of one shape (got 2 x 2 x 4 and 2 x 2 x 5)"],
    ),
    (
        "name: side, kind: conv2d",
        "name: pool, kind: conv2d",
        [
            "net.yaml:8:12: layers[2].name: the name `pool` is taken",
            "net.yaml:9:36: layers[3].inputs: there is no tensor `side` before this layer.",
        ],
    ),
    (
        "outputs: [classes]",
        "outputs: [classez]",
        [
            "net.yaml:11:5: layers[5]: nothing takes the tensor `classes`; use it, or list it among the outputs",
            "net.yaml:12:11: outputs[0]: there is no layer (got `classez`). Did you mean `classes`?",
        ],
    ),
    (
        "aimcsim-workload/1",
        "aimcsim-workload/2",
        [
            "net.yaml:1:9: schema: unknown schema (got `aimcsim-workload/2`). Did you mean `aimcsim-workload/1`?",
        ],
    ),
    (
        "image: [8, 8, 2]",
        "image: [8, 8]",
        ["net.yaml:4:10: inputs.image: must be 1 or 3 whole numbers, each 1 or more (got `[8, 8]`)"],
    ),
    (
        "name: example",
        "name: example\nname: again",
        ["net.yaml:3:1: name: the field is given twice, first on line 2"],
    ),
    (
        "name: example",
        "name: example\nweights: nowhere.npz",
        ["net.yaml:3:10: weights: no such file (got `FOLDER/nowhere.npz`)"],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES, ids=[new for _, new, _ in MISTAKES])
def test_a_mistake_is_found_where_it_is(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert EXAMPLE.count(old) >= 1
    found = problems(tmp_path, EXAMPLE.replace(old, new, 1))
    assert found == [message.replace("FOLDER", str(tmp_path)) for message in expected]


def test_all_mistakes_come_at_once_in_file_order(tmp_path: Path) -> None:
    text = EXAMPLE.replace("kind: max_pool", "kind: maxpool").replace("out_features: 3", "out_features: 0")
    text = text.replace("name: example", "name_: example")
    lines = [int(message.split(":")[1]) for message in problems(tmp_path, text)]
    assert lines == [1, 2, 7, 11]


HEAD = "schema: aimcsim-workload/1\nname: x\n"


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        HEAD + "inputs: 3\nlayers: 4\noutputs: 5\n",
        "schema: aimcsim-workload/1\nname: [x]\nweights: [y]\ninputs: {a: {}}\nlayers: [1]\noutputs: [{}]\n",
        HEAD + "inputs: {a: 4, b: 4}\nlayers: [{name: c, kind: [add]}]\noutputs: [c]\n",
        HEAD + "inputs: {a: 4}\nlayers: [{name: c, kind: add, inputs: {}}]\noutputs: [c]\n",
        HEAD + "inputs: {a: 4}\nlayers: [{name: c, kind: reshape, shape: 4}]\noutputs: [c]\n",
        HEAD + "inputs: {a: 4}\nlayers: [{name: c, kind: activation}]\noutputs: [c, c]\n",
        EXAMPLE.replace("activation: {clip: [-1, 6]}", "activation: {clip: 6}"),
        EXAMPLE.replace("activation: {clip: [-1, 6]}", "activation: {clip: [a, b]}"),
        EXAMPLE.replace("inputs: [pool, side]", "inputs: [pool]"),
        EXAMPLE.replace("kind: max_pool", "kind: average_pool, count_include_pad: 1"),
        EXAMPLE.replace("layers:", "layers:\n\t- x"),
    ],
)
def test_nonsense_is_an_error_with_a_place_and_never_a_traceback(tmp_path: Path, text: str) -> None:
    for message in problems(tmp_path, text):
        assert message.startswith("net.yaml:")
        assert message.split(":")[1].isdigit()


def test_the_error_class_tells_the_family_of_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UnknownFieldError):
        load(tmp_path, EXAMPLE.replace("name: example", "name: example\ncolour: red"))
    with pytest.raises(ReferenceError_):
        load(tmp_path, EXAMPLE.replace("kind: max_pool", "kind: maxpool"))


def with_weights(tmp_path: Path, **changes: FloatArray | None) -> str:
    """Save good arrays for the example but for `changes` (`__` for a dot; None leaves one out)."""
    shapes = {"conv": (2, 6, 2), "side": (1, 16, 4), "classes": (1, 4, 3)}
    arrays: dict[str, FloatArray | None] = {}
    for name, shape in shapes.items():
        arrays[f"{name}.weight"] = np.full(shape, 0.25, np.float32)
    arrays |= {name.replace("__", "."): array for name, array in changes.items()}
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(tmp_path / "net.npz", **kept)  # type: ignore[arg-type]
    return EXAMPLE.replace("name: example", "name: example\nweights: net.npz")


def test_arrays_are_found_by_the_names_of_their_layers(tmp_path: Path) -> None:
    workload = load(tmp_path, with_weights(tmp_path, classes__bias=np.array([1, 2, 3], np.float32)))
    classes = workload.layer("classes").op
    assert isinstance(classes, Linear)
    assert classes.bias.tolist() == [1, 2, 3]
    assert set(classes.weight.ravel().tolist()) == {0.25}
    assert workload.assumptions == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"side__weight": None},
            ["net.yaml:9:5: layers[2]: the weight file has no array `side.weight` [1, 16, 4]"],
        ),
        (
            {"side__weight": np.zeros((1, 4, 16), np.float32)},
            ["net.yaml:9:5: layers[2]: array `side.weight` must have shape [1, 16, 4] (got [1, 4, 16])"],
        ),
        (
            {"classes__bias": np.zeros(3, np.int64)},
            ["net.yaml:12:5: layers[5]: array `classes.bias` must hold floating-point numbers (got int64)"],
        ),
        (
            {"classes__bias": np.full(3, np.nan, np.float32)},
            ["net.yaml:12:5: layers[5]: array `classes.bias` holds values that are not finite in float32"],
        ),
        (
            {"classez__bias": np.zeros(3, np.float32)},
            [
                "net.yaml:3:10: weights: the array `classez.bias` belongs to no layer. Did you mean `classes.bias`?",
            ],
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, FloatArray | None], expected: list[str]
) -> None:
    # A layer whose array is wrong has no shape, which keeps quiet the layers after it, not the file.
    assert problems(tmp_path, with_weights(tmp_path, **changes)) == expected


def test_what_is_no_npz_is_refused(tmp_path: Path) -> None:
    text = with_weights(tmp_path)
    for content in (b"", b"PK\x03\x04 broken", b"plain text"):
        (tmp_path / "net.npz").write_bytes(content)
        assert [message.split("(")[0] for message in problems(tmp_path, text)] == [
            "net.yaml:3:10: weights: is no .npz file of plain arrays "
        ]


def test_an_input_may_be_flat_or_have_its_channels_first(tmp_path: Path) -> None:
    flat = load(tmp_path, EXAMPLE.replace("image: [8, 8, 2]", "image: [128]").replace(
        "layers:", "layers:\n  - {name: fold, kind: reshape, shape: [8, 8, 2]}"))  # fmt: skip
    assert flat.inputs["image"] == TensorShape(1, 1, 128)
    first = load(tmp_path, EXAMPLE.replace("image: [8, 8, 2]", "image: {shape: [8, 8, 2], layout: CHW}"))
    x = np.arange(128, dtype=np.float32).reshape(1, 2, 8, 8)
    assert first.pack_inputs("image", x)[0, 9].tolist() == [x[0, 0, 1, 1], x[0, 1, 1, 1]]


def test_a_pooling_moves_by_its_kernel_unless_told(tmp_path: Path) -> None:
    pool = load(tmp_path, EXAMPLE).layer("pool").op
    assert isinstance(pool, Pool2d)
    assert pool.sliding.stride == (2, 2)
