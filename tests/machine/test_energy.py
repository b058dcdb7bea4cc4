"""Do the counts close, over components, layers and time, and the joules with them?"""

from collections import Counter

import numpy as np
import pytest

from aimcsim import load_chip, recorder, simulate
from aimcsim.engine import ReferenceEngine
from aimcsim.run import build

NETWORKS = ["digits_mlp", "digits_cnn", "digits_resnet8", "digits_dscnn"]


def counts(table, *keys):
    """Return the sum of counts by the given columns."""
    found = Counter()
    for row in table.records():
        if row["action"] != "static" and row.get("phase", "run") == "run":
            found[tuple(row[key] for key in keys)] += row["count"]
    return found


@pytest.mark.parametrize("preset", ["tiny", "isaac"])
@pytest.mark.parametrize("network", NETWORKS)
def test_counts_close_over_components_layers_and_time(preset, network, traces_dir):
    pytest.importorskip("onnx")
    run = simulate(preset, traces_dir / f"{network}.onnx", requests=2)
    energy, power = run.table("energy"), run.table("power")

    by_action = counts(energy, "component", "action")

    assert by_action == counts(power, "component", "action")
    by_layer = counts(energy, "layer", "component", "action")
    for key, count in by_action.items():
        assert count == sum(value for (_, *action), value in by_layer.items() if tuple(action) == key)


def test_counts_are_what_the_stages_counted_as_they_ran(traces_dir):
    # The engine counts the iterations of every stage as they happen; the table is made from the number of vectors.
    built = build("tiny", "digits_cnn", requests=2)
    ReferenceEngine(built.plan.system).run()
    happened = Counter()
    for stream in built.plan.system.streams:
        for stage, iterations in zip(stream.stages, stream.stage_counts, strict=True):
            for action, amounts in stage.actions:
                assert len(amounts) == 1
                happened[action] += iterations * amounts[0]

    stated = Counter()
    for stream in built.plan.system.streams:
        stated.update(recorder.stream_actions(stream))

    assert happened == stated


@pytest.mark.parametrize("network", NETWORKS)
def test_joules_close(network, traces_dir):
    pytest.importorskip("onnx")
    run = simulate("tiny", traces_dir / f"{network}.onnx", requests=2)
    energy = run.summary["energy_j"]

    assert sum(energy["by_component"].values()) == pytest.approx(energy["total"], rel=1e-12)
    assert sum(energy["by_layer"].values()) == pytest.approx(energy["total"], rel=1e-12)
    assert energy["per_request"] * 2 == pytest.approx(energy["total"], rel=1e-12)
    rows = run.table("energy")
    assert float(np.sum(rows["energy_j"])) == pytest.approx(energy["total"] + energy["programming"], rel=1e-12)


def test_power_over_the_run_is_its_energy():
    run = simulate("tiny", "digits_cnn", requests=2)
    power = run.table("power")
    seconds = (power["bin_end_ps"] - power["bin_start_ps"]) / 1e12

    assert float(np.sum(power["power_w"] * seconds)) == pytest.approx(run.summary["energy_j"]["total"], rel=1e-9)


def test_programming_comes_before_the_requests_or_makes_them_wait():
    before = simulate("tiny", "digits_cnn")
    during = simulate("tiny", "digits_cnn", program_first=False)

    assert before.summary["programming_ps"] > 0
    assert before.summary["waits_ps"]["maintenance"] < before.summary["programming_ps"]
    mvm = during.ops["kind"] == "mvm"
    assert int(during.ops["wait_maintenance_ps"][mvm].max()) > 0.9 * before.summary["programming_ps"]
    # The same cells are written; what leaks while nothing else happens belongs to programming, else to the run.
    static_w = float(load_chip("tiny").static_power_w)
    leaked = static_w * before.summary["programming_ps"] / 1e12
    written = during.summary["energy_j"]["programming"]
    assert written > 0
    assert before.summary["energy_j"]["programming"] == pytest.approx(written + leaked, rel=1e-12)
    assert before.summary["latency_ps"]["max"] < during.summary["latency_ps"]["max"]


def test_programming_counts_every_cell_once(traces_dir):
    # 4 columns a weight on tiny, and every weight of the three matrices is written once, whatever the requests.
    pytest.importorskip("onnx")
    network = traces_dir / "digits_mlp.onnx"
    one, three = (simulate("tiny", network, requests=count).table("energy") for count in (1, 3))

    written = [int(table["count"][table["action"] == "program"].sum()) for table in (one, three)]
    assert written[0] == written[1] == 4 * (64 * 64 + 64 * 32 + 32 * 10)
