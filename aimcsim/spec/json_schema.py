"""JSON Schema of chip files, made from the dataclasses that validate them, for editors and the reference page.

The schema knows every field by itself. How fields go together (clocks that must exist, banks that must divide) only
`load_chip` can tell. Nothing but `extends` or the top-level sections is required, because a file that extends another
may leave out anything.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from itertools import pairwise
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from aimcsim.costs import ComponentCost
from aimcsim.spec.chip_file import ChipFile, Clock
from aimcsim.spec.cost_entries import ComponentEntry
from aimcsim.spec.fields import FieldType, file_key, quantity_schema
from aimcsim.spec.resolved import plain_field
from aimcsim.spec.stage_table import Loop, Stage

DRAFT = "http://json-schema.org/draft-07/schema#"

NEEDED = "x-needed"
"""Key of the fields that must be somewhere, in a file or in what it extends; editors pass over it."""

Schema = dict[str, Any]

_EXTENDS: Schema = {
    "title": "name",
    "type": "string",
    "description": "Preset or chip file that this file changes; a path is relative to this file.",
}
_OWN_WHOLE = (Loop, Stage)
"""Items of lists, which no file below can complete: lists are replaced, not merged."""


def chip_schema() -> Schema:
    """Return the schema of a whole chip file; sections stand under `definitions` by the names of their classes."""
    definitions: dict[str, Schema] = {}
    top = _section(ChipFile, definitions)
    return {
        "$schema": DRAFT,
        "title": "aimcsim chip file",
        **top,
        "properties": {"extends": _EXTENDS, **top["properties"]},
        "anyOf": [{"required": ["extends"]}, {"required": top[NEEDED]}],
        "definitions": definitions,
    }


def _section(kind: type[Any], definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a part of a chip file, and add those of its own parts to the definitions."""
    hints, said = get_type_hints(kind, include_extras=True), meanings(kind)
    properties = {file_key(one.name): _property(one, hints[one.name], said, definitions) for one in _fields(kind)}
    needed = [file_key(one.name) for one in _fields(kind) if _required(one)]
    found: Schema = {"type": "object", "description": inspect.getdoc(kind), "properties": properties}
    found["required" if kind in _OWN_WHOLE else NEEDED] = needed
    return {**found, "additionalProperties": False}


def _property(one: Field[Any], hint: Any, said: Mapping[str, str], definitions: dict[str, Schema]) -> Schema:
    schema = _typed(hint, definitions)
    if "$ref" in schema:  # what stands beside a reference is not read
        schema = {"allOf": [schema]}
    described = {**schema, "description": said[one.name]}
    default = None if _required(one) else _default(one)
    return described if default is None else {**described, "default": default}


def _default(one: Field[Any]) -> Any:
    """Return what a file would say instead of leaving the field out; None if that is nothing."""
    if one.default is MISSING or one.default in (None, "", ()) or is_dataclass(one.default):
        return None
    return plain_field(one.name, one.default)


def _typed(hint: Any, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of a type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        own = [one.schema for one in arguments[1:] if isinstance(one, FieldType)]
        return dict(own[0]) if own else _typed(arguments[0], definitions)
    if origin in (Union, UnionType):
        return _typed(arguments[0], definitions)
    if origin is Literal:
        return {"title": " or ".join(arguments), "enum": list(arguments)}
    if origin is tuple:
        return _list(arguments, definitions)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(arguments[0], arguments[1], definitions)
    if isinstance(hint, type) and is_dataclass(hint):
        return _reference(ComponentEntry if hint is ComponentCost else hint, definitions)
    return {"title": "text", "type": "string"}


def _list(arguments: tuple[Any, ...], definitions: dict[str, Schema]) -> Schema:
    items = _typed(arguments[0], definitions)
    if arguments[1:] == (...,):
        return {"title": "list", "type": "array", "items": items}
    count = len(arguments)
    return {"title": f"list of {count}", "type": "array", "items": items, "minItems": count, "maxItems": count}


def _mapping(key: Any, value: Any, definitions: dict[str, Schema]) -> Schema:
    items = _typed(value, definitions)
    found: Schema = {"title": "by name", "type": "object", "additionalProperties": items}
    return {**found, "propertyNames": _typed(key, definitions)} if get_origin(key) is Literal else found


def _reference(kind: type[Any], definitions: dict[str, Schema]) -> Schema:
    name = kind.__name__.removesuffix("Entry")
    if name not in definitions:
        definitions[name] = {}  # keeps its place before its own parts
        definitions[name] = _section(kind, definitions)
    reference: Schema = {"$ref": f"#/definitions/{name}"}
    return {"anyOf": [quantity_schema("frequency"), reference]} if kind is Clock else reference


def _fields(kind: type[Any]) -> list[Field[Any]]:
    return [one for one in fields(kind) if one.name != "where"]


def _required(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def meanings(kind: type[Any]) -> dict[str, str]:
    """Return what stands below each attribute of a class, by the attribute's name."""
    body = _classes(kind.__module__)[kind.__name__].body
    found: dict[str, str] = {}
    for before, node in pairwise(body):
        if isinstance(before, ast.AnnAssign) and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            assert isinstance(before.target, ast.Name), "attributes have plain names"
            found[before.target.id] = " ".join(str(node.value.value).split())
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
