"""Receptive fields against an enumeration of every input vector that every output vector touches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim.ops import (
    RELU,
    Activation,
    Add,
    Conv2d,
    LayerKind,
    Linear,
    Pool2d,
    Reshape,
    Sliding,
    TensorShape,
    Window,
)


@st.composite
def slidings(draw: st.DrawFn) -> Sliding:
    """Any window that fits: kernels up to 4, strides up to 5, pads below the kernel, planes up to 7 x 7."""
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    pads = tuple(draw(st.integers(0, kernel[side % 2] - 1)) for side in range(4))
    plane = tuple(draw(st.integers(max(1, kernel[a] - pads[a] - pads[a + 2]), 7)) for a in (0, 1))
    stride = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    return Sliding((plane[0], plane[1]), kernel, stride, (pads[0], pads[1], pads[2], pads[3]))


def touched(sliding: Sliding) -> list[set[int]]:
    """The input vectors under the kernel, output by output, one position at a time."""
    (height, width), (sy, sx) = sliding.plane, sliding.stride
    fields = []
    for oy in range(sliding.output_plane[0]):
        for ox in range(sliding.output_plane[1]):
            field = set()
            for ky in range(sliding.kernel[0]):
                for kx in range(sliding.kernel[1]):
                    y, x = oy * sy - sliding.pads[0] + ky, ox * sx - sliding.pads[1] + kx
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
