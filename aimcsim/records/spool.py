"""Rows of integers on their way from a run to its tables: what is finished leaves memory.

Ops end in the order of time, and tables are in the order of the ops. Within a stream the two are the same, so each
portion of rows is cut into one stretch per stream; reading goes through the stretches in order.
"""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir

import numpy as np
from numpy.typing import NDArray

from aimcsim.errors import OutputError

Ints = NDArray[np.int64]

PART_ROWS = 1 << 12
"""Rows after which a part that is read is full."""
MEMORY_BYTES = 1 << 20
"""Bytes up to which a spool needs no file."""
ITEM_BYTES = 8


class Spool:
    """Rows of a run, in the order of the ops that stand in their first column.

    From `MEMORY_BYTES` on they lie in a file that has no name: it is gone with the spool, or with its process.

    Parameters
    ----------
    columns : int             Of every row.
    starts : int64 array      First op of each stream, ascending. The rows of one stream are appended in order.
    folder : Path, optional   Where that file is; default: where temporary files are.
    """

    def __init__(self, columns: int, starts: Ints, folder: Path | None = None) -> None:
        self.rows = 0
        self._columns = columns
        self._starts = starts
        self._folder = folder
        place = None if folder is None else str(folder)
        self._file = SpooledTemporaryFile(MEMORY_BYTES, dir=place)  # noqa: SIM115 - as long as the spool is there
        weakref.finalize(self, self._file.close)
        self._pending: list[Ints] = []
        self._written = 0
        self._stretches = array("q")  # first op, first row in the file, rows; of each

    @classmethod
    def of(cls, rows: Ints) -> Spool:
        """Return a spool of rows that are all in order."""
        made = cls(rows.shape[1], np.zeros(1, dtype=np.int64))
        made.append(rows)
        return made

    def append(self, rows: Ints) -> None:
        """Add rows, those of each stream in order.

        Raises
        ------
        OutputError
            If there is no room for them.
        """
        self.rows += len(rows)
        self._pending.append(rows)
        if self.rows - self._written >= PART_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Write what is pending, one stretch per stream."""
        rows = np.concatenate(self._pending)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        cuts = np.unique(np.searchsorted(rows[:, 0], np.concatenate([rows[:1, 0], self._starts]))).tolist()
        for first, end in zip(cuts, [*cuts[1:], len(rows)], strict=True):
            if first < end:
                self._stretches.extend((int(rows[first, 0]), self._written + first, end - first))
        self._write(rows)
        self._written += len(rows)
        self._pending.clear()

    def _write(self, rows: Ints) -> None:
        try:
            self._file.seek(self._written * self._columns * ITEM_BYTES)
            self._file.write(rows.tobytes())
        except OSError as error:
            folder = self._folder or gettempdir()
            raise OutputError(f"cannot write the records of the run to `{folder}`: {error.strerror}") from error

    def parts(self) -> Iterator[Ints]:
        """Yield all rows in order, in arrays of not many more than `PART_ROWS`; at least one, which may be empty."""
        if self._pending:
            self._flush()
        stretches = np.array(self._stretches, dtype=np.int64).reshape(-1, 3)
        gathered: list[Ints] = []
        rows = 0
        for _, first, count in stretches[np.argsort(stretches[:, 0], kind="stable")].tolist():
            for begin in range(first, first + count, PART_ROWS):
                gathered.append(self._read(begin, min(PART_ROWS, first + count - begin)))
                rows += len(gathered[-1])
                if rows >= PART_ROWS:
                    yield np.concatenate(gathered)
                    gathered.clear()
                    rows = 0
        if gathered or not self.rows:
            yield np.concatenate([*gathered, np.empty((0, self._columns), dtype=np.int64)])

    def _read(self, first: int, count: int) -> Ints:
        size = self._columns * ITEM_BYTES
        self._file.seek(first * size)
        return np.frombuffer(self._file.read(count * size), dtype=np.int64).reshape(count, self._columns)

    def whole(self) -> Ints:
        """Return all rows, in memory."""
        return np.concatenate(list(self.parts()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spool) and np.array_equal(self.whole(), other.whole())

    __hash__ = None  # type: ignore[assignment]
