"""Does the page on analog arrays run, and does it name what there is?"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from aimcsim.analog import AnalogSpec, CellSpec, ConverterSpec, Counts, InputSpec, RangeSpec, ReadoutSpec

PAGE = (Path(__file__).resolve().parents[2] / "docs/analog.md").read_text()


def test_the_example_runs_as_it_stands():
    names: dict[str, object] = {}

    exec(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[0], names)  # noqa: S102 - our own page

    assert names["product"].outputs.shape == (10, 64)


def test_the_importers_example_runs_but_for_its_file():
    text = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[1].replace(
        'load_crosssim("parameters.json")', "None"
    )

    exec(text, {})  # noqa: S102 - our own page


@pytest.mark.parametrize("spec", [CellSpec, InputSpec, ConverterSpec, RangeSpec, ReadoutSpec, AnalogSpec, Counts])
def test_every_field_of_a_spec_is_described_where_it_is_defined(spec):
    described = spec.__doc__ or ""

    assert [field.name for field in fields(spec) if not re.search(rf"\b{field.name}\b", described)] == []
