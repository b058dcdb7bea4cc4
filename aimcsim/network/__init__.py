"""The on-chip network: who is where, which way packets go, and when they arrive. Usable without a chip."""

from aimcsim.network.fabric import Fabric, chip_row, mesh, ring, torus
from aimcsim.network.flit import (
    Ejections,
    FlitNetwork,
    LinkRecords,
    PacketRecords,
    Pipeline,
    Router,
    zero_load_latency,
)
from aimcsim.network.topology import HOST, Link, Mesh

__all__ = [
    "HOST",
    "Ejections",
    "Fabric",
    "FlitNetwork",
    "Link",
    "LinkRecords",
    "Mesh",
    "PacketRecords",
    "Pipeline",
    "Router",
    "chip_row",
    "mesh",
    "ring",
    "torus",
    "zero_load_latency",
]
