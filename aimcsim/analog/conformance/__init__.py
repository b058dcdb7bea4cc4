"""Recorded cases of other simulators, computed anew: read a case, build its array from the settings, compare."""

from aimcsim.analog.conformance.statistics import Line
from aimcsim.analog.conformance.verdicts import Verdict, conform

__all__ = ["Line", "Verdict", "conform"]
