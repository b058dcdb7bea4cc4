"""Workloads written by hand: reading the YAML layer graph `aimcsim-workload/1`.

::

    schema: aimcsim-workload/1
    name: example
    weights: example.npz                  # optional: `<layer>.weight` [groups, K, N], `<layer>.bias` [groups * N]
    inputs:
      image: [8, 8, 1]                    # [height, width, channels], or [features]
    layers:                               # in order; a layer takes the one before it unless `inputs` says otherwise
      - {name: conv, kind: conv2d, out_channels: 16, kernel: 3, pads: 1, activation: relu}
      - {name: pool, kind: max_pool, kernel: 2}
      - {name: classes, kind: linear, out_features: 10}
    outputs: [classes]

`layer_kinds.KINDS` lists every kind with its fields. An input may be a mapping of `shape` and `layout`, an output one
of `name` and `layout`: `HWC`, `CHW`, or `F` for flat is how the users' arrays lie; the machine's own order is HWC.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from aimcsim.errors import ConfigError, Problem
from aimcsim.located import Document, PathKeys, check_keys, did_you_mean, one_of, quoted, read_document
from aimcsim.ops import TensorShape
from aimcsim.workload.fields import Fields
from aimcsim.workload.graph import Layer, Layout, Order, Workload
from aimcsim.workload.layer_kinds import KINDS, Make, Place
from aimcsim.workload.weights import RANDOM_WEIGHTS, WeightFile

SCHEMA = "aimcsim-workload/1"
ORDERS = ("HWC", "CHW", "F")
MOST_ELEMENTS = 1 << 27
"""Most values of an input: an image of 6000 x 6000 in three colours, say."""
_TOP = ("schema", "name", "description", "weights", "inputs", "layers", "outputs")


def load_layer_file(path: Path) -> Workload:
    """Return the workload that a YAML file describes.

    Raises
    ------
    ConfigError
        With every mistake in the file, each at its line and column.
    """
    reader = _Reader(read_document(path), path.parent)
    workload = reader.read()
    if workload is None:
        raise ConfigError.of(sorted(reader.problems, key=lambda problem: (problem.line, problem.column)))
    return workload


class _Reader:
    """One pass over a document.

    `shapes` knows every tensor seen so far; None stands for a shape that could not be told, and keeps quiet whatever
    depends on it, so that one mistake is one message.
    """

    def __init__(self, doc: Document, folder: Path) -> None:
        self.doc = doc
        self.folder = folder
        self.problems: list[Problem] = list(doc.problems)
        self.inputs: dict[str, TensorShape] = {}
        self.shapes: dict[str, TensorShape | None] = {}
        self.places: dict[str, PathKeys] = {}
        self.layouts: dict[str, Layout] = {}
        self.layers: list[Layer] = []
        self.taken: set[str] = set()

    def read(self) -> Workload | None:
        """Return the workload, or None after problems."""
        data = self.doc.data
        if not isinstance(data, dict):
            self.complain((), "a workload file is a mapping of fields")
            return None
        self.problems += check_keys(self.doc, (), data, _TOP)
        top = Fields(self.doc, (), data)
        top.choice("schema", [SCHEMA])
        name = top.text("name")
        self.problems += top.problems
        file = self._weight_file(data.get("weights"))
        self._inputs(data.get("inputs"))
        self._layers(data.get("layers"), file)
        outputs = self._outputs(data.get("outputs"))
        self._look_for_loose_ends(file)
        if self.problems:
            return None
        assumptions = (RANDOM_WEIGHTS,) if file is None else ()
        return Workload(name, self.inputs, tuple(self.layers), outputs, self.layouts, assumptions)

    def complain(self, path: PathKeys, message: str) -> None:
        """Note a problem about the value at `path`."""
        self.problems.append(self.doc.problem(path, message))

    def _weight_file(self, name: object) -> WeightFile | None:
        if name is None:
            return None
        if not isinstance(name, str):
            self.complain(("weights",), f"must be the name of an .npz file (got {quoted(name)})")
            return None
        try:
            return WeightFile(self.folder / name)
        except ValueError as error:
            self.complain(("weights",), str(error))
            return None

    def _inputs(self, data: object) -> None:
        if not isinstance(data, dict) or not data:
            self.complain(("inputs",), "must map the name of each input to its shape")
            return
        for name, given in data.items():
            self._input(name, given if isinstance(given, dict) else {"shape": given})

    def _input(self, name: str, given: dict[str, object]) -> None:
        fields = Fields(self.doc, ("inputs", name), given)
        fields.only(("shape", "layout"))
        sizes = fields.integers("shape", (1, 3))
        order = fields.choice("layout", ORDERS, "F" if len(sizes) == 1 else "HWC")
        self.problems += fields.problems
        self.places[name] = fields.path
        self.shapes[name] = None
        if not fields.problems:
            shape = TensorShape(1, 1, sizes[0]) if len(sizes) == 1 else TensorShape(*sizes)
            if shape.elements > MOST_ELEMENTS:
                self.complain((*fields.path, "shape"), f"{shape.elements} values are more than {MOST_ELEMENTS}")
                return
            self.shapes[name] = self.inputs[name] = shape
            self.layouts[name] = Layout.ordered(shape, cast("Order", order))

    def _layers(self, data: object, file: WeightFile | None) -> None:
        if not isinstance(data, list) or not data:
            self.complain(("layers",), "must list the layers in order")
            return
        later = [str(item.get("name")) for item in data if isinstance(item, dict)]
        before = list(self.shapes) if len(self.shapes) == 1 else []
        for i, item in enumerate(data):
            if not isinstance(item, dict):
                self.complain(("layers", i), f"a layer is a mapping of fields (got {quoted(item)})")
                continue
            fields = Fields(self.doc, ("layers", i), item)
            before = [self._layer(fields, self._layer_inputs(fields, before, later), file)]

    def _layer(self, fields: Fields, inputs: list[str], file: WeightFile | None) -> str:
        """Read one layer and return its name."""
        name, kind = fields.text("name"), fields.choice("kind", KINDS)
        make = _read(fields, kind) if fields.data.get("kind") == kind else None
        after = self._after(fields)
        if name in self.shapes:
            fields.complain("name", f"the name `{name}` is taken")
        shapes = [shape for one in inputs if (shape := self.shapes.get(one))]
        layer = None
        if make and inputs and len(shapes) == len(inputs) and not fields.problems:
            layer = _built(make, fields, Place(name, shapes, file), tuple(inputs), after)
        if layer:
            self.layers.append(layer)
        elif file:
            file.forget(name)
        self.problems += fields.problems
        self.shapes.setdefault(name, layer.shape if layer else None)
        self.places.setdefault(name, fields.path)
        return name

    def _layer_inputs(self, fields: Fields, before: list[str], later: list[str]) -> list[str]:
        if "inputs" not in fields.data and not before:
            fields.complain("", "the field `inputs` is missing; the network has several")
            return []
        names = fields.names("inputs", before)
        self.taken.update(names)
        for name in names:
            if name not in self.shapes:
                hint = " It comes later." if name in later else did_you_mean(name, self.shapes)
                fields.complain("inputs", f"there is no tensor `{name}` before this layer.{hint}", kind="reference")
        return names

    def _after(self, fields: Fields) -> tuple[str, ...]:
        """Return the layers that a layer waits for beside those whose tensors it takes."""
        names = fields.names("after", []) if "after" in fields.data else []
        for name in names:
            if name not in self.shapes or name in self.inputs:
                hint = did_you_mean(name, [one for one in self.shapes if one not in self.inputs])
                fields.complain(
                    "after", f"there is no layer `{name}` before this one to wait for.{hint}", kind="reference"
                )
        return tuple(names)

    def _outputs(self, data: object) -> tuple[str, ...]:
        if not isinstance(data, list) or not data:
            self.complain(("outputs",), "must list the layers whose values the network returns")
            return ()
        names: list[str] = []
        for i, item in enumerate(data):
            fields = Fields(self.doc, ("outputs", i), item if isinstance(item, dict) else {"name": item})
            names.append(self._output(fields, names))
            self.problems += fields.problems
        self.taken.update(names)
        return tuple(names)

    def _output(self, fields: Fields, others: list[str]) -> str:
        fields.only(("name", "layout"))
        name, order = fields.text("name"), fields.choice("layout", ORDERS, "HWC")
        layers = [one for one in self.shapes if one not in self.inputs]
        if name and name not in layers:
            fields.complain("name", f"there is no layer {one_of(name, layers)}", kind="reference")
        if name in others:
            fields.complain("name", f"the output `{name}` is listed twice")
        shape = self.shapes.get(name)
        if shape and "layout" in fields.data:
            self.layouts[name] = Layout.ordered(shape, cast("Order", order))
        return name

    def _look_for_loose_ends(self, file: WeightFile | None) -> None:
        """Note tensors that nobody takes and arrays that no layer has: most often a name misspelt elsewhere."""
        for name in self.shapes:
            if name and name not in self.taken:
                where = self.places[name]
                self.complain(where, f"nothing takes the tensor `{name}`; use it, or list it among the outputs")
        known = [f"{layer.name}.{part}" for layer in self.layers for part in ("weight", "bias")]
        for array in file.unused if file else ():
            self.complain(("weights",), f"the array `{array}` belongs to no layer.{did_you_mean(array, known)}")


def _built(make: Make, fields: Fields, place: Place, inputs: tuple[str, ...], after: tuple[str, ...]) -> Layer | None:
    """Return the layer, or None after a problem was noted among its fields."""
    try:
        op = make(place)
        shape = op.output_shape(*place.inputs)
    except ValueError as error:
        if not fields.problems:
            fields.complain("", str(error))
        return None
    return Layer(place.name, op, inputs, shape, after)


def _read(fields: Fields, kind: str) -> Make:
    """Read the fields that belong to the layer's kind."""
    fields.only(("name", "kind", "inputs", "after", *KINDS[kind].fields))
    return KINDS[kind].read(fields)
