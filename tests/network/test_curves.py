"""Do measured runs of BookSim2 come out again, to all digits? Six curves; scripts/noc_curves has all."""

import csv
import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("compiled")
SCRIPT = Path(__file__).resolve().parents[2] / "scripts/noc_replay.py"
TWIN_RATE = 0.1
"""Up to this rate a run on a torus, which the readable twin does, takes seconds."""


@pytest.fixture(scope="module")
def replay():
    """scripts/noc_replay.py as a module."""
    spec = spec_from_file_location("noc_replay", SCRIPT)
    module = module_from_spec(spec)
    sys.modules["noc_replay"] = module  # dataclasses look their module up
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = bytecode
    return module


def rows_of(reference, curve):
    with (reference / "booksim_curves.csv").open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["curve"] == curve]


@pytest.mark.parametrize(("bits", "sign", "known"), [(30, -1, 995235265), (52, 1, 0.36410514377569680455 * 2**52)])
def test_random_numbers_are_those_that_knuth_gives(replay, bits, sign, known):
    """The Art of Computer Programming 3.6: from seed 310952, what follows 2009 rows of 1009 numbers."""
    numbers = replay.Numbers(bits, sign, seed=310952)
    assert numbers.following(numbers.state, 2009 * 1009)[2009 * 1009] == known


@pytest.mark.parametrize(
    "curve",
    [
        "mesh4_uniform_p4_v1_b8_fast",
        "mesh8_uniform_p4_v2_b8_deflt",
        "mesh8_transpose_p4_v2_b8_fast",
        "mesh8_hot4x5_p4_v2_b8_deflt",
    ],
)
def test_every_run_of_a_mesh_is_equal(replay, reference, curve):
    """Below saturation, above it and where BookSim2 gave up: latency, accepted flits, hops and the last cycle."""
    rows = rows_of(reference, curve)
    assert {row["stable"] for row in rows} == {"0", "1"}
    assert [replay.differences(row) for row in rows] == [{}] * len(rows)


@pytest.mark.parametrize("curve", ["torus8_transpose_p4_v2_b8_fast", "torus8_uniform_p4_v2_b8_deflt"])
def test_runs_of_a_torus_are_equal(replay, reference, curve):
    """Ways that are as long in both directions are drawn when BookSim2 draws them."""
    rows = [row for row in rows_of(reference, curve) if float(row["offered"]) <= TWIN_RATE]
    assert len(rows) > 1
    assert [replay.differences(row) for row in rows] == [{}] * len(rows)


def test_a_replay_with_another_packet_is_not_equal(replay, reference, monkeypatch):
    """One number of the sequence left out makes other packets, which a comparison must see."""
    row = rows_of(reference, "mesh4_uniform_p4_v1_b8_fast")[0]
    monkeypatch.setattr(replay, "WHOLE", list(islice(replay.WHOLE, 1, 100_000)))
    assert "hops_avg" in replay.differences(row)
