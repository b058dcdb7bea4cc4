"""A network as the machine sees it: layers in topological order, between named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aimcsim.errors import ConfigError, TraceError
from aimcsim.located import did_you_mean
from aimcsim.ops import FloatArray, IndexArray, LayerKind, TensorShape

Order = Literal["F", "HWC", "CHW"]
F = TypeVar("F", bound=np.floating[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How the network's own arrays lie in our rows of vectors.

    Attributes
    ----------
    index : int64, of the shape of one sample in the network's own layout
        For each of its elements the position in our tensor, counted row by row over (vector, element).
    """

    index: IndexArray

    @classmethod
    def ordered(cls, shape: TensorShape, order: Order) -> Self:
        """Return the layout of samples [H, W, C] (`HWC`), [C, H, W] (`CHW`) or [elements] (`F`)."""
        flat = np.arange(shape.elements, dtype=np.int64)
        if order == "F":
            return cls(flat)
        image = flat.reshape(shape.height, shape.width, shape.length)
        return cls(image.transpose(2, 0, 1) if order == "CHW" else image)

    @classmethod
    def natural(cls, shape: TensorShape) -> Self:
        """Return the layout that needs no statement: `F` for a single vector, `HWC` for an image."""
        return cls.ordered(shape, "F" if shape.vectors == 1 else "HWC")

    def pack(self, array: FloatArray, shape: TensorShape) -> FloatArray:
        """Return samples [n, *own shape] as [n, vectors, length]."""
        packed = np.empty((len(array), shape.elements), dtype=np.float32)
        packed[:, self.index.reshape(-1)] = array.reshape(len(array), -1)
        return packed.reshape(-1, shape.vectors, shape.length)

    def unpack(self, values: NDArray[F]) -> NDArray[F]:
        """Return [n, vectors, length] as samples [n, *own shape]; keeps the dtype."""
        return values.reshape(len(values), -1)[:, self.index]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer: what it computes (`op`), from which tensors, and the shape of what comes out.

    `inputs` name workload inputs or other layers; a layer's output tensor has the layer's name. The layer also waits
    until those that `after` names have made all vectors of the request, and takes nothing from them: the order of a
    program.
    """

    name: str
    op: LayerKind
    inputs: tuple[str, ...]
    shape: TensorShape
    after: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of layer, such as `conv2d`."""
        return self.op.kind

    @property
    def weights(self) -> int:
        """Matrix weights, without biases."""
        return self.op.weights

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one request: every weight meets every output vector once."""
        return self.weights * self.shape.vectors


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """A network: a graph of layers from inputs to outputs.

    Parameters
    ----------
    name : str
    inputs : dict
        Name and shape of each input tensor.
    layers : tuple of Layer
        In topological order: each layer after those whose outputs it takes.
    outputs : tuple of str
        Names of the layers whose values the network returns.
    layouts : dict
        How users hand over inputs and receive outputs; `Layout.natural` for tensors not named here.
    assumptions : tuple of str
        What the file did not say and we filled in, one sentence each.
    folded : tuple of str
        Nodes of the file that are not supported and were left out; the network has no values if there are any.

    Raises
    ------
    ConfigError
        If names repeat, refer to nothing or to something later, or shapes do not fit.
    """

    name: str
    inputs: Mapping[str, TensorShape]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    layouts: Mapping[str, Layout] = field(default_factory=dict, repr=False)
    assumptions: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    _layers: dict[str, Layer] = field(init=False, repr=False)
    _consumers: dict[str, tuple[tuple[Layer, int], ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_layers", {layer.name: layer for layer in self.layers})
        self._check()
        consumers: dict[str, list[tuple[Layer, int]]] = {name: [] for name in (*self.inputs, *self._layers)}
        for layer in self.layers:
            for position, name in enumerate(layer.inputs):
                consumers[name].append((layer, position))
        object.__setattr__(self, "_consumers", {name: tuple(found) for name, found in consumers.items()})

    def _check(self) -> None:
        """Raise ConfigError unless names are unique, refer backwards, and shapes are what the layers say."""
        known = dict(self.inputs)
        for layer in self.layers:
            if layer.name in known:
                raise ConfigError(f"layer `{layer.name}`: the name is taken")
            for name in layer.inputs:
                if name not in known:
                    raise ConfigError(f"layer `{layer.name}`: there is no tensor `{name}` before it")
            for name in layer.after:
                if name not in known or name in self.inputs:
                    raise ConfigError(f"layer `{layer.name}`: there is no layer `{name}` before it to wait for")
            known[layer.name] = _checked_shape(layer, [known[name] for name in layer.inputs])
        for name in self.outputs:
            if name not in self._layers:
                raise ConfigError(f"output `{name}` is no layer.{did_you_mean(name, self._layers)}")

    def check_values(self) -> None:
        """Raise ConfigError if the network's values cannot be computed."""
        if self.folded:
            nodes = ", ".join(f"`{node}`" for node in self.folded)
            raise ConfigError(f"{self.name}: values cannot be computed, unsupported nodes were folded: {nodes}")

    def layer(self, name: str) -> Layer:
        """Return the layer called `name`; KeyError if there is none."""
        return self._layers[name]

    def shape(self, name: str) -> TensorShape:
        """Return the shape of the tensor `name`, an input's or a layer's; KeyError if there is none."""
        return self.inputs[name] if name in self.inputs else self._layers[name].shape

    def input_shapes(self, layer: Layer) -> tuple[TensorShape, ...]:
        """Return the shapes of a layer's inputs, in their order."""
        return tuple(map(self.shape, layer.inputs))

    def consumers(self, name: str) -> tuple[tuple[Layer, int], ...]:
        """Return who takes the tensor `name`: each layer with the position among its inputs."""
        return self._consumers[name]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one request."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Matrix weights, without biases."""
        return sum(layer.weights for layer in self.layers)

    def layout(self, name: str) -> Layout:
        """Return how users see the tensor `name`."""
        return self.layouts[name] if name in self.layouts else Layout.natural(self.shape(name))

    def pack_inputs(self, name: str, array: ArrayLike) -> FloatArray:
        """Return samples of input `name` in the network's own layout as float32 [n, vectors, length].

        Raises
        ------
        TraceError
            If there is no such input, or the array is not numeric or not [n, *the input's own shape].
        """
        if name not in self.inputs:
            raise TraceError(f"the network has no input `{name}`.{did_you_mean(name, self.inputs)}")
        layout = self.layout(name)
        try:
            samples = np.asarray(array, dtype=np.float32)
        except (TypeError, ValueError):
            raise TraceError(f"input `{name}`: expected numbers (got {np.asarray(array).dtype})") from None
        if samples.shape[1:] != layout.index.shape or samples.ndim != layout.index.ndim + 1:
            own = ", ".join(map(str, layout.index.shape))
            raise TraceError(f"input `{name}`: expected an array of shape [n, {own}] (got {list(samples.shape)})")
        return layout.pack(samples, self.inputs[name])

    def unpack_outputs(self, name: str, values: NDArray[F]) -> NDArray[F]:
        """Return values [n, vectors, length] of output `name` in the network's own layout [n, ...]; keeps the dtype."""
        return self.layout(name).unpack(values)


def _checked_shape(layer: Layer, inputs: list[TensorShape]) -> TensorShape:
    try:
        shape = layer.op.output_shape(*inputs)
    except ValueError as error:
        raise ConfigError(f"layer `{layer.name}`: {error}") from None
    if shape != layer.shape:
        raise ConfigError(f"layer `{layer.name}`: its output is {shape} (got {layer.shape})")
    return shape
