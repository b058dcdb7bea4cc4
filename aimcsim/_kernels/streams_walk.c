/* Where the time of vectors went: the walk-back of aimcsim/engine/walkback.py over the rings of the loop.
 *
 * From the end of a vector the walk goes back over what bound each start, to the end of the vector before (or the admission
 * of the request). On the critical path it goes on, where the vector waited, with whoever it waited for.
 */
#include <stdlib.h>

#include "streams_walk.h"

static const Place NOWHERE = {NONE, 0, AT_END};
static const Place FORGOTTEN = {0, 0, AT_END};

static int64_t op_of(Loop *loop, int64_t s, int64_t vector)
{
    if (s < 0)
        return NONE;
    Stream *stream = &loop->streams[s];
    if (vector < stream->op_from || vector >= stream->op_to) {
        int64_t request = vector / stream->vectors, row = vector % stream->vectors / stream->op_vectors;
        stream->op = stream->first_op + request * stream->request_ops + row;
        stream->op_from = request * stream->vectors + row * stream->op_vectors;
        stream->op_to = least(stream->op_from + stream->op_vectors, (request + 1) * stream->vectors);
    }
    return stream->op;
}

static int64_t *wait_row(Loop *loop, Stream *stream, int64_t cause, int64_t path, int64_t holder)
{
    for (int64_t place = stream->waits - 1; place >= 0; place--) {
        int64_t *row = stream->wait + 4 * place;
        if (row[0] == cause && row[1] == path && row[2] == holder)
            return row;
    }
    if (stream->waits == stream->wait_room) {
        int64_t room = stream->wait_room ? 2 * stream->wait_room : 8;
        int64_t *grown = realloc(stream->wait, (size_t)(4 * room) * sizeof *grown);
        if (grown == NULL) {
            loop->failed = true;
            return NULL;
        }
        stream->wait = grown;
        stream->wait_room = room;
    }
    int64_t *row = stream->wait + 4 * stream->waits++;
    row[0] = cause, row[1] = path, row[2] = holder, row[3] = 0;
    return row;
}

/* How much of the time from `start` to where the walk is belongs to the share; the walk is at `start` then. */
static int64_t step_back(Walk *walk, int64_t start)
{
    int64_t length = walk->time - most(start, walk->low);
    if (length <= 0)
        return 0;
    walk->time -= length;
    return length;
}

/* Account for time that a stream spent at a stage. */
static void spend(Walk *walk, Run *run, int cause, int64_t start)
{
    int64_t length = step_back(walk, start);
    if (walk->stream >= 0)
        walk->loop->streams[walk->stream].spent[cause] += length;
    else if (length)
        path_spend(walk->loop, run - walk->loop->runs, length);
}

/* Account for time that the stream stood in line; it is not on the critical path, which follows whoever was in the way. */
static void stand(Walk *walk, int64_t cause, int64_t path, int64_t holder, int64_t vector, int64_t start)
{
    Stream *stream = &walk->loop->streams[walk->stream];
    int64_t length = step_back(walk, start);
    if (!length)
        return;
    stream->spent[cause] += length;
    int64_t *row = wait_row(walk->loop, stream, cause - FIRST_WAIT, path, op_of(walk->loop, holder, vector));
    if (row != NULL)
        row[3] += length;
}

/* What waiting behind a holder is called: behind a state op maintenance, unless it is one that waits. */
static int64_t cause_behind(const Loop *loop, int64_t waiting, int64_t holder, int64_t cause)
{
    return loop->streams[holder].state_op && !loop->streams[waiting].state_op ? loop->maintenance : cause;
}

static inline bool follows(const Walk *walk, int64_t stream)
{
    return walk->stream < 0 || walk->stream == stream;
}

static void work(Walk *walk, Run *run, int64_t start)
{
    spend(walk, run, run->transfer ? TRANSFER : SERVICE, start);
}

Place vector_end(const Loop *loop, int64_t s, int64_t vector)
{
    int64_t last = loop->streams[s].last;
    return (Place){last, (vector + 1) * loop->runs[last].iterations - 1, AT_DONE};
}

