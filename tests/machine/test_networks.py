"""Do whole published networks run to their end, with every product and every weight on the crossbars?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aimcsim.errors import CapacityError
from aimcsim.ops import MatrixKind
from aimcsim.run import Run, simulate
from aimcsim.workload import Workload, load_workload

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
SCRIPT = Path(__file__).resolve().parents[2] / "scripts/networks"
MACS, WEIGHTS = 349_151_936, 1_231_552
"""Known figures of SqueezeNet 1.1."""
CELLS = 16 // 2
"""Of a weight on `isaac`: 16 bits, 2 in a cell."""
READS = 16
"""Of a crossbar for one vector on `isaac`: 16 input bits, one after the other."""


@pytest.fixture(scope="module")
def squeezenet() -> Workload:
    return load_workload(LIGHT / "light_squeezenet.onnx")


@pytest.fixture(scope="module")
def run(squeezenet: Workload) -> Run:
    buffers = ["tile.buffers.edram.size=512 KiB"]
    return simulate("isaac", squeezenet, chips="auto", grain="row", overrides=buffers)


def count(run: Run, action: str) -> int:
    """How often the crossbars of a run did something, counted by cells."""
    energy = run.table("energy")
    chosen = (energy["component"] == "crossbar") & (energy["action"] == action)
    return int(energy["count"][chosen].sum())


def test_every_product_is_made_on_the_crossbars(run: Run) -> None:
    # A product of a weight and an input is one read of each of the weight's cells for each bit of the input.
    assert count(run, "read") == MACS * CELLS * READS


def test_every_weight_is_written_once(run: Run) -> None:
    assert count(run, "program") == WEIGHTS * CELLS


def test_every_vector_of_every_layer_comes_to_its_end(run: Run, squeezenet: Workload) -> None:
    """Each stream of a layer has all vectors of the layer's output, and each lasts until it ends."""
    ops = run.ops
    assert (ops["end_ps"] > ops["release_ps"]).all()
    for layer in squeezenet.layers:
        kinds = ("mvm", "reduce") if isinstance(layer.op, MatrixKind) else ("vector",)
        here = (ops["layer"] == layer.name) & np.isin(ops["kind"], kinds)
        streams, of = np.unique(ops["stream"][here], return_inverse=True)
        assert len(streams) > 0, layer.name
        assert (np.bincount(of, ops["vectors"][here]) == layer.shape.vectors).all(), layer.name


def test_the_result_is_the_last_thing_that_happens(run: Run, squeezenet: Workload) -> None:
    ops = run.ops
    stored = ops["end_ps"][ops["kind"] == "store"].max()
    assert ops["layer"][ops["kind"] == "store"].tolist() == list(squeezenet.outputs)
    assert stored == ops["end_ps"].max() == run.summary["programming_ps"] + run.summary["makespan_ps"]


def test_the_script_enlarges_buffers_as_far_as_a_power_of_two_must(squeezenet: Workload, run: Run) -> None:
    """Its row holds the totals, what the run above has, and the size of which half is refused."""
    done = subprocess.run([sys.executable, SCRIPT, "squeezenet"], capture_output=True, text=True, check=True)
    head, _, values = done.stdout.splitlines()
    names, cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in (head, values))
    row = dict(zip(names, cells, strict=True))
    assert (row["MACs"], row["matrix weights"]) == ("349 151 936", "1 231 552")
    assert row["vectors"] == f"{int(run.ops['vectors'].sum()):,}".replace(",", " ")
    assert row["crossbars"] == str(run.summary["crossbars_used"])
    assert row["buffer, KiB"] == "512"
    with pytest.raises(CapacityError, match="needs at least"):
        simulate("isaac", squeezenet, overrides=["tile.buffers.edram.size=256 KiB"])
