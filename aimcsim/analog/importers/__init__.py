"""Configurations that other simulators' users already have."""

from aimcsim.analog.importers.aihwkit import aihwkit_spec
from aimcsim.analog.importers.crosssim import crosssim_spec, load_crosssim

__all__ = ["aihwkit_spec", "crosssim_spec", "load_crosssim"]
