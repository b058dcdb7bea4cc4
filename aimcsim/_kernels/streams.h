/* Streams of vectors through stages, servers and slots, on calendars: what the loop of the fast engine keeps.
 *
 * A *run* is one stage of one stream, taking slots or serving. What runs, streams and edges have come to lies in rings:
 * entries are numbered from the start of the simulation, and those that nothing can ask for any more give their place to
 * new ones. All times are picoseconds, int64. The readable twin is aimcsim/engine/fast.py, with walkback.py and account.py.
 */
#ifndef AIMCSIM_STREAMS_H
#define AIMCSIM_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "circuits.h"
#include "flits.h"

/* Have a place for entry `top` of a ring, or return. */
#define ROOM(ring, top, needed, who) \
    if ((top) - (ring)->low >= (ring)->size && !make_room(loop, ring, top, needed, who)) \
        return

enum { NONE = -1, RELEASED = -2 };
enum { SERVICE, TRANSFER, FIRST_WAIT, SPENT = 16 };
enum { BINS = 128, OP_COLUMNS = 4 + SPENT, WAIT_COLUMNS = 5 };
enum { TAKING, SERVING };
enum { ARRIVAL, TAKE, CAPTURE, ASKED };
enum { PAUSED, STOPPED, DONE };
enum { ARRIVED, FREED, BEGIN };
enum { REQUEST, BACK, LET_GO, LOOK, OFFER };

typedef struct {
    char *data;
    int64_t size, low, width;
} Ring;

/* An iteration: when its result was there, its slot asked for or its server had, its work's end, its data's arrival; and
 * since which iteration its private server has been busy without a break. Logged is what does not follow from the rest. */
typedef struct {
    int64_t done, had, worked, arrival, busy;
} Step;

/* Where an iteration's log has something, and how much is to be added to it; column 0 has the result. */
typedef struct {
    int64_t column, plus;
} Logged;

/* A packet that a run hands to the network: when its data was there and it was handed over; until when it waited for links,
 * then for room in buffers; when it had left (NONE: it has not). */
typedef struct {
    int64_t ready, start, linked, credited, left;
} Passage;

/* What an issue waited for: when all inputs were there, and the edge whose arrival was the last (NONE; RELEASED: it was
 * the release of the request). */
typedef struct {
    int64_t there, by;
} Bound;

typedef struct {
    int64_t start, end, run, iteration;
} Hold;

typedef struct {
    int64_t time, client, number;
} Return;

/* A stage of which every iteration takes the same time; see aimcsim/_kernels/trains.py. */
typedef struct {
    int64_t period, latency, interval, cross_period, cross_cycles;
} Train;

/* The fields up to the blank line of each of these come from aimcsim/engine/flat.py, which says what they mean. */
typedef struct {
    int64_t stream, stage, kind, iterations, total, source, ratio, gathers, next, last, server, own, take, capture;
    int64_t cross_clock, cross_cycles, latency, interval, release, release_end, path, cause, transfer, taking, previous;
    int64_t sender, receiver, flits;

    Ring steps;
    Step now; /* the iteration after the last finished one, as far as it has come */
    int64_t done, vector, phase, needs, queued, had, worked, left;
    Logged had_log, worked_log;
    int64_t arrival_column, busy_column; /* 0: not logged */
    int64_t end_before, busy_before; /* of the last iteration that started before the latest one */
    Train train; /* period 0: its iterations are no trains */
    int64_t asked, sibling, critical;
    int64_t since_cut; /* the first iteration that the critical path may ask for */
    Ring passages;     /* of packets, if it sends any */
    int64_t sent;      /* packets that were handed over, or will be when their instant comes */
} Run;

