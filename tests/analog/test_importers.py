"""Do settings of CrossSim and aihwkit become the arrays that they describe?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from aimcsim.analog import CellSpec, InputSpec, RangeSpec, program
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
    assert spec.converter.range == RangeSpec(kind="two_sided_maximum")
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
    joshi = {"programming_error__enable": True, "programming_error__model": "PCMJoshi"}
    assert device_of(**joshi, Rmin=40000.0, Rmax=4e6) == PcmJoshi(g_max_us=25.0)
    sonos = {"drift_error__enable": True, "drift_error__model": "SONOS", "Vread": 0.08}
    assert device_of(**sonos, Rmin=50000.0, Rmax=5e11) == Sonos(i_max_na=1600.0, read_noise="off")  # 0.08 V / 50 kOhm
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
        (
            {"programming_error__enable": True, "programming_error__model": "PCMJoshi", "Rmin": 20000.0, "Rmax": 1e6},
            "xbar.device.Rmin: does not fit: pcm_joshi.g_max_us must be a number from 0.1 to 25 (got 50.0)",
        ),
        (
            {"programming_error__enable": True, "programming_error__model": "SONOS", "Vread": 0.1},
            "xbar.device.Rmin: does not fit: sonos.i_max_na must be a number from 1 to 3200 (got 100000.0)",
        ),
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


def test_parts_of_a_matrix_are_those_of_crosssim():
    """257 inputs need 17 arrays of 16. Each has round(257 / 17) = 15 inputs, and the last the other 17."""
    matrix = program(np.ones((257, 1)), crosssim_spec({"core.rows_max": 16}))

    assert [part.stop - part.start for part in matrix.row_parts] == [15] * 16 + [17]


def test_a_single_slice_of_crosssim_has_a_digit_of_all_bits_of_the_weight():
    """CrossSim maps a magnitude of 4 bits to 5-bit digits, so that the largest conductance is 15/31."""
    settings = {"core.style": "BITSLICED", "core.bit_sliced.num_slices": 1, "core.weight_bits": 5}

    cells = program(np.ones((1, 1)), crosssim_spec(settings | {"xbar.device.infinite_on_off_ratio": True})).arrays[0][0]

    assert cells.conductances(0.0)[0, :, 0, 0] == pytest.approx([15 / 31, 0.0])


def test_the_milo_curve_has_the_conductances_of_the_settings():
    """110 uS at 0.5 V: current over G V, less that of the other cell of the pair at 50 uS, in parts of the range."""
    settings = {
        "core.mapping.weights.percentile": None,
        "core.mapping.weights.max": 1.0,
        "core.mapping.weights.min": -1.0,
        "xbar.device.Rmin": 1 / 110e-6,
        "xbar.device.Rmax": 1 / 50e-6,
        "xbar.device.Vread": 0.5,
        "xbar.device.nonlinear_IV.enable": True,
        "xbar.device.nonlinear_IV.model": "RRAMMilo",
    }
    g = np.array([110e-6, 50e-6])
    n2 = np.polyval([1.388e-4, 1.541e-3, 5.711e-3, 7.063e-3], np.log10(g))
    n3 = np.polyval([8.871e-5, 6.7919e-4, 1.2968e-3], np.log10(g))
    upper, lower = g * 0.5 + n2 * 0.25 + n3 * 0.125

    found = program(np.ones((1, 1)), crosssim_spec(settings)).mvm(np.ones((1, 1))).outputs

    assert found[0, 0] == pytest.approx((upper - lower) / 0.5 / 60e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("bound", "resolution", "scale"),
    [
        (2.0, -1.0, 4.0),  # positive inputs add up to 7: 7 x 0.6 / 2 = 2.1 is less than the largest input
        (1.0, -1.0, 4.2),
        (0.5, 1 / 2, 4.0),  # levels 1 apart: 4 / 1 x 0.25 at most, again less than the largest
        (0.5, 1 / 32, 8.4),  # levels 1/16 apart: 16 at most
    ],
)
def test_the_scale_at_which_nothing_clips_is_that_of_aihwkit(bound, resolution, scale):
    settings = {"tile": "rpucuda", "noise_management": "ABS_MAX_NP_SUM", "bound_management": "NONE", "out_noise": 0.0}
    spec = aihwkit_spec(settings | {"out_bound": bound, "inp_res": resolution})

    product = program(np.full((3, 1), 0.01), spec).mvm([[3.0, 4.0, -1.0]])

    assert product.input_scales == pytest.approx([scale])


def test_the_torch_tile_has_no_scale_at_which_nothing_clips():
    with pytest.raises(ConfigError, match="noise_management: `ABS_MAX_NP_SUM` is not supported"):
        aihwkit_spec({"tile": "torch", "noise_management": "ABS_MAX_NP_SUM"})


def test_outputs_are_multiplied_by_aihwkits_scale():
    """A perfect pass of the C++ tile is scaled too, that of the torch tile is not."""
    scaled = {"out_scale": 0.5, "is_perfect": True}

    tiles = [program([[1.0]], aihwkit_spec(scaled | {"tile": tile})) for tile in ("rpucuda", "torch")]

    assert [float(tile.mvm([[3.0]]).outputs[0, 0]) for tile in tiles] == [1.5, 3.0]


def test_the_widest_range_of_balanced_slices_is_two_sided_and_that_of_each_array():
    """257 inputs need 6 arrays of 50: round(257 / 6) = 43 in five of them and 42 in the last. CrossSim's range of
    balanced slices goes from -rows to rows, also where positive inputs meet lines that are converted apart.
    """
    settings = {
        "core.rows_max": 50,
        "core.style": "BITSLICED",
        "core.weight_bits": 9,
        "core.balanced.subtract_current_in_xbar": False,
        "core.mapping.inputs.mvm.min": 0.0,
        "xbar.dac.mvm.signed": False,
        "xbar.adc.mvm.model": "QuantizerADC",
        "xbar.adc.mvm.bits": 8,
        "xbar.adc.mvm.adc_range_option": "MAX",
    }

    arrays = [row[0] for row in program(np.ones((257, 1)), crosssim_spec(settings)).arrays]

    assert [float(array.converters.high.min()) for array in arrays] == [43.0] * 5 + [42.0]
    assert [float(array.converters.low.max()) for array in arrays] == [-43.0] * 5 + [-42.0]


def test_without_an_input_scale_the_worst_case_is_no_other():
    """The C++ tile finds a scale for the worst case and, told to scale nothing, does not use it."""
    chosen = {"tile": "rpucuda", "bound_management": "ITERATIVE_WORST_CASE"}

    assert aihwkit_spec(chosen | {"noise_management": "NONE"}).inputs.bound_management == "iterative"
    assert aihwkit_spec(chosen | {"noise_management": "CONSTANT"}).inputs.bound_management == "worst_case"


def test_the_cpp_tile_takes_a_vector_without_positive_inputs_for_nothing():
    """By its largest value it has no scale. The torch tile takes it as it is; the C++ tile if inputs are noisy."""
    chosen = {"noise_management": "MAX", "bound_management": "NONE", "out_noise": 0.0, "inp_res": -1.0, "out_res": -1.0}
    x = [[-0.5, 0.0], [0.5, -0.25]]

    cpp, torch = (program([[1.0], [0.5]], aihwkit_spec(chosen | {"tile": tile})) for tile in ("rpucuda", "torch"))

    assert cpp.mvm(x).outputs.ravel().tolist() == [0.0, 0.375]
    assert cpp.outputs(np.float32(x)).ravel().tolist() == [0.0, 0.375]
    assert cpp.mvm(x).counts.driven_rows.tolist() == [0, 2]
    assert torch.mvm(x).outputs.ravel().tolist() == [-0.5, 0.375]
    assert aihwkit_spec(chosen | {"inp_noise": 0.1}).inputs.range == "max"


def test_the_torch_tile_never_looks_at_the_negative_bound_apart():
    chosen = {"bm_test_negative_bound": False}

    assert aihwkit_spec(chosen | {"tile": "torch"}) == aihwkit_spec({"tile": "torch"})
