# cython: language_level=3
"""The compiled calendars of links, as a Python object: packets in, packets out.

Design
    One event per packet: in a binary heap, by cycle and packet; a link is the cycle in which it will be free.
    Whoever makes one has checked tables and packets (aimcsim/network/engine.py); nothing here checks them again.
Inputs, shapes, dtypes
    A `CalendarTables` of calendar_twin.py: int32 and uint8 arrays.
Ownership
    The tables stay with their arrays, which are kept alive. Everything that comes out is a copy.
GIL
    Released while events are worked off; every so often it is taken to let an interrupt in.
Complexity
    One heap operation per packet and router on its way. Memory grows by 72 bytes a packet.
Twin
    calendar_twin.py, the same class in Python.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, realloc


cdef extern from "flits.h" nogil:
    int64_t way_of(int64_t packet, int64_t ways)


cdef enum:
    ARRIVED = -1
    EVENTS_AT_A_TIME = 65536


cdef struct Event:
    int64_t time
    int32_t packet
    int32_t router


cdef struct Packet:
    int64_t create
    int64_t inject
    int64_t head
    int64_t tail
    int64_t link_wait
    int32_t source
    int32_t target
    int32_t flits
    int32_t spread


cdef inline bint before(Event *one, Event *other) noexcept nogil:
    return one.time < other.time or (one.time == other.time and one.packet < other.packet)


cdef class CalendarKernel:
    """Links and packets; `calendar_twin.CalendarTwin` says what each method does."""

    cdef object tables
    cdef const uint8_t[:, :, ::1] route
    cdef const int32_t[:, :, ::1] next_router
    cdef const int32_t[:, ::1] hop, interval
    cdef const int32_t[::1] home, home_port
    cdef int64_t router_cycles, eject_cycles, _cycle, count, room, event_count, done_count
    cdef int64_t[:, ::1] free_at
    cdef int64_t[:, :, ::1] _links
    cdef int64_t[::1] source_free_at
    cdef int64_t[:, ::1] sent
    cdef Packet *_packets
    cdef Event *events
    cdef int32_t *done

    def __cinit__(self, tables):
        self.tables = tables
        self.route, self.next_router, self.hop = tables.route, tables.next_router, tables.hop
        self.interval, self.home, self.home_port = tables.interval, tables.home, tables.home_port
        self.router_cycles, self.eject_cycles = tables.router_cycles, tables.eject_cycles
        self.free_at = np.zeros((self.hop.shape[0], self.hop.shape[1]), np.int64)
        self._links = np.zeros((self.hop.shape[0], self.hop.shape[1], 3), np.int64)
        self.source_free_at = np.zeros(self.home.shape[0], np.int64)
        self.sent = np.zeros((self.home.shape[0], 2), np.int64)

    def __dealloc__(self):
        free(self._packets)
        free(self.events)
        free(self.done)

    @property
    def cycle(self):
        return self._cycle

    @property
    def offered(self):
        return self.count

    @property
    def inside(self):
        return self.event_count

    cdef int _grow(self) except -1:
        cdef int64_t room = 2 * self.room if self.room else 64
        cdef Packet *packets = <Packet *> realloc(self._packets, room * sizeof(Packet))
        if packets != NULL:
            self._packets = packets
        cdef Event *events = <Event *> realloc(self.events, room * sizeof(Event))
        if events != NULL:
            self.events = events
        cdef int32_t *done = <int32_t *> realloc(self.done, room * sizeof(int32_t))
        if done != NULL:
            self.done = done
        if packets == NULL or events == NULL or done == NULL:
            raise MemoryError
        self.room = room
        return 0

    cpdef int64_t offer(self, int64_t create, int32_t source, int32_t target, int32_t flits) except -1:
        if self.count == self.room:
            self._grow()
        cdef int64_t inject = max(create, self.source_free_at[source])
        self.source_free_at[source] = inject + flits
        self.sent[source, 0] += flits
        cdef Packet *packet = &self._packets[self.count]
        packet.create, packet.inject, packet.head, packet.tail = create, inject, -1, -1
        packet.link_wait, packet.source, packet.target = inject - create, source, target
        packet.flits, packet.spread = flits, 1
        self._push(inject + self.router_cycles, <int32_t> self.count, self.home[source])
        self.count += 1
        return self.count - 1

    def offer_many(
        self,
        const int64_t[::1] create,    # IN
        const int32_t[::1] source,    # IN
        const int32_t[::1] target,    # IN
        const int32_t[::1] flits,     # IN
    ):
        cdef int64_t first = self.count
        cdef Py_ssize_t i
        for i in range(create.shape[0]):
            self.offer(create[i], source[i], target[i], flits[i])
        return first

    cdef void _push(self, int64_t time, int32_t packet, int32_t router) noexcept nogil:
        cdef Event event = Event(time, packet, router)
        cdef int64_t place = self.event_count, parent
        self.event_count += 1
        while place:
            parent = (place - 1) >> 1
            if before(&self.events[parent], &event):
                break
            self.events[place] = self.events[parent]
            place = parent
        self.events[place] = event

    cdef void _pop(self) noexcept nogil:
        self.event_count -= 1
        cdef Event *last = &self.events[self.event_count]
        cdef int64_t place = 0, child
        while True:
            child = 2 * place + 1
            if child >= self.event_count:
                break
            if child + 1 < self.event_count and before(&self.events[child + 1], &self.events[child]):
                child += 1
            if before(last, &self.events[child]):
                break
            self.events[place] = self.events[child]
            place = child
        self.events[place] = last[0]

    cdef void _cross(self, int64_t time, int32_t which, int32_t router) noexcept nogil:
        cdef Packet *packet = &self._packets[which]
        cdef int32_t home = self.home[packet.target]
        cdef int64_t way = way_of(which, self.route.shape[0])
        cdef int32_t port = self.home_port[packet.target] if home == router else self.route[way, router, home]
        cdef int64_t granted = max(time, self.free_at[router, port])
        cdef int32_t interval = self.interval[router, port]
        packet.spread = max(packet.spread, interval)
        packet.link_wait += granted - time
        self.free_at[router, port] = granted + <int64_t> packet.flits * interval
        self._links[router, port, 0] += packet.flits
        self._links[router, port, 1] += granted - time
        if home != router:
            self._push(granted + self.hop[router, port], which, self.next_router[way, router, home])
            return
        packet.head = granted + self.eject_cycles
        packet.tail = packet.head + <int64_t> (packet.flits - 1) * packet.spread
        self._push(packet.tail, which, ARRIVED)

    cdef bint _work(self, int64_t until, bint stop) noexcept nogil:
        """Work off events; say whether there is more to do before `until`."""
        cdef Event event
        cdef int64_t left = EVENTS_AT_A_TIME
        while self.event_count and self.events[0].time < until:
            event = self.events[0]
            if stop and self.done_count and event.time > self._cycle:
                return False
            if left == 0:
                return True
            left -= 1
            self._pop()
            if event.router == ARRIVED:
                self.done[self.done_count] = event.packet
                self.done_count += 1
                self._cycle = event.time
            else:
                self._cross(event.time, event.packet, event.router)
        return False

    cdef int _run(self, int64_t until, bint stop) except -1:
        cdef bint more = True
        self.done_count = 0
        while more:
            with nogil:
                more = self._work(until, stop)
            PyErr_CheckSignals()
        if not (stop and self.done_count):
            self._cycle = max(self._cycle, until)
        return 0

    def advance(self, int64_t until):
        self._run(until, False)
        ids = np.empty(self.done_count, np.int64)
        cdef int64_t[::1] out = ids
        cdef Py_ssize_t i
        for i in range(out.shape[0]):
            out[i] = self.done[i]
        return ids

    def advance_to_ejection(self, int64_t until):
        self._run(until, True)
        return [self.done[i] for i in range(self.done_count)]

    def next_event_cycle(self):
        return max(self._cycle, self.events[0].time) if self.event_count else None

    def packet(self, int64_t which):
        cdef Packet *packet = &self._packets[which]
        return (packet.inject, packet.head, packet.tail, packet.link_wait, 0)

    def tails(self, const int64_t[::1] ids):
        tails = np.empty(ids.shape[0], np.int64)
        cdef int64_t[::1] out = tails
        cdef Py_ssize_t i
        for i in range(out.shape[0]):
            out[i] = self._packets[ids[i]].tail
        return tails

    def packets(self, int64_t first, int64_t last):
        table = np.zeros((9, last - first), np.int64)
        cdef int64_t[:, ::1] out = table
        cdef Packet *packet
        cdef Py_ssize_t i
        for i in range(last - first):
            packet = &self._packets[first + i]
            out[0, i], out[1, i], out[2, i] = packet.create, packet.source, packet.target
            out[3, i], out[4, i], out[5, i] = packet.flits, packet.inject, packet.head
            out[6, i], out[7, i] = packet.tail, packet.link_wait
        return table

    def links(self):
        return np.array(self._links)

    def head_waits(self):
        return np.zeros(self.hop.shape[0], np.int64)

    def sources(self):
        return np.array(self.sent)
