"""What is a vector told to have waited for? One small story per cause, each with its exact answer.

Times are bare picoseconds. Two layers `first` and `second` compete wherever somebody has to wait; `first` has the lower
index and is served first when both ask at once. Every run also passes the independent checker.
"""

from __future__ import annotations

import pytest

from aimcsim.engine import Stage, Stream
from tests.engine.builders import Bench, Shares, convolution, stage


def compete(
    bench: Bench, first: list[Stage], second: list[Stage], *, kind: str = "mvm"
) -> tuple[Stream, Stream, Shares]:
    """Run one vector through each of two layers, whose inputs lie ready at time 0."""
    streams = []
    for name, stages in (("first", first), ("second", second)):
        load = bench.source(1, name=f"load of {name}")
        layer = bench.stream(name, 1, stages, kind=kind)
        bench.join(load, layer)
        streams.append(layer)
    return streams[0], streams[1], bench.run()


def test_dependency_is_waiting_for_input_vectors() -> None:
    """Inputs come at 100 and 200, each takes 10: after the end at 110, 90 are spent on waiting for input 1."""
    bench = Bench()
    load = bench.source(2, 100)
    layer = bench.stream("layer", 2, [stage("work", 10, bench.server("unit"))])
    bench.join(load, layer, place="tile.input_buffer")
    shares = bench.run()
    assert shares.story(layer, 0) == [("dependency", 100), ("service", 10)]
    assert shares.story(layer, 1) == [("dependency", 90), ("service", 10)]
    assert shares.waits(layer, 1) == [("dependency", "tile.input_buffer", load.index, 1, 90)]


def test_dependency_names_the_input_that_came_last() -> None:
    """A layer with two inputs, there at 30 and 70, waits for the second; both being there at once, for the first."""
    for times, last in (((30, 70), 1), ((70, 30), 0), ((70, 70), 0)):
        bench = Bench()
        loads = [bench.source(1, time, name=f"load[{index}]") for index, time in enumerate(times)]
        layer = bench.stream("sum", 1, [stage("work", 10, bench.server("unit"))], kind="vector")
        for load in loads:
            bench.join(load, layer)
        shares = bench.run()
        assert shares.waits(layer, 0) == [("dependency", f"load[{last}]->sum", last, 0, 70)]


def test_fetch_port_is_waiting_for_a_read_port_of_an_input_buffer() -> None:
    """Both layers fetch for 10 through one port at 0: the second starts at 10."""
    bench = Bench()
    port = bench.server("tile.input_buffer.read")
    fetch = [stage("fetch", 10, port, cause="fetch_port")]
    first, second, shares = compete(bench, fetch, fetch)
    assert shares.story(first, 0) == [("service", 10)]
    assert shares.story(second, 0) == [("fetch_port", 10), ("service", 10)]
    assert shares.waits(second, 0) == [("fetch_port", "tile.input_buffer.read", first.index, 0, 10)]


def test_input_register_is_waiting_for_a_place_for_fetched_inputs() -> None:
    """One register on the tile, held by the first from 0 to the end of its read at 10 + 30; ports are private."""
    bench = Bench()
    registers = bench.slots("tile.input_register", "input_register", 1, shared=True)

    def table(name: str) -> list[Stage]:
        return [
            stage("fetch", 10, bench.server(f"{name}.port"), acquires=registers),
            stage("read", 30, bench.server(f"{name}.crossbar"), releases=[(registers, 1)]),
        ]

    first, second, shares = compete(bench, table("first"), table("second"))
    assert shares.story(second, 0) == [("input_register", 40), ("service", 40)]
    assert shares.waits(second, 0) == [("input_register", "tile.input_register", first.index, 0, 40)]


