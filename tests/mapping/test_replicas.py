"""How many replicas: balanced in proportion to output vectors, within a budget of crossbars."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimcsim.errors import CapacityError, ConfigError
from aimcsim.mapping import LayerShare, MappingPolicy, map_workload
from aimcsim.mapping.replicas import balanced, fill
from aimcsim.ops import Conv2d, Sliding, TensorShape
from aimcsim.spec import ChipFile
from aimcsim.workload.graph import Layer, Workload
from tests.mapping.conftest import matrix_layer

MakeWorkload = Callable[..., Workload]
MakeChip = Callable[..., ChipFile]


def test_full_balance_of_a_first_layer_of_224_x_224_takes_50_176_copies() -> None:
    # [isaac16]: for a layer of stride 1 on 224 x 224 pixels to keep pace with a fully connected layer, which makes one
    # read a request, every output pixel needs a copy: 224 * 224. Each pooling of 2 x 2 makes it a quarter.
    vectors = {"conv1": 224 * 224, "conv2": 112 * 112, "fc": 1}

    assert balanced(vectors, reads=1) == {"conv1": 50_176, "conv2": 12_544, "fc": 1}


def blocks(sizes: Mapping[str, int]) -> Callable[[Mapping[str, int]], int]:
    """Return the crossbars that replicas of layers of so many blocks take, one by one."""
    return lambda replicas: sum(sizes[layer] * count for layer, count in replicas.items())


def test_a_budget_goes_to_the_slowest_layer() -> None:
    # a: 16 vectors, 1 block; b: 4 vectors, 2 blocks. 4 reads a request: 4 replicas of a and 1 of b, 4 + 2 crossbars.
    # 3 reads: 6 of a, 2 of b, 6 + 4 = 10. 2 reads: 8 and 2, 8 + 4 = 12.
    vectors, needed = {"a": 16, "b": 4}, blocks({"a": 1, "b": 2})

    assert fill(vectors, needed, 9) == {"a": 4, "b": 1}
    assert fill(vectors, needed, 10) == {"a": 6, "b": 2}
    assert fill(vectors, needed, 12) == {"a": 8, "b": 2}
    assert fill(vectors, needed, 10**6) == {"a": 16, "b": 4}
    assert fill(vectors, needed, 3) == {"a": 1, "b": 1}


@given(
    layers=st.lists(st.tuples(st.integers(1, 300), st.integers(1, 9)), min_size=1, max_size=5),
    spare=st.integers(0, 900),
)
def test_no_distribution_within_the_budget_makes_fewer_reads(layers: list[tuple[int, int]], spare: int) -> None:
    vectors = {str(number): count for number, (count, _) in enumerate(layers)}
    needed = blocks({str(number): size for number, (_, size) in enumerate(layers)})
    budget = sum(size for _, size in layers) + spare

    found = fill(vectors, needed, budget)

    assert needed(found) <= budget
    reads = max(-(-vectors[layer] // count) for layer, count in found.items())
    if reads > 1:
        # To make one read less, every layer needs at least this many replicas.
        assert needed({layer: -(-count // (reads - 1)) for layer, count in vectors.items()}) > budget


def row_of(vectors: int) -> Workload:
    """Return a 1 x 1 convolution on 64 channels to 16 of a row of vectors, and a layer of one vector after it."""
    first = matrix_layer("fc", "x", 1, 64, 16).op
    assert isinstance(first, Conv2d)
    conv = Conv2d(Sliding((1, vectors), (1, 1)), first.weight, first.bias)
    shape = TensorShape(1, vectors, 16)
    layers = (Layer("conv", conv, ("x",), shape), matrix_layer("m", "y", 1, 64, 16))
    return Workload("net", {"x": TensorShape(1, vectors, 64), "y": TensorShape(1, 1, 64)}, layers, ("conv", "m"))


def test_each_replica_has_crossbars_of_its_own(make_chip: MakeChip) -> None:
    # 8 crossbars; `m` takes one, as many vectors as it has, so the 7 others go to `conv`: 9 vectors make at best 2
    # reads, with 5 replicas (1 read would take 9).
    mapping = map_workload(row_of(9), make_chip(), MappingPolicy(budget="all"))

    assert mapping.shares == (
        *(LayerShare("conv", 0, range(1), range(i, i + 1), i, replica=i) for i in range(5)),
        LayerShare("m", 0, range(1), range(5, 6), 5),
    )
    assert [len(shares) for shares in mapping.replicas_of("conv")] == [1] * 5


def test_named_replicas_are_kept_and_the_budget_goes_to_the_others(make_chip: MakeChip) -> None:
    mapping = map_workload(row_of(9), make_chip(), MappingPolicy(replicas={"conv": 2}, budget="all"))

    assert len(mapping.replicas_of("conv")) == 2


def test_what_cannot_be_replicated_is_said(make_chip: MakeChip) -> None:
    network, chip = row_of(9), make_chip()
    with pytest.raises(ConfigError, match=r"no layer with weights has this name \(got `cnv`\)\. Did you mean `conv`\?"):
        map_workload(network, chip, MappingPolicy(replicas={"cnv": 2}))
    with pytest.raises(ConfigError, match=r"replicas of `conv`: 1 to 9 are possible, .* \(got 10\)"):
        map_workload(network, chip, MappingPolicy(replicas={"conv": 10}))
    with pytest.raises(CapacityError, match="needs 10 crossbars of 64 x 64, the chip has 8"):
        map_workload(network, chip, MappingPolicy(replicas={"conv": 9}))
    with pytest.raises(CapacityError, match="a budget of 1 crossbars is too small: one replica of each layer takes 2"):
        map_workload(network, chip, MappingPolicy(budget=1))
