"""The exception tree: what a caller can catch, what messages look like, and what the command line returns."""

import inspect
import pickle

import pytest

from aimcsim import errors
from aimcsim.errors import (
    AimcsimError,
    CapacityError,
    CausalityError,
    ConfigError,
    DeadlockError,
    InputError,
    MissingExtraError,
    Problem,
    ReferenceError_,
    SimulationError,
    TraceError,
    UnitError,
    UnknownFieldError,
)

HERE = Problem("chip.yaml", 3, 5, "tile.adc.bits", "expected a whole number (got `eight`)")


def test_a_problem_reads_like_a_compiler_message() -> None:
    assert str(HERE) == "chip.yaml:3:5: tile.adc.bits: expected a whole number (got `eight`)"


def test_a_problem_without_a_place_or_path_leaves_them_out() -> None:
    assert str(Problem("chip.yaml", 0, 0, "", "no such file")) == "chip.yaml: no such file"


def test_an_input_error_says_all_its_problems_one_per_line() -> None:
    there = Problem("chip.yaml", 9, 1, "name", "is required, and missing")
    error = ConfigError([HERE, there])

    assert error.problems == (HERE, there)
    assert str(error) == f"{HERE}\n{there}"


def test_an_input_error_may_be_one_sentence() -> None:
    assert ConfigError("no chip").problems == ()
    assert ConfigError(HERE).problems == (HERE,)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["unit", "unit"], UnitError),
        (["unknown_field"], UnknownFieldError),
        (["reference"], ReferenceError_),
        (["unit", "reference"], ConfigError),
        (["config"], ConfigError),
    ],
)
def test_problems_of_one_kind_make_the_narrow_error(kinds: list[errors.ProblemKind], expected: type) -> None:
    problems = [Problem("f", 1, 1, "", "m", kind) for kind in kinds]

    assert type(ConfigError.of(problems)) is expected


@pytest.mark.parametrize(
    ("error", "builtin", "exit_code"),
    [
        (ConfigError, ValueError, 2),
        (CapacityError, ValueError, 2),
        (TraceError, ValueError, 2),
        (MissingExtraError, ImportError, 2),
        (SimulationError, RuntimeError, 1),
        (DeadlockError, RuntimeError, 1),
        (CausalityError, RuntimeError, 1),
    ],
)
def test_each_error_is_also_a_builtin_one_and_has_an_exit_code(
    error: type[AimcsimError], builtin: type[Exception], exit_code: int
) -> None:
    assert issubclass(error, builtin)
    assert error.exit_code == exit_code


def test_the_module_docstring_draws_every_class() -> None:
    classes = [name for name, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, AimcsimError)]

    assert errors.__doc__ is not None
    assert [name for name in classes if name not in errors.__doc__] == []


def test_a_deadlock_prints_its_cycle_and_who_stands_behind_it() -> None:
    error = DeadlockError(["conv1", "conv2"], ["conv1 on tile 0 waits for bytes of buffer scratch"])

    assert str(error).splitlines() == [
        "deadlock: conv1 -> conv2 -> conv1",
        "  blocked: conv1 on tile 0 waits for bytes of buffer scratch",
    ]


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = MissingExtraError("reading ONNX files", "onnx")

    assert str(error) == "reading ONNX files needs the extra 'onnx': pip install 'aimcsim[onnx]'"


@pytest.mark.parametrize(
    "error",
    [
        InputError("no"),
        ConfigError(HERE),
        DeadlockError(["a", "b"], ["c"]),
        MissingExtraError("reading ONNX files", "onnx"),
    ],
)
def test_errors_travel_between_processes(error: AimcsimError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
