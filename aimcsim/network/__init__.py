"""The on-chip network: who is where, which way packets go, and when they arrive. Usable without a chip."""

from aimcsim.network.bounds import busiest_link, link_loads, zero_load_latency
from aimcsim.network.engine import Ejections, LinkRecords, NetworkEngine, PacketRecords, Pipeline, Router
from aimcsim.network.fabric import Fabric, chip_row, mesh, ring, torus
from aimcsim.network.flit import FlitNetwork
from aimcsim.network.packet import PacketNetwork
from aimcsim.network.topology import HOST, Link, Mesh

__all__ = [
    "HOST",
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
    "busiest_link",
    "chip_row",
    "link_loads",
    "mesh",
    "ring",
    "torus",
    "zero_load_latency",
]
