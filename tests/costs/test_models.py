"""Do the cost models say what their sources say, and admit where they are beyond them?"""

import re
import sys
import types
from fractions import Fraction
from math import exp, log, log10

import pytest

from aimcsim.costs import MODELS, Interval, ModelError, Parameters, added, ranges
from aimcsim.costs.memories import SRAM
from aimcsim.errors import MissingExtraError
from aimcsim.located import read_yaml

NM, PJ, NS, MM2 = Fraction(1, 10**9), 1e-12, 1e-9, 1e-6


def adc(bits, rate_hz, node_nm):
    return MODELS["adc_regression"].ask(Parameters(bits=bits, rate_hz=Fraction(rate_hz), node_m=node_nm * NM))


# What the authors' own program answers, dynamic energy in pJ by bits and MS/s.
ANSWERS = {
    (65, 4, 100): 2.801,
    (65, 8, 1280): 5.849,
    (32, 6, 100): 0.852,
    (32, 8, 1280): 1.543,
    (32, 10, 1000): 11.16,
    (22, 8, 100): 0.678,
    (14, 8, 10): 0.290,
    (14, 10, 1280): 2.776,
}


@pytest.mark.parametrize(("asked", "energy_pj"), ANSWERS.items())
def test_a_conversion_takes_what_the_regression_says(asked, energy_pj):
    node, bits, rate = asked
    found = adc(bits, rate * 10**6, node)
    assert float(found.actions["convert"].energy_j) == pytest.approx(energy_pj * PJ, rel=1e-3)
    # A fifth of all energy, and so a quarter of this, leaks at the full rate.
    assert float(found.static_power_w) == pytest.approx(energy_pj / 4 * PJ * rate * 1e6, rel=2e-3)


def test_the_area_of_an_8_bit_converter():
    # The authors' program: 6469 um2 at 32 nm and 1.28 GS/s, where [isaac16] has 1200.
    assert float(adc(8, 1280 * 10**6, 32).area_m2) == pytest.approx(6469e-12, rel=1e-3)


def test_the_corner_between_slow_and_fast_converters():
    """Both limits of the figure of merit are equal at ln f = (213.7807 - 128.3068 - 3.22051 B) / 2.8719."""
    corner = exp((213.78067 - 128.30684 - 3.2205115 * 8) / 2.87190304)
    energies = [float(adc(8, round(corner * times), 32).actions["convert"].energy_j) for times in (0.1, 0.5, 2, 4)]
    assert energies[0] == energies[1]
    # Beyond it, 2.8719 dB are lost for each factor of e: twice the rate takes 10^(0.28719 ln 2) = 1.581 times the
    # energy.
    assert 10 ** (0.287190304 * log(2)) == pytest.approx(1.5815, rel=1e-4)
    assert energies[3] / energies[2] == pytest.approx(1.5815, rel=1e-3)
    assert 7 < log10(corner) < 10


@pytest.mark.parametrize(("bits", "rate", "node"), [(3, 10**8, 32), (8, 2 * 10**10, 32), (8, 10**8, 3)])
def test_a_converter_outside_the_survey_is_said_to_be(bits, rate, node):
    assert len(adc(bits, rate, node).beyond) == 1
    assert not adc(8, 10**8, 32).beyond


def memory(model, size, node, **more):
    return MODELS[model].ask(Parameters(size_bytes=size, node_m=node * NM, **more))


def test_a_memory_of_the_table_is_as_the_table_has_it():
    for word, nodes in SRAM.items():
        for node, sizes in nodes.items():
            for size, point in sizes.items():
                found = memory("sram", size, node, word_bytes=word)
                assert float(found.actions["read"].energy_j) == pytest.approx(point.read_pj / word * PJ, rel=1e-3)
                assert float(found.actions["write"].energy_j) == pytest.approx(point.write_pj / word * PJ, rel=1e-3)
                assert float(found.area_m2) == pytest.approx(point.area_mm2 * MM2, rel=1e-3)
                assert found.actions["read"].latency_ps == round(point.access_ns * 1000)
                assert not found.beyond


def test_the_tables_are_those_of_the_reference_data(shared_dir):
    table = read_yaml(shared_dir / "reference/chips/components.yaml").data["sram_cacti"]["table"]["value"]
    ours = {}
    for word, nodes in SRAM.items():
        for node, sizes in nodes.items():
            for size, one in sizes.items():
                name = f"{size // 1024}KB_{8 * word}b".replace("1024KB", "1MB")
                ours.setdefault(name, {})[f"{node}nm"] = [one.read_pj, one.write_pj, one.access_ns, one.area_mm2]
    assert ours == table


