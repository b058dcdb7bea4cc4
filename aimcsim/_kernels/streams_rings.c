/* Places for what the loop keeps: rings that forget what nothing can ask for any more, and growing lists. */
#include <stdlib.h>
#include <string.h>

#include "streams.h"

enum { FIRST_SIZE = 2, FIRST_RECORDING = 16 };

static void copy_entries(const Ring *from, Ring *to, int64_t top)
{
    for (int64_t index = from->low, count; index < top; index += count) {
        count = least(top - index, from->size - (index & (from->size - 1)));
        memcpy(entry(to, index), entry(from, index), (size_t)(count * from->width));
    }
}

/* Have a place for entry `top`: by forgetting, or by growing if less than a quarter of the ring can be forgotten. */
bool make_room(Loop *loop, Ring *ring, int64_t top, int64_t (*needed)(const Loop *, int64_t), int64_t who)
{
    Ring grown = *ring;
    if (ring->size && !loop->keep) {
        ring->low = most(ring->low, least(needed(loop, who), top));
        if (top - ring->low <= ring->size - most(1, ring->size / 4))
            return true;
        grown.low = ring->low;
    }
    grown.size = ring->size ? 2 * ring->size : loop->recording ? FIRST_RECORDING : FIRST_SIZE;
    grown.data = malloc((size_t)(grown.size * grown.width));
    if (grown.data == NULL) {
        loop->failed = true;
        return false;
    }
    if (ring->size)
        copy_entries(ring, &grown, top);
    loop->bytes += (grown.size - ring->size) * ring->width;
    loop->most_bytes = most(loop->most_bytes, loop->bytes);
    free(ring->data);
    *ring = grown;
    return true;
}

/* Forget all entries, and the places too. */
void drop_ring(Loop *loop, Ring *ring, int64_t top)
{
    loop->bytes -= ring->size * ring->width;
    free(ring->data);
    *ring = (Ring){NULL, 0, top, ring->width};
}

int64_t *add_row(Loop *loop, Rows *rows)
{
    if (rows->rows == rows->room) {
        int64_t room = rows->room ? 2 * rows->room : 64;
        int64_t *data = realloc(rows->data, (size_t)(room * rows->width) * sizeof *data);
        if (data == NULL) {
            loop->failed = true;
            return NULL;
        }
        rows->data = data;
        rows->room = room;
    }
    return rows->data + rows->rows++ * rows->width;
}

/* The first vector of a stream of which something may still be asked: the one before the next to be accounted for. */
static int64_t first_open(const Loop *loop, const Stream *stream)
{
    return most(0, (loop->recording ? stream->walked : stream->ended) - 1);
}