/* The moment at which a client gave back the `number`-th slot that it took. */
static Place giver(const Loop *loop, int64_t c, int64_t number)
{
    const Stream *stream = &loop->streams[loop->clients[c].stream];
    for (int64_t r = stream->serve; r <= stream->last; r++) {
        const Run *run = &loop->runs[r];
        for (int64_t place = run->release; place < run->release_end; place++) {
            const Release *release = &loop->releases[place];
            if (release->client == c) {
                int64_t times = (number + 1) * run->iterations;
                return (Place){r, (times + release->per_vector - 1) / release->per_vector - 1, AT_DONE};
            }
        }
    }
    return NOWHERE;
}

/* Back over the wait for a slot (NOWHERE), or to the iteration that gave it back if the walk follows that. */
static Place slot(Walk *walk, int64_t c, int64_t number, int64_t wanted)
{
    const Loop *loop = walk->loop;
    const Client *client = &loop->clients[c];
    const Pool *pool = &loop->pools[client->pool];
    if (!pool->shared)
        return giver(loop, c, number - pool->count);
    int64_t back = *(int64_t *)entry(&client->grants, number) - pool->count;
    if (number < client->grants.low || back < pool->returns.low)
        return FORGOTTEN;
    const Return *made = entry(&pool->returns, back);
    const Client *holder = &loop->clients[made->client];
    if (follows(walk, holder->stream))
        return giver(loop, made->client, made->number);
    int64_t cause = cause_behind(loop, client->stream, holder->stream, pool->cause);
    stand(walk, cause, pool->path, holder->stream, made->number / holder->per_vector, wanted);
    return NOWHERE;
}

/* Behind work that the walk follows: go on from it. */
static Place behind(const Walk *walk, int64_t r, int64_t iteration)
{
    return (Place){r, iteration, walk->loop->runs[r].capture >= 0 ? AT_DONE : AT_WORKED};
}

/* When an iteration let the server go. */
static int64_t hold_end(const Loop *loop, const Run *run, int64_t iteration)
{
    if (run->capture >= 0)
        return done_at(run, iteration);
    return span_end(loop, run->interval, had_at(run, iteration), iteration / run->iterations);
}

/* Since which iteration a run's private server has been busy when it started another. */
static int64_t busy_since(const Run *run, int64_t iteration)
{
    if (iteration == run->done)
        return run->now.busy;
    return logged_at(run, iteration, (Logged){run->busy_column, 0});
}

/* Back over all work that is back to back with a start on a private server, at once: to the first start, or to what was
 * at work where the walk ends. What is forgotten of it lies before that. */
static Place over_busy(Walk *walk, Place here, int64_t busy)
{
    Run *run = &walk->loop->runs[here.run];
    int64_t kept = most(busy, run->steps.low), after = kept;
    Place first = {here.run, busy, AT_START};
    if (kept == busy && had_at(run, busy) > walk->low) {
        spend(walk, run, SERVICE, had_at(run, busy));
        return first;
    }
    spend(walk, run, SERVICE, walk->low);
    if (walk->stream >= 0)
        return NOWHERE;
    for (int64_t high = here.iteration; after < high;) {
        int64_t middle = (after + high) / 2;
        if (had_at(run, middle) <= walk->low)
            after = middle + 1;
        else
            high = middle;
    }
    bool working = after > kept && hold_end(walk->loop, run, after - 1) > walk->low;
    walk->last = working ? (Place){here.run, after - 1, AT_WORKED} : (Place){here.run, after, AT_START};
    return NOWHERE;
}

/* From the start of service on a private server to the request: perhaps the stream stood behind itself. Where holds and
 * gaps between them count differently, and behind results that waited for a slot, each piece is looked at. */
