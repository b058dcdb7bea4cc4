"""What a chip is made of. Each component owns its servers and slots and says what waiting for them is called.

Components take plain numbers and clocks; only `chip.py` reads chip files.
"""

from aimcsim.components.buffer import Buffer
from aimcsim.components.converters import AdcBanks
from aimcsim.components.crossbar import Crossbars
from aimcsim.components.digital import DigitalUnit, SlotRack
from aimcsim.components.interconnect import Hop, Interconnect
from aimcsim.components.offchip import Channel, Pipe
from aimcsim.components.routers import ChipLink, LinkName, fabric_of, link_names

__all__ = [
    "AdcBanks",
    "Buffer",
    "Channel",
    "ChipLink",
    "Crossbars",
    "DigitalUnit",
    "Hop",
    "Interconnect",
    "LinkName",
    "Pipe",
    "SlotRack",
    "fabric_of",
    "link_names",
]