/* The first entry from `low` on whose time, in a column, is not before a moment; times ascend. */
static int64_t entry_since(const Ring *ring, int64_t low, int64_t top, int column, int64_t time)
{
    int64_t high = top;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (((const int64_t *)entry(ring, middle))[column] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first entry that the critical path may ask for, which is followed back to the latest cut. */
static int64_t path_needs(const Loop *loop, const Ring *ring, int64_t top, int column)
{
    if (!loop->recording)
        return top;
    return loop->cut < 0 ? ring->low : entry_since(ring, ring->low, top, column, loop->cut);
}

/* Settle what is logged of a run's iterations: their results, and, where records are wanted or all is kept, what does not
 * follow from these. With a latency that is always the same, results come in the order of starts. */
void steps_set_up(const Loop *loop, Run *run)
{
    bool fixed = run->kind == SERVING && loop->spans[run->latency].fixed >= 0 && !loop->keep && !run->flits;
    int64_t columns = 1, latency = fixed ? loop->spans[run->latency].fixed : 0;
    if (loop->recording || loop->keep) {
        if (fixed && run->capture < 0)
            run->had_log = (Logged){0, -latency};
        else
            run->had_log = (Logged){columns++, 0};
        run->worked_log = (Logged){run->had_log.column, run->had_log.plus + latency};
        if (loop->keep || (run->capture >= 0 && !fixed))
            run->worked_log = (Logged){columns++, 0};
        run->arrival_column = loop->keep || run->cross_clock >= 0 ? columns++ : 0;
        run->busy_column = loop->recording && run->kind == SERVING && run->server >= 0 && run->own ? columns++ : 0;
    }
    run->steps.width = columns * (int64_t)sizeof(int64_t);
}

/* The first finished iteration of a run that is done, or lets its server go, at a moment or later, after the latest cut. */
int64_t steps_since(const Loop *loop, const Run *run, int64_t time)
{
    int64_t first = most(run->since_cut, run->steps.low), low = entry_since(&run->steps, first, run->done, 0, time);
    while (low > first && run->server >= 0 && run->capture < 0 &&
           span_end(loop, run->interval, had_at(run, low - 1), (low - 1) / run->iterations) >= time)
        low--;
    return low;
}

/* Shares ask for all iterations of a vector; without them only who comes next does, and slots until they are back. */
int64_t steps_needed(const Loop *loop, int64_t r)
{
    const Run *run = &loop->runs[r];
    if (loop->recording) {
        return least(run->since_cut, first_open(loop, &loop->streams[run->stream]) * run->iterations);
    }
    int64_t low = run->done, client = run->kind == SERVING ? run->capture : run->take;
    if (run->next >= 0)
        low = least(low, upstream(&loop->runs[run->next], loop->runs[run->next].done));
    return client >= 0 ? least(low, loop->clients[client].back) : low;
}

int64_t issues_needed(const Loop *loop, int64_t who)
{
    const Stream *stream = &loop->streams[who];
    int64_t low = least(first_open(loop, stream), path_needs(loop, &stream->issues, stream->issued, 0));
    for (int64_t place = stream->out; place < stream->out_end; place++)
        low = least(low, loop->edges[loop->out_edges[place]].merged_issues);
    return low;
}

int64_t bounds_needed(const Loop *loop, int64_t who)
{
    const Stream *stream = &loop->streams[who];
    return least(first_open(loop, stream), path_needs(loop, &stream->issues, stream->issued, 0));
}

int64_t ends_needed(const Loop *loop, int64_t who)
{
    const Stream *stream = &loop->streams[who];
    int64_t low = least(first_open(loop, stream), path_needs(loop, &stream->ends, stream->ended, 0));
    for (int64_t place = stream->out; place < stream->out_end; place++) {
        const Edge *edge = &loop->edges[loop->out_edges[place]];
        const Stream *target = &loop->streams[edge->target];
        low = least(low, edge->frees);
        if (!target->foreign && target->issued < target->total)
            low = least(low, most(0, need_of(loop, edge, target->issue_request, target->issue_index)));
    }
    return low;
}

int64_t passed_needed(const Loop *loop, int64_t edge)
{
    return loop->edges[edge].frees;
}

/* Room that was there before the first vector whose issue may still be asked for keeps nobody waiting. */
int64_t freed_needed(const Loop *loop, int64_t who)
{
    const Edge *edge = &loop->edges[who];
    const Stream *source = &loop->streams[edge->source];
    int64_t low = edge->freed.low, first = first_open(loop, source);
    int64_t since = first < source->issued ? *issue_at(source, first) : 0;
    while (low < edge->merged_frees && (edge->capacity < 0 || freed_at(edge, low) <= since))
        low++;
    return least(low, path_needs(loop, &edge->freed, edge->frees, 0));
}

int64_t back_needed(const Loop *loop, int64_t who)
{
    const Client *client = &loop->clients[who];
    const Pool *pool = &loop->pools[client->pool];
    return pool->shared ? client->back : most(0, client->taken - pool->count);
}

int64_t grants_needed(const Loop *loop, int64_t who)
{
    const Client *client = &loop->clients[who];
    const Run *taker = &loop->runs[client->taker];
    int64_t low = first_open(loop, &loop->streams[client->stream]) * client->per_vector;
    return least(low, loop->recording ? path_needs(loop, &taker->steps, taker->done, 0) : low);
}

int64_t returns_needed(const Loop *loop, int64_t who)
{
    const Pool *pool = &loop->pools[who];
    int64_t low = pool->grants;
    for (int64_t c = pool->first_client; c >= 0; c = loop->clients[c].sibling) {
        int64_t number = grants_needed(loop, c);
        if (number < loop->clients[c].taken)
            low = least(low, *(int64_t *)entry(&loop->clients[c].grants, number));
    }
    return least(most(0, low - pool->count), path_needs(loop, &pool->returns, pool->back, 0));
}

/* A hold is asked for as long as a vector that is still to be accounted for has stood in line since before its end. */
int64_t holds_needed(const Loop *loop, int64_t who)
{
    const Server *server = &loop->servers[who];
    int64_t since = most(loop->now, 0);
    for (int64_t r = server->first_run; r >= 0; r = loop->runs[r].sibling) {
        const Run *run = &loop->runs[r];
        const Stream *stream = &loop->streams[run->stream];
        int64_t first = stream->walked * run->iterations;
        if (first < run->done || (first == run->done && run->needs != ARRIVAL)) {
            int64_t before = stream->walked ? end_at(stream, stream->walked - 1) : 0;
            since = least(since, most(before, arrival_at(loop, run, first)));
        }
    }
    bool open = server->count > server->holds.low && hold_at(server, server->count - 1)->end < 0;
    int64_t low = entry_since(&server->holds, server->holds.low, server->count - open, 1, since + 1);
    return least(low, path_needs(loop, &server->holds, server->count - open, 1));
}

void loop_free(Loop *loop)
{
    path_free(loop);
    for (int64_t i = 0; i < loop->n_runs; i++) {
        free(loop->runs[i].steps.data);
        free(loop->runs[i].passages.data);
    }
    for (int64_t i = 0; i < loop->n_streams; i++) {
        free(loop->streams[i].issues.data);
        free(loop->streams[i].bounds.data);
        free(loop->streams[i].ends.data);
        free(loop->streams[i].wait);
    }
    for (int64_t i = 0; i < loop->n_edges; i++) {
        free(loop->edges[i].passed.data);
        free(loop->edges[i].freed.data);
    }
    for (int64_t i = 0; i < loop->n_servers; i++)
        free(loop->servers[i].holds.data);
    for (int64_t i = 0; i < loop->n_pools; i++)
        free(loop->pools[i].returns.data);
    for (int64_t i = 0; i < loop->n_clients; i++) {
        free(loop->clients[i].ends.data);
        free(loop->clients[i].grants.data);
    }
    void *owned[] = {loop->runs, loop->streams, loop->edges, loop->servers, loop->pools, loop->clients, loop->spans,
                     loop->clocks, loop->releases, loop->desks, loop->tallies, loop->waiting, loop->work,
                     loop->touched, loop->finished, loop->heap, loop->admitted, loop->admissions, loop->request_end,
                     loop->future.data, loop->ops.data, loop->waits.data, loop->outbox.data, loop->offers.data,
                     loop->inside.data, loop->bin_vectors, loop->bin_amounts};
    for (unsigned i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}
