"""Several chips: where their tiles are, what the links between them cost, and who waits for them."""

from dataclasses import replace

import pytest

from aimcsim.engine import ReferenceEngine
from aimcsim.errors import CapacityError, ConfigError
from aimcsim.run import build, simulate
from aimcsim.spec import load_chip
from tests.machine.tables_of import tables_of

ONE_TILE = ["tile.count=1", "network.routers=[1, 1]", "tile.crossbars=2", "tile.adc.crossbars=1"]
LINK = ["system.chip_link.bandwidth=1 GB/s", "system.chip_link.latency=50 ns"]


def chain(workload, layers, vectors=1):
    """Return so many 1 x 1 convolutions of 16 channels to 16 after one another: a crossbar each."""
    texts = [
        f"name: c{i}, kind: conv2d, inputs: [{f'c{i - 1}' if i else 'x'}], out_channels: 16, kernel: 1"
        for i in range(layers)
    ]
    return workload([1, vectors, 16], texts, [f"c{layers - 1}"])


def test_as_many_chips_as_needed_and_each_path_names_its_own(workload):
    # Five crossbars, two to a chip: three chips.
    built = build("tiny", chain(workload, 5), overrides=ONE_TILE, chips="auto")

    assert built.chip.system.chips_per_package == 3
    names = [stream.name for stream in built.plan.system.streams if stream.kind == "mvm"]
    assert names == [f"c{i}.mvm@chip[{i // 2}].tile[0]" for i in range(5)]


def test_a_packet_between_chips_takes_the_links_own_time(workload):
    # 16 bytes and a header of 4 at 1 GB/s hold the link for 20 ns and arrive 50 ns later. On either side of it the
    # tile's links, of 4 bytes a cycle of 1 ns: the head enters in 1 ns, leaves 3 + 1 ns after it was let in, its tail
    # (5 flits) 4 ns later. Reading and writing the buffers takes 1 ns each.
    built = build("tiny", chain(workload, 3), overrides=[*ONE_TILE, *LINK], chips=2)
    ReferenceEngine(built.plan.system).run()
    (send,) = [stream for stream in built.plan.system.streams if stream.kind == "send"]

    assert [stage.server.path for stage in send.stages[1:-1]] == [
        "chip[0].tile[0].inject",
        "chip[0].chip_link[1]",
        "chip[1].tile[0].eject",
    ]
    assert send.end_ps[0] - send.issue_ps[0] == 1_000 * (1 + 1 + 50 + 20 + 4 + 4 + 1)


def test_who_shares_a_link_between_chips_waits_for_it(workload):
    # A crossbar a chip: three layers on the chips behind the first take the same inputs from it. Three packets of 20
    # bytes for each vector pass the first link, 200 ns each at 0.1 GB/s: 600 ns a vector, where reading it takes 80.
    texts = ["name: c0, kind: conv2d, inputs: [x], out_channels: 16, kernel: 1"]
    texts += [f"name: d{i}, kind: conv2d, inputs: [c0], out_channels: 16, kernel: 1" for i in range(3)]
    net = workload([1, 40, 16], texts, ["d0", "d1", "d2"])
    slow = [*ONE_TILE, "tile.crossbars=1", "system.chip_link.bandwidth=0.1 GB/s"]
    built = build("tiny", net, overrides=slow, chips="auto")
    ReferenceEngine(built.plan.system).run()
    waits = tables_of(built, "vector")["waits"]

    out = [stream for stream in built.plan.system.streams if stream.name.startswith("c0.send")]
    assert len(out) == 3
    for stream in out:
        (index,) = [number for number, stage in enumerate(stream.stages) if stage.name == "route:chip[0].chip_link[1]"]
        starts = stream.log[index].start_ps
        assert starts[30] - starts[10] == 20 * 3 * 200_000
    on_link = waits["resource"] == "chip[0].chip_link[1]"
    assert set(waits["cause"][on_link].tolist()) == {"link_busy"}
    assert int(waits["wait_ps"][on_link].sum()) > 0


def test_what_crosses_is_counted_and_paid_for(workload):
    # 20 bytes a packet, one vector, once from chip 0 to chip 1 and once, the result, back to the host on chip 0.
    run = simulate("tiny", chain(workload, 3), overrides=ONE_TILE, chips=2)
    energy = run.table("energy")
    row = energy["component"] == "chip_link"

    assert int(energy["count"][row].sum()) == 2 * 20
    assert float(energy["energy_j"][row].sum()) == pytest.approx(40 * 16e-12, rel=1e-12)
    assert any("costs.chip_link.actions.transfer" in text for text in run.summary["assumptions"])


def test_area_and_static_power_are_those_of_all_chips(workload):
    one, two = (build("isaac", chain(workload, 1), chips=chips).chip for chips in (1, 2))

    assert two.area_m2 == 2 * one.area_m2
    assert two.static_power_w == 2 * one.static_power_w
    assert two.instances("chip_link") == 2


def test_chips_without_links_are_refused(workload):
    tiny = load_chip("tiny")
    lone = replace(tiny, system=replace(tiny.system, chip_link=None))

    with pytest.raises(ConfigError, match=r"system.chips_per_package: 2 chips need a `system.chip_link`"):
        build(lone, chain(workload, 1), chips=2)
    with pytest.raises(CapacityError, match="2 chips have 4 "):
        build("tiny", chain(workload, 5), overrides=ONE_TILE, chips=2)
