"""Does the command line take arrivals, and say what they came to?"""

import json
import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "arrivals.md").read_text()
COMMANDS = re.search(r"<!-- commands -->\n```sh\n(.*?)```", PAGE, re.DOTALL).group(1).splitlines()

RUN = ("run", "tiny", "digits_cnn")


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_of_the_page_run(command, line):
    assert command(*shlex.split(line)[1:]).exit_code == 0


def test_the_page_shows_what_an_overloaded_run_prints(command):
    shown = re.search(r"```text\n(load .*?)```", PAGE, re.DOTALL).group(1)
    assert shown in command(*shlex.split(COMMANDS[1])[1:]).stdout


def test_the_file_of_the_page_is_read(command, folder):
    (folder / "come.csv").write_text(re.search(r"```text\n(time.*?)```", PAGE, re.DOTALL).group(1))
    assert command(*RUN, "--arrivals", "come.csv").exit_code == 0


def test_an_overloaded_run_says_what_saturates_it(command, folder):
    result = command(*RUN, "--requests", "100", "--arrivals", "fixed:40 kHz")
    assert result.exit_code == 0, result.stderr
    assert "saturated by tile[0].adc_bank[0]: offered 40.0 k/s, completed 27." in result.stdout
    assert "(arrivals fixed:40 kHz)" in result.stdout


def test_a_file_of_arrivals_says_how_many_requests_there_are(command, folder):
    (folder / "come.csv").write_text("time\n0\n0.001\n0.002\n")
    result = command(*RUN, "--arrivals", "come.csv", "--json")
    summary = json.loads(result.stdout)
    assert (summary["requests"], summary["arrivals"], summary["load"]["saturated"]) == (3, "come.csv", False)


def test_a_wrong_file_of_arrivals_is_one_line(command, folder):
    (folder / "come.csv").write_text("time\n0\nsoon\n")
    result = command(*RUN, "--arrivals", "come.csv")
    assert result.exit_code == 2
    assert result.stderr == "come.csv:3:1: time: must be a number (got `soon`)\n"


def test_a_closed_loop_says_that_it_is_one(command, folder):
    result = command(*RUN, "--requests", "5", "--max-in-flight", "2", "--warmup", "1")
    assert "(at most 2 at a time, the first 1 left out)" in " ".join(result.stdout.split())
    assert "load " not in result.stdout


def test_a_wrong_rate_is_refused(command):
    result = command(*RUN, "--arrivals", "poisson:2000")
    assert result.exit_code == 2
    assert "such as `1.28 GHz` (got `2000`, which has no unit)" in result.stderr
