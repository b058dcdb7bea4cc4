"""Can a chip file of one's own be held against the published figures of the preset it is made from?"""

import pytest

from aimcsim.errors import InputError, ReferenceError_
from aimcsim.spec import preset_text
from aimcsim.validation import isaac, validate

ADC = "adc: {actions: {convert: {energy: 3.125 pJ}}}"


@pytest.fixture
def file(tmp_path):
    """Writes a chip file and returns its path as text."""

    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def figures(*chips, **options):
    return {one.target.id: one for one in validate(chips, **options)}


def test_a_file_that_extends_a_preset_is_held_against_its_figures(file):
    # Conversions of twice the energy: twice the 192 mW that converters draw in a tile of 329.81 mW. Areas stay.
    # Conversions of twice the energy: twice the 192 mW that converters draw in a tile of 329.81 mW.
    with pytest.MonkeyPatch.context() as patch:
        # What ISAAC runs for its other figures takes seconds, and is not the question.
        patch.setattr("aimcsim.validation.checking.SIMULATED", {"isaac.tile_power": isaac.tile_power_mw})
        mine = figures(file(f"extends: isaac\nname: mine\ncosts:\n  {ADC}\n"))
        again = figures("isaac")
    assert mine["isaac.tile_power"].simulated == pytest.approx(329.81 + 192, rel=1e-4)
    assert again["isaac.tile_power"].simulated == pytest.approx(329.81, rel=1e-4)


def test_a_copy_is_known_by_the_name_it_kept_or_by_what_it_is_held_against(file):
    same = file(preset_text("gaincell"))
    other = file(preset_text("gaincell").replace("name: gaincell", "name: mine"), "other.yaml")

    assert figures(same)["gaincell.energy"].verdict == "pass"
    assert figures(other, against="gaincell")["gaincell.energy"].verdict == "pass"
    with pytest.raises(ReferenceError_, match=r"`mine` extends no chip with published figures; --against PRESET"):
        validate([other])


def test_half_the_cores_of_hermes_give_half_its_peak_and_no_room_for_resnet9(file):
    # 32 of 64 cores: half of 63.072 TOPS at the same efficiency. ResNet-9 takes 40.
    found = figures(file("extends: hermes\nname: half\ntile: {count: 32}\nnetwork: {routers: [8, 4]}\n"))

    assert found["hermes.peak_1p"].simulated == pytest.approx(63.072 / 2, rel=1e-4)
    assert found["hermes.eff_1p"].simulated == pytest.approx(9.7353, rel=1e-4)
    assert found["hermes.resnet9_energy"].verdict == "not run"
    assert "needs 40 crossbars" in found["hermes.resnet9_energy"].reason
    assert "hermes.core_mvm" not in found  # of hermes-core, another preset


def test_what_the_file_has_no_more_is_not_run(file):
    text = preset_text("jain").replace("  array:\n", "  field:\n").replace("array.read", "field.read")
    text = text.replace("array.program", "field.program")
    found = figures(file(text), against="jain")
    assert found["jain.tile_area"].reason == "the chip has not what this is computed from"
    assert found["jain.tile_peak"].verdict == "pass"


@pytest.mark.parametrize(
    ("chips", "options", "said"),
    [
        (["isaac"], {"against": "isaac"}, "--against isaac: there is no chip file to hold against it"),
        (["x.yaml", "isaac"], {}, "a chip file is held against targets alone"),
        (["x.yaml"], {"against": "isaak"}, "Did you mean `isaac`?"),
        (["tiny"], {}, "no targets of this chip"),
    ],
)
def test_what_cannot_be_held_against_figures_is_one_error(chips, options, said):
    with pytest.raises(InputError, match=said):
        validate(chips, **options)


def test_names_of_presets_are_names_of_their_figures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aimcsim.validation.checking.SIMULATED", {})
        assert list(figures("pulp-array")) == list(figures("bruschi"))
        assert {one.partition(".")[0] for one in figures("pulp-cluster")} == {"garofalo"}
