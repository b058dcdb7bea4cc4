from pathlib import Path

import pytest

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
