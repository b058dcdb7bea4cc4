"""Compiling stage tables: from the rows of a chip file to stages with integers, for one stream at one place.

One compiler serves every table of every chip; what a chip does differently stands in its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from aimcsim.chip import Chip, Site
from aimcsim.components import Channel
from aimcsim.engine import SlotPool, Span, Stage
from aimcsim.errors import ConfigError
from aimcsim.spec.fields import Duration
from aimcsim.spec.stage_table import TIMES, StageTable, TableName
from aimcsim.spec.stage_table import Stage as StageRow
from aimcsim.units import ClockDomain

Amount = int | tuple[int, ...]
"""A quantity of one vector: the same for all, or one for each vector of a request."""

CHANNEL_CAUSES = {"host_link": "host", "memory_channel": "memory"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a table is compiled for.

    Attributes
    ----------
    site : Site                       Where its resources are looked up; for a transport, the tile it leaves.
    quantities : mapping              Amounts that `per` and `actions` name.
    target : Site or None             For a transport: the tile it goes to (None: the host).
    endpoints : (int, int) or None    For a transport: the network endpoints.
    payload_bytes : int               For a transport: bytes of a packet, or of a channel transfer.
    final : bool                      Whether the stream's results are final, or partial sums.
    kind : str                        Kind of the layer.
    windowed : mapping                Amounts that take the place of `quantities` in a stage with ``reuse: window``.
    passes_on : bool                  For a transport: whether it passes on what another one has brought, which lies in
                                      the input buffer.
    """

    site: Site
    quantities: Mapping[str, Amount]
    target: Site | None = None
    endpoints: tuple[int, int] | None = None
    payload_bytes: int = 0
    final: bool = True
    kind: str = ""
    windowed: Mapping[str, Amount] = field(default_factory=dict)
    passes_on: bool = False


def compile_table(chip: Chip, name: TableName, place: Place) -> list[Stage]:
    """Return the stages of a table at a place.

    Raises
    ------
    ConfigError
        If none of its stages is for the kind of layer.
    """
    table = chip.spec.tables[name]
    loops = [loop.name for loop in table.loops]
    counts = [_loop_count(chip, loop.count, place) for loop in table.loops]
    stages: list[Stage] = []
    clock: ClockDomain | None = None
    taken: dict[str, int] = {}
    for row in (_from_input_buffer(chip, row) for row in table.stages) if place.passes_on else table.stages:
        if (row.when == "final" and not place.final) or (row.kinds and place.kind not in row.kinds):
            continue
        depth = 0 if row.loop == "vector" else loops.index(row.loop) + 1
        iterations = prod(counts[:depth]) * _times(row, place)
        made = _rows(chip, row, place, iterations)
        here = chip.clock(row.resource)
        taken |= {slot: iterations for slot in (row.acquires, row.captures) if slot is not None}
        made[0] = _slots(chip, row, place, _crossed(chip, made[0], clock, here), taken)
        clock = here if here is not None else clock
        stages += made
    if not stages:
        raise ConfigError(chip.spec.where.problem(f"tables.{name}.stages", _no_stage(table, place)))
    return _packet_slots(chip, stages, place)


def _from_input_buffer(chip: Chip, row: StageRow) -> StageRow:
    """Return the row of a transport that finds in the input buffer what others find in the output buffer."""

    def there(name: str) -> str:
        component, _, does = name.partition(".")
        return f"input_buffer.{does}" if component in {"output_buffer", chip.spec.buffer_of("output_buffer")} else name

    resource = None if row.resource is None else there(row.resource)
    return replace(row, resource=resource, actions={there(name): what for name, what in row.actions.items()})


def _no_stage(table: StageTable, place: Place) -> str:
    known = ", ".join(dict.fromkeys(kind for row in table.stages for kind in row.kinds))
    return f"no stage is for layers of the kind `{place.kind}` (there are stages for {known})"


