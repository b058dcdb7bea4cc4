"""Does `aimcsim accuracy` print what was asked for, in a form that can be plotted?"""

import csv
import io
import json

import pytest

ASK = ("accuracy", "tiny", "digits_cnn", "--inputs", "digits_cnn", "--samples", "8")


def test_a_row_for_every_time_with_mean_and_deviation_over_the_seeds(command):
    result = command(*ASK, "--seeds", "2", "--times", "0,1h,1day", "--csv")

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [float(row["time_s"]) for row in rows] == [0, 3600, 86_400]
    assert {row["seeds"] for row in rows} == {"2"}
    for row in rows:
        assert 0 <= float(row["accuracy"]) <= 1
        assert float(row["accuracy_sd"]) >= 0


def test_json_is_the_rows_and_nothing_else(command):
    rows = json.loads(command(*ASK, "--seeds", "1", "--json").stdout)

    assert len(rows) == 1
    assert rows[0]["accuracy_sd"] is None


def test_the_table_says_what_it_rests_on(command):
    result = command(*ASK, "--seeds", "2", "--compensate", "global")

    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert said.startswith("digits_cnn on tiny, seeds: 2, compensation: global")
    assert "8 samples" in said
    assert "a compensation takes 1216 products of single arrays, " in said  # 19 arrays x 64
    rows = json.loads(command(*ASK, "--seeds", "1", "--compensate", "global", "--json").stdout)
    assert rows[0]["compensation_ps"] > 0
    assert rows[0]["compensation_j"] > 0
    assert f"{rows[0]['compensation_j'] * 1e9:.0f} nJ while nothing else runs" in said


def test_the_error_of_each_layer(command):
    rows = json.loads(command(*ASK, "--seeds", "1", "--by", "layer", "--json").stdout)

    assert [row["layer"] for row in rows] == ["conv1", "conv2", "conv3", "fc"]
    assert all(0 < row["own"] < 1 for row in rows)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--times", "1fortnight"), "a time since programming is a number and s, min, h, day, month, year"),
        (("--times", "5"), "a time since programming is a number and"),
        (("--times", "0,,1h"), "a time since programming is a number and"),
        (("--times", "1e30year"), "time_s must be seconds since programming"),
        (("--labels", "classes"), "--labels classes: there is no such array (in the file: input, labels)"),
        (("--samples", "65"), "--samples 65: the inputs have 64"),
        (("--json", "--csv"), "give --json or --csv, not both"),
        (("--set", "tile.analog.device=rram_wan", "--times", "1h"), "rram_wan"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_code_2(command, options, said):
    result = command(*ASK, *options)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_run_in_devices_says_its_epoch(command):
    options = ("--inputs", "digits_cnn", "--requests", "1", "--analog", "analog", "--time", "1day", "--json")
    summary = json.loads(command("run", "tiny", "digits_cnn", *options).stdout)

    assert summary["epoch"] == {
        "time_s": 86_400.0,
        "epoch_s": None,
        "compensate": "none",
        "compensate_every_s": None,
        "compensations": 0,
        "compensation_reads": 0,
    }
    assert any("all requests are of one epoch" in one for one in summary["assumptions"])


def test_a_time_without_devices_is_refused(command):
    result = command("run", "tiny", "digits_cnn", "--time", "1day")

    assert result.exit_code == 2
    assert "need `analog` values" in result.stderr


AGING = ("run", "tiny", "digits_cnn", "--analog", "off", "--arrivals", "fixed:0.001 Hz", "--requests", "3")


def test_a_run_says_how_often_it_compensated_and_what_that_took(command):
    result = command(*AGING, "--compensate", "global", "--compensate-every", "15min")

    assert result.exit_code == 0, result.stderr
    # The last request arrives after 2000 s, so two more follow the one before the first request.
    line = next(line for line in result.stdout.splitlines() if line.startswith("maintenance"))
    assert "3 compensations" in line
    assert "before the first request" in line
    plain = command(*AGING)
    assert "maintenance" not in plain.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--epoch", "soon"), "a time since programming is a number"),
        (("--epoch", "0"), "epoch_s must be seconds"),
        (("--compensate-every", "1h"), "--compensate global or column"),
    ],
)
def test_periods_that_cannot_be_are_refused(command, options, said):
    result = command(*AGING, *options)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
