# cython: language_level=3
"""Streams of vectors through stages, servers and slots, on calendars: the compiled loop of the fast engine.

Design
    a. A *run* is one stage of one stream, taking slots (kind 0) or serving (kind 1). It advances through its iterations
       until it lacks a time; whoever makes that time known wakes it. Private servers and slots need no event.
    b. Requests for shared servers and pools, returns of shared slots and releases of shared servers are events in one
       binary heap, keyed by (time, number). All events of an instant are applied, then every desk they touched decides
       once: a round. What a round brings about at the same instant is the next round.
    c. When an instant comes up, all that is unknown hangs on decisions still to be made, so nothing can ask earlier.
    d. Times only enter by maximum and by counting clock edges, in 128-bit products, so they equal the reference's.
Inputs, shapes, dtypes
    All int64, contiguous; the names are those of `aimcsim/engine/flat.py`, which makes them and says what each means.
Ownership
    The caller owns all arrays; the event heap is the loop's own and freed with it.
GIL
    Released around the whole run.
Complexity
    One heap operation per booking of something shared; constant work per iteration otherwise.
Twin
    aimcsim/engine/fast.py, the same steps on the objects of a system.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc

cdef extern from *:
    """
    typedef __int128 aimcsim_int128;
    """
    ctypedef long long int128 "aimcsim_int128"

cdef enum:
    ARRIVAL = 0
    TAKE = 1
    CAPTURE = 2
    ASKED = 3

cdef enum:
    REQUEST = 0
    BACK = 1
    LET_GO = 2
    LOOK = 3


ctypedef struct Event:
    int64_t time
    int64_t number
    int32_t desk
    int32_t kind
    int64_t who
    int64_t total


cdef class Loop:
    """The state of one run; arrays come as keyword arguments and are kept alive by `_keep`."""

    cdef dict _keep
    cdef int64_t streams, edges, runs, servers, desks
    # streams
    cdef int64_t *st_total
    cdef int64_t *st_source
    cdef int64_t *st_program
    cdef int64_t *st_first
    cdef int64_t *st_in
    cdef int64_t *st_out
    cdef int64_t *in_edges
    cdef int64_t *out_edges
    cdef int64_t *st_offset
    cdef int64_t *issue
    cdef int64_t *end
    cdef int64_t *st_issued
    cdef int64_t *st_ended
    # edges
    cdef int64_t *e_source
    cdef int64_t *e_target
    cdef int64_t *e_capacity
    cdef int64_t *e_window
    cdef int64_t *needs
    cdef int64_t *keeps
    cdef int64_t *e_offset
    cdef int64_t *passed
    cdef int64_t *freed
    cdef int64_t *e_passed
    cdef int64_t *e_freed
    # runs
    cdef int64_t *r_stream
    cdef int64_t *r_stage
    cdef int64_t *r_kind
    cdef int64_t *r_iterations
    cdef int64_t *r_total
    cdef int64_t *r_source
    cdef int64_t *r_before
    cdef int64_t *r_next
    cdef int64_t *r_last
    cdef int64_t *r_server
    cdef int64_t *r_own
    cdef int64_t *r_take
    cdef int64_t *r_capture
    cdef int64_t *r_offset
    cdef int64_t *r_clock
    cdef int64_t *r_cross_clock
    cdef int64_t *r_cross_cycles
    cdef int64_t *r_latency
    cdef int64_t *r_interval
    cdef int64_t *r_release
    cdef int64_t *rel_client
    cdef int64_t *rel_per_vector
    cdef int64_t *r_done
    cdef int64_t *r_needs
    cdef int64_t *r_queued
    cdef int64_t *r_asked
    cdef int64_t *log_arrival
    cdef int64_t *log_had
    cdef int64_t *log_worked
    cdef int64_t *log_done
    # spans: offset into amounts, length, in cycles, clock
    cdef int64_t *sp_offset
    cdef int64_t *sp_length
    cdef int64_t *sp_cycles
    cdef int64_t *sp_clock
    cdef int64_t *amounts
    cdef int64_t *ck_numerator
    cdef int64_t *ck_denominator
    # servers, desks (servers first, then pools)
    cdef int64_t *v_free
    cdef int64_t *v_clock
    cdef int64_t *d_open
    cdef int64_t *d_armed
    cdef int64_t *d_count
    cdef int64_t *d_taken
    cdef int64_t *d_pending
    cdef int64_t *d_offset
    cdef int64_t *d_waiting
    # clients of pools
    cdef int64_t *c_desk
    cdef int64_t *c_shared
    cdef int64_t *c_offset
    cdef int64_t *c_back
    cdef int64_t *c_taken
    cdef int64_t *c_taker
    cdef int64_t *ends
    cdef int64_t *grants
    cdef int64_t *g_offset
    cdef int64_t *g_count
    # work
    cdef int64_t *work
    cdef int64_t work_head, work_tail
    cdef Event *heap
    cdef int64_t heap_size, heap_room, number
    cdef int64_t *touched
    cdef int64_t *is_touched
    cdef int64_t begin, began, programs, begin_given
    cdef bint failed

    def __cinit__(self, dict arrays, int64_t begin, int64_t begin_given, int64_t programs):
        self.heap = NULL
        self._keep = arrays
        self.streams = arrays["st_total"].shape[0]
        self.edges = arrays["e_source"].shape[0]
        self.runs = arrays["r_stream"].shape[0]
        self.servers = arrays["v_free"].shape[0]
        self.desks = arrays["d_open"].shape[0]
        self.begin = begin
        self.begin_given = begin_given
        self.programs = programs
        self.began = 1 if (programs == 0 or begin_given) else 0
        self.heap_size = 0
        self.heap_room = 1024
        self.number = 0
        self.work_head = 0
        self.work_tail = 0
        self.failed = False
        self.heap = <Event *>malloc(self.heap_room * sizeof(Event))
        if self.heap == NULL:
            raise MemoryError
        self._point()

    def __dealloc__(self):
        free(self.heap)

    cdef int64_t *_array(self, str name) except? NULL:
        cdef int64_t[::1] view = self._keep[name]
        return &view[0] if view.shape[0] else NULL

    cdef int _point(self) except -1:
        self.st_total = self._array("st_total")
        self.st_source = self._array("st_source")
        self.st_program = self._array("st_program")
        self.st_first = self._array("st_first")
        self.st_in = self._array("st_in")
        self.st_out = self._array("st_out")
        self.in_edges = self._array("in_edges")
        self.out_edges = self._array("out_edges")
        self.st_offset = self._array("st_offset")
        self.issue = self._array("issue")
        self.end = self._array("end")
        self.st_issued = self._array("st_issued")
        self.st_ended = self._array("st_ended")
        self.e_source = self._array("e_source")
        self.e_target = self._array("e_target")
        self.e_capacity = self._array("e_capacity")
        self.e_window = self._array("e_window")
        self.needs = self._array("needs")
        self.keeps = self._array("keeps")
        self.e_offset = self._array("e_offset")
        self.passed = self._array("passed")
        self.freed = self._array("freed")
        self.e_passed = self._array("e_passed")
        self.e_freed = self._array("e_freed")
        self.r_stream = self._array("r_stream")
        self.r_stage = self._array("r_stage")
        self.r_kind = self._array("r_kind")
        self.r_iterations = self._array("r_iterations")
        self.r_total = self._array("r_total")
        self.r_source = self._array("r_source")
        self.r_before = self._array("r_before")
        self.r_next = self._array("r_next")
        self.r_last = self._array("r_last")
        self.r_server = self._array("r_server")
        self.r_own = self._array("r_own")
        self.r_take = self._array("r_take")
        self.r_capture = self._array("r_capture")
        self.r_offset = self._array("r_offset")
        self.r_clock = self._array("r_clock")
        self.r_cross_clock = self._array("r_cross_clock")
        self.r_cross_cycles = self._array("r_cross_cycles")
        self.r_latency = self._array("r_latency")
        self.r_interval = self._array("r_interval")
        self.r_release = self._array("r_release")
        self.rel_client = self._array("rel_client")
        self.rel_per_vector = self._array("rel_per_vector")
        self.r_done = self._array("r_done")
        self.r_needs = self._array("r_needs")
        self.r_queued = self._array("r_queued")
        self.r_asked = self._array("r_asked")
        self.log_arrival = self._array("log_arrival")
        self.log_had = self._array("log_had")
        self.log_worked = self._array("log_worked")
        self.log_done = self._array("log_done")
        self.sp_offset = self._array("sp_offset")
        self.sp_length = self._array("sp_length")
        self.sp_cycles = self._array("sp_cycles")
        self.sp_clock = self._array("sp_clock")
        self.amounts = self._array("amounts")
        self.ck_numerator = self._array("ck_numerator")
        self.ck_denominator = self._array("ck_denominator")
        self.v_free = self._array("v_free")
        self.v_clock = self._array("v_clock")
        self.d_open = self._array("d_open")
        self.d_armed = self._array("d_armed")
        self.d_count = self._array("d_count")
        self.d_taken = self._array("d_taken")
        self.d_pending = self._array("d_pending")
        self.d_offset = self._array("d_offset")
        self.d_waiting = self._array("d_waiting")
        self.c_desk = self._array("c_desk")
        self.c_shared = self._array("c_shared")
        self.c_offset = self._array("c_offset")
        self.c_back = self._array("c_back")
        self.c_taken = self._array("c_taken")
        self.c_taker = self._array("c_taker")
        self.ends = self._array("ends")
        self.grants = self._array("grants")
        self.g_offset = self._array("g_offset")
        self.g_count = self._array("g_count")
        self.work = self._array("work")
        self.touched = self._array("touched")
        self.is_touched = self._array("is_touched")
        return 0

    def run(self):
        """Advance all streams as far as they go; return the number of events. Raises MemoryError."""
        cdef int64_t stream
        with nogil:
            for stream in range(self.streams):
                self.issue_vectors(stream)
            self.drain()
            while self.heap_size and not self.failed:
                self.instant()
        if self.failed:
            raise MemoryError
        return self.number

    # ---- clocks and spans

    cdef inline int64_t index(self, int64_t clock, int64_t time) noexcept nogil:
        cdef int128 product = <int128>time * self.ck_denominator[clock]
        return <int64_t>((product + self.ck_numerator[clock] - 1) / self.ck_numerator[clock])

    cdef inline int64_t edge(self, int64_t clock, int64_t n) noexcept nogil:
        return <int64_t>(<int128>n * self.ck_numerator[clock] / self.ck_denominator[clock])

    cdef inline int64_t align(self, int64_t clock, int64_t time) noexcept nogil:
        return time if clock < 0 else self.edge(clock, self.index(clock, time))

    cdef inline int64_t span_end(self, int64_t span, int64_t start, int64_t vector) noexcept nogil:
        cdef int64_t amount = self.amounts[self.sp_offset[span] + vector % self.sp_length[span]]
        cdef int64_t clock = self.sp_clock[span]
        if not self.sp_cycles[span]:
            return start + amount
        return self.edge(clock, self.index(clock, start) + amount)

    # ---- events

    cdef void push(self, int64_t time, int64_t desk, int32_t kind, int64_t who, int64_t total) noexcept nogil:
        cdef Event *grown
        cdef int64_t here, above
        if self.heap_size == self.heap_room:
            grown = <Event *>realloc(self.heap, 2 * self.heap_room * sizeof(Event))
            if grown == NULL:
                self.failed = True
                return
            self.heap = grown
            self.heap_room *= 2
        here = self.heap_size
        self.heap_size += 1
        self.number += 1
        while here:
            above = (here - 1) >> 1
            if self.heap[above].time <= time:
                break
            self.heap[here] = self.heap[above]
            here = above
        self.heap[here].time = time
        self.heap[here].number = self.number
        self.heap[here].desk = <int32_t>desk
        self.heap[here].kind = kind
        self.heap[here].who = who
        self.heap[here].total = total

    cdef Event pop(self) noexcept nogil:
        cdef Event top = self.heap[0]
        cdef Event last
        cdef int64_t here = 0, child
        self.heap_size -= 1
        last = self.heap[self.heap_size]
        while True:
            child = 2 * here + 1
            if child >= self.heap_size:
                break
            if child + 1 < self.heap_size and self.heap[child + 1].time < self.heap[child].time:
                child += 1
            if last.time <= self.heap[child].time:
                break
            self.heap[here] = self.heap[child]
            here = child
        self.heap[here] = last
        return top

    cdef void instant(self) noexcept nogil:
        """Apply what happens at the next instant, have a round of decisions, and let their consequences spread."""
        cdef int64_t now = self.heap[0].time
        cdef int64_t count = 0, position
        cdef Event event
        while self.heap_size and self.heap[0].time == now:
            event = self.pop()
            if not self.is_touched[event.desk]:
                self.is_touched[event.desk] = 1
                self.touched[count] = event.desk
                count += 1
            if event.kind == REQUEST:
                self.d_waiting[self.d_offset[event.desk] + self.d_pending[event.desk]] = event.who
                self.d_pending[event.desk] += 1
            elif event.kind == BACK:
                self.d_taken[event.desk] -= self.give_back(event.who, event.total, now)
            elif event.kind == LET_GO:
                self.d_open[event.desk] = 0
        for position in range(count):
            self.is_touched[self.touched[position]] = 0
            if self.touched[position] < self.servers:
                self.decide_server(self.touched[position], now)
            else:
                self.decide_pool(self.touched[position], now)
        self.drain()

    cdef int64_t first_waiting(self, int64_t desk) noexcept nogil:
        """Take out of a desk's waiting runs the one that asked first: by time, stream, stage."""
        cdef int64_t *waiting = self.d_waiting + self.d_offset[desk]
        cdef int64_t best = 0, position, run, other
        for position in range(1, self.d_pending[desk]):
            run = waiting[position]
            other = waiting[best]
            if self.r_asked[run] != self.r_asked[other]:
                if self.r_asked[run] < self.r_asked[other]:
                    best = position
            elif self.r_stream[run] != self.r_stream[other]:
                if self.r_stream[run] < self.r_stream[other]:
                    best = position
            elif self.r_stage[run] < self.r_stage[other]:
                best = position
        run = waiting[best]
        self.d_pending[desk] -= 1
        waiting[best] = waiting[self.d_pending[desk]]
        return run

    cdef void decide_server(self, int64_t server, int64_t now) noexcept nogil:
        cdef int64_t run
        if self.d_open[server] or not self.d_pending[server]:
            return
        if self.v_free[server] <= now:
            run = self.first_waiting(server)
            self.start_hold(run, server, self.align(self.v_clock[server], now))
            self.d_open[server] = 1 if self.r_capture[run] >= 0 else 0
        if self.d_pending[server] and not self.d_open[server] and self.d_armed[server] < self.v_free[server]:
            self.d_armed[server] = self.v_free[server]
            self.push(self.v_free[server], server, LOOK, 0, 0)

    cdef void decide_pool(self, int64_t desk, int64_t now) noexcept nogil:
        while self.d_pending[desk] and self.d_taken[desk] < self.d_count[desk]:
            self.d_taken[desk] += 1
            self.have_slot(self.first_waiting(desk), now)

    cdef int64_t give_back(self, int64_t client, int64_t total, int64_t now) noexcept nogil:
        """Have the first `total` slots of a client back; return how many that are."""
        cdef int64_t before = self.c_back[client]
        cdef int64_t index
        for index in range(before, total):
            self.ends[self.c_offset[client] + index] = now
        if total > before:
            self.c_back[client] = total
            return total - before
        return 0

    # ---- streams

    cdef void issue_vectors(self, int64_t stream) noexcept nogil:
        """Issue vectors as far as inputs and room are known."""
        cdef int64_t vector, time, position, edge, needed, capacity, source
        cdef int64_t *issue = self.issue + self.st_offset[stream]
        if self.st_source[stream] and not self.began:
            return
        while self.st_issued[stream] < self.st_total[stream]:
            vector = self.st_issued[stream]
            if vector:
                time = issue[vector - 1]
            else:
                time = self.begin if self.st_source[stream] else 0
            for position in range(self.st_in[stream], self.st_in[stream + 1]):
                edge = self.in_edges[position]
                source = self.e_source[edge]
                needed = self.needs[self.e_window[edge] + vector]
                if self.st_ended[source] <= needed:
                    return
                if needed >= 0 and self.end[self.st_offset[source] + needed] > time:
                    time = self.end[self.st_offset[source] + needed]
            for position in range(self.st_out[stream], self.st_out[stream + 1]):
                edge = self.out_edges[position]
                capacity = self.e_capacity[edge]
                if capacity >= 0 and vector >= capacity:
                    if self.e_freed[edge] <= vector - capacity:
                        return
                    if self.freed[self.e_offset[edge] + vector - capacity] > time:
                        time = self.freed[self.e_offset[edge] + vector - capacity]
            issue[vector] = time
            self.st_issued[stream] = vector + 1
            self.wake(self.st_first[stream])

    cdef inline void wake(self, int64_t run) noexcept nogil:
        if self.r_queued[run] or self.r_needs[run] == ASKED:
            return
        self.r_queued[run] = 1
        self.work[self.work_tail] = run
        self.work_tail += 1
        if self.work_tail == self.runs + 1:
            self.work_tail = 0

    cdef void drain(self) noexcept nogil:
        cdef int64_t run
        while self.work_head != self.work_tail:
            run = self.work[self.work_head]
            self.work_head += 1
            if self.work_head == self.runs + 1:
                self.work_head = 0
            self.r_queued[run] = 0
            if self.r_kind[run]:
                self.advance_serving(run)
            else:
                self.advance_taking(run)

    cdef inline int64_t ready(self, int64_t run, int64_t iteration) noexcept nogil:
        """Return when the data of an iteration is there, or -1."""
        cdef int64_t source = self.r_source[run]
        cdef int64_t here = self.r_iterations[run], before = self.r_before[run], index
        if here >= before:
            index = iteration // (here // before)
        else:
            index = (iteration + 1) * (before // here) - 1
        if source < 0:
            if self.st_issued[self.r_stream[run]] <= index:
                return -1
            return self.issue[self.st_offset[self.r_stream[run]] + index]
        if self.r_done[source] <= index:
            return -1
        return self.log_done[self.r_offset[source] + index]

    cdef inline int64_t enter(self, int64_t run, int64_t time) noexcept nogil:
        cdef int64_t clock = self.r_cross_clock[run]
        if clock < 0:
            return time
        return self.edge(clock, self.index(clock, time) + self.r_cross_cycles[run])

    cdef inline int64_t own_slot(self, int64_t client, int64_t number, int64_t asked) noexcept nogil:
        """Return when a private pool has a slot for a request, or -1 if that is not known yet."""
        cdef int64_t count = self.d_count[self.c_desk[client]], back
        if number < count:
            return asked
        if self.c_back[client] <= number - count:
            return -1
        back = self.ends[self.c_offset[client] + number - count]
        return back if back > asked else asked

    cdef void ask_slot(self, int64_t run, int64_t client, int64_t asked) noexcept nogil:
        self.r_asked[run] = asked
        self.r_needs[run] = ASKED
        self.push(asked, self.c_desk[client], REQUEST, run, 0)

    cdef void advance_taking(self, int64_t run) noexcept nogil:
        """Take slots for a stage's iterations until something is not known."""
        cdef int64_t client = self.r_take[run], offset = self.r_offset[run]
        cdef int64_t iteration, time, asked, granted
        while self.r_done[run] < self.r_total[run] and self.r_needs[run] != ASKED:
            iteration = self.r_done[run]
            if self.r_needs[run] == ARRIVAL:
                time = self.ready(run, iteration)
                if time < 0:
                    return
                self.log_arrival[offset + iteration] = self.enter(run, time)
                self.r_needs[run] = TAKE
            asked = self.log_arrival[offset + iteration]
            if iteration and self.log_done[offset + iteration - 1] > asked:
                asked = self.log_done[offset + iteration - 1]
            self.log_had[offset + iteration] = asked
            if self.c_shared[client]:
                self.ask_slot(run, client, asked)
                return
            granted = self.own_slot(client, iteration, asked)
            if granted < 0:
                return
            self.have_slot(run, granted)

    cdef void have_slot(self, int64_t run, int64_t granted) noexcept nogil:
        cdef int64_t client, position
        if self.r_kind[run]:
            client = self.r_capture[run]
        else:
            client = self.r_take[run]
        position = self.c_desk[client]
        if self.c_shared[client]:
            self.grants[self.g_offset[position] + self.g_count[position]] = client
            self.g_count[position] += 1
        self.c_taken[client] += 1
        if self.r_kind[run]:
            self.captured(run, granted)
        else:
            self.log_done[self.r_offset[run] + self.r_done[run]] = granted
            self.r_done[run] += 1
            self.r_needs[run] = ARRIVAL
            self.wake(self.r_next[run])
        self.wake(run)

    cdef void advance_serving(self, int64_t run) noexcept nogil:
        """Serve a stage's iterations until something is not known."""
        cdef int64_t offset = self.r_offset[run], server = self.r_server[run]
        cdef int64_t iteration, time, asked, start, granted
        while self.r_done[run] < self.r_total[run] and self.r_needs[run] != ASKED:
            iteration = self.r_done[run]
            if self.r_needs[run] == ARRIVAL:
                time = self.ready(run, iteration)
                if time < 0:
                    return
                if self.r_take[run] < 0:
                    time = self.enter(run, time)
                self.log_arrival[offset + iteration] = time
                if server < 0:
                    self.started(run, self.align(self.sp_clock[self.r_latency[run]], time))
                else:
                    asked = time
                    if iteration and self.log_had[offset + iteration - 1] > asked:
                        asked = self.log_had[offset + iteration - 1]
                    if self.r_own[run]:
                        start = asked if asked > self.v_free[server] else self.v_free[server]
                        self.start_hold(run, server, self.align(self.v_clock[server], start))
                    else:
                        self.r_asked[run] = asked
                        self.r_needs[run] = ASKED
                        if iteration and self.r_capture[run] >= 0 and self.log_done[offset + iteration - 1] > asked:
                            asked = self.log_done[offset + iteration - 1]
                        self.push(asked, server, REQUEST, run, 0)
                        return
            if self.r_needs[run] == CAPTURE:
                iteration = self.r_done[run]
                if self.c_shared[self.r_capture[run]]:
                    self.ask_slot(run, self.r_capture[run], self.log_worked[offset + iteration])
                    return
                granted = self.own_slot(self.r_capture[run], iteration, self.log_worked[offset + iteration])
                if granted < 0:
                    return
                self.have_slot(run, granted)

    cdef void start_hold(self, int64_t run, int64_t server, int64_t start) noexcept nogil:
        if self.r_capture[run] < 0:
            self.v_free[server] = self.span_end(self.r_interval[run], start, self.r_done[run] // self.r_iterations[run])
        self.started(run, start)
        self.wake(run)

    cdef void started(self, int64_t run, int64_t start) noexcept nogil:
        cdef int64_t iteration = self.r_done[run], offset = self.r_offset[run], worked
        self.log_had[offset + iteration] = start
        worked = self.span_end(self.r_latency[run], start, iteration // self.r_iterations[run])
        if iteration and self.log_worked[offset + iteration - 1] > worked:
            worked = self.log_worked[offset + iteration - 1]
        self.log_worked[offset + iteration] = worked
        if self.r_capture[run] < 0:
            self.finish(run, worked)
        else:
            self.r_needs[run] = CAPTURE

    cdef void captured(self, int64_t run, int64_t granted) noexcept nogil:
        cdef int64_t server = self.r_server[run]
        if server >= 0:
            self.v_free[server] = granted
            if not self.r_own[run]:
                self.push(granted, server, LET_GO, 0, 0)
        self.finish(run, granted)

    cdef void finish(self, int64_t run, int64_t done) noexcept nogil:
        """Have an iteration done, and make known what that makes known."""
        cdef int64_t iteration = self.r_done[run], iterations = self.r_iterations[run]
        cdef int64_t position, client, total, stream = self.r_stream[run]
        self.log_done[self.r_offset[run] + iteration] = done
        self.r_done[run] = iteration + 1
        self.r_needs[run] = ARRIVAL
        for position in range(self.r_release[run], self.r_release[run + 1]):
            client = self.rel_client[position]
            total = (iteration + 1) * self.rel_per_vector[position] // iterations
            if self.c_shared[client]:
                self.push(done, self.c_desk[client], BACK, client, total)
            elif self.give_back(client, total, done):
                self.wake(self.c_taker[client])
        if (iteration + 1) % iterations == 0:
            if self.r_stage[run] == 0:
                self.fetched(stream, iteration // iterations, done)
            if self.r_last[run]:
                self.complete(stream, done)
        if self.r_next[run] >= 0:
            self.wake(self.r_next[run])

    cdef void fetched(self, int64_t stream, int64_t vector, int64_t done) noexcept nogil:
        cdef int64_t position, edge, below, index
        for position in range(self.st_in[stream], self.st_in[stream + 1]):
            edge = self.in_edges[position]
            below = self.keeps[self.e_window[edge] + vector]
            for index in range(self.e_passed[edge], below):
                self.passed[self.e_offset[edge] + index] = done
            if below > self.e_passed[edge]:
                self.e_passed[edge] = below
            self.free_edge(edge)

    cdef void complete(self, int64_t stream, int64_t done) noexcept nogil:
        cdef int64_t position, edge, other
        self.end[self.st_offset[stream] + self.st_ended[stream]] = done
        self.st_ended[stream] += 1
        for position in range(self.st_out[stream], self.st_out[stream + 1]):
            edge = self.out_edges[position]
            self.free_edge(edge)
            self.issue_vectors(self.e_target[edge])
        if self.st_program[stream] and self.st_ended[stream] == self.st_total[stream]:
            self.programs -= 1
            if not self.begin_given:
                if done > self.begin:
                    self.begin = done
                if not self.programs:
                    self.began = 1
                    for other in range(self.streams):
                        if self.st_source[other]:
                            self.issue_vectors(other)

    cdef void free_edge(self, int64_t edge) noexcept nogil:
        """Free what has been passed and has arrived."""
        cdef int64_t source = self.e_source[edge], offset = self.e_offset[edge]
        cdef int64_t before = self.e_freed[edge], limit = self.e_passed[edge], index, arrived
        if self.st_ended[source] < limit:
            limit = self.st_ended[source]
        for index in range(before, limit):
            arrived = self.end[self.st_offset[source] + index]
            self.freed[offset + index] = arrived if arrived > self.passed[offset + index] else self.passed[offset + index]
        if limit > before:
            self.e_freed[edge] = limit
            self.issue_vectors(source)
