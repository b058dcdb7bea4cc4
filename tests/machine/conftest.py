"""Small workloads and chips for stories about whole machines."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

WriteWorkload = Callable[..., Path]


@pytest.fixture
def workload(tmp_path: Path) -> WriteWorkload:
    """Write a workload file from the text of its layers; weights are drawn from the layers' names."""

    def write(shape: Sequence[int], layers: Sequence[str], outputs: Sequence[str], name: str = "net") -> Path:
        lines = ["schema: aimcsim-workload/1", f"name: {name}", "inputs:", f"  x: {{shape: {list(shape)}}}", "layers:"]
        lines += [f"  - {{{layer}}}" for layer in layers]
        lines.append(f"outputs: [{', '.join(outputs)}]")
        path = tmp_path / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
