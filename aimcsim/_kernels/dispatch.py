"""Which implementation of the kernels runs: chosen once, when this module is imported.

The extension is required. ``AIMCSIM_ISA=sse2|avx2|avx512`` (``baseline`` on processors that are not x86-64) forces an
instruction set, ``AIMCSIM_NO_EXT=1`` the readable twin, which is some hundred times slower. All of them give the same
bits.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aimcsim._kernels import array_twin, calendar_twin, circuits_twin, flits_twin, normals_twin, values_twin

EXTENSION = "aimcsim._kernels._array"
NORMALS = "aimcsim._kernels._normals"
VALUES = "aimcsim._kernels._values"
ISA_NAMES = ("baseline", "sse2", "avx2", "avx512")


@dataclass(frozen=True, slots=True)
class Implementation:
    """One way to run the kernels: the twin, or the extension with one instruction set.

    `has_dots` says whether integer state is summed by dot products of bytes.
    """

    name: str
    mvm_f32: Callable[..., None]
    read_columns: Callable[..., None]
    fill_uniforms: Callable[..., None]
    fill_normals: Callable[..., None]
    add_normals: Callable[..., None]
    converted_product: Callable[..., Any]
    sliced_product: Callable[..., Any]
    abs_max_scales: Callable[..., Any]
    has_dots: bool


TWIN = Implementation(
    "twin",
    array_twin.mvm_f32,
    array_twin.read_columns,
    normals_twin.fill_uniforms,
    normals_twin.fill_normals,
    normals_twin.add_normals,
    values_twin.ConvertedProduct,
    values_twin.SlicedProduct,
    values_twin.abs_max_scales,
    has_dots=False,
)


def load_extension() -> dict[str, Implementation]:
    """Return the instruction sets that this build and this processor have, weakest first."""
    try:
        extension = importlib.import_module(EXTENSION)
        normals = importlib.import_module(NORMALS)
        values = importlib.import_module(VALUES)
    except ImportError as error:
        raise ImportError(
            f"aimcsim's compiled kernels cannot be loaded ({error}). Build them with `pip install .` in the source "
            "folder, which needs a C compiler; Python started in that folder imports the unbuilt tree instead of "
            "the installed package. AIMCSIM_NO_EXT=1 runs the slow readable twin."
        ) from error
    return {
        name: Implementation(
            name,
            partial(extension.mvm_f32, isa),
            partial(extension.read_columns, isa),
            partial(normals.fill_uniforms, isa),
            partial(normals.fill_normals, isa),
            partial(normals.add_normals, isa),
            partial(values.ConvertedProduct, isa),
            partial(values.SlicedProduct, isa),
            values.abs_max_scales,
            values.has_dots(isa),
        )
        for isa, name in enumerate(extension.isa_names())
        if name
    }


def choose(environment: Mapping[str, str]) -> tuple[dict[str, Implementation], Implementation]:
    """Return all implementations there are and the one that `environment` asks for."""
    if environment.get("AIMCSIM_NO_EXT") == "1":
        return {TWIN.name: TWIN}, TWIN
    isas = load_extension()
    wanted = environment.get("AIMCSIM_ISA") or list(isas)[-1]
    if wanted not in isas:
        reason = "this processor or build lacks it" if wanted in ISA_NAMES else "no such instruction set"
        raise ImportError(f"AIMCSIM_ISA={wanted}: {reason}; there are {', '.join(isas)}")
    return {TWIN.name: TWIN, **isas}, isas[wanted]


_implementations, _active = choose(os.environ)


def implementations() -> tuple[str, ...]:
    """Return the names of all implementations that can run here: ``twin``, then instruction sets, weakest first."""
    return tuple(_implementations)


def active() -> Implementation:
    """Return the implementation in use."""
    return _active


def select(name: str) -> None:
    """Use the implementation `name` from now on, in the whole process. For tests and measurements.

    Raises
    ------
    KeyError    If `name` is not among `implementations()`.
    """
    global _active  # noqa: PLW0603 - one choice for the process is the point
    _active = _implementations[name]


def stream_loop() -> Any:
    """Return the class of the compiled loop over streams; None where the readable twin is asked for."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        return None
    return importlib.import_module("aimcsim._kernels._streams").Loop


def train_loop() -> Any:
    """Return the compiled form of `trains.serve_train`; None where the readable twin is asked for."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        return None
    return importlib.import_module("aimcsim._kernels._streams").serve_train


def token_game() -> Any:
    """Return the class of the compiled game that finds least buffers; None where the readable twin is asked for."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        return None
    return importlib.import_module("aimcsim._kernels._tokens").Game


def flit_network() -> Any:
    """Return the class of the network of routers: compiled, or its readable twin where that is asked for."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        return flits_twin.FlitTwin
    return importlib.import_module("aimcsim._kernels._flits").FlitKernel


def calendar_network() -> Any:
    """Return the class of the network of calendars: compiled, or its readable twin where that is asked for."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        return calendar_twin.CalendarTwin
    return importlib.import_module("aimcsim._kernels._calendar").CalendarKernel


def circuit_network() -> Any:
    """Return the class of the network of circuits: compiled, or its readable twin where that is asked for."""
    if os.environ.get("AIMCSIM_NO_EXT") == "1":
        return circuits_twin.CircuitTwin
    return importlib.import_module("aimcsim._kernels._circuits").CircuitKernel