def test_crossbar_busy_is_waiting_for_crossbars_that_another_stream_reads() -> None:
    """Both layers lie in one crossbar: fetched at 5 and 7, the second is read once the first is done at 105."""
    bench = Bench()
    crossbar = bench.server("tile.crossbar")

    def table(name: str, fetch: int) -> list[Stage]:
        return [
            stage("fetch", fetch, bench.server(f"{name}.port")),
            stage("read", 100, crossbar, cause="crossbar_busy"),
        ]

    first, second, shares = compete(bench, table("first", 5), table("second", 7))
    assert shares.story(second, 0) == [("service", 7), ("crossbar_busy", 98), ("service", 100)]
    assert shares.waits(second, 0) == [("crossbar_busy", "tile.crossbar", first.index, 0, 98)]


def converting(bench: Bench, name: str, *, samples_of: str | None = None, adc: str | None = None) -> list[Stage]:
    """Return a read of 10 into a sample-and-hold and its conversion of 50; both are private if not named."""
    known_pools = {pool.path: pool for pool in bench.system.slots}
    known_servers = {server.path: server for server in bench.system.servers}
    samples = known_pools.get(samples_of or "") or bench.slots(
        samples_of or f"{name}.sample_hold", "sample_hold", 1, shared=samples_of is not None
    )
    bank = known_servers.get(adc or "") or bench.server(adc or f"{name}.adc")
    return [
        stage("read", 10, bench.server(f"{name}.crossbar"), cause="crossbar_busy", captures=samples),
        stage("convert", 50, bank, cause="adc_busy", releases=[(samples, 1)]),
    ]


def test_sample_hold_is_waiting_for_a_place_for_the_analog_result() -> None:
    """One sample-and-hold for both: the first's value lies in it from 10 to 60, and the second keeps its crossbar."""
    bench = Bench()
    tables = [converting(bench, name, samples_of="tile.sample_hold") for name in ("first", "second")]
    first, second, shares = compete(bench, *tables)
    assert shares.story(second, 0) == [("service", 10), ("sample_hold", 50), ("service", 50)]
    assert shares.waits(second, 0) == [("sample_hold", "tile.sample_hold", first.index, 0, 50)]
    crossbar = tables[1][0].server
    assert crossbar is not None
    assert [(hold.start_ps, hold.end_ps) for hold in crossbar.holds] == [(0, 60)]


def test_a_read_behind_ones_own_waits_for_what_that_one_waited_for() -> None:
    """One sample-and-hold for both, and the second layer reads twice: its read 1 follows read 0, which lacks a place.

    Read 0 keeps the crossbar over 0..60, until the first's value is converted, and is itself converted over 60..65.
    Read 1 takes 60..70, is captured at once and converted until 75. Of these 75, 50 were spent on the first's value.
    """
    bench = Bench()
    samples = bench.slots("tile.sample_hold", "sample_hold", 1, shared=True)

    def table(name: str, phases: int, convert: int) -> list[Stage]:
        crossbar, bank = bench.server(f"{name}.crossbar"), bench.server(f"{name}.adc")
        return [
            stage("read", 10, crossbar, times=phases, captures=samples),
            stage("convert", convert, bank, times=phases, releases=[(samples, phases)]),
        ]

    first, second, shares = compete(bench, table("first", 1, 50), table("second", 2, 5))
    assert second.end_ps == [75]
    assert shares.story(second, 0) == [("service", 10), ("sample_hold", 50), ("service", 15)]
    assert shares.waits(second, 0) == [("sample_hold", "tile.sample_hold", first.index, 0, 50)]


def test_adc_busy_is_waiting_for_converters_that_another_stream_uses() -> None:
    """Both values are captured at 10; the shared converters take the second's at 60."""
    bench = Bench()
    first, second, shares = compete(
        bench, converting(bench, "first", adc="tile.adc_bank"), converting(bench, "second", adc="tile.adc_bank")
    )
    assert shares.story(second, 0) == [("service", 10), ("adc_busy", 50), ("service", 50)]
    assert shares.waits(second, 0) == [("adc_busy", "tile.adc_bank", first.index, 0, 50)]


