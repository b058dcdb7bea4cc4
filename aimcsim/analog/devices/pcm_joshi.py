"""Phase-change memory, noise of programming only.

Source: V. Joshi et al., Nature Communications 11, 2473, 2020, figure 3b; fit as in CrossSim 3.2, `PCMJoshi`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from numpy.typing import ArrayLike

from aimcsim.analog.devices import elementary
from aimcsim.analog.devices.base import DeviceModel, checked_target, ranged, register
from aimcsim.analog.devices.fixed import FixedState
from aimcsim.analog.devices.power_law import with_noise
from aimcsim.analog.draws import Draws

PROGRAMMING_US: Final = (0.28638599, 0.07585724, -0.00178767)  # powers of G in uS


@register
@dataclass(frozen=True, kw_only=True)
class PcmJoshi(DeviceModel):
    """sigma = 0.28638599 + 0.07585724 G - 0.00178767 G^2 uS, G the target in uS, measured up to 25 uS.

    Parameters
    ----------
    g_max_us : float    Largest conductance, uS.

    Assumes: no drift, for which the source of the fit has no data.
    """

    name: ClassVar[str] = "pcm_joshi"
    redrawn: ClassVar[str] = "programming noise once per programming"

    g_max_us: float = ranged(25.0, 0.1, 25.0)

    def program(self, target: ArrayLike, draws: Draws) -> FixedState:
        """Return devices programmed to `target`."""
        u = checked_target(self.name, target)
        sigma = elementary.polynomial(PROGRAMMING_US, u * self.g_max_us) / self.g_max_us
        return FixedState(self.name, with_noise(u, sigma, draws))
