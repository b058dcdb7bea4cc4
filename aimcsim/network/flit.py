"""The flit-exact engine: packets go through routers, virtual channels and credits cycle by cycle."""

from __future__ import annotations

import numpy as np

from aimcsim import _kernels
from aimcsim.errors import ConfigError
from aimcsim.network.bounds import cycles_ahead
from aimcsim.network.engine import CarryingNetwork, Router
from aimcsim.network.fabric import Fabric

MOST_CHANNELS = 64
"""Virtual channels of all ports of a router together."""


class FlitNetwork(CarryingNetwork):
    """Routers, sources and packets, exact to the flit: the same cycles whether run as a batch or step by step.

    Parameters
    ----------
    tie_seed : int   Where the rounds of the arbiters begin, drawn at random; None: at the first port.

    Raises
    ------
    ConfigError      If the routers have more channels than can be simulated, or too few for the classes of a torus.
    """

    def __init__(self, fabric: Fabric, router: Router | None = None, *, tie_seed: int | None = None) -> None:
        router = Router() if router is None else router
        super().__init__(fabric, router, _kernels.flit_network()(flit_tables(fabric, router, tie_seed)))


def flit_tables(fabric: Fabric, router: Router, tie_seed: int | None = None) -> _kernels.FlitTables:
    """Return what the kernel reads about a network."""
    channels = fabric.ports * router.vcs
    if channels > MOST_CHANNELS:
        raise ConfigError(
            f"{router.vcs} virtual channels at each of the {fabric.ports} ports of a router are more than "
            f"{MOST_CHANNELS}; fewer virtual channels or fewer tiles per router fit"
        )
    if fabric.classes and router.vcs < 2:
        raise ConfigError(f"a {fabric.name} needs at least 2 virtual channels, one for each class (got {router.vcs})")
    channel_first = np.zeros((2, fabric.routers, channels), np.uint8)
    port_first = np.zeros((3, fabric.routers, fabric.ports), np.uint8)
    if tie_seed is not None:
        rng = np.random.default_rng(tie_seed)
        channel_first = rng.integers(channels, size=channel_first.shape, dtype=np.uint8)
        port_first[:2] = rng.integers(fabric.ports, size=port_first[:2].shape, dtype=np.uint8)
        port_first[2] = rng.integers(router.vcs, size=port_first[2].shape, dtype=np.uint8)
    return _kernels.FlitTables(
        peer=fabric.peer,
        latency=fabric.latency,
        interval=fabric.interval,
        route=fabric.route,
        upper=fabric.upper,
        dimension=fabric.dimension,
        ahead=cycles_ahead(fabric, router),
        home=fabric.home,
        home_port=fabric.home_port,
        vcs=router.vcs,
        buffer=router.buffer,
        fast=router.pipeline == "fast",
        classes=fabric.classes,
        channel_first=channel_first,
        port_first=port_first,
    )
