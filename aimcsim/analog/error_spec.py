"""What keeps the arrays of a chip from holding digits exactly and converting them faithfully."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from aimcsim.analog.devices import DeviceModel, Ideal
from aimcsim.analog.wires import WireSpec
from aimcsim.errors import ConfigError

WeightScale = Literal["column", "tensor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpec:
    """How the arrays that an `ArraySpec` describes err beyond rounding; the default does not err.

    Attributes
    ----------
    device : DeviceModel           What every cell is; it is programmed to its digit as a part of the largest one.
    weight_scale : str             `column`: the largest weight of every output takes the largest integer; `tensor`:
                                   that of the matrix, so that columns of small weights use little of a cell's range.
    on_off_ratio : float           Largest conductance of a cell over that of digit 0.
    stuck_on, stuck_off : float    Parts of the cells that stand at the largest or least conductance; drawn once.
    adc_offset_sigma : float       Spread of the offset of converters, as a part of their range; drawn once.
    adc_gain_sigma : float         Spread of their gain around 1; drawn once.
    columns_per_converter : int    Neighbouring columns of an array that take turns at one converter, with its errors.
    row_wire, column_wire : float  Resistance of a piece of line from one cell to the next, in resistances of a cell
                                   of the largest conductance.

    Raises
    ------
    ConfigError    If a figure is out of range.

    Assumes: cells are linear; an array is as large as its block; errors of converters belong to the block that is read.
    """

    device: DeviceModel = field(default_factory=Ideal)
    weight_scale: WeightScale = "column"
    on_off_ratio: float = math.inf
    stuck_on: float = 0.0
    stuck_off: float = 0.0
    adc_offset_sigma: float = 0.0
    adc_gain_sigma: float = 0.0
    columns_per_converter: int = 1
    row_wire: float = 0.0
    column_wire: float = 0.0

    def __post_init__(self) -> None:
        if not self.on_off_ratio > 1:
            raise ConfigError(f"on_off_ratio must be above 1 (got {self.on_off_ratio})")
        for name in ("stuck_on", "stuck_off", "adc_offset_sigma", "adc_gain_sigma"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must be from 0 to 1 (got {getattr(self, name)})")
        if self.stuck_on + self.stuck_off > 1:
            raise ConfigError(f"stuck_on and stuck_off are more than all cells (got {self.stuck_on + self.stuck_off})")
        for name in ("row_wire", "column_wire"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be finite and not negative (got {getattr(self, name)})")

    @property
    def least_conductance(self) -> float:
        """Conductance of digit 0, as a part of the largest."""
        return 1.0 / self.on_off_ratio

    @property
    def wires(self) -> WireSpec | None:
        """The lines, with a cell of the largest conductance as 1 ohm; None without resistance."""
        if not self.row_wire and not self.column_wire:
            return None
        return WireSpec(input_pitch_ohm=self.row_wire, output_pitch_ohm=self.column_wire)

    @property
    def is_exact(self) -> bool:
        """Whether nothing errs, so that arrays compute in integers."""
        return self == ErrorSpec(columns_per_converter=self.columns_per_converter)
