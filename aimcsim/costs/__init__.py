"""What an action costs and where the number is from."""

from aimcsim.costs.model import INSTANCES, ActionCost, ComponentCost, InstancesPer, Source, references_of
from aimcsim.costs.models import MODELS, CostModel
from aimcsim.costs.parameters import Estimate, ModelError, Parameters
from aimcsim.costs.ranges import FACTORS, GRADES, Grade, Interval, added
from aimcsim.costs.references import REFERENCES, Reference

__all__ = [
    "FACTORS",
    "GRADES",
    "INSTANCES",
    "MODELS",
    "REFERENCES",
    "ActionCost",
    "ComponentCost",
    "CostModel",
    "Estimate",
    "Grade",
    "InstancesPer",
    "Interval",
    "ModelError",
    "Parameters",
    "Reference",
    "Source",
    "added",
    "references_of",
]
