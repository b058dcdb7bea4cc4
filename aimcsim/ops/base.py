"""The contract of a layer kind: tensors as rows of vectors, receptive fields, and the two families of layers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from aimcsim.ops.activation import ActivationFunction

FloatArray = NDArray[np.float32]
IndexArray = NDArray[np.int64]


class LazyArray:
    """A float32 array of a known shape whose values are made when `numpy.asarray` first asks for them.

    Mapping and timing look at shapes alone, so a run without values never makes them.
    """

    __slots__ = ("_make", "_values", "shape")
    dtype: ClassVar[np.dtype[np.float32]] = np.dtype(np.float32)

    def __init__(self, shape: tuple[int, ...], make: Callable[[], FloatArray]) -> None:
        self.shape = shape
        self._make = make
        self._values: FloatArray | None = None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the values; numpy's own protocol."""
        if self._values is None:
            self._values = self._make()
        return np.array(self._values, dtype=dtype, copy=copy)


Weight = FloatArray | LazyArray


@dataclass(frozen=True, slots=True, order=True)
class TensorShape:
    """The shape of one request's tensor: ``height * width`` vectors of `length` elements, row by row.

    The vector is what the machine admits, buffers and times. An image [H, W, C] has one vector per pixel, its channels;
    a flat tensor of F features is (1, 1, F). Its values are a float32 array [vectors, length].
    """

    height: int
    width: int
    length: int

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.length) < 1:
            raise ValueError(f"every dimension of a tensor must be at least 1 (got {self})")

    def __str__(self) -> str:
        return f"{self.height} x {self.width} x {self.length}"

    @property
    def vectors(self) -> int:
        """Vectors of one request."""
        return self.height * self.width

    @property
    def elements(self) -> int:
        """Elements of one request."""
        return self.vectors * self.length


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Which vectors of one input each output vector requires, within one request.

    All arrays are int64 [output vectors].

    Attributes
    ----------
    needs : highest input index that outputs 0..i require; never falls.
    keeps : lowest input index that the outputs after i require, so all below it is free once i has been fetched; the
        number of input vectors where nothing after i requires any. Never falls.
    fresh : input vectors that output i requires and the output before it in the same row did not; all that it requires
        for the first of a row.
    """

    needs: IndexArray
    keeps: IndexArray
    fresh: IndexArray

    @classmethod
    def from_extremes(cls, lowest: IndexArray, highest: IndexArray, fresh: IndexArray, vectors: int) -> Window:
        """Build from the lowest and highest input index of each output alone; `vectors` is the input's count."""
        keeps = np.append(lowest[1:], vectors)[::-1]
        return cls(np.maximum.accumulate(highest), np.minimum.accumulate(keeps)[::-1].copy(), fresh)

    def complete(self) -> Window:
        """Return the same windows for a layer that begins when all that it ever requires is there."""
        return Window(np.full_like(self.needs, self.needs[-1]), self.keeps, self.fresh)

    @classmethod
    @lru_cache(maxsize=256)
    def elementwise(cls, vectors: int) -> Window:
        """Output vector i requires input vector i and no other; the same object for all who ask."""
        index = np.arange(vectors, dtype=np.int64)
        return cls(index, index + 1, np.ones_like(index))

    @classmethod
    def prefix(cls, vectors: int, row: int) -> Window:
        """Output vector i of as many as there are inputs, `row` to a row, requires the input vectors 0..i."""
        index = np.arange(vectors, dtype=np.int64)
        return cls(index, _at_end(vectors), np.where(index % row == 0, index + 1, 1))

    @classmethod
    def everything(cls, vectors: int, row: int) -> Window:
        """Every output vector of as many as there are inputs, `row` to a row, requires all input vectors."""
        index = np.arange(vectors, dtype=np.int64)
        return cls(np.full_like(index, vectors - 1), _at_end(vectors), np.where(index % row == 0, vectors, 0))

    @classmethod
    def dealt(cls, vectors: int, first: int, step: int) -> Window:
        """Output vector i requires the inputs up to its turn, which are the vectors first, first + step, ..."""
        index = np.arange(vectors, dtype=np.int64)
        passed = np.maximum(index - first + step, 0) // step
        fresh = np.diff(passed, prepend=0)
        return cls(passed - 1, passed, fresh)

    def every(self, first: int, step: int, width: int) -> Window:
        """Return the windows of the outputs first, first + step, ... alone, of rows that are `width` outputs wide.

        `needs` and `keeps` stay those of all outputs up to each and after it, which others of the same tensor have;
        `fresh` is what entered since the output before, at most a full window.
        """
        chosen = np.arange(first, len(self.needs), step)
        before = np.maximum(chosen - step + 1, chosen // width * width)
        entered = np.append(0, np.cumsum(self.fresh))
        fresh = np.minimum(entered[chosen + 1] - entered[before], self.fresh.max())
        keeps = self.keeps[np.minimum(chosen + step, len(self.keeps)) - 1]
        return Window(self.needs[chosen], keeps, fresh)

    @classmethod
    def partial(cls, lowest: IndexArray, highest: IndexArray, fresh: IndexArray, vectors: int) -> Window:
        """Build as `from_extremes` does, for outputs some of which require nothing: their `highest` is negative.

        An edge knows no vector before the first, so outputs before the first that requires anything wait for vector 0.
        """
        window = cls.from_extremes(np.where(highest < 0, vectors, lowest), highest, fresh, vectors)
        return cls(np.maximum(window.needs, 0), window.keeps, window.fresh)

    @classmethod
    def shared(cls, outputs: int, row: int) -> Window:
        """Every one of `outputs` vectors, `row` to a row, requires the only vector of the input."""
        index = np.arange(outputs, dtype=np.int64)
        return cls(np.zeros_like(index), (index == outputs - 1).astype(np.int64), (index % row == 0).astype(np.int64))

    @classmethod
    def whole(cls, vectors: int) -> Window:
        """One output vector requires every input vector."""
        last, count = np.array([vectors - 1]), np.array([vectors])
        return cls(last, count, count)


class LayerKind(ABC):
    """What one layer computes from the tensors it is given.

    Every function is per vector: computing output vectors ``first..last-1`` gives, bit for bit, that slice of what
    computing all of them gives. Sums run in a fixed order, never through BLAS or NumPy's pairwise sums.
    """

    __slots__ = ()
    kind: ClassVar[str]

    @property
    def arity(self) -> int:
        """How many input tensors the layer takes."""
        return 1

    @property
    def weights(self) -> int:
        """How many weights meet every output vector, without biases."""
        return 0

    @abstractmethod
    def output_shape(self, *inputs: TensorShape) -> TensorShape:
        """Return the shape of the output for inputs of these shapes.

        Raises
        ------
        ValueError
            If the layer was not made for inputs of these shapes.
        """

    @abstractmethod
    def windows(self, *inputs: TensorShape) -> tuple[Window, ...]:
        """Return the receptive fields, one `Window` per input."""


class MatrixKind(LayerKind):
    """A layer with static weights: one K x N matrix per group, which crossbars hold.

    Attributes
    ----------
    weight : float32 [groups, K, N]; `numpy.asarray` gives its values
    bias : float32 [groups * N]
    activation : applied to the finished outputs.
    """

    __slots__ = ()
    weight: Weight
    bias: FloatArray
    activation: ActivationFunction

    @property
    def matrix_shape(self) -> tuple[int, int, int]:
        """Groups, K (inputs of a group), N (outputs of a group)."""
        groups, k, n = map(int, self.weight.shape)
        return groups, k, n

    @property
    def weights(self) -> int:
        """Weights of all matrices."""
        return self.weight.size

    @property
    def groups(self) -> int:
        """Independent matrices; channels in as many groups for a depthwise convolution."""
        return self.matrix_shape[0]

    @abstractmethod
    def gather(self, x: FloatArray, first: int, last: int) -> FloatArray:
        """Return the matrix inputs of output vectors ``first..last-1``, float32 [last - first, groups * K].

        `x` is the request's whole input tensor [vectors, length]; what stands in vectors that these outputs do not
        require has no effect. The result is group-major and may be a view of `x`; it is for reading.
        """

    def finish(self, y: FloatArray, first: int, last: int) -> FloatArray:
        """Add the bias to products [last - first, groups * N] and apply the activation."""
        return self.activation.apply(y + self.bias)


class DigitalKind(LayerKind):
    """A layer without weights, computed by a vector unit."""

    __slots__ = ()

    @abstractmethod
    def compute(self, inputs: Sequence[FloatArray], first: int, last: int) -> FloatArray:
        """Return output vectors ``first..last-1``, float32 [last - first, length], of one request.

        Each input is a whole tensor [vectors, length]; what stands in vectors that these outputs do not require has no
        effect.
        """

    @abstractmethod
    def work_elements(self, inputs: Sequence[TensorShape]) -> int:
        """Return the input elements that the vector unit touches for one output vector."""


def _at_end(vectors: int) -> IndexArray:
    """Return the `keeps` of outputs the last of which requires the first input."""
    return np.where(np.arange(vectors) == vectors - 1, vectors, 0)


def digital_kinds() -> tuple[str, ...]:
    """Return the kinds of digital layers that there are, those of the user's own included, by name."""
    found, left = set(), [DigitalKind]
    while left:
        one = left.pop()
        left += one.__subclasses__()
        found.add(getattr(one, "kind", ""))
    return tuple(sorted(found - {""}))


def check_arity(op: LayerKind, inputs: Sequence[TensorShape]) -> None:
    """Raise ValueError unless `op` is given as many inputs as it takes."""
    if len(inputs) != op.arity:
        raise ValueError(f"{op.kind} takes {op.arity} input{'s' * (op.arity > 1)} (got {len(inputs)})")