typedef struct {
    int64_t total, vectors, source, state_op, foreign, first, serve, last, in, in_end, out, out_end;
    int64_t op_vectors, request_ops, first_op, load, store, varying, varying_end, shares_pool, needed, first_release;

    Ring issues, bounds, ends;
    int64_t issued, issue_request, issue_index, ended, walked, fetch_request, fetch_index, listed, bins;
    int64_t walk_request, walk_index, op_left, release, fetched, spent[SPENT], waits, wait_room;
    int64_t op_from, op_to, op; /* vectors of an op, and which it is */
    bool over; /* nothing asks for its iterations any more */
    int64_t *wait;
} Stream;

typedef struct {
    int64_t source, target, capacity, window, stride, path, cause;

    Ring passed, freed;
    int64_t passes, frees, merged_issues, merged_frees, level, highest, changed, integral;
} Edge;

typedef struct {
    int64_t clock, path;

    Ring holds;
    int64_t count, free, first_run, found;
} Server;

typedef struct {
    int64_t count, shared, path, cause;

    Ring returns;
    int64_t grants, back, first_client;
} Pool;

typedef struct {
    int64_t pool, stream, taker, per_vector;

    Ring ends, grants;
    int64_t taken, back, sibling;
} Client;

typedef struct {
    int64_t offset, length, cycles, clock;

    int64_t fixed; /* its length in ps if that is always the same, else NONE */
} Span;

typedef struct {
    int64_t numerator, denominator;

    int64_t period;
} Clock;

typedef struct {
    int64_t client, per_vector;
} Release;

typedef struct {
    int64_t count, busy, inside;
} Tally;

typedef struct {
    int64_t tally, start, end;
} Future;

typedef struct {
    int64_t open, armed, taken, pending, offset, touched, holder;
} Desk;

typedef struct {
    int64_t time, who, total;
    int32_t desk, kind;
} Event;

/* A growable list of rows of int64. */
typedef struct {
    int64_t *data;
    int64_t rows, room, width;
} Rows;

typedef struct Path Path;

typedef struct {
    int64_t n_runs, n_streams, n_edges, n_servers, n_pools, n_clients, n_spans, n_clocks, n_requests, n_loads, n_foreign;
    Run *runs;
    Stream *streams;
    Edge *edges;
    Server *servers;
    Pool *pools;
    Client *clients;
    Span *spans;
    Clock *clocks;
    Release *releases;
    Desk *desks;
    Tally *tallies; /* servers, then pools */
    const int64_t *in_edges, *out_edges, *needs, *keeps, *amounts, *releases_ps;
    const int64_t *varying, *varying_offset, *cause_rank, *path_rank;
    int64_t maintenance, buffer_full, credit;

    int64_t *waiting, *work, *touched, *finished;
    int64_t work_head, work_tail, n_finished, n_touched;
    Event *heap;
    int64_t heap_size, heap_room, events;

    int64_t begin, began, begin_given, programs, now, until;
    int64_t *admitted, *admissions, *request_end;
    int64_t frontier, stores_left, left, elapsed;
    Rows future, ops, waits, outbox;
    int64_t *bin_vectors, *bin_amounts, bin_shift, n_varying;
    int64_t bytes, most_bytes, in_flight, most_in_flight;
    int64_t wakings, history, cut, next_cut;
    Path *path;
    Network *network;   /* of routers, or */
    Circuits *circuits; /* of circuits; both NULL: there is none */
    int64_t network_clock, offered, oldest;
    Rows offers; /* packets of the instant `offered` */
    Ring inside; /* the packets inside, by number: run (NONE: it has left), iteration */
    bool recording, keep, failed;
} Loop;

enum {
    RUN_FIELDS = offsetof(Run, steps) / sizeof(int64_t),
    STREAM_FIELDS = offsetof(Stream, issues) / sizeof(int64_t),
    EDGE_FIELDS = offsetof(Edge, passed) / sizeof(int64_t),
    SERVER_FIELDS = offsetof(Server, holds) / sizeof(int64_t),
    POOL_FIELDS = offsetof(Pool, returns) / sizeof(int64_t),
    CLIENT_FIELDS = offsetof(Client, ends) / sizeof(int64_t),
    CLOCK_FIELDS = offsetof(Clock, period) / sizeof(int64_t),
    SPAN_FIELDS = offsetof(Span, fixed) / sizeof(int64_t),
    RELEASE_FIELDS = sizeof(Release) / sizeof(int64_t)
};

