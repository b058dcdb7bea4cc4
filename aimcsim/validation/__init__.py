"""Published figures of chips beside what their presets give: `aimcsim validate`.

Targets are data (`data/validation/targets.yaml`); what stands beside them is computed from the built chip or from a
run, by one small function a target.
"""

from aimcsim.validation import clusters, gaincell, hermes, isaac, jain, neurram, puma, pumasim, sim3d, speech
from aimcsim.validation.checking import Result, Verdict, validate
from aimcsim.validation.registry import SIMULATED, simulated
from aimcsim.validation.targets import Target, load_targets

__all__ = [
    "SIMULATED",
    "Result",
    "Target",
    "Verdict",
    "clusters",
    "gaincell",
    "hermes",
    "isaac",
    "jain",
    "load_targets",
    "neurram",
    "puma",
    "pumasim",
    "sim3d",
    "simulated",
    "speech",
    "validate",
]
