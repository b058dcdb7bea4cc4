"""The on-chip network: who is where, which way packets go, and when they arrive. Usable without a chip."""

from aimcsim.network.bounds import busiest_link, circuit_cycles, circuit_loads, link_loads, zero_load_latency
from aimcsim.network.circuit import CircuitNetwork
from aimcsim.network.engine import (
    CarryingNetwork,
    Circuit,
    Ejections,
    LinkRecords,
    NetworkEngine,
    PacketRecords,
    Pipeline,
    Router,
)
from aimcsim.network.fabric import Fabric, bus, chip_row, crossbar, mesh, ring, torus
from aimcsim.network.flit import FlitNetwork
from aimcsim.network.packet import PacketNetwork
from aimcsim.network.topology import HOST, Link, Mesh

__all__ = [
    "HOST",
    "CarryingNetwork",
    "Circuit",
    "CircuitNetwork",
    "Ejections",
    "Fabric",
    "FlitNetwork",
    "Link",
    "LinkRecords",
    "Mesh",
    "NetworkEngine",
    "PacketNetwork",
    "PacketRecords",
    "Pipeline",
    "Router",
    "bus",
    "busiest_link",
    "chip_row",
    "circuit_cycles",
    "circuit_loads",
    "crossbar",
    "link_loads",
    "mesh",
    "ring",
    "torus",
    "zero_load_latency",
]