/* streams.c: the loop. `until` is the first instant that may not be decided; returns PAUSED when patience is used up,
 * STOPPED at `until`, DONE when nothing is left to decide. */
bool loop_start(Loop *loop);
int loop_run(Loop *loop, int64_t until, int64_t patience);
void loop_round(Loop *loop, int64_t now);
int64_t loop_next(const Loop *loop);
void loop_feed_end(Loop *loop, int64_t stream, int64_t time);
void loop_feed_free(Loop *loop, int64_t edge, int64_t below, int64_t time);
void loop_push(Loop *loop, int64_t time, int64_t desk, int kind, int64_t who, int64_t total);
void loop_finish(Loop *loop, int64_t run, int64_t done);
int64_t span_end_varying(const Loop *loop, int64_t span, int64_t start, int64_t vector);

/* streams_train.c: trains. */
void train_set_up(Loop *loop, Run *run);
void train_scan(const Train *train, int64_t count, const int64_t *ready, int64_t free, int64_t worked, int64_t *arrival,
                int64_t *start, int64_t *done);

/* streams_carry.c: the network. */
void carry_send(Loop *loop, int64_t run);
void carry_offer(Loop *loop, int64_t run, int64_t iteration, int64_t now);
bool carry_run(Loop *loop);
bool carry_idle(const Loop *loop); /* whether no packet is inside */

/* streams_rings.c: places for entries. */
void steps_set_up(const Loop *loop, Run *run);
bool make_room(Loop *loop, Ring *ring, int64_t top, int64_t (*needed)(const Loop *, int64_t), int64_t who);
int64_t *add_row(Loop *loop, Rows *rows);
int64_t steps_since(const Loop *loop, const Run *run, int64_t time);
int64_t steps_needed(const Loop *loop, int64_t run);
int64_t issues_needed(const Loop *loop, int64_t stream);
int64_t bounds_needed(const Loop *loop, int64_t stream);
int64_t ends_needed(const Loop *loop, int64_t stream);
int64_t passed_needed(const Loop *loop, int64_t edge);
int64_t freed_needed(const Loop *loop, int64_t edge);
int64_t back_needed(const Loop *loop, int64_t client);
int64_t grants_needed(const Loop *loop, int64_t client);
int64_t returns_needed(const Loop *loop, int64_t pool);
int64_t holds_needed(const Loop *loop, int64_t server);
void drop_ring(Loop *loop, Ring *ring, int64_t top);
void loop_free(Loop *loop);

/* streams_account.c: sums. */
void count_hold(Loop *loop, int64_t tally, int64_t start, int64_t end, bool certain);
void count_end(Loop *loop, int64_t stream, int64_t end);
void count_train(Loop *loop, int64_t tally, int64_t count, const int64_t *start, int64_t interval, bool certain);
void merge_edge(Loop *loop, Edge *edge);
void loop_settle(Loop *loop);

/* streams_walk.c: where the time of vectors went. */
enum { WITHIN, BETWEEN, FINALLY };
void walk_finished(Loop *loop, int when);

/* streams_path.c: the critical path. */
int64_t path_cut(Loop *loop, int64_t time);
int64_t path_follow(Loop *loop, int64_t stream, int64_t vector);
void path_free(Loop *loop);

static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t index_of(const Clock *clock, int64_t time)
{
    if (clock->period)
        return (time + clock->period - 1) / clock->period;
    return (int64_t)(((__int128)time * clock->denominator + clock->numerator - 1) / clock->numerator);
}

static inline int64_t edge_of(const Clock *clock, int64_t n)
{
    if (clock->period)
        return n * clock->period;
    return (int64_t)((__int128)n * clock->numerator / clock->denominator);
}

