"""Whatever the mapping: is every wait explained, do all engines agree, and are the values the same bits?"""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from aimcsim import evaluate
from aimcsim.engine import CompiledEngine, FastEngine, ReferenceEngine
from aimcsim.errors import CapacityError
from aimcsim.mapping import MappingPolicy
from aimcsim.run import Built, build, simulate
from tests.checker_shares import check_all
from tests.engine.test_fast import everything
from tests.machine.random_machines import Case, cases

RANDOM = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

POLICIES = st.builds(
    MappingPolicy,
    pack=st.sampled_from(["none", "crossbar", "crossbar"]),
    budget=st.sampled_from([None, "all"]),
    placement=st.sampled_from(["in-order", "snake", "traffic"]),
)
CHIPS = st.sampled_from([None, "auto", 2, 3])


def built(case: Case, policy: MappingPolicy, chips: object) -> Built | None:
    """Return the system of a case, or nothing if it is refused for want of crossbars or of buffer space."""
    try:
        return build(case.chip(), case.workload(), requests=case.requests, mapping=policy, chips=chips)
    except CapacityError:
        return None


def kinds_of(made: Built | None) -> list[str]:
    """Return what is special about a system, for statistics on what was drawn."""
    if made is None:
        return ["refused"]
    mapping, chips = made.mapping, made.chip.system.chips_per_package
    packed = any(mapping.is_packed(share) for share in mapping.shares)
    found = {"packed": packed, "replicated": any(share.replica for share in mapping.shares), "chips": chips > 1}
    return [kind for kind, there in found.items() if there]


@settings(RANDOM, max_examples=40)
@given(case=cases(), policy=POLICIES, chips=CHIPS)
def test_every_wait_of_any_mapping_is_derived_again_and_all_engines_agree(
    case: Case, policy: MappingPolicy, chips: object
) -> None:
    made = [built(case, policy, chips) for _ in range(3)]
    event(" ".join(kinds_of(made[0])))
    if made[0] is None:
        return
    reference, compiled, twin = (one.plan.system for one in made)

    ReferenceEngine(reference).run()
    CompiledEngine(compiled, keep=True).run()
    FastEngine(twin).run()

    check_all(reference)
    assert everything(compiled) == everything(reference) == everything(twin)


@settings(RANDOM, max_examples=30)
@given(case=cases(), policy=POLICIES, chips=CHIPS)
def test_values_are_the_same_bits_wherever_they_are_computed(case: Case, policy: MappingPolicy, chips: object) -> None:
    network = case.workload()
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(case.requests, *network.layout("x").index.shape)).astype(np.float32)}
    for mode in ("ideal", "quantized"):
        try:
            chip = case.chip()
            expected = evaluate(chip, network, inputs, analog=mode)
            run = simulate(chip, network, inputs=inputs, analog=mode, mapping=policy, chips=chips)
        except CapacityError:
            return
        for name, values in expected.items():
            assert np.array_equal(run.outputs[name], values)


def reads(layers: int, workload, policy: MappingPolicy, vectors: int = 40) -> tuple[Built, Sequence]:
    """Run so many layers of 8 inputs and 8 outputs side by side; return the system and its mvm streams."""
    texts = [f"name: c{i}, kind: conv2d, inputs: [x], out_channels: 8, kernel: 1" for i in range(layers)]
    net = workload([1, vectors, 8], texts, [f"c{i}" for i in range(layers)])
    made = build("tiny", net, overrides=["tile.adc.crossbars=1"], mapping=policy)
    ReferenceEngine(made.plan.system).run()
    return made, [stream for stream in made.plan.system.streams if stream.kind == "mvm"]


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_layers_in_one_crossbar_are_read_one_after_the_other(layers: int, workload) -> None:
    # 8 input bits of 10 ns each are 80 ns of a crossbar for a vector. k layers in one crossbar, all with vectors
    # waiting, get one through in k x 80 ns each; with a crossbar each it takes 80 ns. Vectors 10 to 30 are far from
    # both ends; a vector of 8 bytes comes over the host link in 1.25 ns, for each layer.
    made, packed = reads(layers, workload, MappingPolicy(pack="crossbar"))
    _, alone = reads(layers, workload, MappingPolicy())

    (crossbar,) = {stream.stages[1].server.path for stream in packed}
    assert crossbar == "chip.tile[0].crossbar[0]"
    assert made.mapping.crossbars_used == 1
    for stream in packed:
        assert stream.end_ps[30] - stream.end_ps[10] == 20 * 8 * layers * 10_000
    for stream in alone:
        assert stream.end_ps[30] - stream.end_ps[10] == 20 * 8 * 10_000


def test_a_layer_that_shares_a_crossbar_is_told_apart_by_its_block(workload) -> None:
    _, streams = reads(2, workload, MappingPolicy(pack="crossbar"))

    assert [stream.name for stream in streams] == [f"c{i}.mvm@tile[0].crossbar[0].block[0]" for i in range(2)]