static Place own_start(Walk *walk, Place here, int64_t arrival)
{
    Run *run = &walk->loop->runs[here.run];
    int64_t busy = busy_since(run, here.iteration);
    if (busy < here.iteration && (walk->stream < 0 || !run->transfer))
        return over_busy(walk, here, busy);
    while (walk->time > arrival) {
        int64_t start = had_at(run, here.iteration), before = here.iteration - 1;
        while (before >= run->steps.low && had_at(run, before) == start)
            before--;
        if (before < run->steps.low)
            break;
        int64_t end = hold_end(walk->loop, run, before);
        if (end <= arrival)
            break;
        spend(walk, run, SERVICE, end);
        if (walk->stream < 0 || (run->capture >= 0 && end > worked_at(run, before)))
            return behind(walk, here.run, before);
        work(walk, run, had_at(run, before));
        here.iteration = before;
        if (walk->time <= walk->low)
            break;
        arrival = arrival_at(walk->loop, run, before);
    }
    spend(walk, run, SERVICE, arrival);
    return (Place){here.run, here.iteration, AT_SLOT};
}

static inline bool starts_before(const Server *server, int64_t index, int64_t time)
{
    return hold_at(server, index)->start < time;
}

/* The first hold of a server that starts at or after a time; looked for from where the last one was found. */
static int64_t first_hold(Server *server, int64_t time)
{
    int64_t first = server->holds.low, end = server->count, stride = 1;
    int64_t low = most(first, least(server->found, end)), high = low;
    if (low < end && starts_before(server, low, time)) {
        for (high = ++low; high < end && starts_before(server, high, time); stride *= 2) {
            low = high + 1;
            high += stride;
        }
        high = least(high, end);
    } else {
        for (; low > first && !starts_before(server, low - 1, time); stride *= 2) {
            high = low - 1;
            low = most(first, low - stride);
        }
    }
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (starts_before(server, middle, time))
            low = middle + 1;
        else
            high = middle;
    }
    return server->found = low;
}

/* From the start of service to the request: perhaps others were served, or the stream itself. */
static Place shared_start(Walk *walk, Place here, int64_t arrival)
{
    const Loop *loop = walk->loop;
    Run *run = &loop->runs[here.run];
    Server *server = &loop->servers[run->server];
    int64_t index = first_hold(server, had_at(run, here.iteration)) - 1;
    for (; index >= server->holds.low && walk->time > walk->low; index--) {
        const Hold *hold = hold_at(server, index);
        const Run *holder = &loop->runs[hold->run];
        if (hold->end <= arrival)
            break;
        spend(walk, run, SERVICE, hold->end);
        if (follows(walk, holder->stream))
            return behind(walk, hold->run, hold->iteration);
        stand(walk, cause_behind(loop, run->stream, holder->stream, run->cause), run->path, holder->stream,
              hold->iteration / holder->iterations, most(hold->start, arrival));
    }
    spend(walk, run, SERVICE, arrival);
    return (Place){here.run, here.iteration, AT_SLOT};
}

/* From the result of a packet to its having left: perhaps one before it left later. */
static Place from_left(const Walk *walk, Place here)
{
    const Run *run = &walk->loop->runs[here.run];
    if (done_at(run, here.iteration) > passage_at(run, here.iteration)->left)
        return (Place){here.run, here.iteration - 1, AT_DONE};
    return (Place){here.run, here.iteration, AT_WORKED};
}

/* From a packet having left to its being handed over: it waited for links, then for room, then it moved. The critical path
 * has all of it as transfer, since nobody in particular was in the way. */
static Place from_passage(Walk *walk, Place here)
{
    Run *run = &walk->loop->runs[here.run];
    const Passage *passage = passage_at(run, here.iteration);
    if (walk->stream >= 0) {
        work(walk, run, passage->credited);
        stand(walk, walk->loop->credit, run->path, NONE, 0, passage->linked);
        stand(walk, run->cause, run->path, NONE, 0, passage->start);
    }
    work(walk, run, passage->start);
    here.moment = AT_START;
    return here;
}

static Place from_start(Walk *walk, Place here)
{
    Run *run = &walk->loop->runs[here.run];
    if (run->flits) {
        spend(walk, run, SERVICE, passage_at(run, here.iteration)->ready);
        return (Place){here.run, here.iteration, AT_SLOT};
    }
    int64_t arrival = arrival_at(walk->loop, run, here.iteration);
    if (run->server >= 0 && walk->time > arrival)
        return run->own ? own_start(walk, here, arrival) : shared_start(walk, here, arrival);
    spend(walk, run, SERVICE, arrival);
    return (Place){here.run, here.iteration, AT_SLOT};
}

