"""Writing a workload as a layer graph in YAML with its weights beside it, which needs no `onnx` package to be read."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from aimcsim.errors import ConfigError
from aimcsim.workload.graph import Workload
from aimcsim.workload.layer_file import ORDERS, SCHEMA
from aimcsim.workload.layer_kinds import arrays_of, fields_of

_PLAIN = re.compile(r"(?!(?:true|false|null)$)[A-Za-z_][\w./-]*", re.IGNORECASE)


def save_workload(workload: Workload, path: Path) -> None:
    """Write `workload` to `path` (.yaml) and its arrays to the .npz file of the same name.

    Loading the file again gives the same network, bit for bit.

    Raises
    ------
    ConfigError
        If users' arrays of an input or output lie in an order that workload files have no name for.
    """
    weights = path.with_suffix(".npz")
    lines = [f"schema: {SCHEMA}", f"name: {_flow(workload.name)}", f"weights: {_flow(weights.name)}", "inputs:"]
    for name, shape in workload.inputs.items():
        sizes = [shape.height, shape.width, shape.length]
        lines.append(f"  {_flow(name)}: {_flow({'shape': sizes, 'layout': _order(workload, name)})}")
    lines += ["layers:", *(f"  - {_flow(fields_of(layer))}" for layer in workload.layers)]
    outputs = [{"name": name, "layout": _order(workload, name)} for name in workload.outputs]
    lines += ["outputs:", *(f"  - {_flow(output)}" for output in outputs), ""]
    arrays: dict[str, Any] = {}
    for layer in workload.layers:
        arrays |= arrays_of(layer)
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    np.savez_compressed(weights, **arrays)


def _order(workload: Workload, name: str) -> str:
    index, shape = workload.layout(name).index, workload.shape(name)
    for order in ("F", "HWC", "CHW"):
        if np.array_equal(type(workload.layout(name)).ordered(shape, order).index, index):
            return order
    raise ConfigError(f"the layout of `{name}` is none that a workload file can name ({', '.join(ORDERS)})")


def _flow(value: object) -> str:
    """Return `value` as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value)
    if isinstance(value, float) and math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return json.dumps(value)