def test_a_full_sample_hold_of_ones_own_is_followed_to_the_conversion_that_held_it_up() -> None:
    """The second layer reads twice into one sample-and-hold; its first value waits for the other layer's conversion.

    Both first reads are captured at 10. The first layer converts over 10..110, so the second layer's value 0 is
    converted over 110..120. Its read 1 is done at 20 and finds the sample-and-hold full until 120. That wait is not
    `sample_hold`: the slot came back from its own conversion, which stood behind the other's: 100 of `adc_busy`, and
    30 of service.
    """
    bench = Bench()
    bank = bench.server("tile.adc_bank")

    def table(name: str, phases: int, convert: int) -> list[Stage]:
        samples = bench.slots(f"{name}.sample_hold", "sample_hold", 1)
        crossbar = bench.server(f"{name}.crossbar")
        return [
            stage("read", 10, crossbar, times=phases, captures=samples),
            stage("convert", convert, bank, times=phases, cause="adc_busy", releases=[(samples, phases)]),
        ]

    first, second, shares = compete(bench, table("first", 1, 100), table("second", 2, 10))
    assert second.end_ps == [130]
    assert shares.story(second, 0) == [("service", 10), ("adc_busy", 100), ("service", 20)]
    assert shares.waits(second, 0) == [("adc_busy", "tile.adc_bank", first.index, 0, 100)]


@pytest.mark.parametrize("streams", [1, 2, 3, 5])
@pytest.mark.parametrize(("read", "convert"), [(10, 10), (10, 25), (7, 90)])
def test_layers_that_share_converters_wait_for_one_another_in_turn(streams: int, read: int, convert: int) -> None:
    """The makespan is read + k * vectors * convert, and `adc_busy` carries what that is longer than alone.

    Let k layers have a crossbar and one sample-and-hold each, inputs there at 0, and read r no longer than conversion
    c. At r all first values are captured, and converted in the order of the layers: that of layer j over r + j c ...
    r + (j + 1) c. Then its sample-and-hold takes its next value, whose read ended by 2 r <= r + c; this asks for the
    converters after all others have, and so is served after them: conversion v of layer j starts at r + (v k + j) c.
    So layer j ends vector v at r + (v k + j + 1) c. Of the k c since its previous end it converted for c and stood
    for (k - 1) c behind the conversions of the others: v - 1 of those with a higher index, v of those with a lower.
    Vector 0 has r + c of service and stood behind the j layers before. Over V vectors the last layer waits for (k -
    1) c + (V - 1)(k - 1) c, the difference of the makespans with k layers and with one.
    """
    vectors = 4
    bench = Bench()
    bank = bench.server("tile.adc_bank")
    load = bench.source(vectors)
    layers = []
    for index in range(streams):
        samples = bench.slots(f"layer[{index}].sample_hold", "sample_hold", 1)
        crossbar = bench.server(f"layer[{index}].crossbar")
        table = [
            stage("read", read, crossbar, captures=samples, cause="crossbar_busy"),
            stage("convert", convert, bank, cause="adc_busy", releases=[(samples, 1)]),
        ]
        layers.append(bench.stream(f"layer[{index}]", vectors, table))
        bench.join(load, layers[-1])
    shares = bench.run()
    for j, layer in enumerate(layers):
        assert layer.end_ps == [read + (v * streams + j + 1) * convert for v in range(vectors)]
        before = [(layers[other].index, 0) for other in range(j)]
        assert shares.waits(layer, 0) == [("adc_busy", "tile.adc_bank", *who, convert) for who in before]
        for v in range(1, vectors):
            since = [(layers[other].index, v - 1) for other in range(j + 1, streams)]
            since += [(layers[other].index, v) for other in range(j)]
            assert shares.waits(layer, v) == [("adc_busy", "tile.adc_bank", *who, convert) for who in since]
    alone = read + vectors * convert
    assert layers[-1].end_ps[-1] - alone == shares.total(layers[-1], "adc_busy")


