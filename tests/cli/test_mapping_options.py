"""The options that say how a workload is put on a chip: are they followed, and is nonsense refused?"""

import json

import pytest


def test_a_mapping_that_was_written_runs_as_the_one_it_was_written_from(command, folder):
    options = ["--pack", "crossbar", "--replicate", "conv1=2", "--placement", "traffic"]
    written = command("map", "tiny", "digits_cnn", *options, "-o", "mapping.yaml")
    assert written.exit_code == 0, written.stderr

    runs = [
        json.loads(command("run", "tiny", "digits_cnn", "--json", *how).stdout)
        for how in (options, ["--mapping", "mapping.yaml"], [])
    ]

    same = ("makespan_ps", "latency_ps", "energy_j", "tiles_used", "crossbars_used")
    assert [runs[0][key] for key in same] == [runs[1][key] for key in same]
    assert runs[0]["makespan_ps"] != runs[2]["makespan_ps"]
    again = command("map", "tiny", "digits_cnn", "-o", "mapping.yaml")
    assert (again.exit_code, again.stderr) == (2, "mapping.yaml: is there already; --force replaces it\n")


@pytest.mark.parametrize(
    ("file", "why"), [("nowhere/m.yaml", "there is no folder `nowhere`"), ("taken", "it is a folder")]
)
def test_a_mapping_that_cannot_be_written_is_refused_before_it_is_made(command, folder, file, why):
    (folder / "taken").mkdir()
    refused = command("map", "tiny", "digits_cnn", "-o", file, "--force")
    assert (refused.exit_code, refused.stderr) == (2, f"{file}: cannot be written ({why})\n")


def test_a_mapping_that_does_not_fit_says_where(command, folder):
    (folder / "bad.yaml").write_text("schema: aimcsim-mapping/1\nlayers:\n  conv9: {home: 0}\n")

    run = command("run", "tiny", "digits_cnn", "--mapping", "bad.yaml")

    assert run.exit_code == 2
    assert "bad.yaml:3:3: layers.conv9: `digits_cnn` has no such layer (got `conv9`). Did you mean `conv" in run.stderr


def test_check_shows_need_and_capacity_of_several_chips(command, folder):
    found = json.loads(command("check", "tiny", "digits_cnn", "--chips", "2", "--json").stdout)

    assert found["chips"] == 2
    assert found["crossbars"] == {"used": 19, "there": 2 * 96}
    assert found["tiles"] == {"used": 2, "there": 8}
    shown = command("check", "tiny", "digits_cnn").stdout
    assert "19 of 96 (20%)" in shown
    assert "--replicate all fills the free crossbars with replicas" in shown


@pytest.mark.parametrize(
    ("chip", "network", "fits"), [("tiny", "digits_cnn", True), ("isaac", "digits_resnet8", False)]
)
def test_check_advises_replicas_of_all_layers_where_map_can_place_them(command, traces_dir, chip, network, fits):
    """Replicas of ResNet-8 on `isaac` would need more than the 64 KiB of a tile so that none can get stuck."""
    source = str(traces_dir / f"{network}.onnx")
    assert ("--replicate all" in command("check", chip, source).stdout) == fits
    assert command("map", chip, source, "--replicate", "all").exit_code == (0 if fits else 2)


def test_as_many_chips_as_it_takes(command, folder):
    small = ["--set", "tile.count=1", "--set", "network.routers=[1,1]", "--set", "tile.crossbars=8"]
    assert command("check", "tiny", "digits_cnn", *small).exit_code == 2

    mapped = json.loads(command("map", "tiny", "digits_cnn", *small, "--chips", "auto", "--json").stdout)

    # conv1 and conv2 take 7 of 8, conv3 two banks, fc 2 in a fourth: 26 crossbars with those left free.
    assert mapped["chips"] == 4
    assert mapped["crossbars"]["there"] == 32


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--replicate", "many"], "--replicate takes `all`, a number of crossbars or LAYER=REPLICAS (got `many`)"),
        (["--replicate", "conv1=0"], "LAYER=REPLICAS (got `conv1=0`)"),
        (["--replicate", "pool2=2"], "replicas: no layer with weights has this name (got `pool2`)"),
        (["--replicate", "5"], "a budget of 5 crossbars is too small: one replica of each layer takes 26"),
        (["--chips", "none"], "--chips takes a number from 1 to 1000000 or `auto` (got `none`)"),
        (["--chips", "0"], "(got `0`)"),
        (["--mapping", "m.yaml", "--pack", "crossbar"], "it goes without --pack, --replicate and --placement"),
        (["--mapping", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
@pytest.mark.parametrize("what", ["map", "check", "run"])
def test_nonsense_is_refused_in_one_line(command, folder, what, options, said):
    result = command(what, "tiny", "digits_cnn", *options)

    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
