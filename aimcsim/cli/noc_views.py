"""How a network's figures look: tables, and latency over rate as characters or as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from aimcsim.cli.tables import grid, percent
from aimcsim.network.load import Load

PLOT_COLUMNS, PLOT_ROWS = 60, 12
TOP = 6.0
"""Latency at the upper edge of a plot, in those at the lowest rate; what is above stands on the edge."""
WIDTH, HEIGHT, MARGIN = 480, 320, 50
CAPTION = "latency: cycles from creation to the last flit's arrival; rate, accepted: flits per endpoint and cycle"


def rate_parts(title: str, loads: Sequence[Load], saturation: float | None) -> list[Table | str]:
    """Return a table of rates and their plot."""
    rows = [
        (
            f"{load.rate:.4g}",
            f"{load.mean_latency:.1f}",
            f"{load.p50:.0f}",
            f"{load.p99:.0f}",
            f"{load.accepted:.4f}",
            percent(load.max_link_utilisation),
            "yes" if load.stable else "no",
        )
        for load in loads
    ]
    columns = (">rate", ">mean latency", ">p50", ">p99", ">accepted", ">busiest link", "stable")
    parts: list[Table | str] = [grid(title, columns, rows, CAPTION)]
    if len(loads) > 1:
        parts.append("\n".join(text_plot(loads)))
    if saturation is not None:
        parts.append(
            f"saturation: {saturation:.3f} flits per endpoint and cycle, where latency is three times that at none"
        )
    return parts


def text_plot(loads: Sequence[Load]) -> list[str]:
    """Return latency over rate as lines of text; `^` stands for what is above the upper edge."""
    right, top = max(load.rate for load in loads), top_latency(loads)
    lines = [[" "] * (PLOT_COLUMNS + 1) for _ in range(PLOT_ROWS + 1)]
    for load in loads:
        row = round(min(load.mean_latency / top, 1) * PLOT_ROWS)
        mark = "^" if load.mean_latency > top else "*"
        lines[PLOT_ROWS - row][round(load.rate / right * PLOT_COLUMNS)] = mark
    labels = {0: f"{top:.0f}", PLOT_ROWS: "0"}
    drawn = [f"{labels.get(place, ''):>8} |{''.join(line).rstrip()}" for place, line in enumerate(lines)]
    axis = f"{'':>8} +{'-' * (PLOT_COLUMNS + 1)}"
    return ["mean latency, cycles", *drawn, axis, f"{'':>10}0{f'{right:.3g}':>{PLOT_COLUMNS}}  rate"]


def top_latency(loads: Sequence[Load]) -> float:
    """Return the latency at the upper edge of a plot."""
    lowest = min(load.mean_latency for load in loads)
    return min(max(load.mean_latency for load in loads), TOP * lowest)


def svg(loads: Sequence[Load], title: str) -> str:
    """Return latency over rate as a drawing."""
    ordered = sorted(loads, key=lambda load: load.rate)
    right, top = ordered[-1].rate, top_latency(ordered)
    points = [
        (MARGIN + load.rate / right * WIDTH, MARGIN + (1 - min(load.mean_latency / top, 1)) * HEIGHT)
        for load in ordered
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    left, bottom = MARGIN, MARGIN + HEIGHT
    texts = [
        (left, MARGIN / 2, title),
        (left, bottom + 20, "0"),
        (left + WIDTH - 20, bottom + 20, f"{right:.3g}"),
        (left + WIDTH / 3, bottom + 38, "flits per endpoint and cycle"),
        (5, MARGIN, f"{top:.0f}"),
        (5, MARGIN + HEIGHT / 2, "cycles"),
        (5, bottom, "0"),
    ]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * MARGIN}" height="{HEIGHT + 2 * MARGIN}"'
    return "\n".join(
        [
            f'{opening} font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<path d="M{left},{MARGIN} V{bottom} H{left + WIDTH}" fill="none" stroke="black"/>',
            f'<polyline points="{line}" fill="none" stroke="#0060a0" stroke-width="2"/>',
            *dots,
            *(f'<text x="{x:.0f}" y="{y:.0f}">{text}</text>' for x, y, text in texts),
            "</svg>\n",
        ]
    )


def packet_table(title: str, figures: dict[str, Any]) -> Table:
    """Return the figures of a trace or a burst."""
    rows = [
        ("packets", f"{figures['packets']} of {figures['flits']} flits together"),
        ("makespan", f"{figures['makespan']} cycles"),
        (
            "latency",
            f"{figures['mean_latency']:.1f} cycles on average, median {figures['p50']:.0f}, p99 {figures['p99']:.0f}",
        ),
        ("  transfer", f"{figures['mean_transfer']:.1f}, as in an empty network"),
        ("  links", f"{figures['mean_link_wait']:.1f} waiting for links and behind other packets"),
        ("  credits", f"{figures['mean_credit_wait']:.1f} waiting for room in the next buffer"),
        ("busiest link", f"{figures['busiest_link']}, {percent(figures['max_link_utilisation'])} of the makespan"),
    ]
    return grid(title, ("", ""), rows)
