"""Is a run directory whole, or marked partial, or the one from before, whatever happens while it is written?"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from aimcsim.errors import InputError, OutputError
from aimcsim.records import run_dir
from aimcsim.records.run_dir import begin_run, write_run
from aimcsim.run import load_run, simulate
from tests.cli import killing

RUN = ("run", "tiny", "digits_cnn", "--requests", "2")


@pytest.fixture(scope="module")
def two():
    return simulate("tiny", "digits_cnn", requests=2).files


@pytest.fixture(scope="module")
def three():
    return simulate("tiny", "digits_cnn", requests=3).files


def test_killed_at_every_step_of_a_first_write_it_is_absent_partial_or_complete(folder, two):
    """One state after another, and never back."""
    seen = []
    for step in range(1000):
        killing.clear(folder)
        killed = killing.kill_at(step, lambda: write_run(folder / "out", two))
        seen.append(killing.state("out"))
        if not killed:
            break
    assert list(dict.fromkeys(seen)) == ["absent", "partial", 2]
    assert seen.count("partial") > 2 * len(two.tables)  # at least an open and a rename for each


def test_killed_at_every_step_of_replacing_a_run_the_older_or_the_newer_one_is_there(
    folder, tmp_path_factory, two, three
):
    """Beside it stands what is being written, then, for as long as it takes to remove it, what was replaced."""
    older = tmp_path_factory.mktemp("older") / "out"
    write_run(older, two)
    seen, beside = [], []
    for step in range(1000):
        killing.clear(folder)
        shutil.copytree(older, folder / "out")
        killed = killing.kill_at(step, lambda: write_run(folder / "out", three, force=True))
        seen.append(killing.state("out"))
        beside.append(killing.state("out.partial"))
        if not killed:
            break
    assert list(dict.fromkeys(seen)) == [2, 3]
    assert beside[0] == beside[-1] == "absent"
    assert set(beside[: seen.index(3)]) == {"absent", "partial", 3}
    assert set(beside[seen.index(3) :]) == {2, "partial", "absent"}


@pytest.mark.parametrize("options", [(), ("--force",)], ids=["first", "replacing"])
def test_killed_at_random_it_is_absent_partial_or_complete(folder, options):
    """`scripts/kill_runs.py 50` does the same fifty times."""
    length = killing.took(folder)
    generator = random.Random(1)  # noqa: S311
    for _ in range(6):
        if not options:
            killing.clear(folder)
        killing.kill_at_random(folder, length, *options, generator=generator)
        assert killing.state("out") in ({2} if options else {"absent", "partial", 2})
        assert killing.state("out.partial") in ({"absent", "partial"} if options else {"absent"})


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
@pytest.mark.parametrize(("engine", "requests"), [("fast", "20000"), ("reference", "200")])
def test_a_signal_leaves_the_directory_marked_whatever_runs(
    folder, interruptible, engine, requests, number, code, word
):
    """So many requests take either engine some seconds; the signal comes when it is well under way."""
    asked = [sys.executable, "-m", "aimcsim", "run", "isaac", "digits_cnn", "-o", "out"]
    asked += ["--engine", engine, "--requests", requests]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        patience = time.monotonic() + 30
        while not os.path.exists("out") and time.monotonic() < patience:  # noqa: PTH110
            time.sleep(0.05)
        time.sleep(1)
        assert killing.state("out") == "partial"
        assert "its run is still going on" in run_dir.partial_word(folder / "out")
        process.send_signal(number)
        _, said = process.communicate()
    assert (process.returncode, said) == (code, f"{word}: `out` is marked partial\n")
    assert killing.state("out") == "partial"


def limited(bytes_each):
    """Return what has a process write no file larger than so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_each, bytes_each))


def test_a_disk_that_fills_while_the_run_goes_on_is_one_clear_message(folder):
    """Files of at most 2 MB; the 76 004 ops of 2000 requests are 12 MB of integers."""
    asked = [sys.executable, "-m", "aimcsim", "run", "tiny", "digits_cnn", "--requests", "2000", "-o", "out"]
    full = limited(2_000_000)
    result = subprocess.run(asked, capture_output=True, text=True, check=False, preexec_fn=full)
    assert result.returncode == 1
    assert result.stderr == "cannot write the records of the run to `out`: File too large\n"
    assert killing.state("out") == "partial"


@pytest.mark.parametrize("before", ["absent", 2])
def test_a_full_disk_is_one_clear_message_and_harms_nothing(folder, two, before):
    """Files of at most 3000 bytes: the manifest can be written, the table of ops cannot."""
    if before == 2:
        write_run(folder / "out", two)
    asked = [sys.executable, "-m", "aimcsim", *RUN, "-o", "out", "--force"]
    result = subprocess.run(asked, capture_output=True, text=True, check=False, preexec_fn=limited(3000))
    place = "out.partial" if before == 2 else "out"
    assert result.returncode == 1
    assert result.stderr.startswith(f"cannot write `{place}/")
    assert result.stderr.endswith(f": File too large; `{place}` is marked partial\n")
    assert len(result.stderr.splitlines()) == 1
    assert killing.state(place) == "partial"
    assert killing.state("out") == ("partial" if before == "absent" else before)
    assert not [path for path in (folder / place).iterdir() if path.name.startswith(".")]


