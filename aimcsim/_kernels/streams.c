/* The loop of the fast engine.
 *
 * A run advances through its iterations until it lacks a time; whoever makes that time known wakes it. Private servers and
 * slots need no event. Requests for what is shared, and its returns and releases, are events in one heap; all those of an
 * instant are applied, then every desk they touched decides once: a round. Whatever is unknown when an instant comes up
 * hangs on decisions still to be made, so nothing can ask earlier. Times enter only by maximum and by counting clock edges
 * (in 128 bits where a period is no whole number of picoseconds), so they equal the reference's.
 */
#include <stdlib.h>

#include "streams.h"

enum { WALK_EVERY = 4096, LEAST_IN_TRAIN = 4, MOST_IN_TRAIN = 64, DEAR = 4 };

static void issue_vectors(Loop *loop, int64_t s);

/* ---- clocks and spans */

static inline int64_t align(const Loop *loop, int64_t clock, int64_t time)
{
    if (clock < 0)
        return time;
    return edge_of(&loop->clocks[clock], index_of(&loop->clocks[clock], time));
}

int64_t span_end_varying(const Loop *loop, int64_t span, int64_t start, int64_t vector)
{
    const Span *s = &loop->spans[span];
    int64_t amount = loop->amounts[s->offset + (s->length == 1 ? 0 : vector % s->length)];
    if (!s->cycles)
        return start + amount;
    const Clock *clock = &loop->clocks[s->clock];
    if (clock->period)
        return start + amount * clock->period;
    return edge_of(clock, index_of(clock, start) + amount);
}

/* ---- events */

void loop_push(Loop *loop, int64_t time, int64_t desk, int kind, int64_t who, int64_t total)
{
    if (loop->heap_size == loop->heap_room) {
        int64_t room = loop->heap_room ? 2 * loop->heap_room : 256;
        Event *grown = realloc(loop->heap, (size_t)room * sizeof *grown);
        if (grown == NULL) {
            loop->failed = true;
            return;
        }
        loop->heap = grown;
        loop->heap_room = room;
    }
    int64_t here = loop->heap_size++;
    loop->events++;
    while (here) {
        int64_t above = (here - 1) >> 1;
        if (loop->heap[above].time <= time)
            break;
        loop->heap[here] = loop->heap[above];
        here = above;
    }
    loop->heap[here] = (Event){time, who, total, (int32_t)desk, kind};
}

static Event pop(Loop *loop)
{
    Event top = loop->heap[0], last = loop->heap[--loop->heap_size];
    int64_t here = 0;
    for (;;) {
        int64_t child = 2 * here + 1;
        if (child >= loop->heap_size)
            break;
        if (child + 1 < loop->heap_size && loop->heap[child + 1].time < loop->heap[child].time)
            child++;
        if (last.time <= loop->heap[child].time)
            break;
        loop->heap[here] = loop->heap[child];
        here = child;
    }
    loop->heap[here] = last;
    return top;
}

/* ---- waking */

static inline void wake(Loop *loop, int64_t r)
{
    Run *run = &loop->runs[r];
    if (run->queued || run->needs == ASKED)
        return;
    run->queued = 1;
    loop->work[loop->work_tail++] = r;
    if (loop->work_tail == loop->n_runs + 1)
        loop->work_tail = 0;
}

/* ---- slots */

static void write_back(Loop *loop, Client *client, int64_t c, int64_t number, int64_t now)
{
    Pool *pool = &loop->pools[client->pool];
    ROOM(&client->ends, number, back_needed, c);
    *(int64_t *)entry(&client->ends, number) = now;
    client->back = number + 1;
    bool certain = number / client->per_vector + 1 < loop->streams[client->stream].needed;
    count_hold(loop, loop->n_servers + client->pool, done_at(&loop->runs[client->taker], number), now, certain);
    if (!pool->shared || !loop->recording)
        return;
    /* Returns are in order of time, stream, number; clients are numbered by stream. */
    ROOM(&pool->returns, pool->back, returns_needed, client->pool);
    int64_t place = pool->back++;
    for (; place > pool->returns.low; place--) {
        Return *before = entry(&pool->returns, place - 1);
        if (before->time < now || before->client <= c)
            break;
        *(Return *)entry(&pool->returns, place) = *before;
    }
    *(Return *)entry(&pool->returns, place) = (Return){now, c, number};
}