/* From the arrival of data to what made it. What is forgotten was made before the walk ends. */
static Place from_arrival(Walk *walk, int64_t r, int64_t source)
{
    Run *run = &walk->loop->runs[r];
    if (run->previous < 0) {
        const Stream *stream = &walk->loop->streams[run->stream];
        work(walk, run, source < stream->issues.low ? walk->low : *issue_at(stream, source));
        return (Place){r, source, AT_ISSUE};
    }
    const Run *previous = &walk->loop->runs[run->previous];
    spend(walk, run, SERVICE, source < previous->steps.low ? walk->low : done_at(previous, source));
    return (Place){run->previous, source, AT_DONE};
}

/* From having a slot (if the stage takes one) to the data being there, and to what made the data. */
static Place from_slot(Walk *walk, Place here)
{
    const Loop *loop = walk->loop;
    Run *run = &loop->runs[here.run];
    const Run *taking = run->taking >= 0 ? &loop->runs[run->taking] : run;
    if (taking != run && here.iteration >= taking->steps.low && here.iteration < taking->done) {
        int64_t asked = had_at(taking, here.iteration), arrival = arrival_at(loop, taking, here.iteration);
        if (done_at(taking, here.iteration) > asked && walk->time > arrival) {
            Place next = slot(walk, taking->take, here.iteration, asked);
            if (next.run != NONE)
                return next;
        }
        if (asked > arrival && walk->time > arrival)
            return (Place){here.run, here.iteration - 1, AT_SLOT};
    }
    return from_arrival(walk, here.run, upstream(taking, here.iteration));
}

/* From the result of an iteration to its work, over the wait for a slot that kept the result. */
static Place from_done(Walk *walk, Place here)
{
    Run *run = &walk->loop->runs[here.run];
    if (run->capture >= 0 && done_at(run, here.iteration) > worked_at(run, here.iteration)) {
        Place next = slot(walk, run->capture, here.iteration, worked_at(run, here.iteration));
        if (next.run != NONE)
            return next;
    }
    return (Place){here.run, here.iteration, AT_WORKED};
}

/* Whether a run asked for what it takes as soon as its data was there. */
static inline bool at_once(const Run *run, int64_t iteration, int64_t data)
{
    return !run->arrival_column && had_at(run, iteration) == data;
}

/* From a result straight back over stages that waited for nothing: a share need not look closer at these. */
static Place straight_back(Walk *walk, Place here)
{
    const Loop *loop = walk->loop;
    int64_t *spent = loop->streams[walk->stream].spent, time = walk->time;
    int64_t r = here.run, i = here.iteration, moment = AT_DONE;
    while (time > walk->low) {
        const Run *run = &loop->runs[r];
        if (i < run->steps.low || run->capture >= 0 || run->flits)
            break;
        int64_t had = most(had_at(run, i), walk->low);
        spent[run->transfer ? TRANSFER : SERVICE] += time - had;
        time = had;
        moment = AT_START;
        if (run->previous < 0)
            break;
        if (run->taking >= 0) {
            const Run *taking = &loop->runs[run->taking];
            if (i < taking->steps.low || done_at(taking, i) != time || !at_once(taking, i, time))
                break;
            run = taking;
        }
        int64_t source = upstream(run, i);
        const Run *previous = &loop->runs[run->previous];
        if (source < previous->steps.low || !at_once(run, i, done_at(previous, source)))
            break;
        r = run->previous, i = source, moment = AT_DONE;
    }
    walk->time = time;
    return (Place){r, i, moment};
}

