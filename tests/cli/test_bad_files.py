"""Is every file that cannot be used refused in words, at once, and without taking the machine down?"""

import random
import subprocess
import sys

import pytest

from tests.cli import bad_files

MADE = {**bad_files.CHIPS, **bad_files.WORKLOADS}
ROOT = bad_files.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("content", MADE.values(), ids=MADE)
def test_a_bad_file_is_one_clear_line(command, folder, content):
    (folder / "bad.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    said, took = bad_files.refusal("bad.yaml")
    assert took < 1.5  # a second on an idle core
    result = command("check", "bad.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    first, *rest = result.stderr.splitlines()
    assert first.startswith("bad.yaml:")
    assert len(first) < 300
    assert rest == [] or len(rest) == len(said.splitlines()) - 1 <= 3, "one line a mistake"


MEMORY = """
import sys
from pathlib import Path
sys.path.append({root!r})
from tests.cli import bad_files
Path("bad.yaml").write_text(bad_files.SMALL_CHIP)
assert bad_files.refusal("bad.yaml")[0] == ""  # which loads all there is to load
Path("bad.yaml").write_text(bad_files.SMALL_NET)
assert bad_files.refusal("bad.yaml")[0] == ""
def refuse_all():
    for content in (*bad_files.CHIPS.values(), *bad_files.WORKLOADS.values()):
        Path("bad.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
        assert bad_files.refusal("bad.yaml")[0]
print(bad_files.grown_mb(refuse_all))
"""


def test_refusing_takes_little_memory(folder):
    asked = [sys.executable, "-c", MEMORY.format(root=str(ROOT))]
    assert float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout) < 200


def test_mutated_files_are_taken_or_refused_in_words(folder):
    """`scripts/fuzz_inputs.py` does the same ten thousand times, with files of every kind."""
    refused, longest = bad_files.mutate_and_check(folder / "bad.yaml", 200, random.Random(4))  # noqa: S311
    assert 100 < refused < 200
    assert longest < 1.5


def test_a_long_list_of_mistakes_is_cut_short(command, folder):
    (folder / "bad.yaml").write_text("extends: tiny\n" + "".join(f"k{i}: 1\n" for i in range(90)))
    lines = command("check", "bad.yaml").stderr.splitlines()
    assert (len(lines), lines[-1]) == (41, "and 50 more")


@pytest.mark.parametrize(
    "content", ["extends: tiny\n", bad_files.SMALL_CHIP, bad_files.SMALL_NET], ids=["base", "chip", "net"]
)
def test_the_files_that_are_mutated_are_right_before(folder, content):
    (folder / "good.yaml").write_text(content)
    assert bad_files.refusal("good.yaml")[0] == ""
