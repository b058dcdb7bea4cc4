"""What does another replica gain, and do outputs still come in order?"""

import numpy as np
import pytest

from aimcsim.engine import ReferenceEngine
from aimcsim.mapping import MappingPolicy
from aimcsim.ops import Sliding, Window
from aimcsim.run import build

CHIP = ["tile.adc.crossbars=1", "tile.adc.converters=16"]
VECTORS = 400


def two_layers(workload):
    """Return a -> b: 1 x 1 convolutions of 64 channels to 4 and of these to 16, over 400 vectors."""
    texts = [
        "name: a, kind: conv2d, inputs: [x], out_channels: 4, kernel: 1",
        "name: b, kind: conv2d, inputs: [a], out_channels: 16, kernel: 1",
    ]
    return workload([1, VECTORS, 64], texts, ["b"])


def ran(net, policy):
    made = build("tiny", net, overrides=CHIP, mapping=policy)
    ReferenceEngine(made.plan.system).run()
    return made


def makespan(made):
    """Return the time from the first vector of the requests to the last."""
    streams = [stream for stream in made.plan.system.streams if stream.kind != "program"]
    return max(stream.end_ps[-1] for stream in streams) - min(stream.issue_ps[0] for stream in streams)


@pytest.mark.parametrize("replicas", [1, 2, 3, 4, 6])
def test_a_replica_more_of_the_bottleneck_gains_what_the_bound_says(replicas, workload):
    # 16 converters of 10 ns: b's 64 columns take 4 of their cycles for each of 8 input bits, 320 ns a vector; a's
    # 16 columns take one, 80 ns. So 400 vectors take at least 400 x max(80, 320 / R) ns; four replicas of b keep up
    # with a, more gain nothing.
    taken = makespan(ran(two_layers(workload), MappingPolicy(replicas={"b": replicas})))
    bound = VECTORS * max(80_000, 320_000 // replicas)

    assert bound <= taken <= 1.05 * bound


def test_vectors_are_dealt_out_in_turn_and_seen_in_order(workload):
    made = ran(two_layers(workload), MappingPolicy(replicas={"b": 3}))
    streams = {stream.name: stream for stream in made.plan.system.streams}
    parts = [streams[f"b.mvm@tile[0].crossbar[{crossbar}]"] for crossbar in (1, 2, 3)]
    merged = streams["b.merge@tile[0]"]

    # 400 vectors over three: 134, 133, 133.
    assert [part.vectors for part in parts] == [134, 133, 133]
    done = [parts[vector % 3].end_ps[vector // 3] for vector in range(VECTORS)]
    assert merged.end_ps == np.maximum.accumulate(done).tolist()


def test_replicas_on_a_tile_are_brought_their_inputs_once(workload):
    made = ran(two_layers(workload), MappingPolicy(replicas={"a": 2}))

    assert [stream.name for stream in made.plan.system.streams if stream.kind == "load"] == ["x.load@tile[0]"]


GEOMETRIES = [
    Sliding((6, 7), (3, 3)),
    Sliding((6, 7), (3, 3), pads=(1, 1, 1, 1)),
    Sliding((7, 7), (3, 2), stride=(2, 2)),
    Sliding((4, 9), (1, 1)),
]


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize("sliding", GEOMETRIES, ids=str)
def test_the_windows_of_a_replica_hold_what_its_outputs_require(sliding: Sliding, step: int) -> None:
    # By setting every window up as a set: what output i requires must lie within keeps(before) .. needs(i), and what
    # has entered since the replica's output before, in the same row, is at most `fresh`.
    height, width = sliding.output_plane
    required = []
    for row in range(height):
        for col in range(width):
            top, left = row * sliding.stride[0] - sliding.pads[0], col * sliding.stride[1] - sliding.pads[1]
            rows = set(range(top, top + sliding.kernel[0])) & set(range(sliding.plane[0]))
            cols = set(range(left, left + sliding.kernel[1])) & set(range(sliding.plane[1]))
            required.append({y * sliding.plane[1] + x for y in rows for x in cols})
    vectors = sliding.plane[0] * sliding.plane[1]
    for first in range(step):
        window = sliding.window().every(first, step, width)
        chosen = list(range(first, height * width, step))
        assert len(window.needs) == len(chosen)
        kept = 0
        for number, output in enumerate(chosen):
            assert min(required[output]) >= kept
            assert max(required[output]) <= window.needs[number] < vectors
            before = set() if output % width < step else required[output - step]
            assert len(required[output] - before) <= window.fresh[number] or window.fresh[number] == window.fresh.max()
            kept = window.keeps[number]
        assert kept == vectors


@pytest.mark.parametrize(("vectors", "step"), [(7, 2), (9, 3), (5, 5)])
def test_what_puts_replicas_in_order_needs_each_of_them_up_to_its_turn(vectors: int, step: int) -> None:
    for first in range(step):
        window = Window.dealt(vectors, first, step)
        own = list(range(first, vectors, step))
        for output in range(vectors):
            passed = sum(one <= output for one in own)
            assert (window.needs[output], window.keeps[output]) == (passed - 1, passed)
            assert window.fresh[output] == (output in own)
