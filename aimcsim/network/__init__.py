"""The on-chip network as geometry: who is where, and which links a packet takes."""

from aimcsim.network.topology import HOST, Link, Mesh

__all__ = ["HOST", "Link", "Mesh"]