def test_buffer_full_is_waiting_for_room_at_a_destination() -> None:
    """Room for 2 of 3 vectors; the consumer fetches for 50, from 10 on, so that room for vector 2 is there at 60.

    The producer ends vectors 0 and 1 at 10 and 20, takes up vector 2 at 60 and ends it at 70: from 20 to 60 it waits
    for the consumer's vector 0.
    """
    bench = Bench()
    load = bench.source(3)
    producer = bench.stream("producer", 3, [stage("work", 10, bench.server("unit"))])
    consumer = bench.stream("consumer", 3, [stage("fetch", 50, bench.server("port"))])
    bench.join(load, producer)
    bench.join(producer, consumer, capacity=2, place="tile.input_buffer")
    shares = bench.run()
    assert producer.end_ps == [10, 20, 70]
    assert shares.story(producer, 2) == [("buffer_full", 40), ("service", 10)]
    assert shares.waits(producer, 2) == [("buffer_full", "tile.input_buffer", consumer.index, 0, 40)]


@pytest.mark.parametrize(
    ("fetches", "parts"),
    [
        ((60, 40), [(0, 50)]),
        ((40, 60), [(0, 30), (1, 20)]),
        ((50, 50), [(0, 40)]),
    ],
)
def test_buffer_full_goes_to_the_first_destination_that_lacks_room(
    fetches: tuple[int, int], parts: list[tuple[int, int]]
) -> None:
    """Each of two consumers has room for one vector, there from 10 on: their fetches make room at 10 + fetch.

    Vector 1 is issued when both have room. From the end of vector 0 at 10, time goes to consumer 0 until it has room,
    and only then to consumer 1 if that still lacks it. (Vector 1's share begins at 10, when the fetches begin; 10 is
    also when they are `there`, since the inputs lay ready at 0.)
    """
    bench = Bench()
    load = bench.source(2)
    producer = bench.stream("producer", 2, [stage("work", 10, bench.server("unit"))])
    bench.join(load, producer)
    consumers = []
    for index, fetch in enumerate(fetches):
        consumers.append(bench.stream(f"consumer[{index}]", 2, [stage("fetch", fetch, bench.server(f"port[{index}]"))]))
        bench.join(producer, consumers[-1], capacity=1, place=f"buffer[{index}]")
    shares = bench.run()
    ends = [10 + fetch for fetch in fetches]
    wanted = [("buffer_full", "buffer[0]", consumers[0].index, 0, fetches[0])]
    if ends[1] > ends[0]:
        wanted.append(("buffer_full", "buffer[1]", consumers[1].index, 0, ends[1] - ends[0]))
    assert shares.waits(producer, 1) == wanted


def test_buffer_port_is_waiting_for_a_write_port() -> None:
    """Both layers have worked for 10 and write for 20 through one port of the output buffer."""
    bench = Bench()
    port = bench.server("tile.output_buffer.write")

    def table(name: str) -> list[Stage]:
        return [stage("work", 10, bench.server(f"{name}.unit")), stage("write", 20, port, cause="buffer_port")]

    first, second, shares = compete(bench, table("first"), table("second"))
    assert shares.story(second, 0) == [("service", 10), ("buffer_port", 20), ("service", 20)]
    assert shares.waits(second, 0) == [("buffer_port", "tile.output_buffer.write", first.index, 0, 20)]


def sending(bench: Bench, name: str, link: str, slots: int) -> list[Stage]:
    """Return the table of a packet: injection of 5 through an own port, then 40 on a link, with a packet slot."""
    pools = {pool.path: pool for pool in bench.system.slots}
    servers = {server.path: server for server in bench.system.servers}
    packets = pools.get("tile.packet_slot") or bench.slots("tile.packet_slot", "credit", slots, shared=True)
    server = servers.get(link) or bench.server(link)
    return [
        stage("inject", 5, bench.server(f"{name}.port")),
        stage("route", 40, server, cause="link_busy", acquires=packets, releases=[(packets, 1)], transfer=True),
    ]


def test_link_busy_is_waiting_for_a_network_link() -> None:
    """Two packets with a slot each want one link at 5; the second has it at 45. Its own time there is `transfer`."""
    bench = Bench()
    first, second, shares = compete(
        bench, sending(bench, "first", "link", 2), sending(bench, "second", "link", 2), kind="send"
    )
    assert shares.story(second, 0) == [("service", 5), ("link_busy", 40), ("transfer", 40)]
    assert shares.waits(second, 0) == [("link_busy", "link", first.index, 0, 40)]


