"""What `chips`, `map` and `check` say about chips and workloads that have not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from aimcsim.cli.inputs import load_both
from aimcsim.cli.tables import counted, grid
from aimcsim.cli.views import Row
from aimcsim.errors import Problem
from aimcsim.mapping.mapping import COLUMNS
from aimcsim.quotas import Quota
from aimcsim.run import Built, build
from aimcsim.spec import ChipFile, load_chip, preset_names
from aimcsim.units import format_si


def preset_rows() -> list[Row]:
    """Return what the chips that come with the package are."""
    return [{"name": name, **_chip_row(load_chip(name))} for name in preset_names()]


def _chip_row(chip: ChipFile) -> Row:
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
    }


def preset_table(rows: Sequence[Row]) -> Table:
    """Return `preset_rows` as a table."""
    columns = ("preset", ">tiles", ">crossbars", "of", ">bits/cell", ">ADC bits", ">area", "what it is")
    cells = [
        (
            row["name"],
            str(row["tiles"]),
            str(row["crossbars"]),
            f"{row['rows']} x {row['cols']}",
            str(row["cell_bits"]),
            str(row["adc_bits"]),
            format_si(row["area_m2"], "m2"),
            row["description"],
        )
        for row in rows
    ]
    return grid("chips that come with aimcsim", columns, cells, "a chip file may say `extends: NAME` and change what it likes")


def map_rows(built: Built) -> Row:
    """Return the mapping of a built system and the space of every edge between two streams."""
    return {
        **_fit(built),
        "layers": built.mapping.table(built.workload, built.chip),
        "edges": [_edge_row(quota) for quota in built.quotas],
    }


def _fit(built: Built) -> Row:
    tile = built.chip.tile
    return {
        "chip": built.chip.name,
        "workload": built.workload.name,
        "crossbars": {"used": built.mapping.crossbars_used, "there": tile.count * tile.crossbars},
        "tiles": {"used": built.mapping.tiles_used, "there": tile.count},
    }


def _edge_row(quota: Quota) -> Row:
    """Return one edge with the names that the `buffers` table of a run has."""
    row = asdict(quota)
    for ours, theirs in (("progress", "least_vectors"), ("full_rate", "full_rate_vectors"), ("given", "quota_vectors")):
        row[theirs] = row.pop(ours)
    return row


def map_tables(built: Built) -> tuple[Table, Table]:
    """Return `map_rows` as two tables."""
    rows = map_rows(built)
    crossbars, tiles = (f"{rows[key]['used']} of {rows[key]['there']} {key}" for key in ("crossbars", "tiles"))
    layers = [[_cell(key, row[key]) for key in COLUMNS] for row in rows["layers"]]
    columns = ("from", "to", "in", ">bytes each", ">least", ">full rate", ">quota")
    edges = [
        (row["source"], row["target"], row["buffer"].removeprefix("chip."), *map(str, _sizes(row)))
        for row in rows["edges"]
    ]
    caption = "vectors: least for progress, least for full rate, what the edge was given (0: shares a pool)"
    return (
        grid(f"{rows['workload']} on {rows['chip']}: {crossbars}, {tiles}", COLUMNS, layers),
        grid("buffer space between layers, in vectors", columns, edges, caption),
    )


def _sizes(row: Row) -> tuple[int, ...]:
    return row["vector_bytes"], row["least_vectors"], row["full_rate_vectors"], row["quota_vectors"]


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.0%}" if key == "fill" else str(value)


def checked(chip: str, workload: str | None, overrides: Sequence[str]) -> Row:
    """Return what a check found out.

    Raises
    ------
    InputError
        With all problems of the files, or of what does not fit.
    """
    if workload is None:
        return {"chip": _chip_row(load_chip(chip, overrides))}
    built = build(*load_both(chip, workload, overrides))
    network = {"layers": len(built.workload.layers), "weights": built.workload.weights, "macs": built.workload.macs}
    return {**_fit(built), "network": network, "buffers": _buffers(built)}


def _buffers(built: Built) -> list[Row]:
    """Return how much of each buffer is spoken for."""
    sizes = {buffer.path: buffer.size_bytes for buffer in built.plan.homes.values()}
    rows = {path: {"buffer": path, "size_bytes": size, "least_bytes": 0, "full_rate_bytes": 0} for path, size in sizes.items()}
    for quota in built.quotas:
        rows[quota.buffer]["least_bytes"] += quota.progress * quota.vector_bytes
        rows[quota.buffer]["full_rate_bytes"] += quota.full_rate * quota.vector_bytes
    return list(rows.values())


def check_table(found: Row) -> Table:
    """Return the result of `checked` as a table."""
    if "workload" not in found:
        chip = found["chip"]
        text = f"{counted(chip['tiles'], 'tile')}, {counted(chip['crossbars'], 'crossbar')} of {chip['rows']} x {chip['cols']}"
        return grid("nothing wrong", ("", ""), [("chip", text)])
    network = found["network"]
    size = f"{counted(network['layers'], 'layer')}, {network['weights']} weights, {network['macs']} multiply-accumulates"
    rows = [("network", size)]
    rows += [(key, f"{found[key]['used']} of {found[key]['there']}") for key in ("crossbars", "tiles")]
    rows += [
        (row["buffer"], f"{row['least_bytes']} of {row['size_bytes']} bytes for progress, {row['full_rate_bytes']} for full rate")
        for row in found["buffers"]
    ]
    return grid(f"{found['workload']} fits {found['chip']}", ("", ""), rows)


def problem_rows(problems: Iterable[Problem]) -> list[Row]:
    """Return problems as rows for JSON."""
    return [asdict(problem) for problem in problems]
