"""Does who waits for a long run see how far it is, and nobody else anything?"""

import io
import re
import sys
import time
from itertools import pairwise

import pytest

from aimcsim.cli import waiting
from aimcsim.cli.waiting import Waiting
from aimcsim.engine import CompiledEngine, Progress, ReferenceEngine, progress
from aimcsim.run import build, simulate


@pytest.fixture
def clock(monkeypatch):
    """A clock on the wall that the test sets."""
    now = [0.0]
    monkeypatch.setattr(waiting, "monotonic", lambda: now[0])
    return now


def test_a_line_says_simulated_time_rate_and_what_is_left(clock):
    """From 10 s to 14 s, 8 M events and 200 of 1000 vectors; 700 are left, so 700 / 50 a second are 14 s."""
    told = Waiting("running net on chip")
    clock[0] = 10.0
    told.tell(Progress(1_000_000, 1_000_000, 100, 1000))
    clock[0] = 14.0
    told.tell(Progress(5_000_000, 9_000_000, 300, 1000))
    assert told.line(80) == "running net on chip: 30 %, 5.00 us simulated, 2.00 M events/s, 14 s to go"


def test_before_the_first_news_a_line_says_how_long_it_has_been(clock):
    told = Waiting("running net on chip")
    clock[0] = 3.0
    assert told.line(80) == "running net on chip ... 3 s"


def test_what_comes_after_the_last_vector_is_said(clock):
    told = Waiting("running net on chip")
    told.tell(Progress(5_000_000, 9_000_000, 1000, 1000))
    clock[0] = 9.0
    assert told.line(80) == "running net on chip: 5.00 us simulated, adding up ... 9 s"


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (99, "99 s"), (130, "2 min"), (7260, "2 h 1 min")])
def test_what_is_left_is_said_as_people_do(seconds, said):
    assert waiting._span(seconds) == said


@pytest.mark.parametrize("columns", [20, 40, 80, 120])
def test_a_line_never_reaches_the_last_column_and_shortens_names_first(clock, columns):
    told = Waiting("running a_network_with_a_very_long_name_indeed on a_chip_with_another")
    told.tell(Progress(1_000_000, 0, 100, 1000))
    clock[0] = 4.0
    told.tell(Progress(5_000_000, 8_000_000, 300, 1000))
    line = told.line(columns)
    assert len(line) <= columns - 1
    assert columns < 80 or line.endswith("to go")


def terminal(monkeypatch):
    """Return what a terminal gets on stderr from now on."""
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def test_a_long_run_gives_a_sign_of_life_and_takes_it_back(monkeypatch):
    screen = terminal(monkeypatch)
    monkeypatch.setattr(waiting, "FIRST_SIGN_S", 0.001)
    patience = time.monotonic() + 10
    with waiting.waiting("running"):
        while not screen.getvalue() and time.monotonic() < patience:  # another thread writes it
            time.sleep(0.001)
    *_, last, wiped, rest = screen.getvalue().split("\r")
    assert re.fullmatch(r"running \.\.\. \d+ s", last)
    assert (wiped, rest) == (" " * len(last), "")


def test_what_takes_less_than_two_seconds_says_nothing(monkeypatch):
    screen = terminal(monkeypatch)
    with waiting.waiting("running"):
        time.sleep(0.01)
    assert (waiting.FIRST_SIGN_S, screen.getvalue()) == (2.0, "")


def test_without_a_terminal_there_is_no_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
    monkeypatch.setattr(waiting, "FIRST_SIGN_S", 0.001)
    with waiting.waiting("running"):
        time.sleep(0.02)
    assert pipe.getvalue() == ""


@pytest.mark.parametrize("engine", [ReferenceEngine, CompiledEngine])
def test_an_engine_tells_how_far_it_is_and_never_goes_back(monkeypatch, engine):
    """Every vector of every stream counts once, so the total is the sum over the streams, and the end is 100 %."""
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    told = []
    system = build("tiny", "digits_cnn", requests=40).plan.system
    events = engine(system).run(told.append)
    assert told
    assert {one.total for one in told} == {sum(stream.total for stream in system.streams)}
    for before, after in pairwise(told):
        assert all(earlier <= later for earlier, later in zip(before, after, strict=True))
    assert told[0].ended < told[-1].ended == told[-1].total
    assert told[-1].events == events


def test_being_watched_changes_nothing(monkeypatch):
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    watched = simulate("tiny", "digits_cnn", requests=2, alive=lambda _progress: None).summary
    alone = simulate("tiny", "digits_cnn", requests=2).summary
    assert {**watched, "wall_s": 0} == {**alone, "wall_s": 0}
