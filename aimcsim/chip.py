"""The tree of components that a chip file describes, and where a stage finds its resources in it.

This is the only place that turns specifications into components. Tiles are made when a stream first uses them, so the
size of a chip costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from aimcsim.components import (
    AdcBanks,
    Buffer,
    Channel,
    ChipLink,
    Crossbars,
    DigitalUnit,
    Interconnect,
    LinkName,
    Pipe,
    SlotRack,
    fabric_of,
    link_names,
)
from aimcsim.components.converters import CAUSE as ADC_CAUSE
from aimcsim.components.crossbar import CAUSE as CROSSBAR_CAUSE
from aimcsim.components.digital import CAUSE as UNIT_CAUSE
from aimcsim.engine import Carrier, Server, SlotPool, System
from aimcsim.mapping import mesh_of
from aimcsim.network import HOST, Circuit, Router
from aimcsim.spec.chip_file import Channel as ChannelSpec
from aimcsim.spec.chip_file import ChipFile
from aimcsim.units import ClockDomain

SLOT_CAUSES = {"input_register": "input_register", "sample_hold": "sample_hold"}
"""Wait cause of a slot by its name; slots of any other name hold results of digital units."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a stream runs: which stream it is, on which tile, and which crossbars and bank it has there.

    Attributes
    ----------
    owner : whose the units and slots are that there are for each layer: the layer's, or those of its crossbars where
        it has several sets of them on the tile.
    shared : whether other streams read the same crossbar and share these with it.
    block : name of the block of such a crossbar that it reads.
    """

    stream: int
    owner: str
    tile: int
    crossbars: range = range(0)
    bank: int = 0
    shared: bool = False
    block: str = ""


class Tile:
    """One network endpoint: crossbars, converter banks, buffers, digital units, slots."""

    def __init__(self, system: System, spec: ChipFile, clocks: dict[str, ClockDomain], path: str) -> None:
        tile = spec.tile
        array_clock = clocks[tile.array_clock] if tile.array_clock else None
        self.path = path
        self.crossbars = Crossbars(system, path, array_clock, one_array=tile.arrays == "one")
        self.adc_banks = AdcBanks(system, path, array_clock)
        self.buffers = {
            name: Buffer(
                system,
                f"{path}.{name}",
                buffer.size_bytes,
                clocks[buffer.clock],
                read_ports=buffer.read_ports,
                write_ports=buffer.write_ports,
            )
            for name, buffer in tile.buffers.items()
        }
        self.units = {
            name: DigitalUnit(system, f"{path}.{name}", name, clocks[unit.clock], shared=unit.per == "tile")
            for name, unit in tile.units.items()
        }
        self.slots = {
            name: SlotRack(
                system,
                f"{path}.{name}",
                name,
                SLOT_CAUSES.get(name, UNIT_CAUSE),
                slot.count,
                shared=slot.per == "tile",
            )
            for name, slot in tile.slots.items()
        }


class Chip:
    """One chip, or several: tiles on a network, a host link, a memory channel.

    Parameters
    ----------
    system : System    Receives the servers and slots of every component.
    spec : ChipFile
    """

    def __init__(self, system: System, spec: ChipFile) -> None:
        self.spec = spec
        self.clocks = {name: ClockDomain(name, clock.frequency_hz) for name, clock in spec.clocks.items()}
        self.host_link = Channel(system, "host.link", "host_link", _pipe(spec.host.link))
        self.memory_channel = Channel(system, "memory.channel", "memory_channel", _pipe(spec.memory.channel))
        network, between = spec.network, spec.system.chip_link
        self._mesh = mesh_of(spec)
        self.interconnect = Interconnect(
            system,
            self._mesh,
            self.clocks[network.clock],
            width_bits=network.width_bits,
            overhead_bits=network.packet_overhead_bits,
            router_cycles=network.router_cycles,
            link_cycles=network.link_cycles,
            packet_slots=network.packet_slots,
            contended=network.model != "ideal",
            hold_cycles=network.hold_cycles,
            chip_link=None if between is None else _pipe(between).spans,
            carrier=self._carrier() if network.model == "flit" or network.circuits else None,
        )
        self._system = system
        self._tiles: dict[int, Tile] = {}

    def _carrier(self) -> Carrier:
        """Return the network of routers that a chip of the model `flit` has, or its circuits."""
        network, clock = self.spec.network, self.clocks[self.spec.network.clock]
        chip_link = ChipLink(*self.spec.chip_link_cycles)
        fabric = fabric_of(self._mesh, network.topology, network.link_cycles, chip_link)
        if network.circuits:
            circuit = Circuit(network.setup_cycles, network.router_cycles, network.hold_cycles or 0)
            return Carrier(clock, fabric, circuit)
        return Carrier(clock, fabric, Router(network.virtual_channels, network.buffer_flits, network.pipeline))

    @property
    def carrier(self) -> Carrier | None:
        """Return the network of routers or circuits, if there is one."""
        return self._system.carrier

    @property
    def links(self) -> list[LinkName]:
        """Return the links of a network of routers or circuits; none without one."""
        return [] if self.carrier is None else link_names(self._mesh, self.carrier.fabric)

    def router_names(self, count: int) -> list[str]:
        """Return what the first so many routers are called."""
        if self.spec.network.switched:
            return [f"chip.{self.spec.network.topology}"] * count
        return [self._mesh.router_name(router) for router in range(count)]

    def tile(self, index: int) -> Tile:
        """Return a tile."""
        if index not in self._tiles:
            self._tiles[index] = Tile(self._system, self.spec, self.clocks, self._mesh.name(index))
        return self._tiles[index]

    @property
    def tiles(self) -> dict[int, Tile]:
        """Return the tiles in use, by number."""
        return self._tiles

    def buffer(self, tile: int, role: str) -> Buffer:
        """Return the buffer that plays a role (`input_buffer`, `output_buffer`) on a tile."""
        return self.tile(tile).buffers[self.spec.buffer_of(role)]

    def server(self, resource: str, site: Site) -> tuple[Server, str]:
        """Return the server that a stage's `resource` means at a site, and what waiting for it is called."""
        role, _, direction = resource.partition(".")
        if direction:
            cause = "fetch_port" if resource == "input_buffer.read" else "buffer_port"
            return self.buffer(site.tile, role).port(direction, site.stream), cause
        tile = self.tile(site.tile)
        if resource == "crossbar":
            return tile.crossbars.group(site.crossbars), CROSSBAR_CAUSE
        if resource == "adc_bank":
            return tile.adc_banks.bank(site.bank), ADC_CAUSE
        return tile.units[resource].server(site.owner), UNIT_CAUSE

    def slots(self, name: str, site: Site) -> SlotPool:
        """Return the pool of slots that a stage's `name` means at a site."""
        return self.tile(site.tile).slots[name].pool(site.owner, shared=site.shared)

    def clock(self, resource: str | None) -> ClockDomain | None:
        """Return the clock of a stage's resource."""
        name = self.spec.clock_of(resource)
        return None if name is None else self.clocks[name]


def _pipe(channel: ChannelSpec) -> Pipe:
    return Pipe(channel.bandwidth_bytes_per_s, channel.latency_ps)


def endpoint(tile: int | None) -> int:
    """Return the network endpoint of a tile, or the host's for None."""
    return HOST if tile is None else tile
