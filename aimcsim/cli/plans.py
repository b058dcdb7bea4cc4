"""What `map` and `check` say about a workload on a chip that has not run."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from aimcsim.cli.files import write_file
from aimcsim.cli.names import local
from aimcsim.cli.tables import counted, grid
from aimcsim.cli.views import Row
from aimcsim.mapping import capacity, hop_bytes, mapping_yaml, mesh_of
from aimcsim.mapping.mapping import COLUMNS
from aimcsim.quotas import Quota
from aimcsim.run import Built
from aimcsim.workload import Workload

MAP_COLUMNS = tuple("~layer" if name == "layer" else name for name in COLUMNS)
MAP_CAPTION = (
    "blocks: pieces of the matrix, a crossbar each, or part of one (*); fill: of the cells of these crossbars; "
    "home: tile of the results; a gap in crossbars: converter banks are taken whole"
)
SPACE_CAPTION = "bytes: of one vector; least: for progress; quota: given (0: shares a pool)"


def map_rows(built: Built) -> Row:
    """Return the mapping of a built system and the space of every edge between two streams."""
    return {
        **_fit(built),
        "layers": built.mapping.table(built.workload, built.chip),
        "edges": [_edge_row(quota) for quota in built.quotas],
    }


def _fit(built: Built) -> Row:
    mapping, tiles = built.mapping, mesh_of(built.chip).tiles
    return {
        "chip": built.chip.name,
        "workload": built.workload.name,
        "chips": built.chip.system.chips_per_package,
        "crossbars": {"used": mapping.crossbars_used, "there": capacity(built.chip)},
        "tiles": {"used": mapping.tiles_used, "there": tiles},
        "hop_bytes": hop_bytes(mapping, built.workload, built.chip),
    }


def write_mapping(built: Built, output: Path) -> None:
    """Write the mapping of a built system to a file."""
    write_file(output, mapping_yaml(built.mapping, built.workload, built.chip))


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
    columns = ("~from", "~to", "~in", ">bytes", ">least", ">full rate", ">quota")
    edges = [
        (_short(row["source"]), _short(row["target"]), _placed(row["buffer"]), *map(str, _sizes(row)))
        for row in rows["edges"]
    ]
    return (
        grid(f"{rows['workload']} on {rows['chip']}: {crossbars}, {tiles}", MAP_COLUMNS, layers, MAP_CAPTION),
        grid("buffer space between layers, in vectors", columns, edges, SPACE_CAPTION),
    )


def _short(stream: str) -> str:
    """Return `conv1.mvm@0` for `conv1.mvm@tile[0]`; `@1:0` on chip 1, `@0.3.5` for block 5 in crossbar 3."""
    name, _, place = stream.partition("@")
    tile = re.sub(r"^(?:chip\[(\d+)\]\.)?tile\[(\d+)\]", _tile_number, place)
    return f"{name}@{re.sub(r'(crossbar|block).([0-9.]+).', _number, tile)}"


def _number(found: re.Match[str]) -> str:
    return found[2]


def _tile_number(found: re.Match[str]) -> str:
    return ":".join(filter(None, found.groups()))


def _placed(buffer: str) -> str:
    """Return `scratch@0` for `chip.tile[0].scratch`."""
    tile, _, name = local(buffer).rpartition(".")
    return _short(f"{name}@{tile}")


def _sizes(row: Row) -> tuple[int, ...]:
    return row["vector_bytes"], row["least_vectors"], row["full_rate_vectors"], row["quota_vectors"]


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.0%}" if key == "fill" else str(value)


def fit_row(built: Built) -> Row:
    """Return how a workload fits its chip: crossbars, tiles, and how much of each buffer is spoken for."""
    return {**_fit(built), "network": network_row(built.workload), "buffers": _buffers(built)}


def network_row(network: Workload) -> Row:
    """Return how large a network is."""
    return {"layers": len(network.layers), "weights": network.weights, "macs": network.macs}


def network_text(row: Row) -> str:
    """Return `network_row` in words."""
    return f"{counted(row['layers'], 'layer')}, {row['weights']} weights, {row['macs']} MACs"


def _buffers(built: Built) -> list[Row]:
    """Return how much of each buffer is spoken for."""
    return [
        {
            "buffer": buffer.path,
            "size_bytes": buffer.size_bytes,
            "least_bytes": sum(quota.progress * quota.vector_bytes for quota in _in(built, buffer.path)),
            "full_rate_bytes": sum(quota.full_rate * quota.vector_bytes for quota in _in(built, buffer.path)),
        }
        for buffer in {buffer.path: buffer for buffer in built.plan.homes.values()}.values()
    ]


def _in(built: Built, buffer: str) -> list[Quota]:
    return [quota for quota in built.quotas if quota.buffer == buffer]


def fit_rows(found: Row) -> list[tuple[str, str]]:
    """Return the lines of a table that `fit_row` makes."""
    rows = [("network", network_text(found["network"]))]
    if found["chips"] > 1:
        rows.append(("chips", str(found["chips"])))
    rows += [(key, _share_of(found[key])) for key in ("crossbars", "tiles")]
    for row in found["buffers"]:
        least = f"{row['least_bytes']} of {row['size_bytes']} bytes for progress"
        rows.append((local(row["buffer"]), f"{least}, {row['full_rate_bytes']} for full rate"))
    return rows


def _share_of(part: Row) -> str:
    return f"{part['used']} of {part['there']} ({part['used'] / part['there']:.0%})"


def room(found: Row) -> str:
    """Return what could be changed about how much room there is."""
    advice = []
    if found["replicate_all"]:
        advice.append("--replicate all fills the free crossbars with replicas")
    if any(row["full_rate_bytes"] > row["size_bytes"] for row in found["buffers"]):
        advice.append("a buffer below its full rate makes layers wait: larger tile.buffers, or fewer layers a tile")
    return "; ".join(advice)
