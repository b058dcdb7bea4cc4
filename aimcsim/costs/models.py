"""The models that a chip file may name under `from`, and what each is asked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aimcsim.costs import adc, digital, foreign, memories, transport
from aimcsim.costs.parameters import Estimate, Parameters


@dataclass(frozen=True, slots=True)
class CostModel:
    """A table or regression of costs.

    Attributes
    ----------
    ask : callable              What it says for some parameters.
    needs, may : tuple          Parameters it must and may have, in the words of a chip file.
    whole : bool                Whether it is of a component with all its actions, or of a single action.
    """

    ask: Callable[[Parameters], Estimate]
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    whole: bool = True


MODELS: Mapping[str, CostModel] = {
    "adc_regression": CostModel(adc.regression, ("node", "bits", "rate")),
    "sram": CostModel(memories.sram, ("node", "size"), ("word",)),
    "edram": CostModel(memories.edram, ("node", "size")),
    "vector_unit": CostModel(digital.vector_unit, ("node", "lanes", "operation")),
    "hwcomponents": CostModel(foreign.hwcomponents, ("component",), ("attributes",)),
    "operation": CostModel(digital.operation, ("node", "operation"), whole=False),
    "router": CostModel(transport.router, ("bits",), ("length",), whole=False),
    "link": CostModel(transport.link, ("length",), ("bits",), whole=False),
    "dram": CostModel(memories.dram, ("memory",), ("bits",), whole=False),
}