def _times(row: StageRow, place: Place) -> int:
    """Return how often a row runs in each turn of its loop."""
    if row.each is None:
        return 1
    amount = _quantity(row, place, row.each.quantity)
    assert isinstance(amount, int), "the chip file was checked"
    return max(1, -(-amount // row.each.amount))


def _loop_count(chip: Chip, count: int | str, place: Place) -> int:
    if isinstance(count, int):
        return count
    spec = chip.spec
    if count in ("column_groups", "output_blocks"):
        groups = place.quantities[count]
        assert isinstance(groups, int), "columns are the same for every vector"
        return groups
    return {"input_phases": spec.input_phases, "polarities": spec.polarities, "weight_slices": spec.slices}[count]


def _rows(chip: Chip, row: StageRow, place: Place, iterations: int) -> list[Stage]:
    """Return the stage of a row, or the stages of a transport's links."""
    actions = tuple((name, _tuple(_quantity(row, place, quantity))) for name, quantity in row.actions.items())
    if row.resource == "network":
        return _network(chip, row, place, iterations, actions)
    if row.resource in CHANNEL_CAUSES:
        channel: Channel = getattr(chip, row.resource)
        latency, interval = channel.spans(place.payload_bytes)
        stage = Stage(row.name, iterations, latency, interval, transfer=True, actions=actions)
        stage.server, stage.cause = channel.server, CHANNEL_CAUSES[row.resource]
        return [stage]
    clock = chip.clock(row.resource)
    whole = _span(row.latency, row, place, clock)
    interval = whole if row.interval is None else _span(row.interval, row, place, clock)
    latency = whole if row.passes == "whole" else _span(row.latency, replace(row, per=None), place, clock)
    stage = Stage(row.name, iterations, latency, interval, transfer=row.transfer, actions=actions)
    if row.resource is not None:
        stage.server, stage.cause = chip.server(row.resource, _site(row.resource, place))
    return [stage]


def _site(resource: str, place: Place) -> Site:
    """Return where a stage's resource is: a transport writes into the buffer of its target."""
    if place.target is not None and resource == "input_buffer.write":
        return place.target
    return place.site


def _network(
    chip: Chip, row: StageRow, place: Place, iterations: int, actions: tuple[tuple[str, tuple[int, ...]], ...]
) -> list[Stage]:
    """Return one stage per link of the way, or one for the way through routers; actions are counted at the first."""
    assert place.endpoints is not None, "only transports use the network"
    hops = chip.interconnect.hops(*place.endpoints, place.payload_bytes)
    stages = [
        Stage(
            hop.name if hop.packets else f"{row.name}:{hop.name}",
            *(iterations, hop.latency, hop.interval, hop.server, "link_busy"),
            transfer=True,
            packets=hop.packets,
        )
        for hop in hops
    ]
    stages[0].actions = actions
    return stages


def _packet_slots(chip: Chip, stages: list[Stage], place: Place) -> list[Stage]:
    """Have a transport take a packet slot before it reads its buffer, and give it back when its tail has arrived.

    What comes from the host takes the slot when it is over the host link.
    """
    links = [index for index, stage in enumerate(stages) if stage.cause == "link_busy"]
    if links and place.endpoints is not None:
        pool = chip.interconnect.slots(place.endpoints[0])
        stages[links[0] if stages[0].cause == "host" else 0].acquires = pool
        stages[links[-1]].releases = (*stages[links[-1]].releases, (pool, 1))
    return stages


def _span(duration: Duration | None, row: StageRow, place: Place, clock: ClockDomain | None) -> Span:
    """Return a row's duration times the units of work that its `per` makes of a vector."""
    assert duration is not None, "the chip file was checked"
    times = 1 if row.per is None else _units(_quantity(row, place, row.per.quantity), row.per.amount)
    one = duration.cycles if duration.cycles is not None else duration.time_ps
    assert one is not None, "a duration is one of the two"
    amounts = tuple(one * count for count in _tuple(times))
    return Span(amounts, clock, duration.cycles is not None)


def _quantity(row: StageRow, place: Place, name: str) -> Amount:
    """Return an amount as a row sees it; of a product, that of all its factors."""
    if TIMES in name:
        return _product([_quantity(row, place, factor) for factor in name.split(TIMES)])
    if row.reuse == "window" and name in place.windowed:
        return place.windowed[name]
    return place.quantities[name]


def _product(amounts: Sequence[Amount]) -> Amount:
    """Return amounts multiplied, for each vector if one of them is for each vector."""
    vectors = max(len(_tuple(amount)) for amount in amounts)
    repeated = [_tuple(amount) * (1 if isinstance(amount, tuple) else vectors) for amount in amounts]
    products = tuple(prod(factors) for factors in zip(*repeated, strict=True))
    return products if vectors > 1 else products[0]


def _units(amount: Amount, unit: int) -> Amount:
    """Return how many units of work an amount is, at least one."""
    return tuple(max(1, -(-one // unit)) for one in _tuple(amount))


def _tuple(amount: Amount) -> tuple[int, ...]:
    return (amount,) if isinstance(amount, int) else amount


def _crossed(chip: Chip, stage: Stage, before: ClockDomain | None, here: ClockDomain | None) -> Stage:
    """Have what enters a stage from another clock pay for the crossing."""
    if before is None or here is None or before.name == here.name:
        return stage
    cycles = chip.spec.clocks[here.name].crossing
    return replace(stage, crossing=(here, cycles), actions=stage.actions) if cycles else stage


def _slots(chip: Chip, row: StageRow, place: Place, stage: Stage, taken: Mapping[str, int]) -> Stage:
    """Attach the slots that a row takes and gives back."""

    def pool(name: str) -> SlotPool:
        return chip.slots(name, place.site)

    if row.acquires is not None:
        stage.acquires = pool(row.acquires)
    if row.captures is not None:
        stage.captures = pool(row.captures)
    if row.releases is not None:
        stage.releases = ((pool(row.releases), taken[row.releases]),)
    return stage
