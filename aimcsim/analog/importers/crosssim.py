"""CrossSim's parameters as an `AnalogSpec`: the JSON it writes, or the same keys joined by dots.

Matrices are as CrossSim's ``matvec`` takes them. Defaults are those of CrossSim 3.2.0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from aimcsim.analog.array import AnalogSpec, CellSpec, ConverterSpec, InputSpec, RangeSpec, ReadoutSpec
from aimcsim.analog.array.spec import InputSign
from aimcsim.analog.importers.crosssim_devices import crosssim_device
from aimcsim.analog.importers.settings import Settings
from aimcsim.analog.wires import WireSpec
from aimcsim.errors import ConfigError
from aimcsim.located import quoted, read_document

_STYLES: Final = {"BALANCED=1": "balanced", "BITSLICED=2": "sliced", "OFFSET=3": "offset"}
_BALANCED: Final = {"ONE_SIDED=1": "one_sided", "TWO_SIDED=2": "two_sided"}
_SLICED: Final = {"BALANCED=1": "one_sided", "OFFSET=3": "offset"}
_OFFSET: Final = {"DIGITAL_OFFSET=1": "digital", "UNIT_COLUMN_SUBTRACTION=2": "zero_column"}
_SPLITS: Final = {"MAX=1": "full", "EQUAL=2": "rounded"}
_RANGES: Final = {"CALIBRATED=1": "fixed", "MAX=2": "maximum", "GRANULAR=3": "granular"}
_DACS: Final = {"IdealDAC": "ideal", "QuantizerDAC": "quantizer", "SignMagnitudeDAC": "sign_magnitude"}
_ADCS: Final = {
    "IdealADC": ("ideal", "full"),
    "QuantizerADC": ("uniform", "full"),
    "SignMagnitudeADC": ("uniform", "symmetric"),
    "RampADC": ("ramp", "full"),
    "SarADC": ("sar", "full"),
    "PipelineADC": ("pipeline", "full"),
    "CyclicADC": ("cyclic", "full"),
}
_CURVES: Final = {"IdealDevice": "linear", "CubicDevice": "cubic", "RRAMMilo": "milo"}

# How CrossSim computes, not what; and the products from the other side, which nobody asks for here.
_NO_EFFECT: Final = (
    "simulation.",
    "core.mapping.inputs.vmm.",
    "core.mapping.inputs._match",
    "xbar.adc.vmm.",
    "xbar.adc._match",
    "xbar.dac.vmm.",
    "xbar.dac._match",
)


def load_crosssim(path: str | Path) -> AnalogSpec:
    """Return the spec that CrossSim's JSON file `path` describes; see `crosssim_spec`.

    Raises
    ------
    ConfigError    With line and column: the file is no such JSON, or a key is not supported.
    """
    document = read_document(Path(path))
    if document.problems:
        raise ConfigError.of(document.problems)
    if not isinstance(document.data, dict):
        raise ConfigError(document.problem((), "must be an object with `core` and `xbar`"))
    keys = list(_leaves(document.data, ()))
    places = {".".join(key): document.place(key) for key, _ in keys}
    return _spec(Settings({".".join(key): value for key, value in keys}, str(path), places))


def _leaves(data: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def crosssim_spec(params: Mapping[str, Any], file: str = "CrossSim parameters") -> AnalogSpec:
    """Return the spec for CrossSim parameters by dotted key, such as ``xbar.adc.mvm.bits``.

    Raises
    ------
    ConfigError    Naming key and file: an unknown key, a wrong value, one that is not modelled.
    """
    return _spec(Settings(params, file))


def _spec(settings: Settings) -> AnalogSpec:
    settings.ignore(*_NO_EFFECT)
    cells = _cells(settings)
    driven = _inputs(settings)
    readout = ReadoutSpec(
        column_limit=settings.number("xbar.array.Icol_max", 0.0, 0.0),
        subtraction="analog" if _subtracts(settings) or cells.interleaved else "digital",
        gain=_gain(cells),
        accumulation="digital" if settings.flag("xbar.adc.mvm.adc_per_ibit", default=False) else "analog",
    )
    spec = AnalogSpec(
        cells=cells,
        inputs=driven,
        readout=readout,
        converter=_converter(settings, cells, driven),
        rows=settings.integer("core.rows_max", 1024, 0, 65535),
        cols=settings.integer("core.cols_max", 1024, 0, 1 << 20),
        split=_split(settings),
        **_device(settings),
    )
    for key in ("core.complex_matrix", "core.complex_input"):
        settings.only(key, False)
    settings.finish()
    return spec


def _gain(cells: CellSpec) -> float:
    """Return what CrossSim's outputs are off by.

    It divides by the whole range of conductances, although offset cells of finitely many levels leave one of them out.
    """
    levels = 1 << cells.cell_bits
    return (
        (levels - 2) / (levels - 1) if cells.pairing == "offset" and cells.cell_bits and not cells.weight_bits else 1.0
    )


def _subtracts(settings: Settings) -> bool:
    return settings.flag("core.balanced.subtract_current_in_xbar", default=True)


def _split(settings: Settings) -> Any:
    for key in ("row", "col"):
        settings.only(f"core.mapping.weights.{key}_partition_priority", [])
    rows = settings.choice("core.mapping.weights.row_partition_strategy", "EQUAL", _SPLITS)
    cols = settings.choice("core.mapping.weights.col_partition_strategy", "EQUAL", _SPLITS)
    if rows != cols:
        raise settings.error("core.mapping.weights.col_partition_strategy", "must be that of the rows")
    return rows


def _cells(settings: Settings) -> CellSpec:
    style = settings.choice("core.style", "BALANCED", _STYLES)
    balanced = settings.choice("core.balanced.style", "ONE_SIDED", _BALANCED)
    sliced = settings.choice("core.bit_sliced.style", "BALANCED", _SLICED)
    removal = settings.choice("core.offset.style", "DIGITAL_OFFSET", _OFFSET)
    interleaved = settings.flag("core.balanced.interleaved_posneg", default=False)
    pairing = {"balanced": balanced, "sliced": sliced, "offset": "offset"}[style]
    weight_bits = settings.integer("core.weight_bits", 0, 0, 16)
    slices = settings.integer("core.bit_sliced.num_slices", 2, 1, 16)
    if style == "sliced" and weight_bits < 2:
        raise settings.error("core.weight_bits", f"must be from 2 to 16 for slices (got {weight_bits})")
    ratio = settings.number("xbar.device.Rmax", 10000.0, 1e-9) / settings.number("xbar.device.Rmin", 1000.0, 1e-9)
    if settings.flag("xbar.device.infinite_on_off_ratio", default=False):
        ratio = math.inf
    elif ratio <= 1.0:
        raise settings.error("xbar.device.Rmax", "must be above xbar.device.Rmin")
    return CellSpec(
        pairing=pairing,
        offset_removal=removal if pairing == "offset" else "digital",
        interleaved=interleaved and pairing != "offset",
        slices=slices if style == "sliced" else 1,
        weight_bits=weight_bits if style == "sliced" else 0,
        bits_per_slice=weight_bits if style == "sliced" and slices == 1 else 0,
        cell_bits=settings.integer("xbar.device.cell_bits", 0, 0, 16),
        on_off_ratio=ratio,
        **_weight_range(settings),
    )


def _weight_range(settings: Settings) -> dict[str, Any]:
    group = "core.mapping.weights"
    low, high = settings.value(f"{group}.min", None), settings.value(f"{group}.max", None)
    beyond = "clip" if settings.flag(f"{group}.clipping", default=True) else "extend"
    if low is None and high is None:
        percentile = settings.number(f"{group}.percentile", 1.0, 0.5)
        return {"weight_percentile": percentile, "beyond": beyond}
    settings.value(f"{group}.percentile", None)
    low, high = settings.number(f"{group}.min", -1.0), settings.number(f"{group}.max", 1.0, 1e-30)
    if low != -high:
        raise settings.error(f"{group}.min", f"must be minus {group}.max (got {low:g} and {high:g})")
    return {"weight_range": (low, high), "beyond": beyond}


def _inputs(settings: Settings) -> InputSpec:
    dac, group = "xbar.dac.mvm", "core.mapping.inputs.mvm"
    model = settings.choice(f"{dac}.model", "IdealDAC", _DACS)
    signed = settings.flag(f"{dac}.signed", default=True)
    bits = settings.integer(f"{dac}.bits", 0, 0, 16)
    serial = settings.flag(f"{dac}.input_bitslicing", default=False)
    width = settings.integer(f"{dac}.slice_size", 1, 1, 15)
    if serial and (model == "ideal" or not bits or (model == "quantizer" and signed)):
        raise settings.error(f"{dac}.input_bitslicing", "needs `bits`, and a SignMagnitudeDAC or no sign")
    if model == "sign_magnitude" and not signed:
        raise settings.error(f"{dac}.signed", "must be true with a SignMagnitudeDAC")
    sign: InputSign = "unsigned" if not signed else "offset" if model == "quantizer" and bits else "bipolar"
    return InputSpec(
        bits=0 if model == "ideal" else bits,
        encoding="bit_serial" if serial else "level",
        sign=sign,
        bits_per_phase=width if serial else 1,
        **_input_range(settings, group, signed=signed, levels=model != "ideal" and bits > 0),
    )


def _input_range(settings: Settings, group: str, *, signed: bool, levels: bool) -> dict[str, Any]:
    """Return range, scale and limit of the inputs."""
    clips = settings.flag(f"{group}.clipping", default=False) and not levels
    limit = {"limit": 1.0} if clips else {}
    percentile = settings.value(f"{group}.percentile", None)
    if percentile is not None:
        settings.ignore(f"{group}.min", f"{group}.max")
        if not signed:
            raise settings.error(f"{group}.percentile", "is supported for signed inputs only")
        return {"range": "percentile", "percentile": settings.number(f"{group}.percentile", 1.0, 1e-6), **limit}
    low, high = settings.number(f"{group}.min", -1.0), settings.number(f"{group}.max", 1.0)
    if high <= 0 or low != (-high if signed else 0.0):
        wanted = f"minus {group}.max" if signed else "0 for unsigned inputs"
        raise settings.error(f"{group}.min", f"must be {wanted} (got {low:g}, with {high:g})")
    return {"scale": high, **limit}


def _converter(settings: Settings, cells: CellSpec, inputs: InputSpec) -> ConverterSpec:
    adc = "xbar.adc.mvm"
    kind, levels = settings.choice(f"{adc}.model", "IdealADC", _ADCS)
    bits = settings.integer(f"{adc}.bits", 0, 0, 16)
    settings.ignore(f"{adc}.signed")
    settings.only(f"{adc}.stochastic_rounding", False)
    chosen = settings.choice(f"{adc}.adc_range_option", "CALIBRATED", _RANGES)
    given = settings.value(f"{adc}.calibrated_range", None)
    errors: dict[str, Any] = {
        "gain_db": settings.number(f"{adc}.gain_db", 100.0, 20.0, 400.0),
        "capacitor_sigma": settings.number(f"{adc}.sigma_capacitor", 0.0, 0.0, 1.0),
        "comparator_sigma": settings.number(f"{adc}.sigma_comparator", 0.0, 0.0, 1.0),
        "c1_sigma": settings.number(f"{adc}.sigma_C1", 0.0, 0.0, 1.0),
        "c2_sigma": settings.number(f"{adc}.sigma_C2", 0.0, 0.0, 1.0),
        "parasitic_sigma": settings.number(f"{adc}.sigma_Cpar", 0.0, 0.0, 1.0),
    }
    split = settings.flag(f"{adc}.split_cdac", default=True)
    group = settings.integer(f"{adc}.group_size", 8, 1, 1 << 20)
    two_sided = settings.flag(f"{adc}.symmetric_cdac", default=True)
    if kind == "ideal" or not bits:
        return ConverterSpec()
    spread = _range(settings, chosen, given, bits, cells, inputs)
    return ConverterSpec(
        kind=kind,
        bits=bits,
        levels=levels,
        range=spread,
        group_size=group,
        split_capacitors=split,
        ramp_levels="two_sided" if two_sided else "one_sided",
        **errors,
    )


def _range(settings: Settings, chosen: str, given: Any, bits: int, cells: CellSpec, inputs: InputSpec) -> RangeSpec:
    key = "xbar.adc.mvm.calibrated_range"
    if chosen == "fixed":
        return RangeSpec(kind="fixed", bounds=_bounds(settings, key, given, cells))
    sliced = cells.weight_bits > 0
    joined = cells.is_pair and (sliced or _subtracts(settings))
    signed = inputs.is_signed or joined
    if chosen == "granular":
        return RangeSpec(kind="fixed", bounds=(_granular(bits, cells, inputs, settings, signed=signed),))
    if sliced and not cells.is_pair:
        return RangeSpec(kind="power_of_two")
    return RangeSpec(kind="two_sided_maximum" if sliced else "maximum")


def _granular(
    bits: int, cells: CellSpec, inputs: InputSpec, settings: Settings, *, signed: bool
) -> tuple[float, float]:
    """Return the range whose levels are CrossSim's least current: a unit cell at the least input, scaled up."""
    weight_bits = settings.integer("core.weight_bits", 0, 0, 16)
    least = 1.0 / ((1 << cells.digit_bits) - 1) if cells.weight_bits else 1.0 / (1 << weight_bits)
    if inputs.bits:
        levels = 1 << inputs.magnitude_bits
        least *= levels / (levels - 1)
    if signed:
        high = least * ((1 << bits - 1) - 1)
        return -high, high
    return 0.0, least * ((1 << bits) - 1)


