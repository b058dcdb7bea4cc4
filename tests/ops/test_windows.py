"""Receptive fields against an enumeration of every input vector that every output vector touches."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aimcsim.ops import (
    RELU,
    Activation,
    Add,
    Affine,
    Attention,
    Concat,
    Conv2d,
    Gather,
    LayerKind,
    Linear,
    LocalResponse,
    Multiply,
    Pool2d,
    PRelu,
    Reshape,
    Sliding,
    TensorShape,
    Window,
)


@st.composite
def slidings(draw: st.DrawFn) -> Sliding:
    """Any window that fits: kernels up to 4, dilated up to 3, strides up to 5, pads below the extent, rounded."""
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    extent = [(kernel[a] - 1) * dilation[a] + 1 for a in (0, 1)]
    pads = tuple(draw(st.integers(0, min(extent[side % 2], 4) - 1)) for side in range(4))
    plane = tuple(draw(st.integers(max(1, extent[a] - pads[a] - pads[a + 2]), 12)) for a in (0, 1))
    stride = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    make = draw(st.sampled_from([Sliding, Sliding.rounded_up]))
    try:
        sliding = make((plane[0], plane[1]), kernel, stride, (pads[0], pads[1], pads[2], pads[3]), dilation)
    except ValueError:
        assume(False)  # every window in padding alone
    assume(sliding.inside().all())
    return sliding


def touched(sliding: Sliding) -> list[set[int]]:
    """The input vectors under the kernel, output by output, one position at a time."""
    (height, width), (sy, sx) = sliding.plane, sliding.stride
    fields = []
    for oy in range(sliding.output_plane[0]):
        for ox in range(sliding.output_plane[1]):
            field = set()
            for ky in range(sliding.kernel[0]):
                for kx in range(sliding.kernel[1]):
                    y = oy * sy - sliding.pads[0] + ky * sliding.dilation[0]
                    x = ox * sx - sliding.pads[1] + kx * sliding.dilation[1]
                    if 0 <= y < height and 0 <= x < width:
                        field.add(y * width + x)
            fields.append(field)
    return fields


def check(window: Window, fields: list[set[int]], row: int, vectors: int) -> None:
    """Compare with the definitions: needs, keeps and fresh of every output, `row` outputs to a row."""
    for i, field in enumerate(fields):
        assert window.needs[i] == max(max(one) for one in fields[: i + 1])
        assert window.keeps[i] == min((min(one) for one in fields[i + 1 :]), default=vectors)
        assert window.fresh[i] == len(field - (fields[i - 1] if i % row else set()))
    assert {array.dtype for array in (window.needs, window.keeps, window.fresh)} == {np.dtype(np.int64)}


@given(slidings())
def test_a_sliding_window_requires_the_vectors_under_its_kernel(sliding: Sliding) -> None:
    fields = touched(sliding)
    assert len(fields) == sliding.output_plane[0] * sliding.output_plane[1]
    check(sliding.window(), fields, sliding.output_plane[1], sliding.plane[0] * sliding.plane[1])


@given(slidings())
def test_no_window_lies_in_padding_alone(sliding: Sliding) -> None:
    assert all(touched(sliding))


@given(st.data())
def test_a_reshape_requires_the_vectors_its_elements_come_from(data: st.DataObject) -> None:
    source = TensorShape(*(data.draw(st.integers(1, 4)) for _ in range(3)))
    height = data.draw(st.sampled_from([d for d in range(1, source.elements + 1) if source.elements % d == 0]))
    rest = source.elements // height
    width = data.draw(st.sampled_from([d for d in range(1, rest + 1) if rest % d == 0]))
    shape = TensorShape(height, width, rest // width)
    index = np.array(data.draw(st.permutations(range(source.elements))), dtype=np.int64)

    (window,) = Reshape(shape, index).windows(source)

    per_vector = (index // source.length).reshape(shape.vectors, shape.length).tolist()
    check(window, [set(one) for one in per_vector], width, source.vectors)


def test_elementwise_layers_require_the_vector_of_their_own_index() -> None:
    shape = TensorShape(2, 3, 5)
    fields = [{i} for i in range(6)]
    for op, inputs in ((Add(), (shape, shape)), (Activation(RELU), (shape,))):
        windows = op.windows(*inputs)
        assert len(windows) == len(inputs)
        for window in windows:
            check(window, fields, 3, 6)


def test_a_fully_connected_layer_requires_everything() -> None:
    shape = TensorShape(2, 3, 5)
    op = Linear(np.zeros((1, 30, 4), np.float32), np.zeros(4, np.float32))
    check(op.windows(shape)[0], [set(range(6))], 1, 6)


@pytest.mark.parametrize("causal", [False, True])
def test_a_token_requires_its_own_query_and_the_keys_and_values_that_it_meets(causal: bool) -> None:
    shape = TensorShape(2, 3, 4)
    queries, *met = Attention(2, causal).windows(shape, shape, shape)
    check(queries, [{i} for i in range(6)], 3, 6)
    for window in met:
        check(window, [set(range(i + 1 if causal else 6)) for i in range(6)], 3, 6)


def test_a_layer_that_begins_when_all_is_there_frees_as_before() -> None:
    window = Sliding((1, 4), (1, 3), pads=(0, 1, 0, 1)).window()
    assert window.complete().needs.tolist() == [3, 3, 3, 3]
    assert window.complete().keeps.tolist() == window.keeps.tolist()


def test_the_worked_example_of_a_padded_row() -> None:
    # A row of 4 vectors under a kernel of 3 with pad 1 on both sides:
    # outputs see {0,1} {0,1,2} {1,2,3} {2,3}; the last brings nothing new.
    window = Sliding((1, 4), (1, 3), pads=(0, 1, 0, 1)).window()
    assert window.needs.tolist() == [1, 2, 3, 3]
    assert window.keeps.tolist() == [0, 1, 2, 4]
    assert window.fresh.tolist() == [2, 1, 1, 0]


def test_vectors_that_a_stride_skips_are_never_required() -> None:
    # A 1 x 1 kernel at stride 2 over 4 vectors sees 0 and 2; after the last output all four are free.
    window = Sliding((1, 4), (1, 1), (1, 2)).window()
    assert window.needs.tolist() == [0, 2]
    assert window.keeps.tolist() == [2, 4]
    assert window.fresh.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sliding((4, 4), (0, 1)), "at least 1"),
        (lambda: Sliding((4, 4), (3, 3), pads=(3, 0, 0, 0)), "pads"),
        (lambda: Sliding((4, 4), (3, 3), pads=(0, 0, 0, -1)), "pads"),
        (lambda: Sliding((4, 2), (3, 3)), "kernel of width 3 does not fit an input of width 2"),
        (lambda: TensorShape(0, 1, 1), "at least 1"),
        (lambda: Reshape(TensorShape(1, 1, 2), np.array([0, 0])), "each of its 2 elements once"),
        (lambda: Pool2d(Sliding((4, 4), (2, 2)), "median"), "max or average"),  # type: ignore[arg-type]
        (lambda: Linear(np.zeros((2, 3, 4), np.float32), np.zeros(8, np.float32)), "one group"),
        (lambda: Linear(np.zeros((1, 3, 4)), np.zeros(4)), "float32"),  # type: ignore[arg-type]
        (lambda: Linear(np.zeros((3, 4), np.float32), np.zeros(4, np.float32)), r"\[groups, K, N\]"),
        (lambda: Linear(np.zeros((1, 3, 4), np.float32), np.zeros(3, np.float32)), "bias must have 4"),
        (lambda: Conv2d(Sliding((4, 4), (2, 2)), np.zeros((1, 3, 1), np.float32), np.zeros(1, np.float32)), "multiple"),
    ],
)
def test_what_cannot_be_is_refused(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        (Conv2d(Sliding((4, 4), (1, 1)), np.zeros((1, 3, 1), np.float32), np.zeros(1, np.float32)), [(4, 4, 2)]),
        (Linear(np.zeros((1, 3, 4), np.float32), np.zeros(4, np.float32)), [(1, 1, 4)]),
        (Pool2d(Sliding((4, 4), (2, 2)), "max"), [(4, 3, 1)]),
        (Add(), [(4, 4, 1), (4, 4, 2)]),
        (Add(), [(4, 4, 1)]),
        (Activation(RELU), [(1, 1, 1), (1, 1, 1)]),
        (Reshape(TensorShape(1, 1, 2), np.arange(2)), [(1, 1, 3)]),
    ],
)
def test_inputs_of_another_shape_are_refused(op: LayerKind, inputs: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValueError, match="got"):
        op.output_shape(*(TensorShape(*shape) for shape in inputs))


def test_a_dilated_window_requires_what_is_under_its_positions_alone() -> None:
    # A row of 6 vectors under 2 positions that lie 2 apart, at stride 1: {0,2} {1,3} {2,4} {3,5}. Output 2 meets vector
    # 2 again, but two outputs after output 0: what is fresh is told from the output before, which had 1 and 3.
    window = Sliding((1, 6), (1, 2), dilation=(1, 2)).window()
    assert window.needs.tolist() == [2, 3, 4, 5]
    assert window.keeps.tolist() == [1, 2, 3, 6]
    assert window.fresh.tolist() == [2, 2, 2, 2]
    # At stride 2 each window begins where the one before ended: {0,2} {2,4}.
    assert Sliding((1, 6), (1, 2), (1, 2), dilation=(1, 2)).window().fresh.tolist() == [2, 1]


def test_rounding_up_adds_a_window_where_a_stride_is_begun() -> None:
    # Over 6 vectors a window of 3 at stride 2 stands at 0, 2 and, if a begun stride counts, 4: one position too far.
    up = Sliding.rounded_up((1, 6), (1, 3), (1, 2))
    assert Sliding((1, 6), (1, 3), (1, 2)).output_plane == (1, 2)
    assert (up.output_plane, up.overhang) == ((1, 3), (0, 1))
    assert up.window().needs.tolist() == [2, 4, 5]
    assert up.inside().tolist() == [3, 3, 2]
    # Where the strides end evenly there is nothing to add, and a window that would begin behind the row is left out.
    assert Sliding.rounded_up((1, 7), (1, 3), (1, 2)) == Sliding((1, 7), (1, 3), (1, 2))
    assert Sliding.rounded_up((1, 5), (1, 1), (1, 3)).output_plane == (1, 2)
    assert Sliding.rounded_up((1, 3), (1, 1), (1, 4)).output_plane == (1, 1)


def test_positions_on_pads_are_counted_where_asked_for_and_those_beyond_never() -> None:
    # A row of 4 with one pad on each side, windows of 3 at stride 2 rounded up: {pad,0,1} {1,2,3} {3,pad,beyond}.
    up = Sliding.rounded_up((1, 4), (1, 3), (1, 2), (0, 1, 0, 1))
    assert up.inside().tolist() == [2, 3, 1]
    assert up.inside(up.pads).tolist() == [3, 3, 2]


@given(st.data())
def test_a_gather_requires_the_vectors_its_elements_come_from(data: st.DataObject) -> None:
    source = TensorShape(*(data.draw(st.integers(1, 4)) for _ in range(3)))
    shape = TensorShape(*(data.draw(st.integers(1, 3)) for _ in range(3)))
    one = st.integers(-1, source.elements - 1)
    index = np.array(data.draw(st.lists(one, min_size=shape.elements, max_size=shape.elements)), dtype=np.int64)
    index[data.draw(st.integers(0, shape.elements - 1))] = 0  # something must be there

    (window,) = Gather(shape, index).windows(source)

    rows = (index // source.length).reshape(shape.vectors, shape.length)
    fields = [{vector for vector in row if vector >= 0} for row in rows.tolist()]
    check_some(window, fields, shape.width, source.vectors)


def check_some(window: Window, fields: list[set[int]], row: int, vectors: int) -> None:
    """Compare with the definitions, where some outputs require nothing; none waits for less than vector 0."""
    for i, field in enumerate(fields):
        assert window.needs[i] == max(0, *(max(one, default=0) for one in fields[: i + 1]), 0)
        assert window.keeps[i] == min((min(one) for one in fields[i + 1 :] if one), default=vectors)
        assert window.fresh[i] == len(field - (fields[i - 1] if i % row else set()))


@pytest.mark.parametrize("axis", ["height", "width"])
def test_a_concat_requires_the_vector_of_the_input_that_it_is_from(axis: str) -> None:
    one = TensorShape(2, 3, 4)
    two = TensorShape(1, 3, 4) if axis == "height" else TensorShape(2, 1, 4)
    # Height: six vectors of the first, then three of the second. Width: in a row three of the first, one of the second.
    origin = [(0, i) for i in range(6)] + [(1, i) for i in range(3)]
    if axis == "width":
        origin = [(0, 0), (0, 1), (0, 2), (1, 0), (0, 3), (0, 4), (0, 5), (1, 1)]
    op = Concat(axis, (2, 1) if axis == "height" else (3, 1))  # type: ignore[arg-type]
    out = op.output_shape(one, two)
    for number, (window, shape) in enumerate(zip(op.windows(one, two), (one, two), strict=True)):
        fields = [{vector} if source == number else set() for source, vector in origin]
        assert window.needs.tolist() == [max([0, *(max(f) for f in fields[: i + 1] if f)]) for i in range(out.vectors)]
        assert window.fresh.tolist() == [len(field) for field in fields]
        assert window.keeps[-1] == shape.vectors
    values = [
        np.arange(shape.elements, dtype=np.float32).reshape(shape.vectors, 4) + 100 * i
        for i, shape in enumerate((one, two))
    ]
    expected = [values[source][vector].tolist() for source, vector in origin]
    assert op.compute(values, 0, out.vectors).tolist() == expected


def test_a_tensor_of_one_vector_beside_another_is_kept_to_the_end() -> None:
    window = Window.shared(6, 3)
    assert window.needs.tolist() == [0] * 6
    assert window.keeps.tolist() == [0, 0, 0, 0, 0, 1]
    assert window.fresh.tolist() == [1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sliding((1, 1), (1, 2), pads=(0, 1, 0, 1), dilation=(1, 2)), "every window lies in padding alone"),
        (lambda: Sliding((4, 4), (2, 2), dilation=(0, 1)), "at least 1"),
        (lambda: Sliding((2**20, 1), (2**19, 1), pads=(0, 0, 0, 0)), "too large"),
        (lambda: Pool2d(Sliding((1, 2), (1, 2), pads=(0, 2, 0, 2), dilation=(1, 3)), "max"), "lies in padding alone"),
        (lambda: Gather(TensorShape(1, 1, 2), np.array([-1, -1])), "names elements of its input"),
        (lambda: Gather(TensorShape(1, 1, 2), np.array([0, -2])), "names elements of its input"),
        (lambda: Gather(TensorShape(1, 1, 2), np.array([0])), "must name 2 elements"),
        (lambda: Gather(TensorShape(1, 1, 1), np.array([4])).output_shape(TensorShape(1, 1, 4)), "element 4"),
        (lambda: Concat("depth", (1, 1)), "concat joins"),  # type: ignore[arg-type]
        (lambda: Concat("width", (1, 1)).output_shape(*[TensorShape(1, 2, 1)] * 2), "was made for sizes"),
        (lambda: Affine(np.ones((1, 2), np.float32), np.ones((2, 2), np.float32)), "factor and offset"),
        (lambda: Affine(np.ones((1, 2)), np.ones((1, 2))), "float32"),  # type: ignore[arg-type]
        (lambda: PRelu(np.ones((1, 2), np.float32)), "slope"),
        (lambda: LocalResponse(0), "size"),
        (lambda: Multiply().output_shape(TensorShape(2, 2, 3), TensorShape(1, 2, 3)), "one shape"),
    ],
)
def test_what_cannot_be_among_the_later_kinds_is_refused(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]
