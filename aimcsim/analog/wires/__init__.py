"""Lines with resistance: what an array computes when voltage is lost on the way to its cells.

`effective_matrix` is the exact answer for linear cells driven by their input lines, as one matrix per programmed array;
`gated_currents` that for cells which bits connect to a separate source; `nonlinear_currents` that for cells with curved
current-voltage characteristics. `nodal_solution` solves the whole circuit, and `PolynomialDrop` is an approximation
that another simulator makes.
"""

from aimcsim.analog.wires.curves import CellCurve, CubicCurve, MiloCurve
from aimcsim.analog.wires.effective import effective_matrix, effective_pair
from aimcsim.analog.wires.gated import gated_currents, gated_pair_currents
from aimcsim.analog.wires.nodal import NodalSolution, nodal_currents, nodal_pair_currents, nodal_solution
from aimcsim.analog.wires.nonlinear import Stopping, nonlinear_currents, nonlinear_pair_currents
from aimcsim.analog.wires.polynomial import PolynomialDrop
from aimcsim.analog.wires.spec import Arrangement, Pairs, WireSpec

__all__ = [
    "Arrangement",
    "CellCurve",
    "CubicCurve",
    "MiloCurve",
    "NodalSolution",
    "Pairs",
    "PolynomialDrop",
    "Stopping",
    "WireSpec",
    "effective_matrix",
    "effective_pair",
    "gated_currents",
    "gated_pair_currents",
    "nodal_currents",
    "nodal_pair_currents",
    "nodal_solution",
    "nonlinear_currents",
    "nonlinear_pair_currents",
]