/* Have the first `total` slots of a client back; return how many that are. */
static int64_t give_back(Loop *loop, int64_t c, int64_t total, int64_t now)
{
    Client *client = &loop->clients[c];
    int64_t before = client->back;
    for (int64_t number = before; number < total; number++)
        write_back(loop, client, c, number, now);
    return most(0, total - before);
}

/* When a private pool has a slot for a request, or -1 if that is not known yet. */
static inline int64_t own_slot(const Loop *loop, const Client *client, int64_t number, int64_t asked)
{
    int64_t count = loop->pools[client->pool].count;
    if (number < count)
        return asked;
    if (client->back <= number - count)
        return NONE;
    return most(asked, *(int64_t *)entry(&client->ends, number - count));
}

static void ask_slot(Loop *loop, int64_t r, int64_t client, int64_t asked)
{
    loop->runs[r].asked = asked;
    loop->runs[r].needs = ASKED;
    loop_push(loop, asked, loop->n_servers + loop->clients[client].pool, REQUEST, r, 0);
}

static void log_grant(Loop *loop, int64_t c)
{
    Client *client = &loop->clients[c];
    Pool *pool = &loop->pools[client->pool];
    ROOM(&client->grants, client->taken, grants_needed, c);
    *(int64_t *)entry(&client->grants, client->taken) = pool->grants++;
}

/* Have a run's present iteration done. */
static inline void log_step(Loop *loop, int64_t r, int64_t done)
{
    Run *run = &loop->runs[r];
    run->now.done = run->left = done;
    ROOM(&run->steps, run->done, steps_needed, r);
    int64_t *logged = entry(&run->steps, run->done);
    if (run->steps.width > (int64_t)sizeof(int64_t)) {
        logged[run->arrival_column] = run->now.arrival;
        logged[run->busy_column] = run->now.busy;
        logged[run->worked_log.column] = run->now.worked - run->worked_log.plus;
        logged[run->had_log.column] = run->now.had - run->had_log.plus;
    }
    logged[0] = done;
    run->done++;
    run->needs = ARRIVAL;
}

/* Whether a run's present hold certainly ends before the last result: a later vector that some result needs comes after. */
static inline bool is_certain(const Loop *loop, const Run *run)
{
    return run->vector + 1 < loop->streams[run->stream].needed;
}

static void have_slot(Loop *loop, int64_t r, int64_t granted)
{
    Run *run = &loop->runs[r];
    int64_t c = run->kind == SERVING ? run->capture : run->take;
    Client *client = &loop->clients[c];
    if (loop->pools[client->pool].shared)
        log_grant(loop, c);
    client->taken++;
    if (run->kind == SERVING) {
        if (run->server >= 0) {
            Server *server = &loop->servers[run->server];
            server->free = granted;
            count_hold(loop, run->server, run->had, granted, is_certain(loop, run));
            if (!run->own) {
                if (loop->recording)
                    hold_at(server, server->count - 1)->end = granted;
                loop_push(loop, granted, run->server, LET_GO, 0, 0);
            }
        }
        loop_finish(loop, r, granted);
    } else {
        log_step(loop, r, granted);
        wake(loop, run->next);
    }
    wake(loop, r);
}

/* ---- advancing */

/* When the data of a run's next iteration is there, or -1. */
static inline int64_t ready(const Loop *loop, const Run *run)
{
    int64_t index = upstream(run, run->done);
    int64_t there = run->source < 0 ? loop->streams[run->stream].issued : loop->runs[run->source].done;
    return there <= index ? NONE : data_at(loop, run, index);
}

