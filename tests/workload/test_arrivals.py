"""Do requests arrive when they should, and is every mistake in a file of arrivals told with its place?"""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

from aimcsim.errors import InputError
from aimcsim.workload.arrival_file import read_arrivals
from aimcsim.workload.arrivals import arrivals

GOOD = "name,arrival_ps\na,0\nb,1500\nc,1500\nd,99000\n"


def test_fixed_arrivals_are_a_clock_that_does_not_drift() -> None:
    """3 kHz: a period of 333 333 333 1/3 ps; tick r is rounded down for itself."""
    assert arrivals("fixed:3 kHz", 4, 0).times_ps == (0, 333_333_333, 666_666_666, 1_000_000_000)


def test_bursts_come_together() -> None:
    assert arrivals("burst:2:1 MHz", 5, 0).times_ps == (0, 0, 1_000_000, 1_000_000, 2_000_000)


def test_poisson_arrivals_have_independent_exponential_gaps_that_the_seed_decides() -> None:
    """Mean and deviation of an exponential are equal: 1 us.

    Of 100 000 gaps the mean deviates by 1 / sqrt(n), 0.3 %, the deviation by sqrt(2 / n), 0.4 %, the correlation of
    neighbours by 1 / sqrt(n); five of each are allowed.
    """
    count = 100_000
    times = arrivals("poisson:1 MHz", count, 7).times_ps
    gaps = np.diff(np.array(times), prepend=0)

    assert abs(gaps.mean() / 1e6 - 1) < 5 / np.sqrt(count)
    assert abs(gaps.std() / 1e6 - 1) < 5 * np.sqrt(2 / count)
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 5 / np.sqrt(count)
    assert arrivals("poisson:1 MHz", count, 7).times_ps == times
    assert arrivals("poisson:1 MHz", 100, 8).times_ps != times[:100]


def test_a_file_gives_as_many_requests_as_it_has_lines(tmp_path: Path) -> None:
    path = tmp_path / "come.csv"
    path.write_text(GOOD)
    assert arrivals(path, None, 0).times_ps == (0, 1500, 1500, 99_000)
    assert arrivals(path, 2, 0).times_ps == (0, 1500)
    with pytest.raises(InputError, match=r"5 requests, but .*come\.csv has the arrivals of 4"):
        arrivals(path, 5, 0)


@pytest.mark.parametrize("name", ["time", "arrival_s"])
def test_seconds_become_picoseconds(name: str, tmp_path: Path) -> None:
    path = tmp_path / "come.csv"
    path.write_text(f'\ufeff"{name}"\r\n0\r\n1e-6\r\n0.000001000001\r\n')
    assert read_arrivals(path) == (0, 1_000_000, 1_000_001)


WRONG = {
    b"": "come.csv: is empty",
    b"\n\n": "come.csv: is empty",
    b"when\n1\n": "come.csv:1:1: no column of times",
    b"time,arrival_ps\n1,1\n": "come.csv:1:1: several columns of times",
    b"arrival_ps\n": "come.csv:1:1: arrival_ps: has no arrivals",
    b"n,arrival_ps\n1,5\n2,x\n": "come.csv:3:3: arrival_ps: must be a number (got `x`)",
    b"arrival_ps\n5\n\n7\n": "come.csv:3:1: arrival_ps: must be a number (got ``)",
    b"arrival_ps\n-5\n": "come.csv:2:1: arrival_ps: must not be negative (got `-5`)",
    b"arrival_ps\n5\n4\n": "come.csv:3:1: arrival_ps: must not be before the arrival in the line above (got `4`)",
    b"arrival_ps\nnan\n": "come.csv:2:1: arrival_ps: must be a number (got `nan`)",
    b"arrival_ps\n1e99\n": "come.csv:2:1: arrival_ps: must be at most 10000000000000000 (got `1e99`)",
    b"time\n10001\n": "come.csv:2:1: time: must be at most 10000 (got `10001`)",
    b"arrival_ps\n1e999999999\n": "come.csv:2:1: arrival_ps: must be at most",
    b"arrival_ps\n" + b"9" * 10_000: "come.csv:2:1: arrival_ps: must be a number (got `999",
    b"n,arrival_ps\n1\n": "come.csv:2:3: arrival_ps: must be a number (got ``)",
    b"\x89PNG\r\n\x1a\n": "come.csv:1:1: is no text in UTF-8",
    b"arrival_ps\n1\n\xff\n": "come.csv:3:1: is no text in UTF-8",
    b"arrival_ps\n1\0\n": "come.csv:2:1: is no text",
}


@pytest.mark.parametrize("content", WRONG, ids=lambda content: repr(content[:20]))
def test_a_wrong_file_is_refused_with_the_place(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "come.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_arrivals(tmp_path / "come.csv")
    assert str(caught.value).partition(str(tmp_path) + "/")[2].startswith(WRONG[content])
    assert "\n" not in str(caught.value)


def test_all_wrong_lines_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "come.csv").write_text("arrival_ps\nx\n1\ny\n")
    with pytest.raises(InputError) as caught:
        read_arrivals(tmp_path / "come.csv")
    assert re.findall(r"csv:(\d+)", str(caught.value)) == ["2", "4"]


def refusal(path: Path) -> str:
    """Return what is said of a file that is refused; nothing, after a look at the times, of one that is not."""
    try:
        times = read_arrivals(path)
    except InputError as error:
        return str(error)
    assert list(times) == sorted(times)
    return ""


def test_any_change_of_a_file_gives_times_or_an_error_with_a_place(tmp_path: Path) -> None:
    path, chance = tmp_path / "come.csv", random.Random(1)  # noqa: S311 - no secret
    refused = 0
    for _ in range(2000):
        content = bytearray(GOOD.encode())
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(content[: chance.randint(0, 2 * len(content))])
        told = refusal(path)
        refused += bool(told)
        assert told.startswith(str(path) if told else "")
    assert 0 < refused < 2000


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("poisson:2000", "expected a frequency with its unit, such as `1.28 GHz` (got `2000`, which has no unit)"),
        ("fixed:0 Hz", "a rate is above 0 and at most 1 THz"),
        ("fixed:-1 kHz", "a rate is above 0 and at most 1 THz"),
        ("burst:0:1 kHz", "--arrivals takes burst:COUNT:RATE"),
        ("burst:1 kHz", "--arrivals takes burst:COUNT:RATE"),
        ("normal:1 kHz", "--arrivals takes poisson:RATE, fixed:RATE"),
        ("nowhere.csv", "there is no file `nowhere.csv`"),
        ("fixed:1e-20 Hz", "arrives after 10000000000000000 ps, the latest"),
        ("poisson:1e-20 Hz", "arrives after 10000000000000000 ps, the latest"),
        ("x" * 5000, "--arrivals takes poisson:RATE"),
        ("a\0b", "--arrivals takes poisson:RATE"),
        (5, "arrivals must be text, a path or a list of picoseconds (got 5)"),
        ([3, 2], "arrivals must ascend"),
        ([-1], "arrivals must be whole picoseconds from 0"),
        ([0.5], "arrivals must be whole picoseconds from 0"),
    ],
)
def test_what_is_no_arrival_is_refused(asked: str | list[int], told: str) -> None:
    with pytest.raises(InputError) as caught:
        arrivals(asked, 2, 0)
    assert told in str(caught.value)
