"""Do settings of CrossSim and aihwkit become the arrays that they describe?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from aimcsim.analog import CellSpec, InputSpec, RangeSpec
from aimcsim.analog.devices import Generic, PcmJoshi, Sonos
from aimcsim.analog.importers import aihwkit_spec, crosssim_spec, load_crosssim
from aimcsim.errors import ConfigError

NESTED: dict[str, Any] = {
    "core": {
        "style": 2,
        "weight_bits": 9,
        "bit_sliced": {"style": 1, "num_slices": 4},
        "mapping": {"weights": {"percentile": 1.0}, "inputs": {"_match": True, "mvm": {"min": -2.0, "max": 2.0}}},
    },
    "simulation": {"useGPU": True, "Verr_th_mvm": 0.001},
    "xbar": {
        "device": {"Rmin": 4000, "Rmax": 40000, "time": 0},
        "adc": {"mvm": {"model": "SarADC", "bits": 8, "adc_range_option": 2, "group_size": 16}},
        "dac": {"mvm": {"model": "SignMagnitudeDAC", "bits": 8}},
        "array": {"parasitics": {"enable": True, "Rp_row": 1.5, "Rp_col": 2.5}},
    },
}


def test_a_parameter_file_of_crosssim_is_read_with_its_numbers_for_names(tmp_path):
    (tmp_path / "params.json").write_text(json.dumps(NESTED, indent=2))

    spec = load_crosssim(tmp_path / "params.json")

    assert spec.cells == CellSpec(slices=4, weight_bits=9, on_off_ratio=10.0)
    assert spec.inputs == InputSpec(bits=8, scale=2.0)
    assert (spec.converter.kind, spec.converter.bits, spec.converter.group_size) == ("sar", 8, 16)
    assert spec.converter.range == RangeSpec(kind="maximum")
    assert spec.wires is not None
    assert (spec.wires.input_pitch_ohm, spec.wires.output_pitch_ohm) == (1.5, 2.5)
    assert spec.largest_conductance_s == pytest.approx(1 / 4000)
    assert (spec.rows, spec.cols) == (1024, 1024)  # CrossSim's default


def test_what_is_not_supported_is_named_with_its_place(tmp_path):
    wrong = json.loads(json.dumps(NESTED))
    wrong["xbar"]["adc"]["mvm"]["stochastic_rounding"] = True
    (tmp_path / "params.json").write_text(json.dumps(wrong, indent=2))
    line = 1 + next(
        number
        for number, text in enumerate((tmp_path / "params.json").read_text().splitlines())
        if "stochastic_rounding" in text
    )

    with pytest.raises(ConfigError) as caught:
        load_crosssim(tmp_path / "params.json")

    assert str(caught.value).startswith(f"{tmp_path}/params.json:{line}:")
    assert "xbar.adc.mvm.stochastic_rounding: `True` is not supported" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"), [("[1]", "must be an object"), ("{", "p.json:1:2: "), ("", "the file is empty")]
)
def test_a_file_that_is_no_parameter_file_is_refused(text, message, tmp_path):
    (tmp_path / "p.json").write_text(text)

    with pytest.raises(ConfigError, match=message):
        load_crosssim(tmp_path / "p.json")


def device_of(**settings: Any):
    return crosssim_spec({f"xbar.device.{key.replace('__', '.')}": value for key, value in settings.items()}).device


def test_device_errors_of_crosssim_become_device_models():
    both = device_of(
        programming_error__enable=True,
        programming_error__model="NormalProportionalDevice",
        programming_error__magnitude=0.05,
        read_noise__enable=True,
        read_noise__model="NormalProportionalDevice",
        read_noise__magnitude=0.01,
    )
    assert both == Generic(law="proportional", programming=0.05, read=0.01)
    assert device_of(programming_error__enable=True, programming_error__model="PCMJoshi") == PcmJoshi()
    assert device_of(drift_error__enable=True, drift_error__model="SONOS") == Sonos(read_noise="off")
    assert device_of(programming_error__model="PCMJoshi").name == "ideal"  # not enabled


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time": 3}, "xbar.device.time: `3` is not supported"),
        (
            {"read_noise__enable": True, "read_noise__model": "UniformIndependentDevice", "read_noise__magnitude": 0.1},
            "xbar.device.read_noise.model: `UniformIndependentDevice` is not supported for reads alone",
        ),
        (
            {"drift_error__enable": True, "drift_error__model": "PCMJoshi"},
            "xbar.device.drift_error.model: `PCMJoshi` has no drift",
        ),
        ({"programming_error__model": "PCMJosh"}, "Did you mean `PCMJoshi`?"),
    ],
)
def test_device_errors_that_do_not_fit_are_named(settings, message):
    with pytest.raises(ConfigError) as caught:
        device_of(**settings)

    assert message in str(caught.value)


def test_aihwkits_defaults_are_its_own():
    """IOParameters(): 7-bit inputs by their largest one, 9-bit outputs within 12, noise 0.06, bound management."""
    spec = aihwkit_spec({})

    assert (spec.inputs.range, spec.inputs.bound_management) == ("abs_max", "iterative")
    assert spec.inputs.step == pytest.approx(2 / 126)
    assert spec.converter.step == pytest.approx(24 / 510)
    assert spec.converter.range.bounds == ((-12.0, 12.0),)
    assert spec.periphery.noise_sigma == 0.06


def test_names_of_enumerations_may_be_written_as_aihwkit_prints_them():
    for name in ("ABS_MAX", "AbsMax", "NoiseManagementType.ABS_MAX"):
        assert aihwkit_spec({"noise_management": name}).inputs.range == "abs_max"
