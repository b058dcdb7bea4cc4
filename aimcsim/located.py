"""A YAML 1.2 reader that remembers where each value stood, so that every message can name file, line and column.

It gives plain data (dict, list, str, int, float, bool, None) and knows nothing of any schema. Lines may end in LF or
CRLF. Not supported, and said so: several documents in one file, tags, and merge keys (`<<`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimcsim.errors import ConfigError, Problem, ProblemKind

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.nodes import Node

PathKeys = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
# No real file comes near these; a file that passes them would take minutes to refuse, or all memory.
MAX_BYTES = 1 << 18
MAX_NODES = 12_000
MAX_DEPTH = 32
MAX_DIGITS = 30
TOO_MANY = f"more than {MAX_NODES} values, with those that anchors repeat"
SHOWN = 60
"""Most characters of a value that a message quotes."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Document:
    """The data of one file and the position of each of its values and keys.

    Attributes
    ----------
    data : Any                      Plain data.
    file : str                      The name that messages use.
    values, keys : dict             Position of the value, and of the key, at each path.
    problems : list[Problem]        What was wrong with the file itself (duplicate keys and the like).
    """

    file: str
    data: Any = None
    values: dict[PathKeys, Position] = field(default_factory=dict)
    keys: dict[PathKeys, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def position(self, path: PathKeys, *, key: bool = False) -> tuple[int, int]:
        """Return (line, column) of the value at `path` (of its key if `key`), or of the nearest thing around it."""
        place = self.place(path, key=key)
        return place.line, place.column

    def place(self, path: PathKeys, *, key: bool = False) -> Position:
        """Return the `Position` of the value at `path`, or of the nearest thing around it."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path) or Position(self.file, 1, 1)

    def problem(self, path: PathKeys, message: str, *, key: bool = False, kind: ProblemKind = "config") -> Problem:
        """Return a located `Problem` about the value at `path`, or about its key if `key`."""
        place = self.place(path, key=key)
        return Problem(place.file, place.line, place.column, dotted(path), message, kind)


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as people write it: ``tables.mvm.stages[2].resource``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def did_you_mean(word: object, options: Iterable[str]) -> str:
    """Return `` Did you mean `X`?`` for the nearest of `options`, with a leading blank, or an empty text."""
    choices = {option.lower(): option for option in options}
    near = difflib.get_close_matches(str(word).lower(), choices, n=1, cutoff=0.6)
    return f" Did you mean `{choices[near[0]]}`?" if near else ""


def quoted(value: object) -> str:
    """Return a value in the quotes of a message, shortened if it is long."""
    text = " ".join(str(value).split())
    return f"`{text}`" if len(text) <= SHOWN else f"`{text[:SHOWN]}…`"


def one_of(word: object, options: Iterable[str]) -> str:
    """Return ``(got X). Did you mean Y?``, or ``(got X); one of: ...`` when nothing is near."""
    options = list(options)
    hint = did_you_mean(str(word)[:SHOWN], options)
    listed = f"; one of: {', '.join(f'`{option}`' for option in options)}" if options else ""
    return f"(got {quoted(word)}){'.' + hint if hint else listed}"


def check_keys(doc: Document, path: PathKeys, mapping: Mapping[str, Any], allowed: Iterable[str]) -> list[Problem]:
    """Return a problem for each key of `mapping`, which stands at `path`, that is not among `allowed`."""
    allowed = list(allowed)
    return [
        doc.problem((*path, key), f"unknown field {one_of(key, allowed)}", key=True, kind="unknown_field")
        for key in mapping
        if key not in allowed
    ]


def read_yaml(path: Path) -> Document:
    """Return the document at `path`; raises `ConfigError` if the file itself is wrong (see `read_document`)."""
    document = read_document(path)
    if document.problems:
        raise ConfigError.of(document.problems)
    return document


def read_document(path: Path, name: str | None = None) -> Document:
    """Return the document at `path`, keeping duplicate keys and the like as `problems` for a caller that collects.

    `name` is what messages call the file. Raises `ConfigError` for a file that cannot be read or parsed at all.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            message = f"is larger than the {MAX_BYTES // 1024} KiB that a file of this kind may have"
            raise ConfigError(Problem(name, 0, 0, "", message))
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(Problem(name, 0, 0, "", "no such file")) from None
    except OSError as error:
        raise ConfigError(Problem(name, 0, 0, "", f"cannot be read ({error.strerror})")) from None
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(name, 0, 0, "", f"is not UTF-8 text (byte {error.start})")) from None
    return parse_document(text, name)


