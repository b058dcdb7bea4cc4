"""Draw the pictures of docs/execution.md from a run of the reference engine, and from the windows of a convolution.

Usage: ``python scripts/pictures.py [FOLDER]`` (default: docs), from the source folder, with the package and its test
extra installed. `tests/cli/test_readme.py` sees that the pictures are those that this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # behind the installed package: only the tests' own modules are taken from here

from aimcsim.engine import ReferenceEngine, Stream, Walk  # noqa: E402
from tests.engine.builders import Bench, convolution, stage  # noqa: E402

COLOURS = {
    "service": "#9dc3e6",
    "transfer": "#c9d8a8",
    "dependency": "#eeeeee",
    "adc_busy": "#f4b183",
    "buffer_full": "#d9a3c7",
}
MEANING = {
    "service": "service",
    "transfer": "transfer",
    "dependency": "waits: dependency",
    "adc_busy": "waits: adc_busy",
    "buffer_full": "waits: buffer_full",
}
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" '
    'font-family="Helvetica, Arial, DejaVu Sans, sans-serif" font-size="13" role="img">'
)
LEFT, SCALE, LANE, TOP = 170, 2.5, 22, 40
"""Of the timetable: its left edge, pixels for a picosecond, height of a lane, its upper edge."""


def box(place: tuple[float, float], size: tuple[float, float], colour: str, said: str = "", line: str = "#445") -> str:
    """Return a rectangle with words in the middle."""
    (x, y), (width, height) = place, size
    drawn = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}" stroke="{line}"/>'
    return drawn + (words(x + width / 2, y + height / 2 + 4.5, said, "middle") if said else "")


def words(x: float, y: float, said: str, anchor: str = "start", size: int = 13) -> str:
    """Return a line of text."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}">{said}</text>'


def picture(size: tuple[int, int], title: str, meaning: str, parts: list[str]) -> str:
    """Return an SVG on white."""
    head = [HEAD.format(*size), f"<title>{title}</title>", f"<desc>{meaning}</desc>"]
    return "\n".join([*head, f'<rect width="{size[0]}" height="{size[1]}" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"


def two_layers() -> Bench:
    """Run two layers whose converters are the same bank; between them is room for one vector."""
    bench = Bench()
    bank = bench.server("adc_bank")
    load = bench.source(3, 20)

    def layer(name: str) -> Stream:
        read = stage("read", 15, bench.server(f"{name}.crossbar"), cause="crossbar_busy")
        convert = stage("convert", 30, bank, cause="adc_busy")
        return bench.stream(name, 3, [stage("fetch", 10, bench.server(f"{name}.port")), read, convert])

    first, second = layer("A"), layer("B")
    link = stage("send", 25, bench.server("host"), cause="host", transfer=True)
    store = bench.stream("store", 3, [link], kind="store")
    bench.join(load, first)
    bench.join(first, second, capacity=1)
    bench.join(second, store, capacity=2)
    ReferenceEngine(bench.system).run()
    return bench


def timetable(bench: Bench) -> str:
    """Return the picture of a run: when the stages worked, and below each stream where its time went."""
    walk = Walk(bench.system, [0])
    end = max(stream.end_ps[-1] for stream in bench.system.streams)
    parts, y = list(_legend()), TOP
    for stream in bench.system.streams:
        for place, step in enumerate(stream.stages):
            parts.append(words(LEFT - 8, y + 15, f"{stream.name}: {step.name}", "end"))
            for vector, start in enumerate(stream.log[place].start_ps):
                length = stream.log[place].worked_ps[vector] - start
                kind = "transfer" if step.transfer else "service"
                parts.append(box((_x(start), y), (length * SCALE, LANE - 4), COLOURS[kind], str(vector)))
            y += LANE
        parts.append(words(LEFT - 8, y + 15, f"{stream.name}: shares", "end"))
        for vector in range(stream.total):
            for part in walk.share(stream, vector):
                size = (part.end_ps - part.start_ps) * SCALE, LANE - 6
                parts.append(box((_x(part.start_ps), y + 1), size, COLOURS[part.cause], line="none"))
        ends = [0, *stream.end_ps]
        parts += [f'<path d="M{_x(time):g} {y - 1}V{y + LANE - 3}" stroke="#000000"/>' for time in ends]
        y += LANE + 8
    for time in range(0, end + 1, 50):
        parts.append(f'<path d="M{_x(time):g} {TOP - 6}V{y - 6}" stroke="#445" stroke-opacity="0.25"/>')
        parts.append(words(_x(time), y + 8, f"{time} ps", "middle", 12))
    meaning = "When each stage of four streams worked on vectors 0 to 2, and what the share of each went to."
    return picture((round(_x(end)) + 30, y + 18), "Three vectors through two layers", meaning, parts)


def _x(time: int) -> float:
    return LEFT + time * SCALE


def _legend() -> Iterator[str]:
    x = float(LEFT)
    for cause, said in MEANING.items():
        yield box((x, 10), (14, 14), COLOURS[cause])
        yield words(x + 20, 22, said)
        x += 45 + 7.2 * len(said)


def space(output: int = 14) -> str:
    """Return the picture of an edge: which vectors of an image a 3 x 3 convolution needs and keeps at one output."""
    height, width, cell = 4, 6, 46
    needs, keeps = convolution((height, width), 3, pad=1)
    need, kept, now_kept = int(needs[output]), int(keeps[output - 1]), int(keeps[output])
    row, column = divmod(output, width)
    wanted = [y * width + x for y in (row - 1, row, row + 1) for x in (column - 1, column, column + 1)]
    parts = [words(30, 26, "the input, vector by vector"), words(430, 26, f"the output, at vector i = {output}")]
    for vector in range(height * width):
        y, x = divmod(vector, width)
        state = "freed" if vector < kept else "held" if vector <= need else "to come"
        colour = {"freed": "#dddddd", "held": "#9dc3e6", "to come": "#ffffff"}[state]
        parts.append(box((30 + x * cell, 40 + y * cell), (cell, cell), colour, str(vector)))
        shown = "#9dc3e6" if vector < output else "#f4b183" if vector == output else "#ffffff"
        parts.append(box((430 + x * cell, 40 + y * cell), (cell, cell), shown, str(vector)))
    top, left = divmod(wanted[0], width)
    parts.append(
        f'<rect x="{30 + left * cell + 2}" y="{40 + top * cell + 2}" width="{3 * cell - 4}" height="{3 * cell - 4}" '
        'fill="none" stroke="#c0392b" stroke-width="3"/>'
    )
    below = 40 + height * cell
    said = (
        f"outline: the window of output {output}; needs({output}) = {need} is the last vector that must be there",
        f"grey: free since output {output - 1} was fetched, as they are below keeps({output - 1}) = {kept}",
        f"blue: held, {kept} to {need}; room for {need} - {kept} + 1 = {need - kept + 1} vectors is the least",
        f"as output {output} has been fetched, all below keeps({output}) = {now_kept} are free; white: still to come",
    )
    parts += [words(30, below + 28 + 22 * place, line) for place, line in enumerate(said)]
    meaning = "Vectors of an image that are free, held and still to come while a 3 x 3 convolution makes one output."
    return picture((740, below + 28 + 22 * len(said)), "What an edge needs and keeps", meaning, parts)


def pictures() -> dict[str, str]:
    """Return the pictures by the names of their files."""
    return {"timetable.svg": timetable(two_layers()), "space.svg": space()}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    for name, drawn in pictures().items():
        (folder / name).write_text(drawn)
        print(folder / name)