def test_credit_is_waiting_for_a_packet_slot_of_a_network_interface() -> None:
    """Two packets of a tile take different links, but the interface has one slot, taken at 5 and back at 45."""
    bench = Bench()
    first, second, shares = compete(
        bench, sending(bench, "first", "east", 1), sending(bench, "second", "west", 1), kind="send"
    )
    assert shares.story(second, 0) == [("service", 5), ("credit", 40), ("transfer", 40)]
    assert shares.waits(second, 0) == [("credit", "tile.packet_slot", first.index, 0, 40)]


def test_vector_busy_is_waiting_for_a_digital_unit() -> None:
    """Two digital layers, fetched after 5 and 6, share a vector unit for 30 each: the second has it at 35."""
    bench = Bench()
    unit = bench.server("tile.vector_unit")

    def table(name: str, fetch: int) -> list[Stage]:
        return [stage("fetch", fetch, bench.server(f"{name}.port")), stage("work", 30, unit, cause="vector_busy")]

    first, second, shares = compete(bench, table("first", 5), table("second", 6), kind="vector")
    assert shares.story(second, 0) == [("service", 6), ("vector_busy", 29), ("service", 30)]
    assert shares.waits(second, 0) == [("vector_busy", "tile.vector_unit", first.index, 0, 29)]


@pytest.mark.parametrize(("path", "cause"), [("host.link", "host"), ("memory.channel", "memory")])
def test_host_and_memory_are_waiting_for_what_is_off_the_chip(path: str, cause: str) -> None:
    """Two streams bring two vectors each over one channel, 100 apart, the data being there 20 after that.

    All four could go at 0, so the order is that of the streams: `first` has the channel over 0..200, and `second` 0
    waits for both of its vectors. It has the channel from 200 and ends at 320; vector 1, behind it, ends at 420.
    """
    bench = Bench()
    channel = bench.server(path)
    first, second = (
        bench.stream(
            name, 2, [stage("bring", 120, channel, interval=100, cause=cause, transfer=True)], kind="load", source=True
        )
        for name in ("first", "second")
    )
    shares = bench.run()
    assert (first.end_ps, second.end_ps) == ([120, 220], [320, 420])
    assert shares.story(second, 0) == [(cause, 200), ("transfer", 120)]
    assert shares.waits(second, 0) == [(cause, path, first.index, vector, 100) for vector in (0, 1)]
    assert shares.story(second, 1) == [("transfer", 100)]


def test_maintenance_is_waiting_for_a_resource_that_a_state_op_holds() -> None:
    """Programming holds the crossbar over 0..1000; inputs, let in at the start, are fetched by 10 and read at 1000."""
    bench = Bench(begin=0)
    crossbar = bench.server("tile.crossbar")
    program = bench.program([stage("write", 1000, crossbar, cause="crossbar_busy")])
    load = bench.source(1)
    table = [stage("fetch", 10, bench.server("port")), stage("read", 100, crossbar, cause="crossbar_busy")]
    layer = bench.stream("layer", 1, table)
    bench.join(load, layer)
    shares = bench.run()
    assert shares.story(layer, 0) == [("service", 10), ("maintenance", 990), ("service", 100)]
    assert shares.waits(layer, 0) == [("maintenance", "tile.crossbar", program.index, 0, 990)]


def test_maintenance_is_waiting_for_device_state() -> None:
    """A layer may not be issued before its programming has ended, at 1000, though its inputs lie there since 200."""
    bench = Bench(begin=0, requests=2)
    program = bench.program([stage("write", 1000, bench.server("tile.crossbar"))])
    load = bench.source(1, 200)
    layer = bench.stream("layer", 1, [stage("read", 100, bench.server("other"))])
    bench.join(load, layer)
    bench.state(program, layer)
    shares = bench.run()
    assert shares.waits(layer, 0) == [("maintenance", "layer.state", program.index, 0, 1000)]
    assert shares.story(layer, 1) == [("service", 100)], "the state serves every request"