def parse_document(text: str, name: str) -> Document:
    """Return the document that `text` holds; see `read_document`."""
    text = text.replace("\r\n", "\n")
    document = Document(name)
    node = _compose(text, name)
    if node is None:
        raise ConfigError(Problem(name, 1, 1, "", "the file is empty"))
    document.data = _Builder(document).build(node, ())
    return document


def _compose(text: str, name: str) -> Node | None:
    """Return the root node of `text`; a syntax error becomes a located `ConfigError`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    class Bounded(Composer):
        """Stops at what is nested too deeply or holds too many values, before all of it was read."""

        depth = nodes = 0

        def compose_node(self, parent: Any, index: int) -> Any:
            self.depth += 1
            self.nodes += 1
            if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
                mark = self.parser.peek_event().start_mark
                what = "nested too deeply" if self.depth > MAX_DEPTH else TOO_MANY
                raise ConfigError(Problem(name, mark.line + 1, mark.column + 1, "", what))
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    reader = YAML(typ="safe", pure=True)
    reader.Composer = Bounded
    try:
        node: Node | None = reader.compose(text)
    except MarkedYAMLError as error:
        raise ConfigError(_syntax_problem(error, text, name)) from None
    except YAMLError as error:
        raise ConfigError(Problem(name, 1, 1, "", " ".join(str(error).split()))) from None
    return node


def _syntax_problem(error: MarkedYAMLError, text: str, name: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    indent = re.match(r"[ \t]*", lines[line] if line < len(lines) else "")
    tab = indent.group().find("\t") if indent else -1
    if tab >= 0:
        return Problem(name, line + 1, tab + 1, "", "the line is indented with a tab; YAML indents with spaces")
    what = " ".join(part for part in (error.context, error.problem) if part)
    return Problem(name, line + 1, column + 1, "", f"not YAML: {what}")


class _Builder:
    """Turns nodes into plain data and notes positions; ours, because YAML's constructors forget where things stood."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: list[Node] = []
        self.nodes = 0

    def build(self, node: Node, path: PathKeys) -> Any:
        """Return the data of `node`, which stands at `path`."""
        self.nodes += 1
        mark = node.start_mark
        self.document.values[path] = Position(self.document.file, mark.line + 1, mark.column + 1)
        if any(node is outer for outer in self.open):
            raise ConfigError(self.document.problem(path, "an anchor that contains itself"))
        if self.nodes > MAX_NODES:
            raise ConfigError(self.document.problem(path, TOO_MANY))
        kind = node.tag.removeprefix(_TAG) if isinstance(node.tag, str) else str(node.tag)
        self.open.append(node)
        try:
            if kind == "map":
                return self._mapping(node, path)
            if kind == "seq":
                return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, kind, path)
        finally:
            self.open.pop()

    def _mapping(self, node: Node, path: PathKeys) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            place = Position(self.document.file, mark.line + 1, mark.column + 1)
            if not isinstance(key_node.value, str):
                self._complain(place, path, "the name of a field must be text")
                continue
            key = key_node.value
            here = (*path, key)
            if key in data:
                first = self.document.keys[here].line
                message = f"the field is given twice, first on line {first}"
                self._complain(place, here, message)
                continue
            if key_node.tag == _TAG + "merge":
                self._complain(place, here, "merge keys are not supported; use `extends`, or an anchor for the value")
                continue
            self.document.keys[here] = place
            data[key] = self.build(value_node, here)
        return data

    def _scalar(self, node: Node, kind: str, path: PathKeys) -> Any:
        if kind == "str":
            return node.value
        make = _SCALARS.get(kind)
        if make is not None:
            try:
                return make(node.value)
            except ValueError:
                return node.value
        self._complain(self.document.values[path], path, f"tags such as `{kind}` are not supported")
        return None

    def _complain(self, place: Position, path: PathKeys, message: str) -> None:
        self.document.problems.append(Problem(place.file, place.line, place.column, dotted(path), message))


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("no number that anything is counted by")
    return int(text.replace("_", ""), 0 if text.lstrip("+-").startswith(("0x", "0o", "0b")) else 10)


def _float(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan").replace(".Inf", "inf").replace(".NaN", "nan"))


_SCALARS: dict[str, Callable[[str], Any]] = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _int,
    "float": _float,
}
