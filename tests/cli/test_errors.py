"""Does every way to fail end with its exit code and a text that helps?"""

import re
import resource
import signal
import sys

import numpy as np
import pytest

from aimcsim.cli.guard import spread
from aimcsim.errors import ConfigError
from aimcsim.run import simulate

SKIP = """\
schema: aimcsim-workload/1
name: skip
inputs: {image: [8, 8, 4]}
layers:
  - {name: a, kind: conv2d, out_channels: 4, kernel: 3, pads: 1}
  - {name: b, kind: conv2d, out_channels: 4, kernel: 3, pads: 1}
  - {name: sum, kind: add, inputs: [a, b]}
outputs: [sum]
"""


def test_a_deadlock_is_a_failed_run_that_names_its_cycle(command, folder):
    """A pool of 256 bytes fills with the 64 pixels of the input before `a` has room for its first result."""
    (folder / "net.yaml").write_text(SKIP)
    pool = ["--set", "tile.policy=pool", "--set", "tile.buffers.scratch.size=256 B"]
    result = command("run", "tiny", "net.yaml", *pool)
    assert result.exit_code == 1
    assert result.stderr.startswith("deadlock: a.mvm@tile[0] waits for ")
    assert " -> " in result.stderr.splitlines()[0]
    assert "Traceback" not in result.stderr


def test_the_same_network_runs_with_quotas(command, folder):
    (folder / "net.yaml").write_text(SKIP)
    assert command("run", "tiny", "net.yaml", "--set", "tile.buffers.scratch.size=256 B").exit_code == 0


def test_a_buffer_too_small_is_refused_before_the_run(command, folder):
    (folder / "net.yaml").write_text(SKIP)
    result = command("run", "tiny", "net.yaml", "--set", "tile.buffers.scratch.size=100 B")
    assert result.exit_code == 2
    first, *needs = result.stderr.splitlines()
    assert "tile.buffers.scratch.size: " in first
    assert any(line.startswith("  a.mvm@tile[0] -> b.mvm@tile[0]: ") for line in needs[: needs.index("levers:")])


def test_a_network_too_large_is_refused_with_levers(command):
    result = command("check", "tiny", "digits_cnn", "--set", "tile.crossbars=4", "--set", "tile.adc.crossbars=1")
    assert result.exit_code == 2
    _, title, *levers = result.stderr.splitlines()
    assert title == "levers:"
    assert levers[0].startswith("  tile.count 4 -> ")


def test_levers_that_are_enough_come_first():
    message = (
        "chip.yaml:3:4: needs 9, has 4; levers: a 1 -> 2 (needs 5 of 4, still too many); b 2 -> 8 (needs 4 of 4, fits)"
    )
    assert spread(message) == [
        "chip.yaml:3:4: needs 9, has 4",
        "levers:",
        "  b 2 -> 8 (needs 4 of 4, fits)",
        "  a 1 -> 2 (needs 5 of 4, still too many)",
    ]
    assert spread("one sentence: nothing to list") == ["one sentence: nothing to list"]


