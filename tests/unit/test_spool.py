"""Do rows that leave memory come back as they were, in the order of the ops?"""

import errno
import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim.errors import OutputError
from aimcsim.records import LongTable, Spool, Table, spool


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Have parts of 4 rows, and a file from 100 bytes on."""
    monkeypatch.setattr(spool, "PART_ROWS", 4)
    monkeypatch.setattr(spool, "MEMORY_BYTES", 100)


def test_rows_of_streams_that_end_in_turn_are_read_stream_by_stream():
    """Stream 0 has ops 0 to 2, stream 1 none, stream 2 ops 3 to 5; the first portion holds two rows of op 3."""
    made = Spool(2, np.array([0, 3, 3]))
    made.append(np.array([[3, 30], [0, 10], [3, 31]]))
    made.append(np.array([[4, 40], [1, 11], [5, 50], [2, 12]]))

    assert made.whole().tolist() == [[0, 10], [1, 11], [2, 12], [3, 30], [3, 31], [4, 40], [5, 50]]
    assert made.rows == 7


@given(st.lists(st.integers(0, 9), max_size=60), st.data())
def test_whatever_the_turns_and_portions_the_rows_are_those_sorted_by_op(turns, data):
    """Stream s has the ops 100 s, 100 s + 1, ...; a turn ends one op, which leaves behind up to three rows."""
    made, rows, portion = Spool(2, np.arange(10) * 100), [], []
    ended = [0] * 10
    for place, stream in enumerate(turns):
        count = data.draw(st.integers(0, 3))
        portion.extend([100 * stream + ended[stream], 10 * place + number] for number in range(count))
        ended[stream] += 1
        if data.draw(st.booleans()):
            made.append(np.array(portion, dtype=np.int64).reshape(-1, 2))
            rows += portion
            portion = []

    assert made.whole().tolist() == sorted(rows)
    assert all(len(part) < 2 * 4 for part in made.parts())


def test_no_rows_are_one_empty_part():
    assert [part.shape for part in Spool(5, np.array([0])).parts()] == [(0, 5)]


def test_a_full_disk_is_one_clear_error(monkeypatch, tmp_path):
    made = Spool(1, np.array([0]), tmp_path)

    def full(_data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(made._file, "write", full)
    with pytest.raises(OutputError, match=r"^cannot write the records of the run to `.*`: No space left on device$"):
        made.append(np.arange(4).reshape(4, 1))


def waits(count):
    """Return a table of waits in memory, and the same one made part by part."""
    rows = [(op, ("host", "adc_busy")[op % 2], f"chip.unit[{op}]", op - 1, 10 * op) for op in range(count)]
    whole = Table.of_rows("waits", rows)

    def made(names):
        for first in range(0, max(1, count), 3):
            yield {name: whole[name][first : first + 3] for name in names}

    return whole, LongTable("waits", count, made)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_long_table_is_written_as_one_in_memory(count, tmp_path):
    whole, long = waits(count)
    whole.save(tmp_path / "whole.npz")
    long.save(tmp_path / "long.npz")

    one, other = Table.load("waits", tmp_path / "whole.npz"), Table.load("waits", tmp_path / "long.npz")
    assert list(one) == list(other) == list(long)
    for name in one:
        assert one[name].dtype == other[name].dtype == long[name].dtype
        assert one[name].tolist() == other[name].tolist() == long[name].tolist()
    assert one.rows == other.rows == long.rows == count


def test_numpy_reads_what_is_written_as_what_it_writes_itself(tmp_path):
    _, long = waits(5)
    ours, numpys = io.BytesIO(), io.BytesIO()
    long.write(ours)
    np.savez_compressed(numpys, **dict(long))

    ours.seek(0)
    numpys.seek(0)
    with np.load(ours) as one, np.load(numpys) as other:
        assert one.files == other.files
        assert all(one[name].tobytes() == other[name].tobytes() for name in one.files)


def test_a_long_table_can_be_sent_to_another_process():
    whole, long = waits(5)
    there = pickle.loads(pickle.dumps(long))  # noqa: S301

    assert there.records() == whole.records() == long.records()
