# cython: language_level=3
"""The compiled network of routers, as a Python object: packets in, packets out.

Design
    The work is C: flits.c steps the routers that can do something through the cycles in which something can happen.
    Whoever makes one has checked tables and packets (aimcsim/network/flit.py); nothing here checks them again.
Inputs, shapes, dtypes
    A `FlitTables` of flits_twin.py: int32 and uint8 arrays, which say in flits.h what they mean.
Ownership
    The tables stay with their arrays, which are kept alive. Everything that comes out is a copy.
GIL
    Released while the network runs; every so often it is taken to let an interrupt in.
Complexity
    Constant work per flit and router on its way, and per router and cycle in which something asks there and gets
    nothing. Memory grows by 96 bytes a packet.
Twin
    flits_twin.py, the same class in Python.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t


cdef extern from "flits.h" nogil:
    enum:
        LINK_COLUMNS

    ctypedef struct Shape:
        int64_t routers
        int64_t ports
        int64_t endpoints
        int64_t ways
        int64_t vcs
        int64_t buffer
        int64_t fast
        int64_t classes
        const int32_t *peer
        const int32_t *latency
        const int32_t *interval
        const uint8_t *route
        const uint8_t *upper
        const int32_t *ahead
        const uint8_t *dimension
        const int32_t *home
        const int32_t *home_port
        const uint8_t *channel_first
        const uint8_t *port_first

    ctypedef struct Packet:
        int64_t create
        int64_t inject
        int64_t head
        int64_t tail
        int64_t empty
        int64_t end
        int32_t source
        int32_t target
        int32_t flits

    ctypedef struct Router:
        int64_t head_wait

    ctypedef struct Port:
        int64_t records[3]

    ctypedef struct Source:
        int64_t flits
        int64_t credit_wait

    ctypedef struct Network:
        Shape shape
        int64_t cycle
        bint failed
        Packet *packets
        int64_t packet_count
        int64_t packet_room
        int64_t inside
        int64_t admitted
        int32_t *done
        int64_t done_count
        Router *routers
        Source *sources
        Port *ports

    Network *network_new(const Shape *shape)
    void network_free(Network *network)
    int64_t network_offer(Network *network, int64_t create, int32_t source, int32_t target, int32_t flits)
    int64_t packet_credit_wait(const Packet *packet)
    void network_run(Network *network, int64_t until, bint stop)
    void network_arrive(Network *network)
    int64_t network_next(const Network *network)


DEF CYCLES_AT_A_TIME = 65536


cdef class FlitKernel:
    """Routers, sources and packets; `flits_twin.FlitTwin` says what each method does."""

    cdef Network *network
    cdef object tables

    def __cinit__(self, tables):
        cdef Shape shape
        cdef const int32_t[:, ::1] peer = tables.peer, latency = tables.latency, interval = tables.interval
        cdef const uint8_t[:, :, ::1] route = tables.route, upper = tables.upper
        cdef const int32_t[:, :, ::1] ahead = tables.ahead
        cdef const uint8_t[::1] dimension = tables.dimension
        cdef const int32_t[::1] home = tables.home, home_port = tables.home_port
        cdef const uint8_t[:, :, ::1] channel_first = tables.channel_first, port_first = tables.port_first
        shape.routers, shape.ports, shape.endpoints = peer.shape[0], peer.shape[1], home.shape[0]
        shape.ways = route.shape[0]
        shape.vcs, shape.buffer, shape.fast = tables.vcs, tables.buffer, tables.fast
        shape.classes = tables.classes
        shape.peer, shape.latency, shape.interval = &peer[0, 0], &latency[0, 0], &interval[0, 0]
        shape.route, shape.upper, shape.ahead = &route[0, 0, 0], &upper[0, 0, 0], &ahead[0, 0, 0]
        shape.dimension, shape.home, shape.home_port = &dimension[0], &home[0], &home_port[0]
        shape.channel_first, shape.port_first = &channel_first[0, 0, 0], &port_first[0, 0, 0]
        self.tables = tables
        self.network = network_new(&shape)
        if self.network == NULL:
            raise MemoryError

    def __dealloc__(self):
        network_free(self.network)

    @property
    def cycle(self):
        return self.network.cycle

    @property
    def offered(self):
        return self.network.packet_count

    @property
    def inside(self):
        return self.network.inside + self.network.packet_count - self.network.admitted

    def offer(self, int64_t create, int32_t source, int32_t target, int32_t flits):
        cdef int64_t packet = network_offer(self.network, create, source, target, flits)
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
        cdef int64_t first = self.network.packet_count
        cdef Py_ssize_t i
        for i in range(create.shape[0]):
            if network_offer(self.network, create[i], source[i], target[i], flits[i]) < 0:
                raise MemoryError
        return first

    cdef void _run(self, int64_t until, bint stop) except *:
        cdef int64_t next
        self.network.done_count = 0
        while self.network.cycle < until and not (stop and self.network.done_count):
            next = max(self.network.cycle, network_next(self.network))
            next = until if next >= until - CYCLES_AT_A_TIME else next + CYCLES_AT_A_TIME
            with nogil:
                network_run(self.network, next, stop)
            if self.network.failed:
                raise MemoryError
            PyErr_CheckSignals()

    def advance(self, int64_t until):
        self._run(until, False)
        ids = np.empty(self.network.done_count, np.int64)
        cdef int64_t[::1] out = ids
        cdef Py_ssize_t i
        for i in range(out.shape[0]):
            out[i] = self.network.done[i]
        return ids

    def advance_to_ejection(self, int64_t until):
        self._run(until, True)
        return [self.network.done[i] for i in range(self.network.done_count)]

    def arrive(self):
        self.network.done_count = 0
        network_arrive(self.network)
        return [self.network.done[i] for i in range(self.network.done_count)]

    @property
    def places(self):
        """Packets that there is memory for; those that have left and been forgotten give theirs to others."""
        return self.network.packet_room

    @property
    def address(self):
        """Where the network is in memory, for code that runs it without Python; this object keeps it alive."""
        return <size_t>self.network

    def next_event_cycle(self):
        cdef int64_t next = network_next(self.network)
        return None if next == INT64_MAX else next

    def packet(self, int64_t which):
        cdef Packet *packet = &self.network.packets[which]
        cdef int64_t credit_wait = packet_credit_wait(packet)
        return (packet.inject, packet.head, packet.tail, packet.end - packet.empty - credit_wait, credit_wait)

    def tails(self, const int64_t[::1] ids):
        tails = np.empty(ids.shape[0], np.int64)
        cdef int64_t[::1] out = tails
        cdef Py_ssize_t i
        for i in range(out.shape[0]):
            out[i] = self.network.packets[ids[i]].tail
        return tails

    def packets(self, int64_t first, int64_t last):
        table = np.empty((9, last - first), np.int64)
        cdef int64_t[:, ::1] out = table
        cdef Packet *packet
        cdef Py_ssize_t i
        for i in range(last - first):
            packet = &self.network.packets[first + i]
            out[0, i], out[1, i], out[2, i] = packet.create, packet.source, packet.target
            out[3, i], out[4, i], out[5, i] = packet.flits, packet.inject, packet.head
            out[6, i], out[8, i] = packet.tail, packet_credit_wait(packet)
            out[7, i] = packet.end - packet.empty - out[8, i]
        return table

    def links(self):
        cdef Py_ssize_t ports = self.network.shape.routers * self.network.shape.ports, i, column
        table = np.empty((self.network.shape.routers, self.network.shape.ports, LINK_COLUMNS), np.int64)
        cdef int64_t[:, ::1] out = table.reshape(ports, LINK_COLUMNS)
        for i in range(ports):
            for column in range(LINK_COLUMNS):
                out[i, column] = self.network.ports[i].records[column]
        return table

    def head_waits(self):
        return np.array([self.network.routers[r].head_wait for r in range(self.network.shape.routers)], np.int64)

    def sources(self):
        return np.array(
            [
                (self.network.sources[e].flits, self.network.sources[e].credit_wait)
                for e in range(self.network.shape.endpoints)
            ],
            np.int64,
        )
