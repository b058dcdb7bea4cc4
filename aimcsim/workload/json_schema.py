"""JSON Schema of workload files, made by having every layer kind read its fields from a probe that notes what it asks.

The schema knows every field by itself. Whether shapes fit each other only `load_layer_file` can tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aimcsim.errors import ProblemKind
from aimcsim.located import Document
from aimcsim.ops import CURVES, NO_ACTIVATION, ActivationFunction
from aimcsim.workload.fields import MOST, Fields
from aimcsim.workload.layer_file import ORDERS, SCHEMA
from aimcsim.workload.layer_kinds import KINDS

DRAFT = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, Any]

_NAME: Schema = {"title": "name", "type": "string", "minLength": 1}
_NAMES: Schema = {"title": "name, or list of names", "anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}
_LAYOUT: Schema = {"title": " or ".join(ORDERS), "enum": list(ORDERS)}
_NUMBERS: Schema = {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}}]}
_ACTIVATION: Schema = {
    "title": "none, relu, the name of a curve, {curve: parameters}, or {clip: [low, high]}",
    "anyOf": [
        {"enum": ["none", "relu", *CURVES]},
        {
            "type": "object",
            "properties": dict.fromkeys(CURVES, _NUMBERS),
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"clip": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}},
            "required": ["clip"],
            "additionalProperties": False,
        },
    ],
}


class _StandIn(int):
    """A number that no file gave."""


class Probe(Fields):
    """Fields of a layer that is not there: every reading method notes the schema of what it was to read.

    Attributes
    ----------
    found : dict            Schema by field.
    required : list[str]    Fields without default.
    """

    def __init__(self) -> None:
        super().__init__(Document(""), (), {})
        self.found: dict[str, Schema] = {}
        self.required: list[str] = []

    def complain(self, name: str, message: str, *, kind: ProblemKind = "config") -> None:
        """Say nothing: there is no file to complain about."""

    def text(self, name: str, default: str | None = None) -> str:
        """Note a name."""
        self._note(name, _NAME, default)
        return ""

    def choice(self, name: str, options: Iterable[str], default: str | None = None) -> str:
        """Note a choice."""
        options = list(options)
        self._note(name, {"title": " or ".join(options), "enum": options}, default)
        return options[0]

    def integer(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """Note a whole number."""
        self._note(name, _whole(least), default)
        return least

    def number(self, name: str, default: float) -> float:
        """Note a number."""
        self._note(name, {"title": "a number", "type": "number"}, default)
        return default

    def flag(self, name: str) -> bool:
        """Note a flag."""
        default = False
        self._note(name, {"title": "true or false", "type": "boolean"}, default)
        return default

    def integers(
        self, name: str, counts: Iterable[int], default: list[int] | None = None, *, least: int = 1
    ) -> list[int]:
        """Note a whole number or a list of some."""
        counts = list(counts)
        lists = [_list(count, least) for count in counts]
        either = [_whole(least), *lists] if 1 in counts else lists
        title = " or ".join(f"{count} whole numbers" if count > 1 else "whole number" for count in counts)
        said = default[0] if default and len(set(default)) == 1 else default
        self._note(name, {"title": f"{title} of at least {least}", "anyOf": either}, said)
        return [_StandIn(least)] * counts[-1]

    def names(self, name: str, default: list[str]) -> list[str]:
        """Note a list of names."""
        self._note(name, _NAMES, default)
        return default

    def activation(self) -> ActivationFunction:
        """Note an activation."""
        self._note("activation", _ACTIVATION, "none")
        return NO_ACTIVATION

    def _note(self, name: str, schema: Schema, default: object) -> None:
        """Note a field; a default that is taken from another field is none that the schema could name."""
        if default is None:
            self.required.append(name)
        named = default is not None and not isinstance(default, _StandIn)
        self.found[name] = {**schema, "default": default} if named else schema


def _whole(least: int) -> Schema:
    return {"title": f"whole number of at least {least}", "type": "integer", "minimum": least, "maximum": MOST}


def _list(count: int, least: int) -> Schema:
    return {"type": "array", "items": _whole(least), "minItems": count, "maxItems": count}


def probed(kind: str) -> Probe:
    """Return what a layer kind asks of its fields."""
    probe = Probe()
    KINDS[kind].read(probe)
    return probe


def workload_schema() -> Schema:
    """Return the schema of a whole workload file."""
    return {
        "$schema": DRAFT,
        "title": "aimcsim workload file",
        "type": "object",
        "properties": {
            "schema": {"enum": [SCHEMA], "description": "Version of the format."},
            "name": {**_NAME, "description": "What runs call the network."},
            "description": {"description": "One line on what it is."},
            "weights": {
                "type": ["string", "null"],
                "description": "An .npz file beside this one; without it, weights are random.",
            },
            "inputs": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": _input(),
                "description": "Shape of each input by its name: [height, width, channels], or [features].",
            },
            "layers": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/definitions/layer"},
                "description": "In order; a layer takes the one before it unless it has `inputs`.",
            },
            "outputs": {
                "type": "array",
                "minItems": 1,
                "items": {"anyOf": [_NAME, _output()]},
                "description": "Layers whose values the network returns.",
            },
        },
        "required": ["schema", "name", "inputs", "layers", "outputs"],
        "additionalProperties": False,
        "definitions": {"layer": _layer()},
    }


def _input() -> Schema:
    shape = {"anyOf": [_whole(1), _list(1, 1), _list(3, 1)]}
    whole = {"properties": {"shape": shape, "layout": _LAYOUT}, "required": ["shape"], "additionalProperties": False}
    return {"anyOf": [*shape["anyOf"], {"type": "object", **whole}]}


def _output() -> Schema:
    properties = {"name": _NAME, "layout": _LAYOUT}
    return {"type": "object", "properties": properties, "required": ["name"], "additionalProperties": False}


def _layer() -> Schema:
    """Return the schema of a layer: what all have, and for each kind its own fields."""
    own = {
        "name": {**_NAME, "description": "What records call it."},
        "inputs": _NAMES,
        "after": {**_NAMES, "description": "Layers before it that it waits for and takes nothing from."},
        "kind": {"enum": list(KINDS)},
    }
    return {
        "type": "object",
        "properties": own,
        "required": ["name", "kind"],
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _kind(kind, list(own))}
            for kind in KINDS
        ],
    }


def _kind(kind: str, common: list[str]) -> Schema:
    probe = probed(kind)
    properties: Schema = {**{name: {} for name in common}, **probe.found}
    return {"properties": properties, "required": probe.required, "additionalProperties": False}