/* Take slots for a stage's iterations until something is not known. */
static void advance_taking(Loop *loop, int64_t r)
{
    Run *run = &loop->runs[r];
    const Client *client = &loop->clients[run->take];
    while (run->done < run->total && run->needs != ASKED) {
        if (run->needs == ARRIVAL) {
            int64_t time = ready(loop, run);
            if (time < 0)
                return;
            run->now.arrival = enter(loop, run, time);
            run->needs = TAKE;
        }
        run->now.had = most(run->now.arrival, run->left);
        if (loop->pools[client->pool].shared) {
            ask_slot(loop, r, run->take, run->now.had);
            return;
        }
        int64_t granted = own_slot(loop, client, run->done, run->now.had);
        if (granted < 0)
            return;
        have_slot(loop, r, granted);
    }
}

/* Have the work of an iteration start: what keeps the server until a slot is had is done later. */
static inline void started(Loop *loop, int64_t r, int64_t start)
{
    Run *run = &loop->runs[r];
    run->now.had = run->had = start;
    run->now.worked = run->worked = most(run->worked, span_end(loop, run->latency, start, run->vector));
    if (run->capture < 0)
        loop_finish(loop, r, run->worked);
    else
        run->needs = CAPTURE;
}

/* Note since which iteration a private server has been busy: each was there before the one before it let the server go,
 * and no result waited for a slot. A walk back passes over them at once. Holds of no length are in nobody's way. */
static inline void note_busy(Run *run, int64_t start, int64_t had, int64_t free, bool waited)
{
    if (start > had) {
        run->end_before = waited || !run->done ? NONE : free;
        run->busy_before = run->now.busy;
    }
    run->now.busy = run->end_before > run->now.arrival ? run->busy_before : run->done;
}

static void start_hold(Loop *loop, int64_t r, int64_t start)
{
    Run *run = &loop->runs[r];
    Server *server = &loop->servers[run->server];
    int64_t end = NONE;
    if (run->busy_column)
        note_busy(run, start, run->had, server->free, run->left > run->worked);
    if (run->capture < 0) {
        end = server->free = span_end(loop, run->interval, start, run->vector);
        count_hold(loop, run->server, start, end, is_certain(loop, run));
    }
    if (loop->recording && !run->own) {
        ROOM(&server->holds, server->count, holds_needed, run->server);
        *hold_at(server, server->count++) = (Hold){start, end, r, run->done};
    }
    started(loop, r, start);
}

static void ask_server(Loop *loop, int64_t r, int64_t asked)
{
    Run *run = &loop->runs[r];
    run->asked = asked;
    run->needs = ASKED;
    /* Its own hold before may still be waiting for a slot; nothing is asked of the server until that is over. */
    loop_push(loop, run->capture >= 0 ? most(asked, run->left) : asked, run->server, REQUEST, r, 0);
}

/* ---- edges */

/* Free what has been passed and has arrived. */
static void free_edge(Loop *loop, int64_t e)
{
    Edge *edge = &loop->edges[e];
    const Stream *source = &loop->streams[edge->source];
    int64_t limit = least(edge->passes, source->ended), before = edge->frees;
    while (edge->frees < limit) {
        int64_t passed = *(int64_t *)entry(&edge->passed, edge->frees);
        int64_t time = most(passed, end_at(source, edge->frees));
        ROOM(&edge->freed, edge->frees, freed_needed, e);
        *(int64_t *)entry(&edge->freed, edge->frees++) = time;
        edge->integral = (int64_t)((uint64_t)edge->integral + (uint64_t)time);
        loop->in_flight--;
    }
    if (edge->frees == before)
        return;
    merge_edge(loop, edge);
    issue_vectors(loop, edge->source);
}

static void pass(Loop *loop, int64_t e, int64_t below, int64_t time)
{
    Edge *edge = &loop->edges[e];
    while (edge->passes < below) {
        ROOM(&edge->passed, edge->passes, passed_needed, e);
        *(int64_t *)entry(&edge->passed, edge->passes++) = time;
    }
    free_edge(loop, e);
}