/* The consumer vector whose fetch made room for a vector: the first whose `keeps` exceeds what had to go. */
static int64_t freer(const Loop *loop, const Edge *edge, int64_t vector)
{
    const Stream *target = &loop->streams[edge->target];
    int64_t low = 0, high = target->total, gone = vector - edge->capacity + 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (keep_of(loop, edge, middle / target->vectors, middle % target->vectors) < gone)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The moment that made room for a vector: a fetch, or the arrival of a vector that nobody needs. */
static Place freeing(const Loop *loop, const Edge *edge, int64_t vector)
{
    int64_t r = loop->streams[edge->target].serve, gone = vector - edge->capacity;
    const Run *run = &loop->runs[r];
    const Stream *source = &loop->streams[edge->source];
    Place fetch = {r, (freer(loop, edge, vector) + 1) * run->iterations - 1, AT_DONE};
    if (gone < source->ends.low)
        return fetch;
    bool late = fetch.iteration < run->steps.low || end_at(source, gone) > done_at(run, fetch.iteration);
    return late ? vector_end(loop, edge->source, gone) : fetch;
}

static bool lacked_room(const Edge *edge, int64_t vector, int64_t since)
{
    return edge->capacity >= 0 && vector >= edge->capacity && freed_at(edge, vector - edge->capacity) > since;
}

/* Back over the wait for room: at any moment for the first edge that lacked it. NOWHERE, or what the walk follows. */
static Place room(Walk *walk, const Stream *stream, int64_t vector, int64_t there)
{
    const Loop *loop = walk->loop;
    for (int64_t last = stream->out_end; last > stream->out;) {
        const Edge *bound = NULL;
        int64_t since = there, start = there;
        for (int64_t place = stream->out; place < last; place++) {
            const Edge *edge = &loop->edges[loop->out_edges[place]];
            if (lacked_room(edge, vector, since)) {
                start = since;
                since = freed_at(edge, vector - edge->capacity);
                bound = edge;
            }
        }
        if (bound == NULL)
            break;
        if (walk->stream < 0)
            return freeing(loop, bound, vector);
        stand(walk, loop->buffer_full, bound->path, bound->target, freer(loop, bound, vector), start);
        for (last = stream->out; &loop->edges[loop->out_edges[last]] != bound; last++)
            continue;
    }
    return NOWHERE;
}

/* From the issue of a vector to its inputs and room, and on to the vector before; a release ends the walk. */
static Place from_issue(Walk *walk, Place here)
{
    const Loop *loop = walk->loop;
    int64_t s = loop->runs[here.run].stream, vector = here.iteration;
    const Stream *stream = &loop->streams[s];
    const Bound *bound = bound_at(stream, vector);
    if (*issue_at(stream, vector) > bound->there) {
        Place next = room(walk, stream, vector, bound->there);
        if (next.run != NONE)
            return next;
    }
    if (bound->by == RELEASED)
        return NOWHERE;
    if (bound->by >= 0) {
        const Edge *edge = &loop->edges[bound->by];
        int64_t needed = need_of(loop, edge, vector / stream->vectors, vector % stream->vectors);
        if (walk->stream < 0)
            return vector_end(loop, edge->source, needed);
        stand(walk, edge->cause, edge->path, edge->source, needed, vector ? *issue_at(stream, vector - 1) : 0);
    }
    return vector ? (Place){here.run, vector - 1, AT_ISSUE} : NOWHERE;
}

/* Whether what a moment stands for is still kept. */
static bool kept(const Loop *loop, Place here)
{
    if (here.moment == AT_END)
        return false;
    if (here.moment == AT_ISSUE)
        return here.iteration >= loop->streams[loop->runs[here.run].stream].bounds.low;
    const Run *run = &loop->runs[here.run];
    return here.iteration >= run->steps.low && (!run->flits || here.iteration >= run->passages.low);
}

void walk_back(Walk *walk, Place here)
{
    walk->last = here;
    while (walk->time > walk->low && kept(walk->loop, here)) {
        Run *run = &walk->loop->runs[here.run];
        if (walk->marks && here.moment == AT_START) {
            walk->met = path_visit(walk->loop, here);
            if (walk->met != NONE)
                break;
        }
        walk->last = here;
        switch (here.moment) {
        case AT_DONE:
            if (run->flits)
                here = from_left(walk, here);
            else
                here = walk->stream >= 0 && run->capture < 0 ? straight_back(walk, here) : from_done(walk, here);
            break;
        case AT_WORKED:
            if (run->flits) {
                here = from_passage(walk, here);
                break;
            }
            work(walk, run, had_at(run, here.iteration));
            here.moment = AT_START;
            break;
        case AT_START:
            here = from_start(walk, here);
            break;
        case AT_SLOT:
            here = from_slot(walk, here);
            break;
        default:
            here = from_issue(walk, here);
        }
    }
}

static int by_rank(const Loop *loop, const int64_t *a, const int64_t *b)
{
    if (a[0] != b[0])
        return loop->cause_rank[a[0]] < loop->cause_rank[b[0]] ? -1 : 1;
    if (a[1] != b[1])
        return loop->path_rank[a[1]] < loop->path_rank[b[1]] ? -1 : 1;
    return a[2] < b[2] ? -1 : a[2] > b[2];
}

static void write_waits(Loop *loop, Stream *stream, int64_t op)
{
    for (int64_t place = 1; place < stream->waits; place++)
        for (int64_t here = place; here > 0; here--) {
            int64_t *row = stream->wait + 4 * here;
            if (by_rank(loop, row - 4, row) <= 0)
                break;
            for (int column = 0; column < 4; column++) {
                int64_t value = row[column];
                row[column] = row[column - 4];
                row[column - 4] = value;
            }
        }
    for (int64_t place = 0; place < stream->waits; place++) {
        int64_t *row = add_row(loop, &loop->waits);
        if (row == NULL)
            return;
        row[0] = op;
        for (int column = 0; column < 4; column++)
            row[column + 1] = stream->wait[4 * place + column];
    }
    stream->waits = 0;
}

static void write_op(Loop *loop, Stream *stream, int64_t op, int64_t end)
{
    int64_t *row = add_row(loop, &loop->ops);
    if (row == NULL)
        return;
    row[0] = op, row[1] = stream->release, row[2] = stream->fetched, row[3] = end;
    for (int cause = 0; cause < SPENT; cause++) {
        row[4 + cause] = stream->spent[cause];
        stream->spent[cause] = 0;
    }
    write_waits(loop, stream, op);
}

/* Account for the share of a stream's next vector, and write its op down with its last vector. */
static void walk_next(Loop *loop, int64_t s)
{
    Stream *stream = &loop->streams[s];
    int64_t vector = stream->walked;
    int64_t low = vector ? end_at(stream, vector - 1) : 0, end = end_at(stream, vector);
    if (!stream->state_op)
        low = most(low, loop->admitted[stream->walk_request]);
    else if (stream->source)
        low = most(low, loop->begin + loop->releases_ps[stream->first_release + stream->walk_request]);
    if (!stream->op_left) {
        const Run *first = &loop->runs[stream->serve];
        stream->op_left = least(stream->op_vectors, stream->vectors - stream->walk_index);
        stream->release = low;
        stream->fetched = had_at(first, vector * first->iterations);
    }
    Walk walk = {loop, low, end, s, false, NONE, NOWHERE};
    walk_back(&walk, vector_end(loop, s, vector));
    stream->walked++;
    if (!--stream->op_left)
        write_op(loop, stream, op_of(loop, s, vector), end);
    if (++stream->walk_index == stream->vectors) {
        stream->walk_index = 0;
        stream->walk_request++;
    }
}

/* Whether it is certain when the request of a stream's next vector was admitted. */
static bool admission_known(const Loop *loop, const Stream *stream, int when)
{
    if (stream->state_op || when == FINALLY)
        return true;
    int64_t request = stream->walk_request;
    return loop->admissions[request] == loop->n_loads ||
           (loop->admissions[request] && loop->admitted[request] <= loop->now);
}

/* Account for all vectors that have ended and whose shares are certain. Who returned a slot of a shared pool at an instant
 * is certain once the instant is over. */
void walk_finished(Loop *loop, int when)
{
    int64_t left = 0;
    for (int64_t place = 0; place < loop->n_finished; place++) {
        int64_t s = loop->finished[place];
        Stream *stream = &loop->streams[s];
        if (when != WITHIN || !stream->shares_pool)
            while (stream->walked < stream->ended && admission_known(loop, stream, when))
                walk_next(loop, s);
        stream->listed = stream->walked < stream->ended;
        if (stream->listed)
            loop->finished[left++] = s;
    }
    loop->n_finished = left;
}
