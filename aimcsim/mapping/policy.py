"""How a workload is put on a chip, where there is a choice; by default one block a crossbar, one replica, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Pack = Literal["none", "crossbar"]
Placement = Literal["in-order", "snake", "traffic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingPolicy:
    """The choices of a mapping.

    Parameters
    ----------
    pack : str
        ``none``: a crossbar holds one block. ``crossbar``: blocks, also of different layers, share crossbars where they
        fit side by side, and their time with them (see `packing`).
    replicas : mapping
        Replicas of layers by name; a layer that is not named has one, or what the budget gives.
    budget : int or "all" or None
        Crossbars that all layers may take together; what one replica of each leaves goes to more of them, balanced by
        output vectors (see `replicas`). ``all``: what the chips have. None: no more replicas than are named.
    placement : str
        In which order the tiles are filled. ``in-order``: as they are numbered. ``snake``: router rows in turn to the
        right and to the left. ``traffic``: so that bytes travel few hops (see `arrangement`).
    seed : int
        Of the local search of ``traffic``.
    homes : mapping
        Tiles where digital layers are computed, by name; a layer that is not named is computed where its first input
        comes about. Positions, which `placement` may give other tiles.
    """

    pack: Pack = "none"
    replicas: Mapping[str, int] = field(default_factory=dict)
    budget: int | Literal["all"] | None = None
    placement: Placement = "in-order"
    seed: int = 0
    homes: Mapping[str, int] = field(default_factory=dict)