def test_no_space_at_the_very_start_leaves_nothing(folder):
    asked = [sys.executable, "-m", "aimcsim", *RUN, "-o", "out"]
    result = subprocess.run(asked, capture_output=True, text=True, check=False, preexec_fn=limited(10))
    assert (result.returncode, result.stderr) == (2, "cannot write `out`: File too large\n")
    assert list(folder.iterdir()) == []


def test_a_full_disk_behind_the_output_is_said(folder):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        asked = [sys.executable, "-m", "aimcsim", "chips", "--json"]
        result = subprocess.run(asked, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode != 0
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def partial(folder, two):
    """A directory as an interrupt leaves it after two tables."""
    place = begin_run(folder / "out", {"chip": "tiny", "workload": "digits_cnn"})
    for name in ("ops", "waits"):
        run_dir._write_file(place.place / f"{name}.npz", two.tables[name].write)
    os.close(place._lock)
    return folder / "out"


def test_a_partial_run_loads_and_says_what_it_lacks(partial, two):
    run = load_run(partial)
    assert run.partial
    assert list(run.files.tables) == ["ops", "waits"]
    assert (run.ops["end_ps"] == two.tables["ops"]["end_ps"]).all()
    assert repr(run) == "<partial run of digits_cnn on tiny: ops, waits>"
    for ask in (lambda: run.table("energy"), lambda: run.summary["latency_ps"]):
        with pytest.raises(
            InputError, match=r"is partial, its run ended before it was written whole .*: there is no `"
        ):
            ask()


def test_show_says_that_a_run_is_partial(command, partial):
    result = command("show", "out")
    assert result.exit_code == 0
    assert result.stdout.startswith("digits_cnn on tiny: partial\n")
    assert "ended before it was written whole" in result.stdout
    assert "run it again with --force" in result.stdout
    assert json.loads(command("show", "out", "--json").stdout) == {
        "partial": True,
        "chip": "tiny",
        "workload": "digits_cnn",
    }
    refused = command("show", "out", "--by", "component")
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    assert "is partial" in refused.stderr
    assert "partial" in command("check", "out").stdout


def test_a_partial_run_is_replaced_like_any_other(command, partial):
    assert command(*RUN, "-o", "out").exit_code == 2
    assert command(*RUN, "-o", "out", "--force").exit_code == 0
    assert killing.state("out") == 2
    assert [path.name for path in partial.parent.iterdir()] == ["out"]


def test_two_runs_do_not_write_to_one_place(command, folder):
    with begin_run(folder / "out", {}) as first:
        result = command(*RUN, "-o", "out", "--force")
        assert (result.exit_code, result.stderr) == (2, "`out` is being written by another run\n")
        os.remove(first.place / "manifest.json")  # noqa: PTH107
        (first.place / "manifest.json").write_text("{}")


def test_what_an_interrupted_run_left_beside_is_cleared_away_and_nothing_else(command, folder, two):
    write_run(folder / "out", two)
    os.close(begin_run(folder / "out", {}, force=True)._lock)
    assert killing.state("out.partial") == "partial"
    assert command(*RUN, "-o", "out", "--force").exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["out"]
    write_run(folder / "out.partial", two)
    refused = command(*RUN, "-o", "out", "--force")
    assert (refused.exit_code, killing.state("out.partial")) == (2, 2)
    assert "is not the rest of an interrupted run" in refused.stderr


@pytest.mark.parametrize("exchange", ["in one step", "in three"])
def test_a_run_takes_the_place_of_another_on_every_system(folder, two, three, monkeypatch, exchange):
    if exchange == "in three":
        monkeypatch.setattr(run_dir.ctypes, "CDLL", lambda _name: None)
    write_run(folder / "out", two)
    write_run(folder / "out", three, force=True)
    assert killing.state("out") == 3
    assert [path.name for path in folder.iterdir()] == ["out"]


def test_an_interrupt_between_two_files_leaves_them_whole(folder, two, monkeypatch):
    def interrupted(path, *_rest):
        if path.name == "energy.npz":
            raise KeyboardInterrupt
        return write(path, *_rest)

    write = run_dir._write_file
    monkeypatch.setattr(run_dir, "_write_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_run(folder / "out", two)
    assert killing.state("out") == "partial"
    assert "ops" in load_run(folder / "out").files.tables


def test_a_disk_that_fails_is_an_output_error(folder, two, monkeypatch):
    def failing(_descriptor):
        raise OSError(5, "Input/output error")

    def write():
        with begin_run(folder / "out", {}) as place:
            monkeypatch.setattr(run_dir.os, "fsync", failing)
            place.finish(two)

    with pytest.raises(OutputError, match=r"Input/output error; `.*out` is marked partial"):
        write()
    assert killing.state("out") == "partial"