def test_programming_before_the_begin_is_in_no_share() -> None:
    """Sources begin when all programming has ended, and a request is admitted then: nothing of it waits."""
    bench = Bench()
    slow = bench.program([stage("write", 1000, bench.server("tile.crossbar"))], name="slow")
    bench.program([stage("write", 400, bench.server("tile.other"))], name="quick")
    load = bench.source(1, 200)
    layer = bench.stream("layer", 1, [stage("read", 100, bench.server("unit"))])
    bench.join(load, layer)
    bench.state(slow, layer)
    shares = bench.run()
    assert load.issue_ps == [1000]
    assert shares.story(layer, 0) == [("dependency", 200), ("service", 100)]


def test_a_wait_behind_ones_own_vector_is_the_time_of_that_vector() -> None:
    """With one register of its own, vector 1 is fetched once vector 0 is read at 40: but that is 0's own reading.

    Vector 0 ends at 40, vector 1 at 80: its share of 40 is fetch and read, and there is no `input_register`.
    """
    bench = Bench()
    registers = bench.slots("layer.input_register", "input_register", 1)
    load = bench.source(2)
    table = [
        stage("fetch", 10, bench.server("port"), acquires=registers),
        stage("read", 30, bench.server("crossbar"), releases=[(registers, 1)]),
    ]
    layer = bench.stream("layer", 2, table)
    bench.join(load, layer)
    shares = bench.run()
    assert layer.end_ps == [40, 80]
    assert shares.story(layer, 1) == [("service", 40)]


def test_a_slot_had_at_once_leads_back_to_the_request_before_it() -> None:
    """Two slots: `first` and iteration 0 of `second` have them over 0..100, and iterations 1 and 2 are next.

    Iteration 1 asked at 0, so it has the slot that `first` gave back at 100. Only then iteration 2 asks, and has the
    other at once. It did not wait, but stood behind iteration 1, which waited for `first`; both end at 200.
    """
    bench = Bench()
    slots = bench.slots("tile.packet_slot", "credit", 2, shared=True)

    def table(times: int) -> list[Stage]:
        return [stage("route", 100, times=times, acquires=slots, releases=[(slots, times)], transfer=True)]

    first, second, shares = compete(bench, table(1), table(3), kind="send")
    assert second.end_ps == [200]
    assert shares.story(second, 0) == [("credit", 100), ("transfer", 100)]
    assert shares.waits(second, 0) == [("credit", "tile.packet_slot", first.index, 0, 100)]


def test_vectors_that_nobody_needs_take_room_only_until_they_arrive() -> None:
    """A 1 x 1 window of stride 2 over five vectors needs 0, 2 and 4; 1 and 3 are let go as they come.

    Room for one vector, 10 to bring it, 4 to fetch it. Vector 0 is there at 10 and fetched at 14. Only then vector 1
    has room, arrives at 24 and is gone at once; vector 2 comes at 34 and is fetched at 38; and so on. Kept are the
    vectors for 14, 10, 14, 10, 14; they lie there for 4, 0, 4, 0, 4.
    """
    bench = Bench()
    load = bench.source(5, 10)
    layer = bench.stream("layer", 3, [stage("fetch", 4, bench.server("port"))])
    edge = bench.join(load, layer, convolution((1, 5), 1, stride=2), capacity=1, place="buffer")
    assert (edge.needs, edge.keeps) == ([0, 2, 4], [2, 4, 5])
    shares = bench.run()
    assert edge.arrived_ps == [10, 24, 34, 48, 58]
    assert edge.freed_ps == [14, 24, 38, 48, 62]
    assert (edge.occupancy.integral, edge.valid.integral) == (62, 12)
    assert shares.waits(load, 1) == [("buffer_full", "buffer", layer.index, 0, 4)]
    assert shares.waits(load, 2) == [], "vector 1 left as it came"
