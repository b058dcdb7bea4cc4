"""Is the page on workloads true to the code?"""

from pathlib import Path

from aimcsim.ops import CURVES
from aimcsim.workload.layer_kinds import KINDS
from aimcsim.workload.onnx_operators import OPERATORS, operator_table

PAGE = (Path(__file__).resolve().parents[2] / "docs/workloads.md").read_text()


def test_the_table_of_operators_is_that_of_the_code() -> None:
    assert operator_table() in PAGE
    assert sum(line.startswith("| ") for line in operator_table().splitlines()) == len(OPERATORS) + 1


def test_every_kind_with_its_fields_and_every_curve_is_named() -> None:
    for kind, described in KINDS.items():
        (line,) = [line for line in PAGE.splitlines() if line.startswith("| `") and f"`{kind}`" in line.split("|")[1]]
        if kind != "average_pool":  # "the same, and"
            assert [field for field in described.fields if f"`{field}" not in line] == []
    assert [name for name in CURVES if f"`{name}`" not in PAGE and f"`{{{name}: " not in PAGE] == []
