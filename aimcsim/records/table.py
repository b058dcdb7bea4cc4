"""A table of a run: named columns of equal length, as NumPy arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.records.schema import SCHEMAS
from aimcsim.records.spool import PART_ROWS

Column = NDArray[Any]
Part = dict[str, Column]


class Table(Mapping[str, Column]):
    """The columns of one of `SCHEMAS`, in its order; indexing by name gives an array."""

    def __init__(self, name: str, columns: Mapping[str, Sequence[Any] | Column]) -> None:
        schema = SCHEMAS[name]
        assert set(columns) == {column.name for column in schema}, f"columns of {name}: {sorted(columns)}"
        self.name = name
        self._columns = {column.name: _array(columns[column.name], column.dtype) for column in schema}
        assert len({len(column) for column in self._columns.values()}) == 1, f"columns of {name} differ in length"

    @classmethod
    def of_rows(cls, name: str, rows: Sequence[Sequence[Any]]) -> Table:
        """Return a table from rows in the order of its columns."""
        names = [column.name for column in SCHEMAS[name]]
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        return Table(name, dict(zip(names, map(list, columns), strict=True)))

    @classmethod
    def load(cls, name: str, path: Path) -> Table:
        """Read a table that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return Table(name, {key: stored[key] for key in stored.files})

    def save(self, path: Path) -> None:
        """Write the columns as one compressed NumPy archive."""
        with path.open("wb") as file:
            self.write(file)

    def write(self, file: IO[bytes]) -> None:
        """Write the columns into an open file, as `save` does, part by part."""
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in self:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    _write_column(member, self.rows, (part[name] for part in self.parts(name)))

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return (column.name for column in SCHEMAS[self.name])

    def __len__(self) -> int:
        return len(SCHEMAS[self.name])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values())))

    def parts(self, *names: str) -> Iterator[Part]:
        """Yield some columns by name (all without names), so many rows at a time; at least one part."""
        for first in range(0, max(1, self.rows), PART_ROWS):
            yield {name: self[name][first : first + PART_ROWS] for name in names or self}

    def each_record(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as dictionaries of plain Python values."""
        for part in self.parts():
            lists = {name: column.tolist() for name, column in part.items()}
            for row in zip(*lists.values(), strict=True):
                yield dict(zip(lists, row, strict=True))

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries of plain Python values."""
        return list(self.each_record())

    def __repr__(self) -> str:
        return f"<table {self.name}: {self.rows} rows of {', '.join(self)}>"


class LongTable(Table):
    """A table that may be larger than memory: its columns are made as they are asked for.

    A column that was asked for by name stays in memory; `parts` keeps nothing.

    Parameters
    ----------
    name : str
    rows : int
    made : callable     Yields the columns of the given names part by part, at least one part.
    """

    def __init__(self, name: str, rows: int, made: Callable[[Sequence[str]], Iterator[Part]]) -> None:
        self.name = name
        self._columns = {}
        self._rows = rows
        self._made = made

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._rows

    def parts(self, *names: str) -> Iterator[Part]:
        """Yield some columns by name (all without names), so many rows at a time; at least one part."""
        return self._made(names or tuple(self))

    def __getitem__(self, name: str) -> Column:
        if name not in tuple(self):
            raise KeyError(name)
        if name not in self._columns:
            self._columns[name] = np.concatenate([part[name] for part in self.parts(name)])
        return self._columns[name]

    def __reduce__(self) -> tuple[type[Table], tuple[str, dict[str, Column]]]:
        """Be copied, or sent to another process, as a table in memory."""
        return Table, (self.name, dict(self))


def _write_column(file: IO[bytes], rows: int, parts: Iterable[Column]) -> None:
    """Write a column as NumPy's own format has it."""
    for place, part in enumerate(parts):
        if not place:
            kind = np.lib.format.dtype_to_descr(part.dtype)
            header = {"descr": kind, "fortran_order": False, "shape": (rows,)}
            np.lib.format.write_array_header_1_0(file, header)
        file.write(part.tobytes())


def _array(values: Sequence[Any] | Column, dtype: str) -> Column:
    if dtype == "str":
        return np.asarray(values, dtype=np.str_)
    return np.asarray(values, dtype=dtype)
