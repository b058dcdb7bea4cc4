"""Exact quantities: what is accepted, what is refused and how, and that clocks never drift."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim.errors import UnitError
from aimcsim.units import (
    EXAMPLES,
    UNITS,
    ClockDomain,
    format_energy_j,
    format_exact,
    format_si,
    format_time_ps,
    parse_quantity,
    ps_from_seconds,
)


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("100 ns", "time", Fraction(1, 10**7)),
        ("100ns", "time", Fraction(1, 10**7)),
        ("1.28 GHz", "frequency", 1_280_000_000),
        ("1.5625 pJ", "energy", Fraction(15625, 10**16)),
        ("0.1 pJ", "energy", Fraction(1, 10**13)),  # as a float this would not be a tenth
        ("16 mW", "power", Fraction(16, 1000)),
        ("1200 um2", "area", Fraction(12, 10**10)),
        ("64 KiB", "size", 65536),
        ("64 kB", "size", 64000),
        ("6.4 GB/s", "bandwidth", 6_400_000_000),
        ("2.5e-1 V", "voltage", Fraction(1, 4)),
        ("10 kohm", "resistance", 10_000),
        ("25 µS", "conductance", Fraction(25, 10**6)),
        ("10 um", "length", Fraction(1, 10**5)),
    ],
)
def test_a_quantity_is_read_exactly(text: str, dimension: str, expected: Fraction) -> None:
    assert parse_quantity(text, dimension) == expected


@pytest.mark.parametrize(
    ("text", "dimension", "said"),
    [
        ("100 NS", "time", "unit `NS` is misspelt (got `100 NS`). Did you mean `100 ns`?"),
        ("100 mhz", "frequency", "unit `mhz` is misspelt (got `100 mhz`). Did you mean `100 MHz`?"),
        ("64 kib", "size", "unit `kib` is misspelt (got `64 kib`). Did you mean `64 KiB`?"),
        ("64 Kb", "size", "unit `Kb` is misspelt (got `64 Kb`). Did you mean `64 kB`?"),
        ("100", "time", "expected a time with its unit, such as `100 ns` (got `100`, which has no unit)"),
        ("3 pJ", "time", "expected a time with its unit, such as `100 ns` (got `3 pJ`, which is an energy)"),
        ("3 m", "area", "expected an area with its unit, such as `1200 um2` (got `3 m`, which is a length)"),
        ("fast", "time", "expected a time with its unit, such as `100 ns` (got `fast`)"),
        ("nan s", "time", "expected a time with its unit, such as `100 ns` (got `nan s`)"),
        ("3 fortnights", "time", "unknown unit `fortnights` (got `3 fortnights`); a time is given in one of: s, ms,"),
        ("1e999999999 s", "time", "unknown unit `e999999999 s`"),
    ],
)
def test_a_wrong_quantity_is_refused_with_the_right_one(text: str, dimension: str, said: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, dimension)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("dimension", UNITS)
def test_the_example_in_a_message_is_a_right_quantity(dimension: str) -> None:
    assert parse_quantity(EXAMPLES[dimension], dimension) > 0


@given(
    st.sampled_from(sorted(UNITS)),
    st.integers(0, 10**12),
    st.integers(-6, 3),
)
def test_exact_text_reads_back_as_the_same_value(dimension: str, digits: int, exponent: int) -> None:
    unit = next(iter(UNITS[dimension]))
    value = parse_quantity(f"{digits}e{exponent} {unit}", dimension)

    assert parse_quantity(format_exact(value, dimension), dimension) == value


def test_a_value_without_a_finite_decimal_form_has_no_exact_text() -> None:
    with pytest.raises(ValueError, match="no finite decimal form"):
        format_exact(Fraction(1, 3), "time")


def test_time_has_no_part_of_a_picosecond() -> None:
    assert ps_from_seconds(Fraction(1, 10**9)) == 1000
    with pytest.raises(UnitError, match="500 fs is no whole number of picoseconds"):
        ps_from_seconds(parse_quantity("500 fs", "time"))


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "J", "0 J"),
        (1.5625e-12, "J", "1.56 pJ"),
        (999.6, "W", "1.00 kW"),  # rounds over to the next prefix
        (65.8, "W", "65.8 W"),
        (-2.5e-3, "W", "-2.50 mW"),
        (85.4e-6, "m2", "85.4 mm2"),
        (0.372e-6, "m2", "0.372 mm2"),
        (1200e-12, "m2", "1200 um2"),
        (6.4e9, "B/s", "6.40 GB/s"),
    ],
)
def test_tables_show_three_significant_digits(value: float, unit: str, expected: str) -> None:
    assert format_si(value, unit) == expected


def test_times_and_energies_in_tables() -> None:
    assert format_time_ps(2_200_000) == "2.20 us"
    assert format_time_ps(999) == "999 ps"
    assert format_energy_j(Fraction(1343, 10**11)) == "13.4 nJ"


def test_edges_do_not_drift() -> None:
    """1.2 GHz has a period of 833 1/3 ps: edge 3 is at 2500, not at 3 x 833, and edge 3 million at exactly 2.5 ms."""
    clock = ClockDomain("dac", Fraction(1_200_000_000))

    assert clock.period_ps == Fraction(2500, 3)
    assert [clock.edge(n) for n in range(4)] == [0, 833, 1666, 2500]
    assert clock.edge(3_000_000) == 2_500_000_000


frequencies = st.builds(Fraction, st.integers(1, 10**12), st.integers(1, 1000))


@given(frequencies, st.integers(0, 10**15))
def test_align_finds_the_first_edge_at_or_after(frequency: Fraction, t_ps: int) -> None:
    clock = ClockDomain("any", frequency)
    n = clock.index(t_ps)

    assert clock.align(t_ps) == clock.edge(n) >= t_ps
    assert n == 0 or clock.edge(n - 1) < t_ps


@given(frequencies, st.integers(0, 10**6), st.integers(0, 1000))
def test_after_counts_edges(frequency: Fraction, n: int, cycles: int) -> None:
    clock = ClockDomain("any", frequency)

    assert clock.after(clock.edge(n), cycles) == clock.edge(n + cycles)


@given(st.integers(0, 10**9))
def test_clocks_that_coincide_on_paper_coincide(n: int) -> None:
    """Edge 3n of 1.2 GHz and edge 2n of 800 MHz are the same instant, n x 2500 ps."""
    fast, slow = ClockDomain("fast", Fraction(1_200_000_000)), ClockDomain("slow", Fraction(800_000_000))

    assert fast.edge(3 * n) == slow.edge(2 * n) == 2500 * n


def test_after_wants_an_edge() -> None:
    with pytest.raises(ValueError, match="7 ps is no edge of clock `core`; align it first"):
        ClockDomain("core", Fraction(10**9)).after(7, 1)


@pytest.mark.parametrize("time", [1.0, float("nan"), Fraction(1), True])
def test_only_integers_are_times(time: object) -> None:
    clock = ClockDomain("core", Fraction(10**9))

    for method in (clock.edge, clock.align, clock.index):
        with pytest.raises(TypeError, match="Python integers"):
            method(time)  # type: ignore[arg-type]


@pytest.mark.parametrize("frequency", [Fraction(0), Fraction(-1), Fraction(10**12 + 1)])
def test_a_clock_without_distinct_edges_is_refused(frequency: Fraction) -> None:
    with pytest.raises(UnitError, match="above 0 and at most 1 THz"):
        ClockDomain("odd", frequency)


def test_a_period_has_a_numerator_and_a_denominator_of_64_bits() -> None:
    """A period of 2^63 - 1 ps fits, one of 2^63 ps does not; nor one of which only the denominator is too large."""
    assert ClockDomain("slow", Fraction(10**12, 2**63 - 1)).numerator == 2**63 - 1
    for frequency in (Fraction(10**12, 2**63), Fraction(2**63 * 10**12, 2**63 + 1)):
        with pytest.raises(UnitError, match=r"integers below 2\^63 in picoseconds"):
            ClockDomain("odd", frequency)
