import os
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "reference/noc"


@pytest.fixture(params=["kernel", "twin"])
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test once with the compiled networks and once with their readable twins."""
    if request.param == "twin":
        monkeypatch.setenv("AIMCSIM_NO_EXT", "1")
    elif os.environ.get("AIMCSIM_NO_EXT") == "1":
        pytest.skip("only the twin was asked for")
    return str(request.param)


@pytest.fixture(scope="session")
def compiled() -> None:
    """Statistics over many packets, for which the twin is too slow; it is held equal to the kernel elsewhere."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        pytest.skip("only the twin was asked for")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Measurements of BookSim2; see the README there."""
    return REFERENCE
