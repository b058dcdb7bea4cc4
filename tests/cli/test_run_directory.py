"""Does a run directory hold what its documentation says, and is an older one safe?"""

import json

import numpy as np
import pytest

from aimcsim.records import SCHEMAS

RUN = ("run", "tiny", "digits_cnn", "--inputs", "digits_cnn", "--requests", "2", "-o", "out")

SUMMARY = {
    "schema", "chip", "workload", "requests", "makespan_ps", "latency_ps", "throughput_per_s", "energy_j", "area_m2",
    "waits_ps", "bottlenecks", "tiles_used", "crossbars_used", "utilisation", "ops", "events", "wall_s",
    "outputs_checked", "assumptions",
}  # fmt: skip


@pytest.fixture
def out(command, folder):
    result = command(*RUN)
    assert result.exit_code == 0, result.stderr
    return folder / "out"


def test_every_file_is_there_and_nothing_else(out):
    tables = {f"{name}.npz" for name in SCHEMAS}
    others = {"manifest.json", "config.resolved.yaml", "summary.json", "outputs.npz"}
    assert {path.name for path in out.iterdir()} == tables | others
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_the_summary_has_every_figure(out):
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) >= SUMMARY
    assert set(summary["latency_ps"]) == {"mean", "p50", "p90", "p95", "p99", "p99.9", "max"}
    assert set(summary["energy_j"]) >= {"total", "per_request", "by_component", "by_layer"}
    assert set(summary["outputs_checked"]) >= {"reference", "samples", "max_rel_err", "agreement"}
    assert set(summary["bottlenecks"][0]) >= {"resource", "cause", "share"}
    assert set(next(iter(summary["utilisation"].values()))) == {"mean", "max"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_numpy_alone_reads_a_table_with_the_columns_of_its_schema(out, name):
    with np.load(out / f"{name}.npz", allow_pickle=False) as table:
        assert table.files == [column.name for column in SCHEMAS[name]]
        for column in SCHEMAS[name]:
            kind = table[column.name].dtype
            assert kind.kind == "U" if column.dtype == "str" else kind == column.dtype


def test_the_resolved_chip_file_runs_again_to_the_same_figures(command, out):
    again = json.loads(command("run", out / "config.resolved.yaml", *RUN[2:-2], "--json").stdout)
    first = json.loads((out / "summary.json").read_text())
    for summary in (first, again):
        del summary["wall_s"]
    assert first == again


def test_an_existing_run_is_refused_and_left_as_it_was(command, out):
    before = {path: path.read_bytes() for path in out.iterdir()}
    result = command(*RUN)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_an_existing_run_is_refused_before_time_is_spent(command, out, monkeypatch):
    monkeypatch.setattr("aimcsim.seeds.simulate", lambda *_arguments, **_options: pytest.fail("it ran"))
    assert command(*RUN).exit_code == 2


def test_force_replaces_a_run_but_nothing_else(command, out):
    assert command(*RUN[:5], "--requests", "1", "-o", "out", "--force").exit_code == 0
    assert json.loads((out / "summary.json").read_text())["requests"] == 1
    (out.parent / "photos").mkdir()
    (out.parent / "photos" / "cat.txt").write_text("meow")
    assert command(*RUN[:-1], "photos", "--force").exit_code == 2
    assert (out.parent / "photos" / "cat.txt").read_text() == "meow"
