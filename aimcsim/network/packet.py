"""The packet-calendar engine: each link keeps the cycle in which it will be free. Fast, and too optimistic under load.

It knows no virtual channels, no buffers and no credits: a head takes each link of its way when the link is free, and
the others of its packet follow. What that costs in accuracy stands in docs/network.md.
"""

from __future__ import annotations

from aimcsim import _kernels
from aimcsim.network.engine import EJECT_CYCLES, NetworkEngine, Router
from aimcsim.network.fabric import Fabric

TRUSTED_UTILISATION = 0.4
"""Part of a link's cycles above which waits come out too short."""
TRUSTED_BOUND = 0.8
"""Part of the makespan that the busiest link may take alone; beyond it a burst is likely to take longer."""


class PacketNetwork(NetworkEngine):
    """Links and packets; buffers and virtual channels of `router` do not count, only its pipeline does."""

    def __init__(self, fabric: Fabric, router: Router | None = None) -> None:
        router = Router() if router is None else router
        tables = _kernels.CalendarTables(
            route=fabric.route,
            next_router=fabric.next_router,
            hop=fabric.latency + fabric.interval - 1 + router.cycles,
            interval=fabric.interval,
            home=fabric.home,
            home_port=fabric.home_port,
            router_cycles=router.cycles,
            eject_cycles=EJECT_CYCLES,
        )
        super().__init__(fabric, router, _kernels.calendar_network()(tables))

    def doubts(self) -> list[str]:
        """Return why what came out so far should not be trusted; nothing if it can be."""
        records = self.packets()
        gone = records.tail_eject >= 0
        if not gone.any():
            return []
        span = int(records.tail_eject.max() - records.create.min())
        name, taken = self.busiest_link()
        share = taken / span
        if share > TRUSTED_BOUND:
            return [f"{name} is taken {share:.0%} of the time: where packets cross, a burst takes up to twice as long"]
        if share > TRUSTED_UTILISATION:
            return [f"{name} is taken {share:.0%} of the time: real waits are longer"]
        return []