static void send(Loop *loop, int64_t kind, int64_t time, int64_t who, int64_t count)
{
    int64_t *row = add_row(loop, &loop->outbox);
    if (row == NULL)
        return;
    row[0] = kind, row[1] = time, row[2] = who, row[3] = count;
    loop->until = least(loop->until, time);
}

static void fetched(Loop *loop, Stream *stream, int64_t time)
{
    for (int64_t place = stream->in; place < stream->in_end; place++) {
        int64_t e = loop->in_edges[place];
        int64_t below = keep_of(loop, &loop->edges[e], stream->fetch_request, stream->fetch_index);
        if (loop->streams[loop->edges[e].source].foreign)
            send(loop, FREED, time, e, below);
        else
            pass(loop, e, below, time);
    }
    if (++stream->fetch_index == stream->vectors) {
        stream->fetch_index = 0;
        stream->fetch_request++;
    }
}

static void start_sources(Loop *loop)
{
    loop->began = 1;
    for (int64_t s = 0; s < loop->n_streams; s++)
        if (loop->streams[s].source)
            issue_vectors(loop, s);
}

static void programmed(Loop *loop, int64_t time)
{
    loop->programs--;
    if (loop->begin_given)
        return;
    loop->begin = most(loop->begin, time);
    if (loop->programs)
        return;
    if (loop->n_foreign)
        send(loop, BEGIN, loop->begin, 0, 0);
    start_sources(loop);
}

/* Have a vector end: it arrives on every edge. */
static void complete(Loop *loop, int64_t s, int64_t time)
{
    Stream *stream = &loop->streams[s];
    ROOM(&stream->ends, stream->ended, ends_needed, s);
    *(int64_t *)entry(&stream->ends, stream->ended++) = time;
    count_end(loop, s, time);
    if (loop->recording && !stream->listed) {
        stream->listed = 1;
        loop->finished[loop->n_finished++] = s;
    }
    loop->left -= stream->ended == stream->total && !stream->foreign;
    loop->in_flight += stream->out_end - stream->out - 1;
    for (int64_t place = stream->out; place < stream->out_end; place++) {
        int64_t e = loop->out_edges[place], target = loop->edges[e].target;
        if (!loop->streams[target].foreign) {
            free_edge(loop, e);
            issue_vectors(loop, target);
        } else if (!stream->foreign) {
            send(loop, ARRIVED, time, e, 1);
            free_edge(loop, e);
        }
    }
    if (stream->state_op && !stream->source && stream->ended == stream->total)
        programmed(loop, time);
}

/* Have an iteration done, and make known what that makes known. */
void loop_finish(Loop *loop, int64_t r, int64_t done)
{
    Run *run = &loop->runs[r];
    log_step(loop, r, done);
    for (int64_t place = run->release; place < run->release_end; place++) {
        const Release *release = &loop->releases[place];
        const Client *client = &loop->clients[release->client];
        int64_t total = run->done * release->per_vector / run->iterations;
        if (loop->pools[client->pool].shared)
            loop_push(loop, done, loop->n_servers + client->pool, BACK, release->client, total);
        else if (give_back(loop, release->client, total, done))
            wake(loop, client->taker);
    }
    if (++run->phase == run->iterations) {
        run->phase = 0;
        run->vector++;
        if (run->stage == 0)
            fetched(loop, &loop->streams[run->stream], done);
        if (run->last)
            complete(loop, run->stream, done);
    }
    if (run->next >= 0)
        wake(loop, run->next);
}

