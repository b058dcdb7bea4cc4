"""What an action costs and where the number is from."""

from aimcsim.costs.model import GRADES, INSTANCES, ActionCost, ComponentCost, Grade, InstancesPer, Source
from aimcsim.costs.references import REFERENCES, Reference

__all__ = [
    "GRADES",
    "INSTANCES",
    "REFERENCES",
    "ActionCost",
    "ComponentCost",
    "Grade",
    "InstancesPer",
    "Reference",
    "Source",
]
