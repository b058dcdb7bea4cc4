import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

Command = Callable[..., Result]


@pytest.fixture
def command() -> Command:
    """Runs the command line in this process; the result has `exit_code`, `stdout` and `stderr`."""
    from aimcsim.cli import app

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, list(map(str, arguments)))

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in, so that messages name files without a path."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have SIGINT interrupt, also children, where the shell started pytest in the background and had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def readme() -> Path:
    return Path(__file__).resolve().parents[2] / "README.md"