/* Serve all iterations that have their data. */
static void serve_train(Loop *loop, int64_t r)
{
    Run *run = &loop->runs[r];
    int64_t ready[MOST_IN_TRAIN], arrival[MOST_IN_TRAIN], start[MOST_IN_TRAIN], done[MOST_IN_TRAIN], count;
    while ((count = least(MOST_IN_TRAIN, arrived(loop, run) - run->done)) > 0 && !loop->failed) {
        for (int64_t place = 0; place < count; place++)
            ready[place] = data_at(loop, run, upstream(run, run->done + place));
        Server *server = run->server < 0 ? NULL : &loop->servers[run->server];
        int64_t free = server ? server->free : 0, had = run->had;
        train_scan(&run->train, count, ready, free, run->worked, arrival, start, done);
        run->had = start[count - 1];
        run->worked = done[count - 1];
        if (server) {
            server->free = run->had + run->train.interval;
            bool certain = (run->done + count - 1) / run->iterations + 1 < loop->streams[run->stream].needed;
            count_train(loop, run->server, count, start, run->train.interval, certain);
        }
        for (int64_t place = 0; place < count; place++) {
            run->now = (Step){0, start[place], done[place], arrival[place], run->now.busy};
            if (run->busy_column)
                note_busy(run, start[place], had, free, false);
            had = start[place];
            free = had + run->train.interval;
            loop_finish(loop, r, done[place]);
        }
    }
}

/* Serve a stage's iterations until something is not known. */
static void advance_serving(Loop *loop, int64_t r)
{
    Run *run = &loop->runs[r];
    if (run->flits) {
        carry_send(loop, r);
        return;
    }
    if (run->train.period && run->needs == ARRIVAL && arrived(loop, run) - run->done >= LEAST_IN_TRAIN) {
        serve_train(loop, r);
        return;
    }
    while (run->done < run->total && run->needs != ASKED) {
        if (run->needs == ARRIVAL) {
            int64_t time = ready(loop, run);
            if (time < 0)
                return;
            if (run->taking < 0)
                time = enter(loop, run, time);
            run->now.arrival = time;
            run->now.had = INT64_MAX; /* not yet started */
            if (run->server < 0) {
                started(loop, r, align(loop, loop->spans[run->latency].clock, time));
            } else if (run->own) {
                const Server *server = &loop->servers[run->server];
                start_hold(loop, r, align(loop, server->clock, most(most(time, run->had), server->free)));
            } else {
                ask_server(loop, r, most(time, run->had));
                return;
            }
        }
        if (run->needs == CAPTURE) {
            const Client *client = &loop->clients[run->capture];
            if (loop->pools[client->pool].shared) {
                ask_slot(loop, r, run->capture, run->worked);
                return;
            }
            int64_t granted = own_slot(loop, client, run->done, run->worked);
            if (granted < 0)
                return;
            have_slot(loop, r, granted);
        }
    }
}

/* ---- issue */

/* Write an issue down; `by` is the edge whose arrival was the last thing to wait for, before room. */
static void write_issue(Loop *loop, int64_t s, int64_t time, int64_t there, int64_t by)
{
    Stream *stream = &loop->streams[s];
    ROOM(&stream->issues, stream->issued, issues_needed, s);
    *issue_at(stream, stream->issued) = time;
    if (loop->recording) {
        ROOM(&stream->bounds, stream->issued, bounds_needed, s);
        *bound_at(stream, stream->issued) = (Bound){there, by};
    }
    stream->issued++;
    if (++stream->issue_index == stream->vectors) {
        stream->issue_index = 0;
        stream->issue_request++;
    }
    for (int64_t place = stream->out; place < stream->out_end; place++) {
        Edge *edge = &loop->edges[loop->out_edges[place]];
        edge->integral = (int64_t)((uint64_t)edge->integral - (uint64_t)time);
    }
    loop->most_in_flight = most(loop->most_in_flight, ++loop->in_flight);
}

/* The first vector of a request was issued by one of its sources: it is admitted with the first. */
static void admit(Loop *loop, int64_t request, int64_t time)
{
    if (!loop->admissions[request]++ || time < loop->admitted[request])
        loop->admitted[request] = time;
}

