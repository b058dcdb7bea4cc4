"""Does `aimcsim calibrate` write what its page says, and do `run` and `accuracy` take it?"""

import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "accuracy.md").read_text()
ASK = ("calibrate", "tiny", "digits_cnn", "--inputs", "digits_cnn", "--samples", "2")


def marked(marker):
    """Return the block of the page after a marker."""
    (text,) = re.findall(rf"<!-- {marker} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
    return text


def test_the_commands_of_the_page_run_and_write_the_file_that_it_shows(command, folder):
    for line in marked("commands: calibrate").splitlines():
        result = command(*shlex.split(line)[1:])
        assert result.exit_code == 0, result.stderr

    assert (folder / "ranges.yaml").read_text() == marked("file: ranges.yaml")


def test_a_table_of_ranges_and_what_to_do_next(command, folder):
    result = command(*ASK, "-o", "r.yaml")

    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "digits_cnn on tiny: 100 % of 2 samples"
    assert lines[-1].startswith("next: aimcsim accuracy tiny digits_cnn --inputs digits_cnn --calibration r.yaml")
    following = command(*shlex.split(lines[-1].removeprefix("next: "))[1:], "--seeds", "1", "--samples", "2")
    assert following.exit_code == 0, following.stderr


def test_json_and_csv_are_the_ranges_and_nothing_else(command):
    found = json.loads(command(*ASK, "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(command(*ASK, "--csv").stdout)))

    assert list(found["layers"]) == [row["layer"] for row in rows] == ["conv1", "conv2", "conv3", "fc"]
    assert [float(row["converters.1"]) for row in rows] == [one["converters"][1] for one in found["layers"].values()]
    assert set(command(*ASK, "--ranges", "inputs", "--json").stdout.split()) & {'"converters":'} == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--samples", "65"), "--samples 65: the inputs have 64"),
        (("--percentile", "0"), "percentile must be above 0 and at most 100 (got 0.0)"),
        (("-o", "there.yaml"), "there.yaml: is there already; --force replaces it"),
        (("-o", "nowhere/r.yaml"), "nowhere/r.yaml: cannot be written"),
        (("--json", "--csv"), "give --json or --csv, not both"),
        (("--set", "tile.analog.device=pmc"), "tile.analog.device: no device model 'pmc'"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_code_2(command, folder, options, said):
    (folder / "there.yaml").write_text("")
    result = command(*ASK, *options)

    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_calibration_that_is_none_is_refused_by_run_and_accuracy(command, folder):
    (folder / "bad.yaml").write_text("schema: aimcsim-chip/1\n")
    given = ("--inputs", "digits_cnn", "--calibration", "bad.yaml")

    for words in (("run", "tiny", "digits_cnn", "--analog", "analog"), ("accuracy", "tiny", "digits_cnn")):
        result = command(*words, *given)
        assert result.exit_code == 2
        assert result.stderr.startswith("bad.yaml:1:9: schema: a calibration begins with")
        missing = command(*words, "--inputs", "digits_cnn", "--calibration", "none.yaml")
        assert (missing.exit_code, missing.stderr) == (2, "none.yaml: no such file\n")
