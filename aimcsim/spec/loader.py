"""Loading a chip file: merge its layers, validate them, check how they fit together, report everything at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from aimcsim.costs import ComponentCost
from aimcsim.errors import ConfigError, Problem
from aimcsim.located import Document, PathKeys, dotted, one_of
from aimcsim.spec.checks import check
from aimcsim.spec.chip_file import ChipFile, Where
from aimcsim.spec.cost_entries import ComponentEntry
from aimcsim.spec.fields import file_key, shown
from aimcsim.spec.layers import read_layers
from aimcsim.spec.pricing import priced

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails


MOST_ERRORS = 100
"""Wrong fields that one look at a file reports; who has more than that has the wrong file."""


def load_chip(source: str | Path, overrides: Sequence[str] = ()) -> ChipFile:
    """Return the chip that a file or preset describes.

    Parameters
    ----------
    source : str | Path       Name of a preset (see `preset_names`) or path of a YAML file.
    overrides : sequence      ``path.to.field=value``, applied last and in order. Items of lists go by number or name:
                              ``tables.mvm.stages[0].latency=2 cycles``, ``tables.mvm.stages.fetch.latency=2 cycles``.

    Raises
    ------
    ConfigError               With every problem of the file and where it stands; a subclass when all are of one kind.
    """
    document = read_layers(source, overrides)
    where = _where(document)
    problems = list(document.problems)
    errors = _errors(document.data)
    wrong = [_problem(document, error) for error in errors]
    problems += wrong
    if errors:
        _patch(document.data, errors)
    if not errors or not _errors(document.data):
        known = frozenset(problem.path for problem in wrong)
        chip, unpriced = priced(replace(_validated(document.data), where=where), known)
        problems += (problem for problem in unpriced if problem.path not in known)
        problems += check(chip, known)
        if not problems:
            return chip
    raise ConfigError.of(
        sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line, problem.column))
    )


def _where(document: Document) -> Where:
    values = {dotted(path): place for path, place in document.values.items()}
    keys = {dotted(path): place for path, place in document.keys.items()}
    return Where(document.file, values, keys)


@cache
def _adapter() -> TypeAdapter[ChipFile]:
    from pydantic import TypeAdapter

    return TypeAdapter(ChipFile)


def _validated(data: Any) -> ChipFile:
    return _adapter().validate_python(data, context={"lenient": data.get("suspicious") == "allow"})


def _errors(data: Any) -> list[ErrorDetails]:
    """Return what is wrong with fields taken one by one."""
    from pydantic import ValidationError

    try:
        _validated(data)
    except ValidationError as error:
        return error.errors(include_url=False)[:MOST_ERRORS]
    return []


def _problem(document: Document, error: ErrorDetails) -> Problem:
    """Return a validation error in our words, at its place in the file."""
    path, kind, context = error["loc"], error["type"], error.get("ctx", {})
    if path[-1:] == ("[key]",):
        return document.problem(path[:-1], f"unknown name {one_of(path[-2], _options(context))}", key=True)
    if kind == "unexpected_keyword_argument":
        message = f"unknown field {one_of(path[-1], _fields(path[:-1]))}"
        return document.problem(path, message, key=True, kind="unknown_field")
    if kind == "literal_error":
        return document.problem(path, f"not a known choice {one_of(error['input'], _options(context))}")
    if kind == "missing":
        return document.problem(path, "is required, and missing")
    if "said" in context:
        return document.problem(path, context["said"], kind="unit" if kind == "unit" else "config")
    expected = _EXPECTED.get(kind)
    message = f"expected {expected} (got {shown(error['input'])})" if expected else error["msg"]
    return document.problem(path, message)


_EXPECTED = {
    "string_type": "text",
    "dataclass_type": "fields",
    "mapping_type": "fields",
    "dict_type": "fields",
    "tuple_type": "a list",
}


def _options(context: Mapping[str, Any]) -> list[str]:
    """Return the choices that pydantic lists as ``'a', 'b' or 'c'``."""
    return re.findall(r"'([^']*)'", context["expected"])


def _fields(path: PathKeys) -> list[str]:
    """Return the names of the fields that the part of a chip file at `path` has."""
    kind: Any = ChipFile
    for part in path:
        fields = _typed_fields(kind) if is_dataclass(kind) else {}
        kind = _plain(fields[part] if isinstance(part, str) and fields else get_args(kind)[-isinstance(part, str)])
    return [name for name in _typed_fields(kind) if name != "where"]


def _typed_fields(kind: Any) -> dict[str, Any]:
    return {file_key(name): hint for name, hint in get_type_hints(kind, include_extras=True).items() if name[0] != "_"}


def _plain(kind: Any) -> Any:
    """Return the class behind annotations and ``| None``."""
    while get_origin(kind) in (Annotated, Union, UnionType):
        kind = get_args(kind)[0]
    return ComponentEntry if kind is ComponentCost else kind


def _patch(data: Any, errors: list[ErrorDetails]) -> None:
    """Drop unknown fields and put right values for wrong ones, so that checking can go on behind them."""
    for error in errors:
        *parents, last = error["loc"]
        context = error.get("ctx", {})
        parent = _reach(data, parents)
        if error["type"] == "unexpected_keyword_argument" or last == "where":
            del parent[last]
        elif "instead" in context:
            parent[last] = context["instead"]
        elif error["type"] == "literal_error" and last != "[key]":
            parent[last] = _options(context)[0]


def _reach(data: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        data = data[part]
    return data
