"""Does `diff` say how two runs differ, and refuse what cannot be compared?"""

import csv
import io
import json

import pytest

RUN = ("run", "tiny", "digits_cnn", "--requests", "2", "-o")
pytestmark = pytest.mark.usefixtures("folder")


def test_two_runs_are_compared_in_their_chips_and_figures(command):
    assert command(*RUN, "packet").exit_code == 0
    assert command(*RUN, "flit", "--set", "network.model=flit").exit_code == 0

    found = json.loads(command("diff", "packet", "flit", "--json").stdout)

    assert found["chip"] == [{"field": "network.model", "first": "packet", "second": "flit"}]
    figures = {row["figure"]: row for row in found["figures"]}
    summaries = [json.loads(command("show", name, "--json").stdout) for name in ("packet", "flit")]
    makespan = figures["makespan"]
    assert [makespan["first"], makespan["second"]] == [one["makespan_ps"] for one in summaries]
    assert makespan["difference"] == summaries[1]["makespan_ps"] - summaries[0]["makespan_ps"] != 0
    waits = [one["waits_ps"]["adc_busy"] for one in summaries]
    assert [figures["wait, adc_busy"][key] for key in ("first", "second")] == waits

    rows = list(csv.DictReader(io.StringIO(command("diff", "packet", "flit", "--csv").stdout)))
    assert [row["figure"] for row in rows] == list(figures)
    text = command("diff", "packet", "flit").stdout
    assert "network.model" in text
    assert "makespan" in text


def test_a_run_does_not_differ_from_itself(command):
    assert command(*RUN, "one").exit_code == 0

    found = json.loads(command("diff", "one", "one", "--json").stdout)

    assert found["chip"] == []
    assert {row["difference"] for row in found["figures"]} == {0}


def test_runs_of_different_workloads_and_what_is_no_run_are_refused(command, folder):
    assert command(*RUN, "one").exit_code == 0
    (folder / "other.yaml").write_text(
        "schema: aimcsim-workload/1\nname: other\ninputs:\n  x: {shape: [4]}\n"
        "layers:\n  - {name: last, kind: linear, inputs: [x], out_features: 2}\noutputs: [last]\n"
    )
    assert command("run", "tiny", "other.yaml", "-o", "other").exit_code == 0

    refused = command("diff", "one", "other")
    missing = command("diff", "one", "nowhere")

    assert (refused.exit_code, missing.exit_code) == (2, 2)
    assert "different workloads (`digits_cnn` and `other`)" in refused.stderr
    assert "nowhere" in missing.stderr
