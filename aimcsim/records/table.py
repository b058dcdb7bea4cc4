"""A table of a run: named columns of equal length, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aimcsim.records.schema import SCHEMAS

Column = NDArray[Any]


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
        return cls(name, dict(zip(names, map(list, columns), strict=True)))

    @classmethod
    def load(cls, name: str, path: Path) -> Table:
        """Read a table that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(name, {key: stored[key] for key in stored.files})

    def save(self, path: Path) -> None:
        """Write the columns as one compressed NumPy archive."""
        with path.open("wb") as file:
            self.write(file)

    def write(self, file: IO[bytes]) -> None:
        """Write the columns into an open file, as `save` does."""
        np.savez_compressed(file, allow_pickle=False, **self._columns)

    def __getitem__(self, name: str) -> Column:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values())))

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries of plain Python values."""
        lists = {name: column.tolist() for name, column in self._columns.items()}
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]

    def __repr__(self) -> str:
        return f"<table {self.name}: {self.rows} rows of {', '.join(self)}>"


def _array(values: Sequence[Any] | Column, dtype: str) -> Column:
    if dtype == "str":
        return np.asarray(values, dtype=np.str_)
    return np.asarray(values, dtype=dtype)