/* Issue vectors as far as releases, inputs and room are known. */
static void issue_vectors(Loop *loop, int64_t s)
{
    Stream *stream = &loop->streams[s];
    if (stream->foreign || (stream->source && !loop->began))
        return;
    while (stream->issued < stream->total && !loop->failed) {
        int64_t vector = stream->issued, by = NONE;
        int64_t there = vector ? *issue_at(stream, vector - 1) : stream->source ? loop->begin : 0;
        if (stream->source && stream->issue_index == 0) {
            int64_t released = loop->begin + loop->releases_ps[stream->first_release + stream->issue_request];
            by = released > there ? RELEASED : NONE;
            there = most(there, released);
        }
        for (int64_t place = stream->in; place < stream->in_end; place++) {
            int64_t e = loop->in_edges[place];
            const Stream *source = &loop->streams[loop->edges[e].source];
            int64_t needed = need_of(loop, &loop->edges[e], stream->issue_request, stream->issue_index);
            if (source->ended <= needed)
                return;
            if (needed >= 0 && end_at(source, needed) > there) {
                there = end_at(source, needed);
                by = e;
            }
        }
        int64_t time = there;
        for (int64_t place = stream->out; place < stream->out_end; place++) {
            const Edge *edge = &loop->edges[loop->out_edges[place]];
            if (edge->capacity < 0 || vector < edge->capacity)
                continue;
            if (edge->frees <= vector - edge->capacity)
                return;
            time = most(time, freed_at(edge, vector - edge->capacity));
        }
        if (stream->load && stream->issue_index == 0)
            admit(loop, stream->issue_request, time);
        write_issue(loop, s, time, there, by);
        wake(loop, stream->first);
    }
}

/* ---- rounds */

/* Take out of a desk's waiting runs the one that asked first: by time, stream, stage. */
static int64_t first_waiting(Loop *loop, Desk *desk)
{
    int64_t *waiting = loop->waiting + desk->offset, best = 0;
    for (int64_t place = 1; place < desk->pending; place++) {
        const Run *run = &loop->runs[waiting[place]], *other = &loop->runs[waiting[best]];
        if (run->asked != other->asked ? run->asked < other->asked : waiting[place] < waiting[best])
            best = place;
    }
    int64_t run = waiting[best];
    waiting[best] = waiting[--desk->pending];
    return run;
}

static void decide_server(Loop *loop, int64_t s, int64_t now)
{
    Desk *desk = &loop->desks[s];
    Server *server = &loop->servers[s];
    if (desk->open || !desk->pending)
        return;
    if (server->free <= now) {
        int64_t r = first_waiting(loop, desk);
        desk->holder = r;
        desk->open = loop->runs[r].capture >= 0;
        start_hold(loop, r, align(loop, server->clock, now));
        wake(loop, r);
    }
    if (desk->pending && !desk->open && (desk->armed < server->free || server->free <= now)) {
        desk->armed = server->free;
        loop_push(loop, most(server->free, now), s, LOOK, 0, 0);
    }
}

static void decide_pool(Loop *loop, int64_t d, int64_t now)
{
    Desk *desk = &loop->desks[d];
    while (desk->pending && desk->taken < loop->pools[d - loop->n_servers].count) {
        desk->taken++;
        have_slot(loop, first_waiting(loop, desk), now);
    }
}

static void apply(Loop *loop, const Event *event, int64_t now)
{
    if (event->kind == OFFER) {
        carry_offer(loop, event->who, event->total, now);
        return;
    }
    Desk *desk = &loop->desks[event->desk];
    if (!desk->touched) {
        desk->touched = 1;
        loop->touched[loop->n_touched++] = event->desk;
    }
    if (event->kind == REQUEST)
        loop->waiting[desk->offset + desk->pending++] = event->who;
    else if (event->kind == BACK)
        desk->taken -= give_back(loop, event->who, event->total, now);
    else if (event->kind == LET_GO)
        desk->open = 0;
}

/* All that happens up to a time is known: have the critical path looked after, and the past before may be forgotten. Once
 * the last result is known, the path may end before. */
