"""Does a mistake in a file get the line it stands on and a suggestion, exit code 2, and no traceback?"""

import json
import subprocess
import sys

import pytest

WORKLOAD = """\
schema: aimcsim-workload/1
name: net
inputs: {image: [8, 8, 3]}
layers:
"""

CHIP_MISTAKES = {
    "a misspelt field": ("tile:\n  adc: {converterz: 4}\n", "3:9", "Did you mean `converters`?"),
    "a number without its unit": ("clocks:\n  array: 100\n", "3:10", "which has no unit"),
    "a unit in the wrong case": ("host:\n  link: {latency: 100 NS}\n", "3:19", "Did you mean `100 ns`?"),
    "a field given twice": ("tile:\n  crossbars: 24\n  crossbars: 8\n", "4:3", "first on line 3"),
    "a tab": ("tile:\n\tcrossbars: 8\n", "3:1", "indents with spaces"),
    "a clock that does not exist": (
        "tile:\n  buffers:\n    scratch: {clock: digitl}\n",
        "4:22",
        "Did you mean `digital`?",
    ),
    "banks that do not divide a tile": ("tile:\n  adc: {crossbars: 5}\n", "3:20", "do not divide the 24 crossbars"),
    "a latency of a minute": ("memory:\n  channel: {latency: 60 s}\n", "3:22", "write `suspicious: allow`"),
}

WORKLOAD_MISTAKES = {
    "a kind that does not exist": ("  - {name: a, kind: conv}\noutputs: [a]\n", "5:21", "Did you mean `conv2d`?"),
    "a tensor that does not exist": (
        "  - {name: a, kind: linear, inputs: imagine, out_features: 3}\noutputs: [a]\n",
        "5:37",
        "Did you mean `image`?",
    ),
    "a field of another tool": (
        "  - {name: a, kind: conv2d, out_channels: 4, kernel: 3, strides: 2}\noutputs: [a]\n",
        "5:57",
        "Did you mean `stride`?",
    ),
    "a kernel that is too large": (
        "  - {name: a, kind: conv2d, out_channels: 4, kernel: 9}\noutputs: [a]\n",
        "5:54",
        "does not fit an input of height 8",
    ),
}


@pytest.mark.parametrize(("text", "place", "said"), CHIP_MISTAKES.values(), ids=CHIP_MISTAKES)
def test_a_mistake_in_a_chip_file_is_located(command, folder, text, place, said):
    (folder / "chip.yaml").write_text("extends: tiny\n" + text)
    result = command("run", "chip.yaml", "digits_cnn")
    assert result.exit_code == 2
    assert f"chip.yaml:{place}: " in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(("text", "place", "said"), WORKLOAD_MISTAKES.values(), ids=WORKLOAD_MISTAKES)
def test_a_mistake_in_a_workload_file_is_located(command, folder, text, place, said):
    (folder / "net.yaml").write_text(WORKLOAD + text)
    result = command("run", "tiny", "net.yaml")
    assert result.exit_code == 2
    assert f"net.yaml:{place}: " in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_mistakes_of_both_files_are_said_at_once(command, folder):
    (folder / "chip.yaml").write_text("extends: tiny\n" + CHIP_MISTAKES["a misspelt field"][0])
    (folder / "net.yaml").write_text(WORKLOAD + WORKLOAD_MISTAKES["a kind that does not exist"][0])
    result = command("check", "chip.yaml", "net.yaml", "--json")
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert found["ok"] is False
    assert [(one["file"], one["line"]) for one in found["problems"]] == [("chip.yaml", 3), ("net.yaml", 5)]


def test_a_wrong_override_is_located_in_the_command_line(command):
    result = command("run", "tiny", "digits_cnn", "--set", "tile.adc.bits=8", "--set", "tile.adc.converterz=4")
    assert result.exit_code == 2
    assert result.stderr.startswith("--set:2:10: tile.adc.converterz: ")


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_a_latency_that_no_clock_reaches_is_refused_by_name(command, engine):
    """64 input vectors of 10^15 s each are 6.4 x 10^28 ps; 64 bits hold 9.2 x 10^18."""
    late = ["--set", "suspicious=allow", "--set", "host.link.latency=1000000000000000 s"]
    result = command("run", "tiny", "digits_cnn", "--engine", engine, *late)
    assert result.exit_code == 2
    assert "most of it is stage `host` of input.load" in result.stderr
    assert "deadlock" not in result.stderr


@pytest.mark.parametrize("name", ["a misspelt field", "a tab"])
def test_the_installed_command_does_the_same(folder, name):
    text, place, said = CHIP_MISTAKES[name]
    (folder / "chip.yaml").write_text("extends: tiny\n" + text)
    asked = [sys.executable, "-m", "aimcsim", "check", "chip.yaml"]
    result = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert f"chip.yaml:{place}: " in result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