/* When a span that starts at a time (an edge of its clock, if it has one) for a vector ends. */
static inline int64_t span_end(const Loop *loop, int64_t span, int64_t start, int64_t vector)
{
    int64_t fixed = loop->spans[span].fixed;
    return fixed >= 0 ? start + fixed : span_end_varying(loop, span, start, vector);
}

static inline void *entry(const Ring *ring, int64_t index)
{
    return ring->data + (index & (ring->size - 1)) * ring->width;
}

static inline Passage *passage_at(const Run *run, int64_t index) { return entry(&run->passages, index); }

/* When a finished iteration was done. */
static inline int64_t done_at(const Run *run, int64_t index) { return *(int64_t *)entry(&run->steps, index); }
static inline int64_t logged_at(const Run *run, int64_t index, Logged log)
{
    return ((const int64_t *)entry(&run->steps, index))[log.column] + log.plus;
}

/* When a slot was asked for or a server had for an iteration, and when its work ended. */
static inline int64_t had_at(const Run *run, int64_t index)
{
    return index == run->done ? run->now.had : logged_at(run, index, run->had_log);
}

static inline int64_t worked_at(const Run *run, int64_t index)
{
    return index == run->done ? run->now.worked : logged_at(run, index, run->worked_log);
}

static inline int64_t *issue_at(const Stream *stream, int64_t index) { return entry(&stream->issues, index); }
static inline Bound *bound_at(const Stream *stream, int64_t index) { return entry(&stream->bounds, index); }
static inline int64_t end_at(const Stream *stream, int64_t index) { return *(int64_t *)entry(&stream->ends, index); }
/* When an edge had room again; what nobody can have waited for is forgotten and counts as the beginning. */
static inline int64_t freed_at(const Edge *edge, int64_t index)
{
    return index < edge->freed.low ? 0 : *(int64_t *)entry(&edge->freed, index);
}

static inline Hold *hold_at(const Server *server, int64_t index) { return entry(&server->holds, index); }

static inline int64_t need_of(const Loop *loop, const Edge *edge, int64_t request, int64_t index)
{
    return loop->needs[edge->window + index] + request * edge->stride;
}

static inline int64_t keep_of(const Loop *loop, const Edge *edge, int64_t request, int64_t index)
{
    return loop->keeps[edge->window + index] + request * edge->stride;
}

/* Which iteration of the run before an iteration takes its data from. */
static inline int64_t upstream(const Run *run, int64_t iteration)
{
    if (run->ratio == 1)
        return iteration;
    return run->gathers ? (iteration + 1) * run->ratio - 1 : iteration / run->ratio;
}

/* When what a run takes its data from was there: an issue, or an iteration of the run before. */
static inline int64_t data_at(const Loop *loop, const Run *run, int64_t index)
{
    if (run->source < 0)
        return *issue_at(&loop->streams[run->stream], index);
    return done_at(&loop->runs[run->source], index);
}

/* When the data of an iteration arrived; where that is not logged, its source knows, or it was before all that is kept. */
static inline int64_t arrival_at(const Loop *loop, const Run *run, int64_t iteration)
{
    if (iteration == run->done)
        return run->now.arrival;
    if (run->arrival_column)
        return logged_at(run, iteration, (Logged){run->arrival_column, 0});
    int64_t index = upstream(run, iteration);
    int64_t low = run->source < 0 ? loop->streams[run->stream].issues.low : loop->runs[run->source].steps.low;
    return index < low ? NONE : data_at(loop, run, index);
}

/* When data has crossed into a run's clock. */
static inline int64_t enter(const Loop *loop, const Run *run, int64_t time)
{
    if (run->cross_clock < 0)
        return time;
    const Clock *clock = &loop->clocks[run->cross_clock];
    return edge_of(clock, index_of(clock, time) + run->cross_cycles);
}

/* How many iterations of a run have their data. */
static inline int64_t arrived(const Loop *loop, const Run *run)
{
    int64_t there = run->source < 0 ? loop->streams[run->stream].issued : loop->runs[run->source].done;
    return least(run->total, run->gathers ? there / run->ratio : there * run->ratio);
}

#endif
