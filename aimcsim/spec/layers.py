"""From a preset name or path to one merged document: `extends` below, the file over it, `--set` on top."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aimcsim.errors import ConfigError, Problem, ReferenceError_
from aimcsim.located import (
    Document,
    PathKeys,
    Position,
    did_you_mean,
    dotted,
    one_of,
    parse_document,
    quoted,
    read_document,
)

OVERRIDE = "--set"
_PRESETS = Path(__file__).parents[1] / "data" / "presets"


def preset_names() -> tuple[str, ...]:
    """Return the names of the chips that come with the package."""
    return tuple(sorted(path.stem for path in _PRESETS.glob("*.yaml")))


def preset_text(name: str) -> str:
    """Return the file of a preset, comments and all.

    Raises
    ------
    ReferenceError_
        If there is none of this name.
    """
    if name not in preset_names():
        raise ReferenceError_(f"no preset of this name {one_of(name, preset_names())}")
    return (_PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def read_layers(source: str | Path, overrides: Sequence[str]) -> Document:
    """Return the merged document of `source`; `problems` has what could be stepped over.

    Raises `ConfigError` for what cannot be read at all and `ReferenceError_` for an unknown preset.
    """
    document = _read_chain(*_locate(str(source), Path()), ())
    for number, text in enumerate(overrides, start=1):
        _override(document, text, number)
    return document


def lineage(source: str | Path) -> tuple[str, ...]:
    """Return the name of a chip that can be loaded and of all that it extends, its own first."""
    names, path = [], _locate(str(source), Path())[0]
    while True:
        data = read_document(path, str(path)).data
        names.append(str(data.get("name")))
        if "extends" not in data:
            return tuple(names)
        path = _locate(data["extends"], path.parent)[0]


def _locate(source: str, folder: Path) -> tuple[Path, str]:
    """Return (path, name for messages) of a preset or of a file that is named relative to `folder`."""
    if source in preset_names():
        return _PRESETS / f"{source}.yaml", f"presets/{source}.yaml"
    path = folder / source
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path, str(path)
    names = preset_names()
    hint = did_you_mean(source, names) or f" Presets: {', '.join(names)}."
    what = "this is no file to read" if path.exists() else "no preset or file of this name"
    raise ReferenceError_(f"{what} (got {quoted(source)}).{hint}")


def _read_chain(path: Path, name: str, seen: tuple[Path, ...]) -> Document:
    """Return the document at `path` laid over what it extends."""
    document = read_document(path, name)
    if not isinstance(document.data, dict):
        raise ConfigError(document.problem((), "expected the fields of a chip file, such as `schema: aimcsim-chip/1`"))
    _spell_out_clocks(document)
    if document.problems and document.data.get("extends", "") is None:
        raise ConfigError.of(document.problems)  # without a base everything would be missing
    extends = document.data.pop("extends", None)
    if extends is None:
        return document
    here = path.resolve()
    try:
        if not isinstance(extends, str):
            raise ReferenceError_(f"expected a preset or a file (got {quoted(extends)})")
        base_path, base_name = _locate(extends, path.parent)
        if base_path.resolve() in (*seen, here):
            raise ReferenceError_(f"the files extend each other in a circle (got `{extends}`)")
        if not base_path.is_file():
            raise ReferenceError_(f"no such file (got `{extends}`)")
    except ReferenceError_ as error:
        located = document.problem(("extends",), str(error), kind="reference")
        raise ConfigError.of([*document.problems, located]) from None
    base = _read_chain(base_path, base_name, (*seen, here))
    base.file = document.file
    base.problems += document.problems
    for key, value in document.data.items():
        _lay(base, document, (key,), value)
    return base


def _spell_out_clocks(document: Document) -> None:
    """Turn ``digital: 1 GHz`` into ``digital: {frequency: 1 GHz}``, so that a later layer can change one field."""
    clocks = document.data.get("clocks")
    for name, clock in clocks.items() if isinstance(clocks, dict) else ():
        if not isinstance(clock, dict):
            clocks[name] = {"frequency": clock}
            document.values["clocks", name, "frequency"] = document.values["clocks", name]


_NUMBERS = ("energy", "energy_range", "latency", "rate", "area", "static_power", "source", "grade", "how", "actions")
"""What a cost states, and what a model in its `from` says in the place of it."""


def _lay(base: Document, top: Document, path: PathKeys, value: Any) -> None:
    """Lay `value`, which `top` has at `path`, over `base`: mappings merge field by field, all else is replaced.

    A cost has numbers or a model: either takes the place of the other. A source is that of its own number, so an action
    with a source over one with an energy has to state its energy, too.
    """
    parent, step = _at(base.data, path[:-1]), path[-1]
    for name in _displaced(path, value):
        _drop(base, (*path[:-1], name))
    old = parent.get(step) if isinstance(parent, dict) else parent[step]
    if isinstance(old, dict) and isinstance(value, dict):
        for key in sorted(value, key=lambda key: key not in ("from", "source")):  # first, for what they drop
            _lay(base, top, (*path, key), value[key])
        base.values[path] = top.values[path]
        base.keys[path] = top.keys[path]
        return
    _forget(base, path, old)
    parent[step] = value
    for mine, theirs in ((base.values, top.values), (base.keys, top.keys)):
        mine.update({place: theirs[place] for place in _paths(path, value) if place in theirs})


def _displaced(path: PathKeys, value: Any) -> tuple[str, ...]:
    """Return the fields beside `path` that a value there takes the place of."""
    if path[0] != "costs" or len(path) not in (3, 5):
        return ()
    if path[-1] == "from" and isinstance(value, dict) and "model" in value:
        return (*_NUMBERS, "from")
    if path[-1] == "source" and len(path) == 5:
        return ("energy",)
    return ("from",) if path[-1] == "energy" else ()


def _drop(document: Document, path: PathKeys) -> None:
    """Take a field out of a document, if it is there."""
    _forget(document, path, _at(document.data, path[:-1]).pop(path[-1], None))


def _forget(document: Document, path: PathKeys, value: Any) -> None:
    """Forget where a value and all that is in it stood."""
    for stale in _paths(path, value):
        document.values.pop(stale, None)
        document.keys.pop(stale, None)


def _paths(path: PathKeys, value: Any) -> Iterator[PathKeys]:
    """Yield the paths of a value and of all that is in it."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from _paths((*path, step), item)


