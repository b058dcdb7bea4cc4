"""CrossSim's device errors as a device model: the generic laws, and its models of measured devices.

CrossSim draws read noise anew for every array read. Its drift belongs to one time; here `time_s` says when a read is.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from aimcsim.analog.devices import DeviceModel, Generic, Ideal, PcmJoshi, RramMilo, RramWanOneSecond, Sonos
from aimcsim.analog.importers.settings import Settings
from aimcsim.errors import ConfigError

_EFFECTS: Final = ("programming_error", "read_noise", "drift_error")
_DISTRIBUTIONS: Final = {"Normal": "normal", "Uniform": "uniform"}
_LAWS: Final = {"Independent": "independent", "Proportional": "proportional", "InverseProportional": "inverse"}
_GENERIC: Final = {
    f"{distribution}{law}Device": (_DISTRIBUTIONS[distribution], _LAWS[law])
    for distribution in _DISTRIBUTIONS
    for law in _LAWS
}
_MEASURED: Final[dict[str, type[DeviceModel]]] = {
    "PCMJoshi": PcmJoshi,
    "RRAMMilo": RramMilo,
    "RRAMWan": RramWanOneSecond,
}
_MODELS: Final = {name: name for name in ("IdealDevice", *_GENERIC, *_MEASURED, "SONOS")}


class _Effect(NamedTuple):
    """One of CrossSim's errors: the name of its model, `IdealDevice` for none, and its size."""

    key: str
    model: str
    size: float


def crosssim_device(settings: Settings) -> DeviceModel:
    """Return the device model of ``xbar.device``'s errors.

    Raises
    ------
    ConfigError    If two of them do not go together in one device.
    """
    settings.only("xbar.device.time", 0)
    settings.ignore("xbar.device.clip_conductance")
    programming, read, drift = (_effect(settings, name) for name in _EFFECTS)
    for effect in (programming, drift):
        if effect.model == "SONOS":
            return _sonos(settings, programming, read, drift)
    if drift.model != "IdealDevice":
        raise settings.error(drift.key, f"`{drift.model}` has no drift; there is SONOS")
    if programming.model in _MEASURED:
        if read.model != "IdealDevice":
            raise settings.error(read.key, f"is not supported together with {programming.model}")
        return _scaled(settings, _MEASURED[programming.model], "g_max_us", 1e6 / _least_ohm(settings))
    return _generic(settings, programming, read)


def _effect(settings: Settings, name: str) -> _Effect:
    group = f"xbar.device.{name}"
    model: str = settings.choice(f"{group}.model", "IdealDevice", _MODELS)
    size = settings.number(f"{group}.magnitude", 0.0, 0.0, 10.0)
    enabled = settings.flag(f"{group}.enable", default=False)
    return _Effect(f"{group}.model", model if enabled else "IdealDevice", size)


def _sonos(settings: Settings, *effects: _Effect) -> DeviceModel:
    for effect in effects:
        if effect.model not in ("SONOS", "IdealDevice"):
            raise settings.error(effect.key, f"`{effect.model}` is not supported together with SONOS")
    largest_na = 1e9 * settings.number("xbar.device.Vread", 0.1, 1e-6, 10.0) / _least_ohm(settings)
    noise = "on" if effects[1].model == "SONOS" else "off"
    return _scaled(settings, Sonos, "i_max_na", largest_na, read_noise=noise)


def _least_ohm(settings: Settings) -> float:
    return settings.number("xbar.device.Rmin", 1000.0, 1e-9)


def _scaled(settings: Settings, model: type[DeviceModel], scale: str, value: float, **parameters: Any) -> DeviceModel:
    """Return a measured model whose largest conductance or current is `value`; CrossSim's follows from ``Rmin``."""
    try:
        return model(**{scale: round(value, 9)}, **parameters)
    except ConfigError as error:
        raise settings.error("xbar.device.Rmin", f"does not fit: {error}") from error


def _generic(settings: Settings, programming: _Effect, read: _Effect) -> DeviceModel:
    parameters: dict[str, Any] = {}
    if read.model != "IdealDevice":
        if read.model not in _GENERIC or _GENERIC[read.model][0] != "normal":
            raise settings.error(read.key, f"`{read.model}` is not supported for reads alone")
        parameters |= {"law": _GENERIC[read.model][1], "read": read.size}
    if programming.model != "IdealDevice":
        distribution, law = _GENERIC[programming.model]
        if parameters.get("law", law) != law:
            raise settings.error(read.key, f"must be of the law of {programming.model}")
        parameters |= {"distribution": distribution, "law": law, "programming": programming.size}
    return Generic(**parameters) if parameters else Ideal()