def test_between_two_sizes_energy_follows_a_power_of_the_size():
    # 128 KiB is the geometric mean of 64 and 256 KiB, so its energy is that of theirs: sqrt(13.62 x 30.02) = 20.22 pJ.
    found = memory("sram", 128 * 1024, 22)
    assert float(found.actions["read"].energy_j) == pytest.approx((13.62 * 30.02) ** 0.5 / 32 * PJ, rel=1e-3)
    assert float(found.area_m2) == pytest.approx((0.0650 * 0.2474) ** 0.5 * MM2, rel=1e-3)
    assert not found.beyond


def test_beyond_the_table_the_last_power_goes_on_and_is_said():
    # From 256 KiB to 1 MiB, and so for the next factor of 4: 63.34^2 / 30.02 = 133.6 pJ.
    found = memory("sram", 4 << 20, 22)
    assert float(found.actions["read"].energy_j) == pytest.approx(63.34**2 / 30.02 / 32 * PJ, rel=1e-3)
    assert found.beyond == ("a size of 4 MiB is outside 64 KiB to 1 MiB",)


def test_an_edram_of_another_size_is_said_to_be_carried_on():
    one, four = memory("edram", 64 * 1024, 32), memory("edram", 256 * 1024, 32)
    assert float(one.actions["read"].energy_j) == pytest.approx(17.2 / 32 * PJ)
    assert (one.beyond, len(four.beyond)) == ((), 1)
    assert float(four.area_m2 / one.area_m2) == pytest.approx(4, rel=1e-3)
    assert float(four.actions["read"].energy_j / one.actions["read"].energy_j) == pytest.approx(2, rel=1e-3)


def operation(name, node):
    return MODELS["operation"].ask(Parameters(operation=name, node_m=node * NM)).actions[""]


def test_operations_add_up():
    # [horowitz14] at its own 45 nm: 0.2 pJ + 0.1 pJ.
    assert float(operation("int8_mul + int32_add", 45).energy_j) == pytest.approx(0.3 * PJ)


def test_logic_is_scaled_by_the_ratio_of_two_polynomials():
    # At 0.8 V: 45 nm 1.103 x 0.64 - 0.362 x 0.8 + 0.2767 = 0.69302, 14 nm 0.2363 x 0.64 - 0.09675 x 0.8 + 0.02239 =
    # 0.096222.
    found = operation("int32_mul", 14)
    assert float(found.energy_j) == pytest.approx(3.1 * 0.096222 / 0.69302 * PJ, rel=1e-3)
    assert "stillmaker17" in found.source.how


@pytest.mark.parametrize(
    ("model", "asked", "at", "said"),
    [
        ("operation", {"operation": "int8_mul", "node_m": 22 * NM}, "node", "7 nm, 10 nm, 14 nm, 16 nm, 20 nm, 32 nm"),
        ("operation", {"operation": "mul32", "node_m": 32 * NM}, "node", "known nodes: 40 nm"),
        ("operation", {"operation": "int9_mul", "node_m": 45 * NM}, "operation", "Did you mean `int8_mul`?"),
        ("sram", {"size_bytes": 1024, "node_m": 28 * NM}, "node", "known nodes: 22 nm, 32 nm, 45 nm"),
        ("sram", {"size_bytes": 1024, "node_m": 22 * NM, "word_bytes": 16}, "word", "known words: 8 B, 32 B"),
        ("edram", {"size_bytes": 1024, "node_m": 22 * NM}, "node", "known nodes: 32 nm"),
        ("dram", {"memory": "hbm4"}, "memory", "Did you mean `hbm"),
    ],
)
def test_what_no_table_has_is_refused_with_what_they_have(model, asked, at, said):
    with pytest.raises(ModelError, match=re.escape(said)) as caught:
        MODELS[model].ask(Parameters(**asked))
    assert caught.value.parameter == at


def test_a_vector_unit_is_lanes_of_adders_and_multipliers():
    # 16 x (278 + 6350) um2 at 40 nm.
    asked = Parameters(lanes=16, node_m=40 * NM, operation="add32")
    found = MODELS["vector_unit"].ask(asked)
    assert float(found.area_m2) == pytest.approx(106048e-12, rel=1e-3)
    assert float(found.actions["op"].energy_j) == pytest.approx(0.21 * PJ)


