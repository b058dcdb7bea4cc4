"""What layers compute: against plain loops, and the same bits however the work is cut."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim.ops import (
    CURVES,
    NO_ACTIVATION,
    RELU,
    Activation,
    ActivationFunction,
    Add,
    Affine,
    Attention,
    Concat,
    Conv2d,
    DigitalKind,
    Divide,
    FloatArray,
    Gather,
    LayerKind,
    LayerNorm,
    Linear,
    LocalResponse,
    LogSoftmax,
    MatrixKind,
    Maximum,
    Minimum,
    Multiply,
    Pool2d,
    PRelu,
    Reshape,
    Sliding,
    Softmax,
    Subtract,
    TensorShape,
    clip,
    curve,
)

SLIDINGS = [
    Sliding((5, 6), (3, 3), (1, 1), (1, 1, 1, 1)),
    Sliding((5, 6), (3, 2), (2, 1), (0, 0, 1, 1)),
    Sliding((6, 6), (2, 2), (2, 2)),
    Sliding((4, 4), (1, 1)),
    Sliding((4, 4), (1, 1), (2, 2)),
    Sliding((6, 5), (6, 5)),
    Sliding((6, 7), (3, 2), (2, 1), (2, 1, 1, 0), (2, 2)),
    Sliding.rounded_up((6, 6), (3, 3), (2, 2), (1, 0, 0, 0)),
]


def random_values(seed: int, *shape: int) -> FloatArray:
    """Normal numbers with some exact zeros of both signs, which comparisons like to confuse."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(shape).astype(np.float32)
    values[generator.random(shape) < 0.1] = 0.0
    values[generator.random(shape) < 0.1] = -0.0
    return values


def convolution(sliding: Sliding, groups: int, inputs: int, outputs: int, seed: int = 0) -> Conv2d:
    """A convolution with `inputs` and `outputs` channels per group."""
    weight = random_values(seed, groups, sliding.positions * inputs, outputs)
    return Conv2d(sliding, weight, random_values(seed + 1, groups * outputs), RELU)


