"""What do the commands print, in which form, and how soon?"""

import io
import json
import re
import subprocess
import sys

import pytest
from rich.console import Console

from aimcsim.cli import tables
from aimcsim.run import simulate

RUN = ("run", "tiny", "digits_cnn", "--requests", "2")


def test_a_run_without_directory_prints_the_summary(command):
    result = command(*RUN)
    assert result.exit_code == 0, result.stderr
    for word in ("latency", "throughput", "energy", "bottleneck 1", "next: "):
        assert word in result.stdout


def test_json_is_the_summary_and_nothing_else(command):
    result = command(*RUN, "--json", "--grain", "layer", "--seed", "7")
    summary = json.loads(result.stdout)
    assert (summary["requests"], summary["grain"], summary["seed"]) == (2, "layer", 7)
    assert result.stderr == ""


def test_options_reach_the_run(command):
    """Half the converters take longer; requests that wait for programming begin at time zero."""

    def latency(*options):
        return json.loads(command(*RUN, "--json", *options).stdout)

    slow = latency("--set", "tile.adc.converters=8", "--set", "tile.adc.crossbars=8")
    assert slow["makespan_ps"] > latency()["makespan_ps"]
    assert latency("--program-during")["programming_ps"] == 0 < latency()["programming_ps"]


@pytest.mark.parametrize("by", ["layer", "tile", "resource", "cause"])
def test_show_splits_a_run_up(command, folder, by):
    assert command(*RUN, "-o", "out").exit_code == 0
    table = command("show", "out", "--by", by)
    rows = json.loads(command("show", "out", "--by", by, "--json").stdout)
    assert table.exit_code == 0
    assert table.stdout.startswith(f"digits_cnn on tiny, by {by}: 2 requests\n")
    assert str(rows[0][by]) in table.stdout


def test_layers_and_tiles_share_out_the_same_time_waits_and_energy(command, folder):
    command(*RUN, "-o", "out")
    layers, tiles, causes = (
        json.loads(command("show", "out", "--by", by, "--json").stdout) for by in ("layer", "tile", "cause")
    )
    for key in ("ops", "time_ps", "service_ps", "transfer_ps"):
        assert sum(row[key] for row in layers) == sum(row[key] for row in tiles)
    for row in (*layers, *tiles):
        assert row["service_ps"] + row["transfer_ps"] + sum(row["waits_ps"].values()) == row["time_ps"]
    assert {row["cause"]: row["wait_ps"] for row in causes} == {
        cause: total for cause in layers[0]["waits_ps"] if (total := sum(row["waits_ps"][cause] for row in layers))
    }
    assert sum(row["energy_j"] for row in layers) == pytest.approx(sum(row["energy_j"] for row in tiles))


def test_resources_are_called_what_they_are_called_in_the_records(command, folder):
    command(*RUN, "-o", "out")
    first = [line.split()[0] for line in command("show", "out", "--by", "resource").stdout.splitlines()[3:-1]]
    rows = json.loads(command("show", "out", "--by", "resource", "--json").stdout)
    assert first == [row["resource"] for row in rows][: len(first)]
    assert "chip.tile[0].sample_hold[conv1]" in first


def test_show_repeats_the_summary_of_the_run(command, folder):
    said = command(*RUN, "-o", "out").stdout
    again = command("show", "out").stdout
    assert said.startswith(again)
    assert json.loads(command("show", "out", "--json").stdout)["requests"] == 2


def test_chips_lists_the_presets(command):
    assert {row["name"] for row in json.loads(command("chips", "--json").stdout)} >= {"tiny", "isaac"}
    assert "isaac" in command("chips").stdout


def test_map_shows_layers_and_the_space_between_them(command):
    found = json.loads(command("map", "tiny", "digits_cnn", "--json").stdout)
    assert [row["layer"] for row in found["layers"]] == ["conv1", "conv2", "pool2", "conv3", "pool3", "fc"]
    # A kernel of 3 over rows of 8 pixels with a border: the first output needs the pixels up to (1, 1), 10 of them, and
    # one in the middle of a row still needs all from two rows and two pixels before it, 19.
    first = found["edges"][0]
    assert (first["source"], first["target"]) == ("input.load@tile[0]", "conv1.mvm@tile[0]")
    assert first["least_vectors"] == 19 <= first["full_rate_vectors"] <= first["quota_vectors"]
    text = command("map", "tiny", "digits_cnn").stdout
    assert "conv2" in text
    assert "full rate" in text


def test_check_says_how_well_a_network_fits(command):
    found = json.loads(command("check", "tiny", "digits_cnn", "--json").stdout)
    assert found["ok"]
    assert found["crossbars"]["used"] <= found["crossbars"]["there"]
    assert all(row["least_bytes"] <= row["size_bytes"] for row in found["buffers"])
    assert command("check", "isaac").stdout.startswith("nothing wrong")


def test_a_pipe_gets_plain_text(command):
    """At most 100 columns, and no escape sequences."""
    text = command("demo").stdout
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_terminal_may_be_narrow_and_colourless(monkeypatch):
    """Tables fit 80 columns without losing a word, and NO_COLOR leaves none of the codes 30..37 of colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    run, text = simulate("tiny", "digits_cnn"), io.StringIO()
    console = Console(width=80, force_terminal=True, file=text)
    drawn = (tables.summary_table, tables.layer_table, tables.tile_table, tables.resource_table, tables.cause_table)
    for table in drawn:
        console.print(table(run))
    assert not re.search(r"\x1b\[([\d;]*;)?3[0-7]m", text.getvalue())
    plain = re.sub(r"\x1b\[[\d;]*m", "", text.getvalue())
    assert max(map(len, plain.splitlines())) <= 80
    assert plain.count("chip.tile[0].adc_bank[0]") >= 3  # summary, resources, causes: not cut in two anywhere


HELP = """
import sys, time
sys.argv = ["aimcsim", "--help"]
try:
    from aimcsim.cli import main
    main()
finally:
    heavy = {"numpy", "rich", "simpy", "pydantic", "onnx"} & set(sys.modules)
    print(",".join(sorted(heavy)), time.process_time())
"""


def test_help_imports_nothing_heavy_and_comes_at_once(folder):
    """The limit of 0.3 s is for an idle core, so what is measured is processor time, the best of five."""
    best = 9.0
    for _ in range(5):
        printed = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True).stdout
        heavy, _, took = printed.splitlines()[-1].partition(" ")
        assert heavy == ""
        best = min(best, float(took))
    assert best < 0.3