def test_a_hop_of_64_bits_over_a_millimetre():
    # 1.50 push + 1.03 pop + 0.40 crossbar + 0.06 routing + 0.05 selection + 64 x 0.0488 = 6.163 pJ.
    found = MODELS["router"].ask(Parameters(bits=64, length_m=Fraction(1, 1000)))
    assert float(found.actions[""].energy_j) == pytest.approx(6.163 * PJ, rel=1e-3)


def test_wires_and_memories_go_by_the_bit():
    wire = MODELS["link"].ask(Parameters(bits=32, length_m=Fraction(15, 10_000)))
    assert float(wire.actions[""].energy_j) == pytest.approx(32 * (48.8 + 96.3) / 2 / 1000 * PJ, rel=1e-3)
    assert MODELS["dram"].ask(Parameters(memory="hbm2")).actions[""].energy_j == 8 * Fraction(397, 100) / 10**12


def test_a_grade_is_a_factor_both_ways():
    assert Interval.graded(Fraction(3), "derived") == Interval(Fraction(2), Fraction(9, 2))
    assert sorted(ranges.FACTORS.values()) == [ranges.FACTORS[grade] for grade in ranges.GRADES]


def test_sums_may_all_be_low_or_all_be_high():
    parts = [Interval(Fraction(1), Fraction(2)), Interval(Fraction(10), Fraction(30))]
    assert added(parts) == Interval(Fraction(11), Fraction(32))
    assert parts[0].over(parts[1]) == Interval(Fraction(1, 30), Fraction(2, 10))


class StandIn:
    """As much of a component of `hwcomponents` as the adapter asks for."""

    area, leak_power = 2e-9, 3e-6

    def get_action_names(self):  # noqa: D102
        return ["convert", "store"]

    def convert(self):  # noqa: D102
        return types.SimpleNamespace(energy=1.5e-12, latency=2e-9, throughput=5e8)

    def store(self, bits):  # noqa: D102
        raise AssertionError("needs an argument, and is left out")


def test_costs_come_from_hwcomponents_where_it_is_installed(monkeypatch):
    """The stand-in has the interface of hwcomponents 1.0.114, which needs a newer Python than these tests may have."""
    package = types.ModuleType("hwcomponents")
    asked = {}
    package.get_model = lambda name, attributes: asked.update({name: attributes}) or StandIn()
    monkeypatch.setitem(sys.modules, "hwcomponents", package)

    found = MODELS["hwcomponents"].ask(Parameters(component="adc", attributes={"n_bits": 8}))

    assert asked == {"adc": {"n_bits": 8}}
    assert (float(found.area_m2), float(found.static_power_w)) == (2e-9, 3e-6)
    assert set(found.actions) == {"convert"}
    convert = found.actions["convert"]
    assert (float(convert.energy_j), convert.latency_ps, convert.rate_hz) == (1.5e-12, 2000, 500_000_000)


def test_its_errors_are_passed_on_with_what_is_missing(monkeypatch):
    def refuse(name, attributes):
        raise ValueError(f"{name} is supported, but\n\tAdder\n\tis missing: width.\n" + "log " * 500)

    package = types.ModuleType("hwcomponents")
    package.get_model = refuse
    monkeypatch.setitem(sys.modules, "hwcomponents", package)

    with pytest.raises(ModelError) as caught:
        MODELS["hwcomponents"].ask(Parameters(component="adder"))
    assert "with these attributes: adder is supported, but Adder is missing: width. log" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_the_package_itself():
    """Its converter of ISAAC at the nameplate: 16 mW / 8 / 1.2 GS/s and 0.0096 mm2 / 8; and the survey's regression."""
    pytest.importorskip("hwcomponents_library", exc_type=ImportError)
    isaac = MODELS["hwcomponents"].ask(Parameters(component="isaacadc", attributes={"n_bits": 8, "tech_node": 32e-9}))
    assert float(isaac.actions["convert"].energy_j) == pytest.approx(16e-3 / 8 / 1.2e9)
    assert float(isaac.area_m2) == pytest.approx(1200e-12)

    asked = {"n_bits": 8, "tech_node": 22e-9, "throughput": 1e8}
    surveyed = MODELS["hwcomponents"].ask(Parameters(component="adc", attributes=asked))
    ours = adc(8, 10**8, 22)
    assert float(surveyed.actions["convert"].energy_j) == pytest.approx(
        float(ours.actions["convert"].energy_j), rel=1e-3
    )
    assert float(surveyed.area_m2) == pytest.approx(float(ours.area_m2), rel=1e-3)


def test_without_hwcomponents_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "hwcomponents", None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'aimcsim[hwcomponents]'")):
        MODELS["hwcomponents"].ask(Parameters(component="adc"))
