"""What all tests share: the data they read, and the implementations of the kernels they run on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aimcsim import _kernels

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def traces_dir() -> Path:
    """The networks and test inputs that this repository ships beside the package."""
    return ROOT / "traces"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Reference data kept beside the checkout, which not every checkout has."""
    shared = (ROOT / "../shared").resolve()
    if not shared.is_dir():
        pytest.skip("the reference data folder ../shared is absent")
    return shared


@pytest.fixture(params=_kernels.implementations())
def implementation(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once with the twin and once with each instruction set there is."""
    before = _kernels.active().name
    _kernels.select(request.param)
    yield request.param
    _kernels.select(before)
