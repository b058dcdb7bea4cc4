"""Every implementation of the kernels, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aimcsim import _kernels


@pytest.fixture(params=_kernels.implementations())
def implementation(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once with the twin and once with each instruction set there is."""
    before = _kernels.active().name
    _kernels.select(request.param)
    yield request.param
    _kernels.select(before)
