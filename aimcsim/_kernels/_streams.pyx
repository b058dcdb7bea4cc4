# cython: language_level=3
"""The compiled loop of the fast engine, as a Python object: tables in, tables out.

Design
    The loop itself is C: streams.c (advancing and rounds), streams_carry.c (the network), streams_rings.c (what is kept), streams_account.c (sums),
    streams_walk.c (where the time went); streams.h says what they share.
Inputs, shapes, dtypes
    A dictionary of int64 arrays, two-dimensional with one row per object for what streams.h has structures for; the
    columns are those structures' first fields. `aimcsim/engine/flat.py` makes them and says what each means.
Ownership
    Structures are copied into memory of the loop's own; long lists (windows, amounts) stay with the arrays, which are
    kept alive. Everything that comes out is a copy.
GIL
    Released while the loop runs; every so often it is taken to let an interrupt in.
Complexity
    Constant work per iteration of a stage, one heap operation per booking of something shared. Memory grows with the
    vectors under way, and the past that one cut of the critical path spans.
Twin
    aimcsim/engine/fast.py on the objects of a system, with walkback.py and account.py for the rest.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int64_t
from libc.stdlib cimport calloc, malloc
from libc.string cimport memcpy


cdef extern from "streams.h":
    enum:
        BINS
        OP_COLUMNS
        WAIT_COLUMNS
        PAUSED
        STOPPED
        RUN_FIELDS
        STREAM_FIELDS
        EDGE_FIELDS
        SERVER_FIELDS
        POOL_FIELDS
        CLIENT_FIELDS
        CLOCK_FIELDS
        SPAN_FIELDS
        RELEASE_FIELDS

    ctypedef struct Network:
        pass

    ctypedef struct Circuits:
        pass

    ctypedef struct Ring:
        char *data
        int64_t size
        int64_t low
        int64_t width

    ctypedef struct Step:
        pass

    ctypedef struct Train:
        int64_t period
        int64_t latency
        int64_t interval
        int64_t cross_period
        int64_t cross_cycles

    ctypedef struct Run:
        int64_t stream
        int64_t kind
        int64_t total
        int64_t server
        int64_t own
        int64_t take
        int64_t capture
        int64_t path
        int64_t latency
        int64_t flits
        Ring steps
        Ring passages
        int64_t done
        int64_t needs
        int64_t sibling
        int64_t critical

    ctypedef struct Stream:
        int64_t total
        int64_t vectors
        int64_t load
        int64_t store
        int64_t state_op
        int64_t foreign
        Ring issues
        Ring bounds
        Ring ends
        int64_t issued
        int64_t ended
        int64_t walked

    ctypedef struct Edge:
        Ring passed
        Ring freed
        int64_t frees
        int64_t highest
        int64_t integral
        int64_t source

    ctypedef struct Server:
        Ring holds
        int64_t count
        int64_t free
        int64_t first_run

    ctypedef struct Pool:
        int64_t shared
        Ring returns
        int64_t first_client

    ctypedef struct Client:
        int64_t pool
        Ring ends
        Ring grants
        int64_t taken
        int64_t back
        int64_t sibling

    ctypedef struct Span:
        int64_t offset
        int64_t length
        int64_t cycles
        int64_t clock
        int64_t fixed

    ctypedef struct Clock:
        int64_t numerator
        int64_t denominator
        int64_t period

    ctypedef struct Release:
        pass

    ctypedef struct Tally:
        int64_t count
        int64_t busy
        int64_t inside

    ctypedef struct Desk:
        int64_t armed
        int64_t pending
        int64_t offset
        int64_t holder

    ctypedef struct Rows:
        int64_t *data
        int64_t rows
        int64_t width

    ctypedef struct CLoop "Loop":
        int64_t n_runs
        int64_t n_streams
        int64_t n_edges
        int64_t n_servers
        int64_t n_pools
        int64_t n_clients
        int64_t n_spans
        int64_t n_clocks
        int64_t n_requests
        int64_t n_loads
        int64_t n_foreign
        int64_t n_varying
        Run *runs
        Stream *streams
        Edge *edges
        Server *servers
        Pool *pools
        Client *clients
        Span *spans
        Clock *clocks
        Release *releases
        Desk *desks
        Tally *tallies
        const int64_t *in_edges
        const int64_t *out_edges
        const int64_t *needs
        const int64_t *keeps
        const int64_t *amounts
        const int64_t *releases_ps
        const int64_t *varying
        const int64_t *varying_offset
        const int64_t *cause_rank
        const int64_t *path_rank
        int64_t maintenance
        int64_t buffer_full
        int64_t credit
        Network *network
        Circuits *circuits
        int64_t network_clock
        int64_t offered
        Rows offers
        Ring inside
        int64_t *waiting
        int64_t *work
        int64_t *touched
        int64_t *finished
        int64_t events
        int64_t begin
        int64_t began
        int64_t begin_given
        int64_t programs
        int64_t now
        int64_t *admitted
        int64_t *admissions
        int64_t *request_end
        int64_t frontier
        int64_t stores_left
        int64_t left
        int64_t elapsed
        Rows future
        Rows ops
        Rows waits
        Rows outbox
        int64_t *bin_vectors
        int64_t *bin_amounts
        int64_t bin_shift
        int64_t bytes
        int64_t most_bytes
        int64_t history
        int64_t next_cut
        int64_t cut
        int64_t most_in_flight
        bint recording
        bint keep
        bint failed

    void steps_set_up(const CLoop *loop, Run *run) nogil
    void train_set_up(CLoop *loop, Run *run) nogil
    void train_scan(const Train *train, int64_t count, const int64_t *ready, int64_t free, int64_t worked,
                    int64_t *arrival, int64_t *start, int64_t *done) nogil
    bint loop_start(CLoop *loop) nogil
    int loop_run(CLoop *loop, int64_t until, int64_t patience) nogil
    void loop_round(CLoop *loop, int64_t now) nogil
    int64_t loop_next(const CLoop *loop) nogil
    void loop_feed_end(CLoop *loop, int64_t stream, int64_t time) nogil
    void loop_feed_free(CLoop *loop, int64_t edge, int64_t below, int64_t time) nogil
    void loop_settle(CLoop *loop) nogil
    int64_t path_follow(CLoop *loop, int64_t stream, int64_t vector) nogil
    void loop_free(CLoop *loop) nogil
    void *entry(const Ring *ring, int64_t index) nogil




def serve_train(stage, const int64_t[::1] ready_ps, int64_t free_ps, int64_t worked_ps):
    """Return when the iterations of a train arrive, start and have their results; the twin is in trains.py."""
    cdef int64_t count = ready_ps.shape[0]
    cdef Train train
    times = np.empty((3, count), dtype=np.int64)
    cdef int64_t[:, ::1] view = times
    train.period, train.latency, train.interval = stage.period_ps, stage.latency_ps, stage.interval_ps
    train.cross_period, train.cross_cycles = stage.cross_period_ps, stage.cross_cycles
    if count:
        train_scan(&train, count, &ready_ps[0], free_ps, worked_ps, &view[0, 0], &view[1, 0], &view[2, 0])
    return times[0], times[1], times[2]


cdef int64_t PATIENCE = 1 << 17  # wakings between two looks for an interrupt: a few milliseconds


cdef class Loop:
    """The loop over one system; `tables` as `aimcsim/engine/flat.py` makes them."""

    cdef CLoop loop
    cdef dict _keep
    cdef object _network
    cdef public int64_t patience
    """Wakings between two looks for an interrupt."""

    def __cinit__(self, dict tables, *, int64_t requests, int64_t begin, bint begin_given, int64_t programs,
                  int64_t history, bint keep, bint recording, network=None, bint circuits=False):
        cdef CLoop *loop = &self.loop
        if network is not None:
            self._network = network
            if circuits:
                loop.circuits = <Circuits *><size_t>network.address
            else:
                loop.network = <Network *><size_t>network.address
        self._keep = tables
        self.patience = PATIENCE
        loop.n_requests = requests
        loop.begin, loop.begin_given, loop.programs = begin, begin_given, programs
        loop.began = programs == 0 or begin_given
        loop.history, loop.next_cut, loop.keep, loop.recording = history, history, keep, recording
        loop.cut = -1
        loop.now = -1
        loop.n_runs = self._rows("runs", RUN_FIELDS)
        loop.n_streams = self._rows("streams", STREAM_FIELDS)
        loop.n_edges = self._rows("edges", EDGE_FIELDS)
        loop.n_servers = self._rows("servers", SERVER_FIELDS)
        loop.n_pools = self._rows("pools", POOL_FIELDS)
        loop.n_clients = self._rows("clients", CLIENT_FIELDS)
        loop.n_spans = self._rows("spans", SPAN_FIELDS)
        loop.n_clocks = self._rows("clocks", CLOCK_FIELDS)
        self._rows("releases", RELEASE_FIELDS)
        loop.runs = <Run *>self._copied("runs", sizeof(Run))
        loop.streams = <Stream *>self._copied("streams", sizeof(Stream))
        loop.edges = <Edge *>self._copied("edges", sizeof(Edge))
        loop.servers = <Server *>self._copied("servers", sizeof(Server))
        loop.pools = <Pool *>self._copied("pools", sizeof(Pool))
        loop.clients = <Client *>self._copied("clients", sizeof(Client))
        loop.spans = <Span *>self._copied("spans", sizeof(Span))
        loop.clocks = <Clock *>self._copied("clocks", sizeof(Clock))
        loop.releases = <Release *>self._copied("releases", sizeof(Release))
        loop.in_edges = self._list("in_edges")
        loop.out_edges = self._list("out_edges")
        loop.needs = self._list("needs")
        loop.keeps = self._list("keeps")
        loop.amounts = self._list("amounts")
        loop.releases_ps = self._list("releases_ps")
        loop.varying = self._list("varying")
        loop.varying_offset = self._list("varying_offset")
        loop.cause_rank = self._list("cause_rank")
        loop.path_rank = self._list("path_rank")
        loop.n_varying = tables["varying_offset"].shape[0]
        loop.maintenance, loop.buffer_full, loop.credit = tables["causes"]
        self._allocate()
        self._set_up()

    cdef int64_t _rows(self, str name, int64_t fields) except -1:
        shape = self._keep[name].shape
        if shape[1] != fields:
            raise ValueError(f"{name}: {shape[1]} columns where streams.h has {fields} fields")
        return shape[0]

    cdef const int64_t *_list(self, str name) except? NULL:
        cdef const int64_t[::1] view = self._keep[name]
        return &view[0] if view.shape[0] else NULL

    cdef void *_zeros(self, int64_t count, int64_t size) except NULL:
        cdef void *made = calloc(count + 1, size)
        if made == NULL:
            raise MemoryError
        return made

    cdef void *_copied(self, str name, int64_t size) except NULL:
        """Return structures whose first fields are the columns of a table, and whose others are zero."""
        cdef const int64_t[:, ::1] view = self._keep[name]
        cdef char *made = <char *>self._zeros(view.shape[0], size)
        cdef int64_t row
        for row in range(view.shape[0]):
            memcpy(made + row * size, &view[row, 0], view.shape[1] * sizeof(int64_t))
        return made

    cdef int _allocate(self) except -1:
        cdef CLoop *loop = &self.loop
        cdef int64_t desks = loop.n_servers + loop.n_pools
        loop.desks = <Desk *>self._zeros(desks, sizeof(Desk))
        loop.tallies = <Tally *>self._zeros(desks, sizeof(Tally))
        loop.waiting = <int64_t *>self._zeros(2 * loop.n_runs, sizeof(int64_t))
        loop.work = <int64_t *>self._zeros(loop.n_runs + 1, sizeof(int64_t))
        loop.touched = <int64_t *>self._zeros(desks, sizeof(int64_t))
        loop.finished = <int64_t *>self._zeros(loop.n_streams, sizeof(int64_t))
        loop.admitted = <int64_t *>self._zeros(loop.n_requests, sizeof(int64_t))
        loop.admissions = <int64_t *>self._zeros(loop.n_requests, sizeof(int64_t))
        loop.request_end = <int64_t *>self._zeros(loop.n_requests, sizeof(int64_t))
        loop.bin_vectors = <int64_t *>self._zeros(loop.n_streams * BINS, sizeof(int64_t))
        loop.bin_amounts = <int64_t *>self._zeros(loop.n_varying * BINS, sizeof(int64_t))
        loop.future.width, loop.ops.width, loop.waits.width, loop.outbox.width = 3, OP_COLUMNS, WAIT_COLUMNS, 4
        loop.offers.width, loop.inside.width, loop.offered = 3, 2 * sizeof(int64_t), -1
        return 0

    cdef int _set_up(self) except -1:
        """Fill in what follows from the tables: widths of rings, places in line, whole periods, who shares what."""
        cdef CLoop *loop = &self.loop
        cdef int64_t index, desks = loop.n_servers + loop.n_pools
        cdef int64_t[::1] clients = np.zeros(desks + 1, dtype=np.int64)
        for index in range(loop.n_servers):
            loop.servers[index].holds.width = 4 * sizeof(int64_t)
            loop.servers[index].first_run = -1
        for index in range(loop.n_pools):
            loop.pools[index].returns.width = 3 * sizeof(int64_t)
            loop.pools[index].first_client = -1
        for index in range(loop.n_runs):
            loop.runs[index].sibling = -1
            loop.runs[index].passages.width = 5 * sizeof(int64_t)
            if loop.runs[index].flits:
                loop.network_clock = loop.spans[loop.runs[index].latency].clock
            if loop.runs[index].kind and loop.runs[index].server >= 0:
                clients[loop.runs[index].server] += 1
                loop.runs[index].sibling = loop.servers[loop.runs[index].server].first_run
                loop.servers[loop.runs[index].server].first_run = index
        for index in range(loop.n_clients):
            loop.clients[index].ends.width = loop.clients[index].grants.width = sizeof(int64_t)
            clients[loop.n_servers + loop.clients[index].pool] += 1
            loop.clients[index].sibling = loop.pools[loop.clients[index].pool].first_client
            loop.pools[loop.clients[index].pool].first_client = index
        for index in range(desks):
            loop.desks[index].armed = loop.desks[index].holder = -1
            if index:
                loop.desks[index].offset = loop.desks[index - 1].offset + clients[index - 1]
        for index in range(loop.n_streams):
            loop.streams[index].issues.width = loop.streams[index].ends.width = sizeof(int64_t)
            loop.streams[index].bounds.width = 2 * sizeof(int64_t)
            loop.n_loads += loop.streams[index].load
            loop.stores_left += loop.streams[index].store
            loop.n_foreign += loop.streams[index].foreign
            loop.left += not loop.streams[index].foreign and loop.streams[index].total > 0
        if not loop.stores_left:
            loop.frontier = INT64_MAX  # nobody asks which part of the holds served requests
        for index in range(loop.n_edges):
            loop.edges[index].passed.width = loop.edges[index].freed.width = sizeof(int64_t)
        for index in range(loop.n_clocks):
            if loop.clocks[index].numerator % loop.clocks[index].denominator == 0:
                loop.clocks[index].period = loop.clocks[index].numerator // loop.clocks[index].denominator
        for index in range(loop.n_spans):
            loop.spans[index].fixed = self._fixed(&loop.spans[index])
        for index in range(loop.n_runs):
            steps_set_up(loop, &loop.runs[index])
            train_set_up(loop, &loop.runs[index])
        return 0

    cdef int64_t _fixed(self, const Span *span):
        cdef int64_t period = 1 if not span.cycles else self.loop.clocks[span.clock].period
        return self.loop.amounts[span.offset] * period if span.length == 1 and period else -1

    def __dealloc__(self):
        loop_free(&self.loop)

    # ---- running

    def start(self):
        """Issue what can be issued from the start."""
        with nogil:
            loop_start(&self.loop)
        self._check()

    def run(self, until=None, alive=None):
        """Decide instants before `until` (all without one) and what follows; return whether nothing is left.

        `alive` is called every so often with the simulated time.
        """
        cdef int64_t bound = INT64_MAX if until is None else until
        cdef int state
        while True:
            with nogil:
                state = loop_run(&self.loop, bound, self.patience)
            self._check()
            PyErr_CheckSignals()
            if state != PAUSED:
                return state != STOPPED
            if alive is not None:
                alive(self.loop.now)

    def round(self, int64_t now):
        """Have one round of decisions at an instant."""
        with nogil:
            loop_round(&self.loop, now)
        self._check()

    @property
    def next_ps(self):
        """The next instant to be decided, or -1."""
        return loop_next(&self.loop)

    def feed_end(self, int64_t stream, int64_t time_ps):
        """Take note that the next vector of a stream outside the loop has ended."""
        loop_feed_end(&self.loop, stream, time_ps)
        self._check()

    def feed_free(self, int64_t edge, int64_t below, int64_t time_ps):
        """Take note that a stream outside the loop has no more use for an edge's vectors below an index."""
        loop_feed_free(&self.loop, edge, below, time_ps)
        self._check()

    def settle(self):
        """Account for all that is left when the run is over."""
        with nogil:
            loop_settle(&self.loop)
        self._check()

    cdef int _check(self) except -1:
        if self.loop.failed:
            raise MemoryError("no memory for the logs of the run")
        return 0

    # ---- what comes out

    cdef _taken(self, Rows *rows):
        cdef int64_t[:, ::1] view
        made = np.empty((rows.rows, rows.width), dtype=np.int64)
        if rows.rows:
            view = made
            memcpy(&view[0, 0], rows.data, rows.rows * rows.width * sizeof(int64_t))
        rows.rows = 0
        return made

    def take_outbox(self):
        """Return, and forget, what the loop has for streams outside it: kind, time, edge, count."""
        return self._taken(&self.loop.outbox)

    def take_ops(self):
        """Return, and forget, the ops finished so far."""
        return self._taken(&self.loop.ops)

    def take_waits(self):
        """Return, and forget, the waits of these ops."""
        return self._taken(&self.loop.waits)

    def path(self, int64_t stream, int64_t vector):
        """Return how far back the critical path to a vector could be followed, and its time by run."""
        cdef int64_t since
        cdef int64_t index
        with nogil:
            since = path_follow(&self.loop, stream, vector)
        self._check()
        return since, np.array([self.loop.runs[index].critical for index in range(self.loop.n_runs)], dtype=np.int64)

    cdef _plain(self, const int64_t *data, int64_t count):
        cdef int64_t[::1] view
        made = np.empty(count, dtype=np.int64)
        if count:
            view = made
            memcpy(&view[0], data, count * sizeof(int64_t))
        return made

    def admitted_ps(self):
        """Return when each request was admitted."""
        return self._plain(self.loop.admitted, self.loop.n_requests)

    def ended_ps(self):
        """Return when each request's last result was there."""
        return self._plain(self.loop.request_end, self.loop.n_requests)

    def tallies(self):
        """Return count, time busy and time within the span of requests, of servers, then pools."""
        count = self.loop.n_servers + self.loop.n_pools
        return self._plain(<const int64_t *>self.loop.tallies, 3 * count).reshape(count, 3)

    def edges(self):
        """Return vectors reserved, the most at a time, and the integral of the space over time, by edge."""
        cdef int64_t index
        made = np.zeros((self.loop.n_edges, 3), dtype=np.int64)
        cdef int64_t[:, ::1] view = made
        for index in range(self.loop.n_edges):
            view[index, 0] = self.loop.streams[self.loop.edges[index].source].issued
            view[index, 1] = self.loop.edges[index].highest
            view[index, 2] = self.loop.edges[index].integral
        return made

    def bins(self):
        """Return the width of bins as a power of two, vectors by stream and bin, varying actions by bin."""
        vectors = self._plain(self.loop.bin_vectors, self.loop.n_streams * BINS).reshape(-1, BINS)
        amounts = self._plain(self.loop.bin_amounts, self.loop.n_varying * BINS).reshape(-1, BINS)
        return self.loop.bin_shift, vectors, amounts

    def facts(self):
        """Return counts of the loop: events, when sources began, the last end, most bytes of logs, most vectors under way."""
        return {
            "events": self.loop.events,
            "begun_ps": self.loop.begin,
            "elapsed_ps": self.loop.elapsed,
            "most_bytes": self.loop.most_bytes,
            "most_in_flight": self.loop.most_in_flight,
            "now_ps": self.loop.now,
        }

    def bytes_by_kind(self):
        """Return the bytes of logs now, by what they log."""
        cdef int64_t index
        cdef CLoop *loop = &self.loop
        kinds = dict.fromkeys(("steps", "issues", "ends", "passed", "freed", "holds", "returns", "slots"), 0)
        for index in range(loop.n_runs):
            kinds["steps"] += loop.runs[index].steps.size * loop.runs[index].steps.width
            kinds["steps"] += loop.runs[index].passages.size * loop.runs[index].passages.width
        for index in range(loop.n_streams):
            kinds["issues"] += loop.streams[index].issues.size * loop.streams[index].issues.width
            kinds["issues"] += loop.streams[index].bounds.size * loop.streams[index].bounds.width
            kinds["ends"] += loop.streams[index].ends.size * loop.streams[index].ends.width
        for index in range(loop.n_edges):
            kinds["passed"] += loop.edges[index].passed.size * loop.edges[index].passed.width
            kinds["freed"] += loop.edges[index].freed.size * loop.edges[index].freed.width
        for index in range(loop.n_servers):
            kinds["holds"] += loop.servers[index].holds.size * loop.servers[index].holds.width
        for index in range(loop.n_pools):
            kinds["returns"] += loop.pools[index].returns.size * loop.pools[index].returns.width
        for index in range(loop.n_clients):
            kinds["slots"] += loop.clients[index].ends.size * loop.clients[index].ends.width
            kinds["slots"] += loop.clients[index].grants.size * loop.clients[index].grants.width
        return kinds

    def progress(self):
        """Return issued, ended vectors by stream."""
        cdef int64_t index
        return np.array(
            [(self.loop.streams[index].issued, self.loop.streams[index].ended) for index in range(self.loop.n_streams)],
            dtype=np.int64,
        ).reshape(-1, 2)

    def standing(self):
        """Return what every run needs next, and the slots taken and given back by every client."""
        cdef int64_t index
        needs = np.array([self.loop.runs[index].needs for index in range(self.loop.n_runs)], dtype=np.int64)
        slots = np.array(
            [(self.loop.clients[index].taken, self.loop.clients[index].back) for index in range(self.loop.n_clients)],
            dtype=np.int64,
        ).reshape(-1, 2)
        return needs, slots

    def waiting(self):
        """Return (desk, run) of whoever has asked for something shared and waits; servers come before pools."""
        cdef int64_t desk, place
        return [
            (desk, self.loop.waiting[self.loop.desks[desk].offset + place])
            for desk in range(self.loop.n_servers + self.loop.n_pools)
            for place in range(self.loop.desks[desk].pending)
        ]

    def held_open(self):
        """Return the run that was served last by every shared server, or -1."""
        cdef int64_t index
        return np.array([self.loop.desks[index].holder for index in range(self.loop.n_servers)], dtype=np.int64)

    def freed(self):
        """Return how many vectors of every edge were freed."""
        cdef int64_t index
        return np.array([self.loop.edges[index].frees for index in range(self.loop.n_edges)], dtype=np.int64)

    @property
    def left(self):
        """How many streams of the loop have vectors left."""
        return self.loop.left

    cdef _entries(self, Ring *ring, int64_t count):
        """Return the first `count` entries of a ring that has kept them all."""
        cdef int64_t index, columns = ring.width // <int64_t>sizeof(int64_t)
        cdef int64_t[:, ::1] view
        if ring.low:
            raise ValueError("the log was not kept from its start")
        made = np.empty((count, columns), dtype=np.int64)
        view = made
        for index in range(count):
            memcpy(&view[index, 0], entry(ring, index), ring.width)
        return made

    def steps(self, int64_t run):
        """Return result, having, work's end and arrival of a run's finished iterations, of a loop that keeps all."""
        return self._entries(&self.loop.runs[run].steps, self.loop.runs[run].done)[:, :4]

    def passages(self, int64_t run):
        """Return when the packets of a run were ready, started, had waited for links, for room, and had left."""
        return self._entries(&self.loop.runs[run].passages, self.loop.runs[run].done)

    def done(self, int64_t run):
        """Return how many iterations a run has finished."""
        return self.loop.runs[run].done

    def issues(self, int64_t stream):
        """Return when a stream's vectors were issued."""
        return self._entries(&self.loop.streams[stream].issues, self.loop.streams[stream].issued)[:, 0]

    def ends(self, int64_t stream):
        """Return when a stream's vectors ended."""
        return self._entries(&self.loop.streams[stream].ends, self.loop.streams[stream].ended)[:, 0]

    def last_end(self, int64_t stream):
        """Return when a stream's latest vector ended."""
        return (<int64_t *>entry(&self.loop.streams[stream].ends, self.loop.streams[stream].ended - 1))[0]

    def frees(self, int64_t edge):
        """Return when an edge's vectors were freed."""
        return self._entries(&self.loop.edges[edge].freed, self.loop.edges[edge].frees)[:, 0]

    def back(self, int64_t client):
        """Return when a client's slots came back."""
        return self._entries(&self.loop.clients[client].ends, self.loop.clients[client].back)[:, 0]

    def grants(self, int64_t client):
        """Return the places of a client's slots among all grants of its shared pool."""
        return self._entries(&self.loop.clients[client].grants, self.loop.clients[client].taken)[:, 0]
