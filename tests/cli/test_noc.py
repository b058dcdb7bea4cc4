"""Does `aimcsim noc` measure, replay, draw, and say where its input is wrong?"""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

TRACES = Path(__file__).resolve().parents[1] / "reference/noc/traces"
SMALL = ("noc", "--size", "4x4", "--cycles", "2000")
HEADER = "id,create,src,dst,flits\n"


def test_json_has_a_row_for_each_rate_and_the_saturation(command):
    """4x4, packets of 4: 15.5 cycles in an empty network; three times that is reached between .6 and .72."""
    result = command(*SMALL, "--rate", "0.05,0.3", "--saturation", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found) == ["rates", "saturation"]
    names = ["rate", "mean_latency", "p50", "p99", "accepted", "stable", "max_link_utilisation"]
    assert [list(row) for row in found["rates"]] == [names, names]
    assert [row["rate"] for row in found["rates"]] == [0.05, 0.3]
    assert found["rates"][0]["mean_latency"] == pytest.approx(15.5, rel=0.05)
    assert 0.6 < found["saturation"] < 0.72
    assert json.loads(command(*SMALL, "--rate", "0.05", "--json").stdout)["saturation"] is None


def test_the_terminal_gets_a_table_and_a_plot_and_a_file_a_drawing(command, folder):
    result = command(*SMALL, "--rate", "0.1,0.5,0.6", "--plot", "out.svg")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("4x4 mesh, 2 VCs of 8 flits, fast pipeline\n")
    assert result.stdout.count("*") == 3
    drawing = ET.fromstring((folder / "out.svg").read_text())  # noqa: S314 - our own file
    assert sum(element.tag.endswith("circle") for element in drawing) == 3


def test_csv_has_a_line_for_each_rate(command):
    rows = list(csv.DictReader(io.StringIO(command(*SMALL, "--rate", "0.1,0.2", "--csv").stdout)))
    assert [row["rate"] for row in rows] == ["0.1", "0.2"]


@pytest.mark.parametrize("topology", ["mesh", "torus", "cmesh"])
@pytest.mark.parametrize("model", ["flit", "packet"])
def test_every_topology_and_model_runs(command, topology, model):
    result = command("noc", "--size", "2x3", "--topology", topology, "--model", model, "--cycles", "500")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("shape", [("bus", "16"), ("crossbar", "4x4"), ("mesh", "4x4")])
def test_circuits_run_at_rates_and_say_where_they_saturate(command, shape):
    """A packet of 4 flits alone: 5 cycles on a bus; on a crossbar 1 + 2 + 2 + 3 = 8; longer over a mesh of circuits."""
    topology, size = shape
    options = ("--topology", topology, "--size", size, "--switching", "circuit", "--rate", "0.002", "--saturation")
    found = json.loads(command("noc", *options, "--cycles", "3000", "--json").stdout)
    alone = {"bus": 5, "crossbar": 8, "mesh": 8 + 2.5 * 3}[topology]
    assert found["rates"][0]["mean_latency"] == pytest.approx(alone, rel=0.1)
    assert found["rates"][0]["stable"]
    assert 0.02 < found["saturation"] < 1


def test_a_burst_on_a_bus_is_as_long_as_all_its_packets(command):
    """Four sources send one packet of 4 flits each, arbitration of 3 cycles: 4 x (3 + 1 + 3)."""
    options = ("--topology", "bus", "--size", "4", "--setup-cycles", "3", "--burst", "1")
    figures = json.loads(command("noc", *options, "--json").stdout)
    assert (figures["makespan"], figures["busiest_link"], figures["max_link_utilisation"]) == (28, "bus", 1.0)
    assert command("noc", *options).stdout.startswith("bus of 4, arbitration of 3 cycles\n")


def test_rings_and_rows_of_chips_run(command):
    assert command("noc", "--topology", "ring", "--size", "6", "--cycles", "500").exit_code == 0
    result = command(
        "noc", "--size", "2x2", "--chips", "3", "--chip-link-cycles", "9", "--chip-flit-cycles", "4", "--json"
    )
    assert result.exit_code == 0, result.stderr


def test_a_trace_comes_back_as_recorded(command, folder):
    """Every packet of a recorded trace has BookSim2's cycles, in a file of the same form; the same on stdout."""
    recorded = TRACES / "uniform_fast_8x8_L4_V2_B8_r30.csv"
    result = command("noc", "--trace", recorded, "--out", "out.csv")
    assert result.exit_code == 0, result.stderr
    assert (folder / "out.csv").read_text() == recorded.read_text()
    assert command("noc", "--trace", recorded, "--csv").stdout == recorded.read_text()
    assert command("noc", "--trace", recorded, "--out", "out.csv").stderr == (
        "out.csv: is there already; --force replaces it\n"
    )


def test_a_burst_says_where_its_time_went(command, folder):
    """Fifteen packets of 4 from everybody else to node 0: 67 cycles, 60 of them on its link; with its own 4, 71."""
    figures = json.loads(command("noc", "--size", "4x4", "--traffic", "gather", "--burst", "1", "--json").stdout)
    parts = figures["mean_transfer"] + figures["mean_link_wait"] + figures["mean_credit_wait"]
    assert figures["mean_latency"] == pytest.approx(parts)
    assert (figures["packets"], figures["busiest_link"]) == (16, "router[0].eject[0]")
    assert 64 <= figures["makespan"] <= 71