def _bounds(settings: Settings, key: str, given: Any, cells: CellSpec) -> tuple[tuple[float, float], ...]:
    rows = given if cells.weight_bits else [given]
    right = isinstance(rows, list) and len(rows) == cells.slices
    if not right or not all(map(_is_pair, rows)):
        wanted = f"{cells.slices} of [low, high], one for every slice" if cells.weight_bits else "[low, high]"
        raise settings.error(key, f"must be {wanted} (got {quoted(given)})")
    return tuple((float(low), float(high)) for low, high in rows)


def _is_pair(row: Any) -> bool:
    numbers = isinstance(row, list) and all(isinstance(end, int | float) and not isinstance(end, bool) for end in row)
    return numbers and len(row) == 2 and -math.inf < row[0] < row[1] < math.inf


def _device(settings: Settings) -> dict[str, Any]:
    """Return device, wires, and curves of cells that are not linear."""
    curve = settings.choice("xbar.device.nonlinear_IV.model", "IdealDevice", _CURVES)
    if not settings.flag("xbar.device.nonlinear_IV.enable", default=False):
        curve = "linear"
    return {
        "device": crosssim_device(settings),
        "current_voltage": curve,
        "read_voltage_v": settings.number("xbar.device.Vread", 0.1, 1e-6, 10.0),
        "largest_conductance_s": 1.0 / settings.number("xbar.device.Rmin", 1000.0, 1e-9),
        "wires": _wires(settings),
    }


def _wires(settings: Settings) -> WireSpec | None:
    group = "xbar.array.parasitics"
    gated = settings.flag(f"{group}.gate_input", default=False)
    gated = gated or not settings.flag(f"{group}.current_from_input", default=True)
    row = settings.number(f"{group}.Rp_row", 0.0, 0.0)
    col = settings.number(f"{group}.Rp_col", 0.0, 0.0)
    source = settings.number(f"{group}.Rp_row_terminal", 0.0, 0.0)
    terminal = settings.number(f"{group}.Rp_col_terminal", 0.0, 0.0)
    if not settings.flag(f"{group}.enable", default=False) or not (row or col or source or terminal):
        return None
    return WireSpec(row, col, source, terminal, "separate_source" if gated else "input_source")
