"""Memory devices: one file for each model, with its source and the range that it was measured in."""

from aimcsim.analog.devices.base import DeviceModel, DeviceState, device, names, register
from aimcsim.analog.devices.collapsed import CollapsedState, collapse
from aimcsim.analog.devices.compensation import Compensation, compensate_columns, compensate_globally
from aimcsim.analog.devices.generic import Cubic, Generic, Ideal
from aimcsim.analog.devices.pcm import Pcm
from aimcsim.analog.devices.pcm_hermes import HermesOneDevice, HermesTwoDevices
from aimcsim.analog.devices.pcm_joshi import PcmJoshi
from aimcsim.analog.devices.rram_cmo import RramCmo
from aimcsim.analog.devices.rram_milo import RramMilo
from aimcsim.analog.devices.rram_wan import RramWan, RramWanOneSecond
from aimcsim.analog.devices.sonos import Sonos
from aimcsim.analog.devices.state_independent import StateIndependent
from aimcsim.analog.devices.variation import DieToDie

__all__ = [
    "CollapsedState",
    "Compensation",
    "Cubic",
    "DeviceModel",
    "DeviceState",
    "DieToDie",
    "Generic",
    "HermesOneDevice",
    "HermesTwoDevices",
    "Ideal",
    "Pcm",
    "PcmJoshi",
    "RramCmo",
    "RramMilo",
    "RramWan",
    "RramWanOneSecond",
    "Sonos",
    "StateIndependent",
    "collapse",
    "compensate_columns",
    "compensate_globally",
    "device",
    "names",
    "register",
]