def test_calendars_warn_where_they_should_not_be_trusted(command):
    said = command("noc", "--size", "4x4", "--model", "packet", "--traffic", "gather", "--burst", "9").stdout
    assert "router[0].eject[0] is taken 9" in said
    crowded = command(*SMALL, "--model", "packet", "--rate", "0.6").stdout
    assert "--model flit is exact" in crowded
    assert "--model flit is exact" not in command(*SMALL, "--model", "packet", "--rate", "0.1").stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--buffer", "0"), "the buffer of a virtual channel holds 1 to 4096 flits (got 0)"),
        (("--vcs", "0"), "a port needs at least one virtual channel (got 0)"),
        (("--vcs", "30"), "30 virtual channels at each of the 5 ports of a router are more than 64"),
        (("--size", "8x"), "--size is COLUMNSxROWS, as in 8x8 (got `8x`)"),
        (("--size", "8"), "--size is COLUMNSxROWS, as in 8x8 (got `8`)"),
        (("--size", "0x4"), "at least one column and one row of routers (got 0x4)"),
        (("--size", "-3x4"), "--size is COLUMNSxROWS, as in 8x8 (got `-3x4`)"),
        (("--size", "999x999"), "at most 1024 routers"),
        (("--topology", "ring"), "--size of a ring is the number of its routers (got `8x8`)"),
        (("--topology", "torus", "--vcs", "1"), "needs at least 2 virtual channels, one for each class (got 1)"),
        (("--topology", "torus", "--chips", "2"), "--chips joins meshes; a torus is of one chip"),
        (("--topology", "bus", "--model", "flit"), "--model flit: a bus has no virtual channels and buffers"),
        (("--switching", "circuit", "--model", "flit"), "--model flit: a circuit has no virtual channels and buffers"),
        (("--topology", "crossbar", "--chips", "2"), "--chips joins meshes; a crossbar is of one chip"),
        (("--topology", "bus", "--size", "x"), "--size of a bus is the number of its endpoints, as in 16 or 4x4"),
        (("--switching", "circuit", "--setup-cycles", "-1"), "set-up takes 0 to 1048576 cycles (got -1)"),
        (("--chips", "0"), "--chips: 1 to 64 chips (got 0)"),
        (("--tiles-per-router", "0"), "a router has 1 to 32 tiles (got 0)"),
        (("--packet", "0"), "--packet: a packet has 1 to 1048576 flits (got 0)"),
        (("--rate", "0.1,x"), "parted by commas (got `x`)"),
        (("--rate", "0"), "--rate takes numbers above 0 and up to 1, parted by commas (got `0`)"),
        (("--rate", "nan"), "(got `nan`)"),
        (("--rate", "1.5"), "(got `1.5`)"),
        (("--rate", ""), "(got ``)"),
        (("--burst", "0"), "--burst: each source sends 1 to 10000 packets (got 0)"),
        (("--cycles", "0"), "--cycles: 1 to 10000000 cycles are looked at (got 0)"),
        (("--seed", "-1"), "--seed must not be negative (got -1)"),
        (("--traffic", "transpose", "--size", "4x2"), "transpose traffic needs a square of endpoints (got 4x2)"),
        (("--burst", "1", "--rate", "0.1"), "--burst says when packets are created; it goes without --rate"),
        (("--out", "x.csv"), "--out writes the packets of --trace or --burst; give one of them"),
        (("--plot", "nowhere/x.svg"), "nowhere/x.svg: cannot be written (there is no folder `nowhere`)"),
        (("--trace", "none.csv"), "none.csv: cannot be read (No such file or directory)"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line(command, folder, options, said):
    result = command("noc", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "bad.csv:1:1: needs one column each of id, create, src, dst, flits"),
        ("id,create,src,dst\n0,0,0,1\n", "bad.csv:1:1: needs one column each"),
        (HEADER, "bad.csv:1:1: has no packets below its first line"),
        (HEADER + "0,0,0,4,1\n", "bad.csv:2:7: dst: the network has endpoints 0 to 3 (got 4)"),
        (HEADER + "0,0,-1,1,1\n", "bad.csv:2:5: src: the network has endpoints 0 to 3 (got -1)"),
        (HEADER + "0,0,0,1,0\n", "bad.csv:2:9: flits: a packet has 1 to 1048576 flits (got 0)"),
        (
            HEADER + "0,9,0,1,1\n1,8,0,1,1\n",
            "bad.csv:3:3: create: must not be before the packet in the line above, created in 9 (got 8)",
        ),
        (HEADER + "0,-1,0,1,1\n", "bad.csv:2:3: create: is a cycle from 0 on (got -1)"),
        (HEADER + "0,0,0,1,1\n0,1,0,1,1\n", "bad.csv:3:1: id: each packet has an id of its own (got 0 again)"),
        (HEADER + "0,0,a,1,1\n", "bad.csv:2:5: src: must be a whole number (got `a`)"),
        (HEADER + "0,0,0,1\n", "bad.csv:2:9: flits: must be a whole number (got ``)"),
        (HEADER + "0,1e3,0,1,1\n", "bad.csv:2:3: create: must be a whole number (got `1e3`)"),
    ],
)
def test_mistakes_in_a_trace_have_their_place(command, folder, text, said):
    (folder / "bad.csv").write_text(text)
    result = command("noc", "--size", "2x2", "--trace", "bad.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