def test_without_its_extra_onnx_says_how_to_get_it(command, monkeypatch, traces_dir):
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = command("run", "tiny", traces_dir / "digits_mlp.onnx")
    assert result.exit_code == 2
    assert "pip install 'aimcsim[onnx]'" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_onnx_file_that_is_missing_is_said_to_be_before_the_extra(command, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = command("run", "tiny", "nowhere.onnx")
    assert (result.exit_code, result.stderr) == (2, "nowhere.onnx: no such file\n")


@pytest.mark.parametrize(
    ("chip", "workload", "said"),
    [
        ("digits_cnn", "tiny", "digits_cnn: this is a workload"),
        ("net.yaml", "tiny", "net.yaml: this is a workload"),
        ("net.onnx", "tiny", "net.onnx: this is a workload"),
        ("tiny", "chip.yaml", "chip.yaml: this is a chip"),
        ("tiny", "isaac", "isaac: this is a chip"),
    ],
)
def test_chip_and_workload_the_wrong_way_round_are_one_clear_message(command, folder, chip, workload, said):
    (folder / "net.yaml").write_text(SKIP)
    (folder / "chip.yaml").write_text("# mine\nschema: 'aimcsim-chip/1'\nextends: tiny\n")
    for asked in ("run", "map"):
        result = command(asked, chip, workload)
        assert (result.exit_code, result.stderr) == (2, f"{said}; the chip comes first, then the workload\n")


INPUTS = {
    "missing": (None, "cannot be read"),
    "no archive": (b"not an archive", "is no .npz file"),
    "empty": (b"", "is no .npz file"),
}


@pytest.mark.parametrize(("content", "said"), INPUTS.values(), ids=INPUTS)
def test_inputs_that_cannot_be_read_are_one_clear_error(command, folder, content, said):
    if content is not None:
        (folder / "x.npz").write_bytes(content)
    _refused(command, said)


def test_a_damaged_archive_is_one_clear_error(command, folder):
    np.savez_compressed(folder / "x.npz", input=np.random.default_rng(0).random((4, 1, 8, 8)))
    whole = bytearray((folder / "x.npz").read_bytes())
    whole[200:260] = bytes(60)
    (folder / "x.npz").write_bytes(whole)
    _refused(command, "is no .npz file of plain arrays, or a damaged one")


ARRAYS = {
    "another name": ({"image": np.zeros((2, 1, 8, 8))}, "there is no array `input`"),
    "another shape": ({"input": np.zeros((2, 8, 8))}, "expected an array of shape [n, 1, 8, 8]"),
    "a single number": ({"input": np.float32(3)}, "holds no samples"),
    "not finite": ({"input": np.full((2, 1, 8, 8), np.nan)}, "not finite"),
    "too few labels": ({"input": np.zeros((2, 1, 8, 8)), "labels": np.zeros(1, int)}, "`labels` must be"),
    "a label too high": ({"input": np.zeros((2, 1, 8, 8)), "labels": np.array([9, 10])}, "in 0..9, the outputs"),
    "a label below zero": ({"input": np.zeros((2, 1, 8, 8)), "labels": np.array([-1, 9])}, "(got -1)"),
    "no samples": ({"input": np.zeros((0, 1, 8, 8))}, "holds no samples"),
}


@pytest.mark.parametrize(("arrays", "said"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_do_not_fit_the_network_are_refused(command, folder, arrays, said):
    np.savez(folder / "x.npz", **arrays)
    _refused(command, said)


def _refused(command, said):
    result = command("run", "tiny", "digits_cnn", "--inputs", "x.npz")
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.startswith("x.npz: ")
    assert len(result.stderr.splitlines()) == 1


def test_values_without_inputs_are_refused(command):
    result = command("run", "tiny", "digits_cnn", "--analog", "ideal")
    assert result.exit_code == 2
    assert "--inputs" in result.stderr


def test_more_requests_than_samples_are_refused(command):
    result = command("run", "tiny", "digits_cnn", "--inputs", "digits_cnn", "--requests", "65")
    assert result.exit_code == 2
    assert "64 samples" in result.stderr


def test_no_requests_are_refused_by_the_name_of_the_option(command):
    result = command("run", "tiny", "digits_cnn", "--requests", "0")
    assert (result.exit_code, result.stderr) == (2, "--requests must be a whole number of at least 1 (got 0)\n")


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ([object()], "a component must have a method `attach(plan)` (got object)"),
        (object(), "components must be a list of them (got object)"),
    ],
    ids=["no attach", "no list"],
)
def test_what_is_no_component_is_refused(components, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        simulate("tiny", "digits_cnn", components=components)


def test_a_layer_of_very_many_weights_takes_no_memory_until_it_is_known_not_to_fit(command, folder):
    """32 768 x 8192 weights of 4 bytes are 1 GiB, and just as many as a layer may have."""
    head = "schema: aimcsim-workload/1\nname: wide\ninputs: {x: [32768]}\noutputs: [a]\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for width, said in ((8192, "tile.crossbars"), (8193, "are more than the 268435456 that a layer may have")):
        (folder / "wide.yaml").write_text(f"{head}layers: [{{name: a, kind: linear, out_features: {width}}}]\n")
        result = command("run", "tiny", "wide.yaml")
        assert result.exit_code == 2
        assert said in result.stderr
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "100 MB"


def test_an_unknown_option_is_bad_input(command):
    assert command("run", "tiny", "digits_cnn", "--gain", "row").exit_code == 2


@pytest.mark.parametrize(
    "asked",
    [("show", "out", "--by", "colour"), ("run", "tiny", "digits_cnn", "--grain", "colour")],
    ids=["by", "grain"],
)
def test_an_unknown_choice_gets_the_known_ones(command, asked):
    result = command(*asked)
    assert result.exit_code == 2
    assert f"Invalid value for '{asked[-2]}': 'colour' is not one of " in result.stderr
    assert {"by": "component", "grain": "vector"}[asked[-2].lstrip("-")] in result.stderr


def test_a_directory_that_is_no_run_is_bad_input(command, folder):
    result = command("show", folder)
    assert result.exit_code == 2
    assert "is no run directory" in result.stderr


def test_a_defect_of_our_own_asks_for_a_report_and_shows_its_traceback_on_request(command, monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("aimcsim.seeds.simulate", broken)
    result = command("run", "tiny", "digits_cnn")
    assert result.exit_code == 1
    assert result.stderr.startswith("internal error, please report it")
    assert "Traceback" not in result.stderr
    assert "Traceback" in command("--debug", "run", "tiny", "digits_cnn").stderr


def test_debug_keeps_the_exit_code_of_an_error(command):
    result = command("--debug", "run", "tinny", "digits_cnn")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr


@pytest.mark.parametrize(
    ("number", "word", "code"), [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]
)
def test_an_interrupted_run_ends_quietly_and_leaves_a_marked_directory(
    command, folder, interruptible, monkeypatch, number, word, code
):
    monkeypatch.setattr("aimcsim.seeds.simulate", lambda *_arguments, **_options: signal.raise_signal(number))
    result = command("run", "tiny", "digits_cnn", "-o", "out")
    assert (result.exit_code, result.stderr) == (code, f"{word}: `out` is marked partial\n")
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert command("run", "tiny", "digits_cnn").stderr == f"{word}\n"


def test_a_run_that_fails_by_itself_leaves_nothing(command, folder):
    (folder / "net.yaml").write_text(SKIP)
    pool = ["--set", "tile.policy=pool", "--set", "tile.buffers.scratch.size=256 B"]
    assert command("run", "tiny", "net.yaml", *pool, "-o", "out").exit_code == 1
    assert [path.name for path in folder.iterdir()] == ["net.yaml"]
