"""Networks to run: the layer graph, reading it from YAML or ONNX, writing it, and what it computes in float64."""

from aimcsim.workload.graph import Layer, Layout, Workload
from aimcsim.workload.load import demo_inputs, load_workload, workload_names
from aimcsim.workload.reference import float_reference
from aimcsim.workload.save import save_workload

__all__ = [
    "Layer",
    "Layout",
    "Workload",
    "demo_inputs",
    "float_reference",
    "load_workload",
    "save_workload",
    "workload_names",
]
