"""Does the stage table read the array as often as the values need, and count what it does once?"""

import pytest

from aimcsim.errors import ConfigError
from aimcsim.spec import load_chip

LOOPS = "tables.mvm.loops="
PHASES, POLARITIES = "{name: input_phase, count: input_phases}", "{name: polarity, count: polarities}"


def test_two_passes_need_a_loop_of_polarities():
    # 8 bits with the sign apart are 7 phases, for positive and negative inputs 14 reads; the table makes 7.
    with pytest.raises(ConfigError, match=r"takes 14 reads of the array .* runs 7 times"):
        load_chip("tiny", ["tile.inputs.sign=two_pass"])

    chip = load_chip("tiny", ["tile.inputs.sign=two_pass", f"{LOOPS}[{POLARITIES}, {PHASES}]"])
    assert chip.polarities * chip.input_phases == 14


def test_a_number_may_stand_for_the_loops():
    load_chip("tiny", [f"{LOOPS}[{{name: input_phase, count: 8}}]"])

    with pytest.raises(ConfigError, match=r"takes 8 reads of the array .* runs 4 times"):
        load_chip("tiny", [f"{LOOPS}[{{name: input_phase, count: 4}}]"])


def test_columns_are_not_counted_again_for_each_of_their_groups():
    group = "{name: group, count: column_groups}"

    with pytest.raises(ConfigError, match=r"counts all columns in every turn of `group`"):
        load_chip("tiny", [f"{LOOPS}[{PHASES}, {group}]", "tables.mvm.stages.convert.loop=group"])
