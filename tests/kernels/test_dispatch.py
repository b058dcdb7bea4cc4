"""Do the kernels that were asked for really run?"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from aimcsim import _kernels
from aimcsim._kernels import dispatch

NO_EXTENSION = os.environ.get("AIMCSIM_NO_EXT") == "1"
ISAS = [name for name in _kernels.implementations() if name != "twin"]
CODE = "from aimcsim import _kernels; print(_kernels.active().name)"


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Import the kernels in a fresh interpreter and print what is active."""
    clean = {key: value for key, value in os.environ.items() if key not in {"AIMCSIM_ISA", "AIMCSIM_NO_EXT"}}
    # -P: the current folder may be the unbuilt source tree.
    return subprocess.run(
        [sys.executable, "-P", "-c", CODE], env={**clean, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(NO_EXTENSION, reason="AIMCSIM_NO_EXT=1 runs the twin on purpose")
def test_the_extension_is_loaded() -> None:
    assert "aimcsim._kernels._array" in sys.modules
    assert ISAS
    assert _kernels.active().name != "twin"


@pytest.mark.skipif(NO_EXTENSION, reason="AIMCSIM_NO_EXT=1 runs the twin on purpose")
def test_the_strongest_instruction_set_is_the_default() -> None:
    assert start().stdout.strip() == ISAS[-1]


@pytest.mark.parametrize("name", ISAS)
def test_an_instruction_set_can_be_forced(name: str) -> None:
    assert start(AIMCSIM_ISA=name).stdout.strip() == name


def test_the_twin_runs_when_the_extension_is_refused() -> None:
    assert start(AIMCSIM_NO_EXT="1").stdout.strip() == "twin"


@pytest.mark.skipif(NO_EXTENSION, reason="AIMCSIM_NO_EXT=1 runs the twin on purpose")
def test_an_instruction_set_that_does_not_exist_is_an_import_error_that_lists_those_that_do() -> None:
    found = start(AIMCSIM_ISA="mmx")

    assert found.returncode == 1
    assert f"AIMCSIM_ISA=mmx: no such instruction set; there are {', '.join(ISAS)}" in found.stderr


def test_an_instruction_set_that_the_processor_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "load_extension", lambda: {"sse2": dispatch.TWIN})

    with pytest.raises(ImportError, match="AIMCSIM_ISA=avx512: this processor or build lacks it; there are sse2"):
        dispatch.choose({"AIMCSIM_ISA": "avx512"})


def test_a_missing_extension_says_how_to_build_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "EXTENSION", "aimcsim._kernels._not_built")

    with pytest.raises(ImportError, match=r"pip install \."):
        dispatch.choose({})