def layers() -> list[tuple[LayerKind, TensorShape]]:
    """One layer of each kind, with the shape of its inputs."""
    cases: list[tuple[LayerKind, TensorShape]] = []
    for sliding in SLIDINGS:
        shape = TensorShape(*sliding.plane, 6)
        cases += [(convolution(sliding, groups, 6 // groups, 2), shape) for groups in (1, 2, 6)]
        cases += [(Pool2d(sliding, "max"), shape), (Pool2d(sliding, "average"), shape)]
        cases += [(Pool2d(sliding, "average", count_include_pad=True), TensorShape(*sliding.plane, 1))]
    shape = TensorShape(3, 4, 5)
    order = np.random.default_rng(3).permutation(60)
    cases += [(Linear(random_values(1, 1, 60, 7), random_values(2, 7), clip(-1, 1)), shape), (Add(RELU), shape)]
    cases += [(Activation(clip(-0.5, 0.5)), shape), (Reshape(TensorShape(2, 10, 3), order), shape)]
    cases += [(Activation(curve(name)), shape) for name in CURVES]
    cases += [(kind(RELU), shape) for kind in (Subtract, Multiply, Divide, Maximum, Minimum)]
    cases += [(Affine(random_values(4, rows, 5), random_values(5, rows, 5), RELU), shape) for rows in (1, 12)]
    cases += [(PRelu(random_values(6, 5)), shape), (Softmax(), shape), (LogSoftmax(), shape)]
    cases += [(LocalResponse(size, 0.5, 0.75, 1.5), shape) for size in (1, 2, 3, 20)]
    cases += [(LayerNorm(random_values(7, 5), random_values(8, 5), 0.5), shape)]
    cases += [(Attention(heads, causal), TensorShape(3, 4, 6)) for heads in (1, 3) for causal in (False, True)]
    cases += [(Concat(axis, (size, size)), shape) for axis, size in (("channels", 5), ("height", 3), ("width", 4))]
    some = np.random.default_rng(4).integers(-1, 60, 24)
    cases += [(Gather(TensorShape(2, 3, 4), some, 0.5), shape)]
    return cases


def compute(op: LayerKind, inputs: list[FloatArray], first: int, last: int) -> FloatArray:
    """Output vectors ``first..last-1``; a matrix layer's product is a plain sum over k, as far as tests care."""
    if isinstance(op, MatrixKind):
        rows = op.gather(inputs[0], first, last)
        groups, k, n = op.matrix_shape
        product = np.zeros((last - first, groups, n), np.float32)
        for position in range(k):
            product += rows.reshape(last - first, groups, k)[:, :, position, None] * op.weight[:, position]
        return op.finish(product.reshape(last - first, groups * n), first, last)
    assert isinstance(op, DigitalKind)
    return op.compute(inputs, first, last)


@pytest.mark.parametrize(("op", "shape"), layers())
@pytest.mark.parametrize("seed", [0, 1])
def test_a_part_of_the_output_is_bit_for_bit_that_part_of_the_whole(
    op: LayerKind, shape: TensorShape, seed: int
) -> None:
    inputs = [random_values(seed + i, shape.vectors, shape.length) for i in range(op.arity)]
    out = op.output_shape(*[shape] * op.arity)
    whole = compute(op, inputs, 0, out.vectors)
    assert whole.shape == (out.vectors, out.length)
    assert whole.dtype == np.float32
    single = [compute(op, inputs, i, i + 1) for i in range(out.vectors)]
    assert np.concatenate(single).tobytes() == whole.tobytes()
    third = out.vectors // 3
    parts = [compute(op, inputs, a, b) for a, b in ((0, third), (third, out.vectors))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize(("op", "shape"), layers())
def test_vectors_that_an_output_does_not_require_have_no_effect(op: LayerKind, shape: TensorShape) -> None:
    # The machine calls as soon as `needs` have arrived; what is not there yet must not matter, not even as NaN.
    inputs = [random_values(i, shape.vectors, shape.length) for i in range(op.arity)]
    out = op.output_shape(*[shape] * op.arity)
    whole = compute(op, inputs, 0, out.vectors)
    windows = op.windows(*[shape] * op.arity)
    for i in range(out.vectors):
        partial = [values.copy() for values in inputs]
        for values, window in zip(partial, windows, strict=True):
            values[window.needs[i] + 1 :] = np.nan
            if i:
                values[: window.keeps[i - 1]] = np.nan
        assert compute(op, partial, i, i + 1).tobytes() == whole[i : i + 1].tobytes()


@pytest.mark.parametrize("sliding", SLIDINGS)
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_gather_lays_out_groups_then_kernel_positions_then_channels(sliding: Sliding, groups: int) -> None:
    channels = 6 // groups
    op = convolution(sliding, groups, channels, 2)
    x = random_values(5, sliding.plane[0] * sliding.plane[1], 6)
    image = x.reshape(*sliding.plane, 6)
    rows = op.gather(x, 0, op.output_shape(TensorShape(*sliding.plane, 6)).vectors)
    for i, row in enumerate(rows):
        oy, ox = divmod(i, sliding.output_plane[1])
        expected = []
        for g in range(groups):
            for ky in range(sliding.kernel[0]):
                for kx in range(sliding.kernel[1]):
                    y = oy * sliding.stride[0] - sliding.pads[0] + ky * sliding.dilation[0]
                    column = ox * sliding.stride[1] - sliding.pads[1] + kx * sliding.dilation[1]
                    inside = 0 <= y < sliding.plane[0] and 0 <= column < sliding.plane[1]
                    pixel = image[y, column] if inside else np.zeros(6, np.float32)
                    expected.extend(pixel[g * channels : (g + 1) * channels].tolist())
        assert row.tolist() == expected


def test_an_average_adds_positions_one_after_the_other() -> None:
    # 64 positions of one channel, where NumPy's own sum would work in pairs; the loop below is the definition.
    x = random_values(7, 64, 1)
    total = np.float32(0)
    for value in x[:, 0]:
        total += value
    mean = Pool2d(Sliding((8, 8), (8, 8)), "average").compute([x], 0, 1)
    assert mean[0, 0] == total / np.float32(64)


@pytest.mark.parametrize(
    ("include", "expected"),
    # The corner of a plane of ones under a 3 x 3 window with pad 1 covers 4 of 9 positions.
    [(True, 4 / 9), (False, 1.0)],
)
def test_an_average_counts_padding_only_where_told_to(include: bool, expected: float) -> None:
    pool = Pool2d(Sliding((4, 4), (3, 3), (1, 1), (1, 1, 1, 1)), "average", count_include_pad=include)
    out = pool.compute([np.ones((16, 2), np.float32)], 0, 16)
    assert out[0].tolist() == pytest.approx([expected] * 2)
    assert out[5].tolist() == [1.0, 1.0]


def test_padding_never_wins_a_maximum() -> None:
    pool = Pool2d(Sliding((2, 2), (2, 2), (2, 2), (1, 1, 1, 1)), "max")
    x = np.array([[-4], [-3], [-2], [-1]], np.float32)
    assert pool.compute([x], 0, 4).tolist() == [[-4], [-3], [-2], [-1]]


@pytest.mark.parametrize("count", [1, 3, 8, 33])
def test_relu_makes_both_zeros_positive_wherever_they_stand(count: int) -> None:
    assert not np.signbit(RELU.apply(np.full(count, -0.0, np.float32))).any()


@given(st.floats(-10, 10), st.sampled_from([NO_ACTIVATION, RELU, clip(-1.0, 6.0)]))
def test_activations_limit_and_keep_the_dtype(value: float, function: ActivationFunction) -> None:
    for x in (np.array([value], np.float32), np.array([value], np.float64)):
        out = function.apply(x)
        assert out.dtype == x.dtype
        assert out[0] == min(max(x[0], function.low), function.high)


def test_clip_needs_its_limits_in_order() -> None:
    with pytest.raises(ValueError, match="low limit below"):
        clip(1.0, 1.0)


def test_digital_work_counts_the_elements_touched_per_output_vector() -> None:
    shape = TensorShape(4, 4, 5)
    cases: list[tuple[DigitalKind, list[TensorShape], int]] = [
        (Pool2d(Sliding((4, 4), (2, 3)), "max"), [shape], 2 * 3 * 5),
        (Add(), [shape, shape], 2 * 5),
        (Activation(RELU), [shape], 5),
        (Softmax(), [shape], 5),
        (Concat("channels", (5, 5)), [shape, shape], 10),
        (LocalResponse(3), [shape], 3 * 5),
        (Gather(TensorShape(1, 2, 3), np.zeros(6, np.int64)), [shape], 3),
        (Reshape(TensorShape(1, 1, 80), np.arange(80)), [shape], 80),
    ]
    for op, inputs, elements in cases:
        assert op.work_elements(inputs) == elements


def test_curves_are_what_their_names_say() -> None:
    # Each at a point where it can be worked out by hand or by `math`, below and above zero.
    cases = {
        "abs": (-2.0, 2.0), "celu": (-1.0, math.exp(-1) - 1), "elu": (-1.0, math.exp(-1) - 1),
        "erf": (0.5, math.erf(0.5)), "exp": (1.0, math.e),
        "gelu": (1.0, 0.5 * (1 + math.erf(1 / math.sqrt(2)))), "gelu_tanh": (1.0, 0.841192),
        "hard_sigmoid": (1.0, 0.7), "hard_swish": (-1.0, -1 / 3), "leaky_relu": (-2.0, -0.02),
        "mish": (1.0, math.tanh(math.log(1 + math.e))), "negative": (2.0, -2.0), "reciprocal": (4.0, 0.25),
        "selu": (2.0, 2 * 1.0507010), "sigmoid": (1.0, 1 / (1 + math.exp(-1))), "silu": (1.0, 1 / (1 + math.exp(-1))),
        "softplus": (0.0, math.log(2)), "softsign": (-1.0, -0.5), "sqrt": (2.25, 1.5), "tanh": (0.5, math.tanh(0.5)),
        "thresholded_relu": (0.9, 0.0),
    }  # fmt: skip
    assert set(cases) == set(CURVES)
    for name, (x, y) in cases.items():
        assert curve(name).apply(np.array([x], np.float32))[0] == pytest.approx(y, rel=1e-6), name


def test_a_curve_takes_its_own_number_of_finite_parameters() -> None:
    assert curve("leaky_relu", 0.5).apply(np.array([-2.0]))[0] == -1.0
    assert curve("hard_sigmoid", 0.5).parameters == (0.5, 0.5)
    for name, parameters, words in (("tanh", (1.0,), "0 parameters"), ("elu", (math.inf,), "finite"), ("no", (), "no")):
        with pytest.raises(ValueError, match=words):
            curve(name, *parameters)


def test_local_response_sums_squares_of_the_channels_around() -> None:
    # Channels 1, 2, 3 with size 2: the standard looks (size - 1) // 2 = 0 channels back and 1 ahead. 1 + 4, 4 + 9, 9.
    x = np.array([[1.0, 2.0, 3.0]], np.float32)
    out = LocalResponse(2, alpha=2.0, beta=1.0, bias=1.0).compute([x], 0, 1)
    assert out[0].tolist() == pytest.approx([1 / 6, 2 / 14, 3 / 10])


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_the_weighted_mean_of_values(causal: bool) -> None:
    # Two heads of one element. Token 1 of head 0 has the query ln 3, keys 0 and 1: powers 1 and 3, so a quarter of the
    # first value and three of the second. Head 1 has queries of 0, so the plain mean of what a token meets.
    q, k, v = (np.array(rows, np.float32) for rows in ([[0, 0], [math.log(3), 0]], [[0, 5], [1, 6]], [[4, 2], [8, 6]]))
    out = Attention(2, causal).compute([q, k, v], 0, 2)
    first = [4, 2] if causal else [6, 4]
    assert out == pytest.approx(np.array([first, [0.25 * 4 + 0.75 * 8, 4]]), rel=1e-6)


def test_a_layer_norm_takes_mean_and_deviation_away() -> None:
    # Mean 3, variance (4 + 0 + 4) / 3 + 1/3 of epsilon = 3: deviations -2, 0, 2 over sqrt(3), times 1, 2, 3, plus 1.
    op = LayerNorm(np.array([1, 2, 3], np.float32), np.ones(3, np.float32), 1 / 3)
    out = op.compute([np.array([[1, 3, 5]], np.float32)], 0, 1)
    assert out[0] == pytest.approx([1 - 2 / math.sqrt(3), 1, 1 + 6 / math.sqrt(3)], rel=1e-6)
