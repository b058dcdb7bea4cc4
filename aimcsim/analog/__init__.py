"""Values: what analog arrays compute, from encodings and converters to the outputs of a matrix layer."""

from aimcsim.analog.matrix import Partial, ProgrammedMatrix
from aimcsim.analog.programming import Mode, program
from aimcsim.analog.spec import ArraySpec, Block

__all__ = ["ArraySpec", "Block", "Mode", "Partial", "ProgrammedMatrix", "program"]
