"""Resistive memory of conductive metal oxide and hafnium oxide, analog and filamentary.

Source: D. F. Falcone et al., IBM Research Europe, all-in-one analog accelerator on CMO/HfOx devices; coefficients as in
aihwkit 1.2, `ReRamCMONoiseModel` (which falls back to 0.2 % unless the acceptance range is one of its keys).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import DeviceModel, Reals, checked_target, checked_time, one_of, ranged, register
from aimcsim.analog.devices.flicker import Flicker
from aimcsim.analog.draws import Draws

LEAST_US: Final = 9.0
G_MAX_US: Final = 88.2
PROGRAMMING_US: Final = {0.2: (0.00081107, 0.00106879), 2.0: (0.0112185391, 0.01129027418)}  # powers of G in uS
SHIFT_US: Final = -0.08900206  # times log t
SPREAD_US: Final = (0.41183342, 0.04201137)  # powers of log t
READ: Final = 0.0277316483  # times log10 G, uS
READ_S: Final = 1e-6


@register
@dataclass(frozen=True, kw_only=True)
class RramCmo(DeviceModel):
    """One device from 9 to 88.2 uS: noise of programming, relaxation with log t, 1/f noise.

    sigma = 0.00106879 G + 0.00081107 uS (accepted within 0.2 %) or 0.01129 G + 0.01122 uS (2 %); after 1 s the mean
    moves by -0.089 log t uS and the spread is 0.04201 log t + 0.41183 uS; 1/f noise of 0.02773 log10 G uS where its law
    is 1.
    The sum stays within 9..88.2 uS.

    Parameters
    ----------
    acceptance_percent : float    Of the target, 0.2 or 2.
    read_scale : float            On the 1/f noise.

    Assumes: a device that relaxes by so many deviations does so at all times (the source gives spreads).
    """

    name: ClassVar[str] = "rram_cmo"
    redrawn: ClassVar[str] = "programming noise and relaxation once per programming; 1/f noise follows the time of read"

    acceptance_percent: float = one_of(0.2, 2.0)
    read_scale: float = ranged(1.0, 0.0, 100.0)

    def program(self, target: ArrayLike, draws: Draws) -> RramCmoState:
        """Return devices programmed to `target`, at least 9 uS."""
        g_us = checked_target(self.name, target, low=LEAST_US / G_MAX_US) * G_MAX_US
        sigma_us = elementary.polynomial(PROGRAMMING_US[self.acceptance_percent], g_us)
        programmed_us = g_us + sigma_us * draws.normal("programming", g_us.shape)
        relaxation = draws.normal("relaxation", g_us.shape)
        return RramCmoState(programmed_us, relaxation, READ * self.read_scale, Flicker(draws, g_us.shape, READ_S))


@dataclass(frozen=True, slots=True)
class RramCmoState:
    """Programmed conductances in uS and, for each device, its relaxation in deviations; `read`: factor of 1/f noise."""

    programmed_us: Reals
    relaxation: Reals
    read: float
    flicker: Flicker

    @property
    def programmed(self) -> Reals:
        """Conductance before relaxation and noise."""
        return self.programmed_us / G_MAX_US

    def conductance(self, time_s: float) -> Reals:
        """Return the conductance `time_s` after programming: at 0 as programmed, else from 1 s on."""
        if time_s == 0:
            return self.programmed
        log_t = elementary.log(checked_time("rram_cmo", time_s, low=1.0))
        relaxed_us = self.programmed_us + SHIFT_US * log_t + elementary.polynomial(SPREAD_US, log_t) * self.relaxation
        noise_us = self.read * elementary.log10(np.maximum(relaxed_us, 1.0)) * self.flicker.value(time_s)
        return np.clip(relaxed_us + noise_us, LEAST_US, G_MAX_US) / G_MAX_US