def _at(data: Any, path: PathKeys) -> Any:
    for part in path:
        data = data[part]
    return data


_STEP = re.compile(r"\[(\d+)\]|([^.\[\]=]+)")


def _override(document: Document, text: str, number: int) -> None:
    """Apply one ``path.to.field=value``; its number stands for the line in messages."""
    target, equals, value = text.partition("=")
    if not equals or not target.strip():
        message = f"expected `path.to.field=value` (got `{text}`)"
        document.problems.append(Problem(OVERRIDE, number, 1, "", message))
        return
    try:
        path, columns = _resolve(document.data, target.rstrip())
        top = _parse_value(value, number, len(target) + 2)
    except ConfigError as error:
        document.problems += [Problem(OVERRIDE, number, p.column, p.path, p.message, p.kind) for p in error.problems]
        return
    if len(path) == 2 and path[0] == "clocks" and not isinstance(top.data, dict):
        path, columns = (*path, "frequency"), (*columns, columns[-1])
    _put(document, path, top, [Position(OVERRIDE, number, column) for column in columns])


def _resolve(data: Any, target: str) -> tuple[PathKeys, tuple[int, ...]]:
    """Return the path that `target` means in `data`, and the column of each of its parts.

    An item of a list is named by ``[number]``, or by its own `name`: ``tables.mvm.stages.fetch.latency``.
    """
    path: PathKeys = ()
    columns: tuple[int, ...] = ()
    for match in _STEP.finditer(target):
        step = match[2] or int(match[1])
        column = match.start() + 1
        if isinstance(data, list):
            step = _item(data, step, (*path, step), column)
            data = data[step]
        elif isinstance(data, dict) and isinstance(step, str):
            data = data.get(step, {})
        else:
            raise ConfigError(Problem(OVERRIDE, 1, column, dotted((*path, step)), f"`{dotted(path)}` has no parts"))
        path, columns = (*path, step), (*columns, column)
    return path, columns


def _item(data: list[Any], step: str | int, path: PathKeys, column: int) -> int:
    """Return the index that `step` means in the list `data`."""
    names = [item["name"] for item in data if isinstance(item, dict) and "name" in item]
    if isinstance(step, str) and step in names:
        return next(i for i, item in enumerate(data) if isinstance(item, dict) and item.get("name") == step)
    if isinstance(step, int) and step < len(data):
        return step
    message = f"no such item (got `{step}`); there are {len(data)}.{did_you_mean(step, map(str, names))}"
    raise ConfigError(Problem(OVERRIDE, 1, column, dotted(path), message, "reference"))


def _parse_value(text: str, number: int, column: int) -> Document:
    """Return the YAML value after ``=``; what stands before it is replaced by blanks, so that positions come right."""
    if not text.strip():
        raise ConfigError(Problem(OVERRIDE, number, column, "", "nothing after `=`"))
    return parse_document("\n" * (number - 1) + " " * (column - 1) + text, OVERRIDE)


def _put(document: Document, path: PathKeys, value: Document, places: list[Position]) -> None:
    """Set `path` to `value`, making the mappings on the way; `places` are those of the parts of the path."""
    data: Any = document.data
    for depth, step in enumerate(path[:-1], start=1):
        if isinstance(data, dict) and step not in data:
            data[step] = {}
            document.values[path[:depth]] = document.keys[path[:depth]] = places[depth - 1]
        data = data[step]
    top = Document(OVERRIDE)
    top.values = {(*path, *rest): where for rest, where in value.values.items()}
    top.keys = {(*path, *rest): where for rest, where in value.keys.items()} | {path: places[-1]}
    document.problems += value.problems
    _lay(document, top, path, value.data)
