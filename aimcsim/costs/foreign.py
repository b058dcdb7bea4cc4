"""Costs out of the package `hwcomponents`, where it is installed; it needs a newer Python than aimcsim does.

Source: whatever model `hwcomponents` finds for a component of that name with these attributes; it is named in the
derivation.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from textwrap import shorten
from typing import Any

from aimcsim.costs.model import ActionCost, Source
from aimcsim.costs.parameters import Estimate, ModelError, Parameters, rounded
from aimcsim.errors import MissingExtraError
from aimcsim.units import PS_PER_S

MOST_SAID = 300
"""Characters of an error of the package that are passed on; which attributes it misses stands in its later lines."""


def hwcomponents(asked: Parameters) -> Estimate:
    """Return area, leakage and every action that can be asked for without arguments.

    Attributes go to the model as they stand, in SI units: a node of 22 nm is ``22e-9``.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    ModelError
        If it has no model for this.
    """
    model = _model(asked.component, asked.attributes)
    kind = f"{type(model).__module__}.{type(model).__name__}"
    given = ", ".join(f"{name} {value}" for name, value in asked.attributes.items())
    source = Source("hwcomponents", kind.replace(".", "_"), f"{asked.component}: {given}")
    try:
        area_m2, static_power_w = rounded(model.area), rounded(model.leak_power)
    except (TypeError, ValueError):
        raise ModelError("component", f"hwcomponents says no area and leakage of `{asked.component}`") from None
    return Estimate(area_m2=area_m2, static_power_w=static_power_w, source=source, actions=_actions(model, source))


def _model(component: str, attributes: Mapping[str, object]) -> Any:
    try:
        package = import_module("hwcomponents")
    except ImportError:
        raise MissingExtraError("taking costs from hwcomponents (Python 3.12 or newer)", "hwcomponents") from None
    try:
        return package.get_model(component, dict(attributes))
    except Exception as error:  # noqa: BLE001 - its models raise whatever they like
        what = shorten(str(error), MOST_SAID, placeholder=" ...")
        raise ModelError(
            "component", f"hwcomponents has no model for `{component}` with these attributes: {what}"
        ) from None


def _actions(model: Any, source: Source) -> dict[str, ActionCost]:
    """Return the actions that need no arguments; a model may have others."""
    found = {}
    for name in model.get_action_names():
        try:
            cost = getattr(model, name)()
        except (TypeError, ValueError):
            continue
        latency_ps = round(cost.latency * PS_PER_S)
        rate_hz = rounded(cost.throughput) if 0 < cost.throughput < float("inf") else None
        found[name] = ActionCost(rounded(cost.energy), source, "derived", latency_ps=latency_ps, rate_hz=rate_hz)
    return found
