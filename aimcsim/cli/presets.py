"""The chips that come with the package: what `chips` lists, and the file of one's own that `new` begins from one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from aimcsim.cli.tables import grid
from aimcsim.cli.views import Row
from aimcsim.costs import REFERENCES, references_of
from aimcsim.errors import ConfigError, InputError
from aimcsim.located import parse_document
from aimcsim.spec import ChipFile, load_chip, preset_names, preset_text
from aimcsim.units import format_si
from aimcsim.version import __version__

SCHEMA_FILE = "aimcsim-chip.schema.json"
"""What the header of a new chip file calls the schema, which `aimcsim schema chip` prints."""


def preset_rows() -> list[Row]:
    """Return what the chips that come with the package are."""
    return [{"name": name, **chip_row(load_chip(name))} for name in preset_names()]


def chip_row(chip: ChipFile) -> Row:
    """Return what a chip is made of, and the publications that its costs are from, most used first."""
    tile = chip.tile
    return {
        "description": chip.description,
        "tiles": tile.count,
        "crossbars": tile.count * tile.crossbars,
        "rows": tile.crossbar.rows,
        "cols": tile.crossbar.cols,
        "cell_bits": tile.crossbar.cell_bits,
        "weight_bits": chip.numbers.weight_bits,
        "adc_bits": tile.adc.bits,
        "area_m2": float(chip.area_m2),
        "sources": _sources(chip),
    }


def _sources(chip: ChipFile) -> dict[str, str]:
    """Return the references of a chip's costs with their citations, most used first."""
    return {reference: REFERENCES[reference].citation for reference, _ in references_of(chip.costs).most_common()}


def preset_table(rows: Sequence[Row]) -> Table:
    """Return `preset_rows` as a table."""
    columns = ("~name", ">tiles", ">crossbars", ">rows x cols", ">cell", ">ADC", ">weight", ">area")
    caption = "aimcsim new FILE.yaml --from NAME begins a chip of your own; costs from `aimcsim` are assumptions"
    details = [f"{row['description']}\ncosts, most first: {', '.join(row['sources'])}" for row in rows]
    return grid("chips that come with aimcsim", columns, map(_sizes, rows), caption, details)


def _sizes(row: Row) -> tuple[str, ...]:
    bits = (f"{row[name]}-bit" for name in ("cell_bits", "adc_bits", "weight_bits"))
    counts = (str(row["tiles"]), str(row["crossbars"]), f"{row['rows']} x {row['cols']}")
    return row["name"], *counts, *bits, format_si(row["area_m2"], "m2")


def begin_chip(path: Path, preset: str) -> None:
    """Write a chip file of one's own: the preset with its comments, under the name of the file.

    Raises
    ------
    InputError
        If there is no such preset, something is at `path` already, or it cannot be written.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"a chip file is called .yaml (got `{path}`)")
    text = new_text(path.stem, preset)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"`{path}` exists, and is left as it is; choose another name") from None
    except OSError as error:
        raise InputError(f"cannot write `{path}`: {error.strerror}") from None


def new_text(name: str, preset: str) -> str:
    """Return the text of a preset as the chip `name`, with a header."""
    header = (
        f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
        f"# The line above tells editors the fields; `aimcsim schema chip > {SCHEMA_FILE}` makes that file.\n"
        f"# A copy of the preset `{preset}` of aimcsim {__version__}. Sizes change costs `from` models alone.\n\n"
    )
    named = f"name: {_as_yaml(name)}"
    return header + re.sub(r"^name: .*$", lambda _: named, preset_text(preset), count=1, flags=re.MULTILINE)


def _as_yaml(name: str) -> str:
    """Return a name as YAML that reads as the same text."""
    try:
        plain = parse_document(f"name: {name}\n", "").data == {"name": name}
    except ConfigError:
        plain = False
    return name if plain else json.dumps(name)
