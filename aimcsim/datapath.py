"""Values that travel with the vectors of a run.

Each tensor of each request starts out as nothing (NaN) and is filled as its vectors arrive; a stream computes from what
is there when it has fetched. A value that is used before it arrived is an error of the timing, and reported as one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aimcsim.analog import Partial, Reads
from aimcsim.arrays import Matrices
from aimcsim.controller import Plan
from aimcsim.engine import Stream
from aimcsim.errors import CausalityError
from aimcsim.ops import DigitalKind, FloatArray, MatrixKind, TensorShape
from aimcsim.workload.graph import Layer

Compute = Callable[[int, int], FloatArray | list[Partial]]
States = Callable[[int], Matrices]


class Datapath:
    """Attaches the computing of values to the streams of a plan.

    Parameters
    ----------
    plan : Plan
    states : callable      Request -> programmed matrix of every layer with static weights, as the request reads it;
                           asked for requests that have been admitted.
    inputs : dict          float32 [requests, vectors, length] by input name.
    """

    def __init__(self, plan: Plan, states: States, inputs: dict[str, FloatArray]) -> None:
        self._plan = plan
        self._states = states
        self._inputs = inputs
        requests = plan.system.requests
        self._tensors: dict[str, FloatArray] = {
            name: np.full((requests, shape.vectors, shape.length), np.nan, dtype=np.float32)
            for name, shape in self._shapes()
        }
        self._partials: dict[tuple[int, int], list[Partial]] = {}
        self._unordered: dict[tuple[str, int], FloatArray] = {}
        self.outputs: dict[str, FloatArray] = {
            name: np.full_like(self._tensors[name], np.nan) for name in plan.workload.outputs
        }
        """What has reached the host, float32 [requests, vectors, length] by output name."""

    def attach(self) -> None:
        """Have every stream of the plan compute and hand on values."""
        for stream in self._plan.system.streams:
            if stream.index in self._plan.loads:
                self._attach_load(stream, self._plan.loads[stream.index])
            elif stream.index in self._plan.stores:
                self._attach_store(stream, self._plan.stores[stream.index])
            elif stream.kind in {"mvm", "vector", "reduce"}:
                self._attach_compute(stream)
            elif stream.kind == "merge":
                self._attach_merge(stream)

    def _shapes(self) -> list[tuple[str, TensorShape]]:
        workload = self._plan.workload
        return [*workload.inputs.items(), *((layer.name, layer.shape) for layer in workload.layers)]

    def _attach_load(self, stream: Stream, name: str) -> None:
        def arrive(vector: int) -> None:
            request, index = divmod(vector, stream.vectors)
            self._tensors[name][request, index] = self._inputs[name][request, index]

        stream.on_end = arrive

    def _attach_store(self, stream: Stream, name: str) -> None:
        def leave(vector: int) -> None:
            request, index = divmod(vector, stream.vectors)
            self.outputs[name][request, index] = self._known(self._tensors[name][request, index], stream)

        stream.on_end = leave

    def _attach_merge(self, stream: Stream) -> None:
        def order(vector: int) -> None:
            request, index = divmod(vector, stream.vectors)
            self._tensors[stream.layer][request, index] = self._unordered.pop((stream.layer, vector))

        stream.on_end = order

    def _attach_compute(self, stream: Stream) -> None:
        """Compute a vector when its inputs have been fetched, and publish it when it is complete."""
        layer = self._plan.workload.layer(stream.layer)
        compute = self._compute(stream, layer)
        waiting: dict[int, FloatArray | list[Partial]] = {}
        replicated, (first, step) = stream.index in self._plan.every, self._plan.every.get(stream.index, (0, 1))

        def place(vector: int) -> tuple[int, int]:
            """Return the request and which of the layer's vectors a vector of the stream is."""
            request, number = divmod(vector, stream.vectors)
            return request, first + number * step

        def fetch(vector: int) -> None:
            waiting[vector] = compute(*place(vector))

        def publish(vector: int) -> None:
            value = waiting.pop(vector)
            request, index = place(vector)
            number = request * layer.shape.vectors + index
            if isinstance(value, list):
                self._partials.setdefault((self._plan.added_in[stream.index], number), []).extend(value)
            elif replicated:
                self._unordered[layer.name, number] = value[0]
            else:
                self._tensors[layer.name][request, index] = value[0]

        stream.on_fetch, stream.on_end = fetch, publish

    def _compute(self, stream: Stream, layer: Layer) -> Compute:
        """Return what a stream computes for (request, vector of the layer)."""
        op = layer.op
        if isinstance(op, DigitalKind):
            return lambda request, index: self._known(
                op.compute([self._tensors[name][request] for name in layer.inputs], index, index + 1), stream
            )
        assert isinstance(op, MatrixKind), "a layer has static weights or is digital"
        states, name = self._states, layer.name

        def arrived(request: int, index: int) -> list[Partial]:
            return self._partials.pop((stream.index, request * layer.shape.vectors + index))

        def read(request: int, index: int) -> list[Partial]:
            x = self._known(op.gather(self._tensors[layer.inputs[0]][request], index, index + 1), stream)
            blocks = self._plan.shares[stream.index].blocks
            return [states(request)[name].partial(x, blocks, Reads.of_vector(request, index))]

        parts = arrived if stream.kind == "reduce" else read
        if stream.index in self._plan.added_in:
            return parts
        return lambda request, index: op.finish(states(request)[name].merge(parts(request, index)), index, index + 1)

    @staticmethod
    def _known(values: FloatArray, stream: Stream) -> FloatArray:
        if np.isnan(values).any():
            raise CausalityError(f"{stream.name} used a value before it had arrived")
        return values
