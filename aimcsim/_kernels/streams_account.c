/* What a run adds up to: use of servers and slots, space, ends over time. All exact integers. */
#include <string.h>

#include "streams.h"

/* The part of a hold between the first admission and `end`. */
static int64_t inside(const Loop *loop, int64_t start, int64_t stop, int64_t end)
{
    return most(0, least(stop, end) - most(start, loop->admitted[0]));
}

static bool first_admission_known(const Loop *loop)
{
    return loop->admissions[0] == loop->n_loads;
}

/* Drop from the list all holds that certainly lie before the last end. */
static void settle_past(Loop *loop)
{
    int64_t kept = 0;
    for (int64_t row = 0; row < loop->future.rows; row++) {
        int64_t *one = loop->future.data + row * loop->future.width;
        if (one[2] <= loop->frontier && first_admission_known(loop))
            loop->tallies[one[0]].inside += inside(loop, one[1], one[2], one[2]);
        else
            memmove(loop->future.data + kept++ * loop->future.width, one, sizeof(int64_t[3]));
    }
    loop->future.rows = kept;
}

/* Count a hold. Which part of it lies in the span that requests are timed over is known once a later end is certain;
 * with `certain` it is known already. */
void count_hold(Loop *loop, int64_t which, int64_t start, int64_t end, bool certain)
{
    Tally *tally = &loop->tallies[which];
    tally->count++;
    tally->busy += end - start;
    if ((certain || end <= loop->frontier) && first_admission_known(loop)) {
        tally->inside += inside(loop, start, end, end);
        return;
    }
    if (loop->future.rows == loop->future.room && loop->future.rows)
        settle_past(loop);
    int64_t *row = add_row(loop, &loop->future);
    if (row != NULL)
        row[0] = which, row[1] = start, row[2] = end;
}

/* Count the holds of a train, all of one length. */
void count_train(Loop *loop, int64_t which, int64_t count, const int64_t *start, int64_t interval, bool certain)
{
    if (!certain || !first_admission_known(loop) || start[0] < loop->admitted[0]) {
        for (int64_t place = 0; place < count; place++)
            count_hold(loop, which, start[place], start[place] + interval, certain);
        return;
    }
    Tally *tally = &loop->tallies[which];
    tally->count += count;
    tally->busy += count * interval;
    tally->inside += count * interval;
}

static void fold(int64_t *bins)
{
    for (int bin = 0; bin < BINS; bin++)
        bins[bin] = bin < BINS / 2 ? bins[2 * bin] + bins[2 * bin + 1] : 0;
}

static void widen_bins(Loop *loop, int64_t end)
{
    for (; (end >> loop->bin_shift) >= BINS; loop->bin_shift++) {
        for (int64_t s = 0; s < loop->n_streams; s++)
            fold(loop->bin_vectors + s * BINS);
        for (int64_t v = 0; v < loop->n_varying; v++)
            fold(loop->bin_amounts + v * BINS);
    }
}

/* Count the end of a stream's latest vector. */
void count_end(Loop *loop, int64_t s, int64_t end)
{
    Stream *stream = &loop->streams[s];
    loop->elapsed = most(loop->elapsed, end);
    if (stream->store) {
        int64_t request = (stream->ended - 1) / stream->vectors;
        loop->request_end[request] = most(loop->request_end[request], end);
        loop->frontier = most(loop->frontier, end);
        loop->stores_left -= stream->ended == stream->total;
    }
    if (stream->state_op)
        return;
    int64_t since = most(0, end - loop->admitted[0]); /* nothing but state ops ends before the first admission */
    widen_bins(loop, since);
    int64_t bin = since >> loop->bin_shift, index = (stream->ended - 1) % stream->vectors;
    loop->bin_vectors[s * BINS + bin]++;
    for (int64_t v = stream->varying; v < stream->varying_end; v++)
        loop->bin_amounts[v * BINS + bin] += loop->varying[loop->varying_offset[v] + index];
}

/* Follow the space of an edge through time, as far as both its reservations and its returns are known. */
void merge_edge(Loop *loop, Edge *edge)
{
    const Stream *source = &loop->streams[edge->source];
    if (source->foreign)
        return;
    for (;;) {
        bool more_issues = edge->merged_issues < source->issued, more_frees = edge->merged_frees < edge->frees;
        if (!more_frees || (!more_issues && source->issued < source->total))
            return;
        int64_t freed = freed_at(edge, edge->merged_frees), time = freed, change = -1;
        if (more_issues && *issue_at(source, edge->merged_issues) <= freed) {
            time = *issue_at(source, edge->merged_issues++);
            change = 1;
        } else {
            edge->merged_frees++;
        }
        if (time > edge->changed) {
            edge->highest = most(edge->highest, edge->level);
            edge->changed = time;
        }
        edge->level += change;
    }
}

/* Follow what is left of an edge, of which nothing more will be freed. */
static void finish_edge(Loop *loop, Edge *edge)
{
    const Stream *source = &loop->streams[edge->source];
    merge_edge(loop, edge);
    for (; edge->merged_issues < source->issued; edge->merged_issues++) {
        int64_t time = *issue_at(source, edge->merged_issues);
        if (time > edge->changed) {
            edge->highest = most(edge->highest, edge->level);
            edge->changed = time;
        }
        edge->level++;
    }
    if (loop->elapsed > edge->changed)
        edge->highest = most(edge->highest, edge->level);
    uint64_t left = (uint64_t)(source->issued - edge->frees) * (uint64_t)loop->elapsed;
    edge->integral = (int64_t)((uint64_t)edge->integral + left);
}

/* Bring all sums to the end of the run. */
void loop_settle(Loop *loop)
{
    int64_t last = 0;
    walk_finished(loop, FINALLY);
    for (int64_t request = 0; request < loop->n_requests; request++)
        last = most(last, loop->request_end[request]);
    for (int64_t row = 0; row < loop->future.rows; row++) {
        const int64_t *one = loop->future.data + row * loop->future.width;
        loop->tallies[one[0]].inside += inside(loop, one[1], one[2], last);
    }
    loop->future.rows = 0;
    for (int64_t e = 0; e < loop->n_edges; e++)
        if (!loop->streams[loop->edges[e].source].foreign)
            finish_edge(loop, &loop->edges[e]);
}
