# cython: language_level=3
"""The compiled network of circuits, as a Python object: packets in, packets out.

Design
    The work is C: circuits.c, one event when a source asks for a way and one when its packet has left.
    Whoever makes one has checked tables and packets (aimcsim/network/circuit.py); nothing here checks them again.
Inputs, shapes, dtypes
    A `CircuitTables` of circuits_twin.py: int32 and uint8 arrays.
Ownership
    The tables stay with their arrays, which are kept alive. Everything that comes out is a copy.
GIL
    Released while the network runs; every so often it is taken to let an interrupt in.
Complexity
    Two heap operations and two walks over its way a packet. Memory grows by 56 bytes a packet.
Twin
    circuits_twin.py, the same class in Python.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t


cdef extern from "circuits.h" nogil:
    ctypedef struct CircuitShape:
        int64_t routers
        int64_t ports
        int64_t endpoints
        int64_t ways
        int64_t medium
        int64_t setup_cycles
        int64_t router_cycles
        int64_t hold_cycles
        const int32_t *latency
        const int32_t *interval
        const uint8_t *route
        const int32_t *next_router
        const int32_t *home
        const int32_t *home_port

    ctypedef struct CircuitPacket:
        int64_t create
        int64_t inject
        int64_t head
        int64_t tail
        int32_t source
        int32_t target
        int32_t flits

    ctypedef struct CircuitLink:
        int64_t flits
        int64_t busy
        int64_t link_wait

    ctypedef struct Circuits:
        CircuitShape shape
        int64_t cycle
        int64_t inside
        bint failed
        int64_t packet_count
        int64_t packet_room
        int64_t *done
        int64_t done_count
        CircuitLink *links

    Circuits *circuits_new(const CircuitShape *shape)
    void circuits_free(Circuits *circuits)
    int64_t circuits_offer(Circuits *circuits, int64_t create, int32_t source, int32_t target, int32_t flits)
    void circuits_run(Circuits *circuits, int64_t until, bint stop)
    void circuits_arrive(Circuits *circuits)
    int64_t circuits_next(const Circuits *circuits)
    CircuitPacket *circuit_packet(const Circuits *circuits, int64_t number)


DEF CYCLES_AT_A_TIME = 1 << 20


cdef class CircuitKernel:
    """Links, sources and packets; `circuits_twin.CircuitTwin` says what each method does."""

    cdef Circuits *circuits
    cdef object tables

    def __cinit__(self, tables):
        cdef CircuitShape shape
        cdef const int32_t[:, ::1] latency = tables.latency, interval = tables.interval
        cdef const uint8_t[:, :, ::1] route = tables.route
        cdef const int32_t[:, :, ::1] next_router = tables.next_router
        cdef const int32_t[::1] home = tables.home, home_port = tables.home_port
        shape.routers, shape.ports, shape.endpoints = latency.shape[0], latency.shape[1], home.shape[0]
        shape.ways, shape.medium = route.shape[0], tables.medium
        shape.setup_cycles, shape.router_cycles = tables.setup_cycles, tables.router_cycles
        shape.hold_cycles = tables.hold_cycles
        shape.latency, shape.interval = &latency[0, 0], &interval[0, 0]
        shape.route, shape.next_router = &route[0, 0, 0], &next_router[0, 0, 0]
        shape.home, shape.home_port = &home[0], &home_port[0]
        self.tables = tables
        self.circuits = circuits_new(&shape)
        if self.circuits == NULL:
            raise MemoryError

    def __dealloc__(self):
        circuits_free(self.circuits)

    @property
    def cycle(self):
        return self.circuits.cycle

    @property
    def offered(self):
        return self.circuits.packet_count

    @property
    def inside(self):
        return self.circuits.inside

    def offer(self, int64_t create, int32_t source, int32_t target, int32_t flits):
        cdef int64_t packet = circuits_offer(self.circuits, create, source, target, flits)
        if packet < 0:
            raise MemoryError
        return packet

    def offer_many(
        self,
        const int64_t[::1] create,    # IN
        const int32_t[::1] source,    # IN
        const int32_t[::1] target,    # IN
        const int32_t[::1] flits,     # IN
    ):
        cdef int64_t first = self.circuits.packet_count
        cdef Py_ssize_t i
        for i in range(create.shape[0]):
            if circuits_offer(self.circuits, create[i], source[i], target[i], flits[i]) < 0:
                raise MemoryError
        return first

    cdef void _run(self, int64_t until, bint stop) except *:
        cdef int64_t next
        self.circuits.done_count = 0
        while self.circuits.cycle < until and not (stop and self.circuits.done_count):
            next = max(self.circuits.cycle, circuits_next(self.circuits))
            next = until if next >= until - CYCLES_AT_A_TIME else next + CYCLES_AT_A_TIME
            with nogil:
                circuits_run(self.circuits, next, stop)
            self._check()
            PyErr_CheckSignals()

    cdef void _check(self) except *:
        if self.circuits.failed:
            raise MemoryError

    def advance(self, int64_t until):
        self._run(until, False)
        return np.array([self.circuits.done[i] for i in range(self.circuits.done_count)], np.int64)

    def advance_to_ejection(self, int64_t until):
        self._run(until, True)
        return [self.circuits.done[i] for i in range(self.circuits.done_count)]

    def arrive(self):
        self.circuits.done_count = 0
        circuits_arrive(self.circuits)
        self._check()
        return [self.circuits.done[i] for i in range(self.circuits.done_count)]

    @property
    def places(self):
        """Packets that there is memory for; those that have left and been forgotten give theirs to others."""
        return self.circuits.packet_room

    @property
    def address(self):
        """Where the network is in memory, for code that runs it without Python; this object keeps it alive."""
        return <size_t>self.circuits

    def next_event_cycle(self):
        cdef int64_t next = circuits_next(self.circuits)
        return None if next == INT64_MAX else next

    def packet(self, int64_t which):
        cdef CircuitPacket *packet = circuit_packet(self.circuits, which)
        return (packet.inject, packet.head, packet.tail, packet.inject - packet.create, 0)

    def tails(self, const int64_t[::1] ids):
        tails = np.empty(ids.shape[0], np.int64)
        cdef int64_t[::1] out = tails
        cdef Py_ssize_t i
        for i in range(out.shape[0]):
            out[i] = circuit_packet(self.circuits, ids[i]).tail
        return tails

    def packets(self, int64_t first, int64_t last):
        table = np.zeros((9, last - first), np.int64)
        cdef int64_t[:, ::1] out = table
        cdef CircuitPacket *packet
        cdef Py_ssize_t i
        for i in range(last - first):
            packet = circuit_packet(self.circuits, first + i)
            out[0, i], out[1, i], out[2, i] = packet.create, packet.source, packet.target
            out[3, i], out[4, i], out[5, i] = packet.flits, packet.inject, packet.head
            out[6, i] = packet.tail
            out[7, i] = packet.inject - packet.create if packet.tail >= 0 else 0
        return table

    def links(self):
        cdef Py_ssize_t count = self.circuits.shape.routers * self.circuits.shape.ports + self.circuits.shape.endpoints, i
        table = np.empty((count, 3), np.int64)
        cdef int64_t[:, ::1] out = table
        for i in range(count):
            out[i, 0], out[i, 1] = self.circuits.links[i].flits, self.circuits.links[i].busy
            out[i, 2] = self.circuits.links[i].link_wait
        return table