static void cut(Loop *loop, int64_t time)
{
    bool begun = loop->admissions[0] == loop->n_loads && time > most(loop->cut, loop->admitted[0]);
    if (!begun || !loop->stores_left)
        return;
    int64_t since = loop->wakings - loop->next_cut + loop->history;
    if (path_cut(loop, time) > DEAR * since)
        loop->history *= 2;
    loop->next_cut = loop->wakings + loop->history;
}

/* The moment up to which everything is known where nothing waits to be decided: no run starts before its latest start. */
static int64_t known_until(const Loop *loop)
{
    int64_t time = INT64_MAX;
    for (int64_t r = 0; r < loop->n_runs; r++) {
        const Run *run = &loop->runs[r];
        if (run->done < run->total)
            time = least(time, (run->kind == SERVING ? run->had : run->left) - 1);
    }
    return time;
}

/* Whether nothing waits to be decided, and no packet is on its way. */
static bool nothing_waits(const Loop *loop)
{
    return !loop->heap_size && !loop->offers.rows && carry_idle(loop);
}

static bool drain(Loop *loop, int64_t *patience)
{
    while (loop->work_head != loop->work_tail && !loop->failed) {
        if (--*patience < 0)
            return false;
        loop->wakings++;
        if (*patience % WALK_EVERY == 0) {
            walk_finished(loop, WITHIN);
            if (loop->recording && nothing_waits(loop) && loop->wakings >= loop->next_cut)
                cut(loop, known_until(loop));
        }
        int64_t r = loop->work[loop->work_head++];
        if (loop->work_head == loop->n_runs + 1)
            loop->work_head = 0;
        loop->runs[r].queued = 0;
        if (loop->runs[r].kind == SERVING)
            advance_serving(loop, r);
        else
            advance_taking(loop, r);
    }
    return true;
}

static void decide(Loop *loop, int64_t now)
{
    if (now > loop->now) {
        walk_finished(loop, BETWEEN);
        if (loop->recording && loop->wakings >= loop->next_cut)
            cut(loop, loop->now);
        loop->now = now;
        if (loop->stores_left)
            loop->frontier = most(loop->frontier, now);
    }
    while (loop->heap_size && loop->heap[0].time == now) {
        Event event = pop(loop);
        apply(loop, &event, now);
    }
    for (int64_t place = 0; place < loop->n_touched; place++) {
        int64_t desk = loop->touched[place];
        loop->desks[desk].touched = 0;
        if (desk < loop->n_servers)
            decide_server(loop, desk, now);
        else
            decide_pool(loop, desk, now);
    }
    loop->n_touched = 0;
}

/* One round of the instant `now`, and all that it makes known. */
void loop_round(Loop *loop, int64_t now)
{
    int64_t patience = INT64_MAX;
    decide(loop, now);
    drain(loop, &patience);
}

/* The next instant to be decided, or -1. */
int64_t loop_next(const Loop *loop)
{
    return loop->heap_size ? loop->heap[0].time : NONE;
}

int loop_run(Loop *loop, int64_t until, int64_t patience)
{
    if (!loop->outbox.rows) /* else it stays before what is not handed out yet */
        loop->until = until;
    for (;;) {
        if (!drain(loop, &patience))
            return PAUSED;
        if ((loop->network || loop->circuits) && carry_run(loop))
            continue;
        if (!loop->heap_size || loop->failed)
            return DONE;
        if (loop->heap[0].time >= loop->until)
            return STOPPED;
        if (--patience < 0)
            return PAUSED;
        decide(loop, loop->heap[0].time);
    }
}

/* Issue all that can be issued from the start; with sources that wait for state ops, these. */
bool loop_start(Loop *loop)
{
    for (int64_t s = 0; s < loop->n_streams; s++)
        issue_vectors(loop, s);
    return !loop->failed;
}

/* A vector of a stream that runs outside the loop has ended. */
void loop_feed_end(Loop *loop, int64_t s, int64_t time)
{
    complete(loop, s, time);
}

/* A stream that runs outside the loop has fetched: all vectors below an index are passed. */
void loop_feed_free(Loop *loop, int64_t e, int64_t below, int64_t time)
{
    pass(loop, e, below, time);
}
