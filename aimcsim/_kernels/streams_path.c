/* The critical path of a run of any length, in bounded memory.
 *
 * The path is followed back from the end of the run, so what it may go through cannot be forgotten before. But it never
 * waits: at any moment some run is at work on it. So at a *cut*, every `history` wakings, only the iterations at work at
 * that moment (its crossings) can be on it. Each is followed back to the cut before, and what that spent is kept as a
 * branch of a tree; the past before the cut can then go. Walks soon meet, so few branches stay, and those that nothing
 * leads to any more are dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "streams_walk.h"

typedef struct {
    int64_t run, length;
} Spent;

typedef struct {
    int64_t parent, refs, since, count;
    Spent *spent;
} Branch;

typedef struct {
    Place place;
    int64_t branch;
} Crossing;

/* The start of an iteration that a walk has been at; the walk's next visits follow it. */
typedef struct {
    int64_t run, iteration, trail, branch, ways;
} Visit;

/* One walk from a crossing to the cut before: its part of the trail and of the visits, and what it came to. */
typedef struct {
    int64_t trail, visit, visits, met, parent;
} Trip;

struct Path {
    Branch *branches;
    int64_t n_branches, branch_room, spare;
    Crossing *crossings, *fresh;
    int64_t n_crossings, n_fresh, fresh_room;
    Visit *visits;
    int64_t n_visits, visit_room;
    int64_t *hashed;
    int64_t hash_size;
    Spent *trail;
    int64_t n_trail, trail_room, trail_from;
    int64_t *dense, *listed;
    int64_t n_listed;
};

static bool grow(Loop *loop, void **data, int64_t *room, int64_t count, size_t width)
{
    if (count < *room)
        return true;
    int64_t more = *room ? 2 * *room : 64;
    void *grown = realloc(*data, (size_t)more * width);
    if (grown == NULL) {
        loop->failed = true;
        return false;
    }
    *data = grown;
    *room = more;
    return true;
}

#define GROW(data, room, count) grow(loop, (void **)&(data), &(room), count, sizeof *(data))

static Path *path_of(Loop *loop)
{
    if (loop->path == NULL) {
        Path *path = calloc(1, sizeof *path);
        if (path != NULL) {
            path->dense = calloc((size_t)loop->n_runs + 1, sizeof(int64_t));
            path->listed = calloc((size_t)loop->n_runs + 1, sizeof(int64_t));
            path->spare = NONE;
        }
        loop->path = path;
        loop->failed |= path == NULL || path->dense == NULL || path->listed == NULL;
    }
    return loop->failed ? NULL : loop->path;
}

/* ---- what a walk leaves */

void path_spend(Loop *loop, int64_t run, int64_t length)
{
    Path *path = loop->path;
    if (path->n_trail > path->trail_from && path->trail[path->n_trail - 1].run == run) {
        path->trail[path->n_trail - 1].length += length;
        return;
    }
    if (GROW(path->trail, path->trail_room, path->n_trail))
        path->trail[path->n_trail++] = (Spent){run, length};
}

static int64_t slot_of(const Path *path, int64_t run, int64_t iteration)
{
    uint64_t key = (uint64_t)run * 0x9E3779B97F4A7C15u ^ (uint64_t)iteration * 0xC2B2AE3D27D4EB4Fu;
    int64_t slot = (int64_t)(key >> 20) & (path->hash_size - 1);
    for (;; slot = (slot + 1) & (path->hash_size - 1)) {
        int64_t visit = path->hashed[slot];
        if (visit == NONE || (path->visits[visit].run == run && path->visits[visit].iteration == iteration))
            return slot;
    }
}

static bool rehash(Loop *loop, int64_t size)
{
    Path *path = loop->path;
    if (size > path->hash_size) {
        int64_t *hashed = realloc(path->hashed, (size_t)size * sizeof *hashed);
        if (hashed == NULL) {
            loop->failed = true;
            return false;
        }
        path->hashed = hashed;
        path->hash_size = size;
    }
    memset(path->hashed, 0xFF, (size_t)path->hash_size * sizeof *path->hashed); /* all NONE */
    for (int64_t visit = 0; visit < path->n_visits; visit++)
        path->hashed[slot_of(path, path->visits[visit].run, path->visits[visit].iteration)] = visit;
    return true;
}

/* Note that a walk is at the start of an iteration; return the visit of an earlier walk, or NONE. */
int64_t path_visit(Loop *loop, Place here)
{
    Path *path = loop->path;
    if (2 * path->n_visits >= path->hash_size && !rehash(loop, most(1024, 2 * path->hash_size)))
        return NONE;
    int64_t slot = slot_of(path, here.run, here.iteration);
    if (path->hashed[slot] != NONE)
        return path->hashed[slot];
    if (!GROW(path->visits, path->visit_room, path->n_visits))
        return NONE;
    path->hashed[slot] = path->n_visits;
    path->visits[path->n_visits++] = (Visit){here.run, here.iteration, path->n_trail, NONE, 0};
    path->trail_from = path->n_trail;
    return NONE;
}

/* ---- branches */

static void add_up(Path *path, const Spent *spent, int64_t count)
{
    for (int64_t place = 0; place < count; place++) {
        int64_t run = spent[place].run;
        if (!path->dense[run])
            path->listed[path->n_listed++] = run;
        path->dense[run] += spent[place].length;
    }
}

/* Take what was added up out of the sums. */
static Spent *summed(Loop *loop, int64_t *count)
{
    Path *path = loop->path;
    Spent *spent = malloc((size_t)(path->n_listed + 1) * sizeof *spent);
    *count = 0;
    for (int64_t place = 0; place < path->n_listed; place++) {
        int64_t run = path->listed[place];
        if (spent != NULL)
            spent[(*count)++] = (Spent){run, path->dense[run]};
        path->dense[run] = 0;
    }
    path->n_listed = 0;
    loop->failed |= spent == NULL;
    return spent;
}

static int64_t new_branch(Loop *loop, int64_t parent, int64_t since)
{
    Path *path = loop->path;
    int64_t branch = path->spare;
    if (branch == NONE) {
        if (!GROW(path->branches, path->branch_room, path->n_branches))
            return NONE;
        branch = path->n_branches++;
    } else {
        path->spare = path->branches[branch].parent;
    }
    Branch *made = &path->branches[branch];
    made->parent = parent;
    made->refs = 0;
    made->since = since;
    made->spent = summed(loop, &made->count);
    if (parent != NONE)
        path->branches[parent].refs++;
    return branch;
}

static void forget_branch(Path *path, int64_t branch)
{
    free(path->branches[branch].spent);
    path->branches[branch] = (Branch){path->spare, NONE, 0, 0, NULL};
    path->spare = branch;
}

static void drop(Path *path, int64_t branch)
{
    while (branch != NONE && --path->branches[branch].refs == 0) {
        int64_t parent = path->branches[branch].parent;
        forget_branch(path, branch);
        branch = parent;
    }
}

/* Have every branch take up those before it that lead nowhere else. */
static void join_branches(Loop *loop)
{
    Path *path = loop->path;
    for (int64_t b = 0; b < path->n_branches && !loop->failed; b++) {
        Branch *branch = &path->branches[b];
        if (branch->refs == NONE)
            continue;
        while (branch->parent != NONE && path->branches[branch->parent].refs == 1) {
            int64_t taken = branch->parent;
            add_up(path, branch->spent, branch->count);
            add_up(path, path->branches[taken].spent, path->branches[taken].count);
            free(branch->spent);
            branch->spent = summed(loop, &branch->count);
            branch->since = path->branches[taken].since;
            branch->parent = path->branches[taken].parent;
            forget_branch(path, taken);
        }
    }
}

/* ---- crossings */

static int by_place(const void *a, const void *b)
{
    const Place *one = &((const Crossing *)a)->place, *other = &((const Crossing *)b)->place;
    if (one->run != other->run)
        return one->run < other->run ? -1 : 1;
    if (one->iteration != other->iteration)
        return one->iteration < other->iteration ? -1 : 1;
    return (int)(one->moment - other->moment);
}

static void add_crossing(Loop *loop, int64_t run, int64_t iteration, int moment)
{
    Path *path = loop->path;
    if (GROW(path->fresh, path->fresh_room, path->n_fresh))
        path->fresh[path->n_fresh++] = (Crossing){{run, iteration, moment}, NONE};
}

/* Whether a run's iteration is on the way to an edge of the clock that it enters: its data is there, it is not. */
static bool is_entering(const Loop *loop, const Run *run, int64_t iteration, int64_t time)
{
    return run->cross_clock >= 0 && data_at(loop, run, upstream(run, iteration)) <= time;
}

/* List iterations that are entering a clock and that the run has not come to yet. */
static void list_entering(Loop *loop, int64_t r, int64_t known, int64_t time)
{
    const Run *run = &loop->runs[r];
    int64_t low = known, high = arrived(loop, run);
    if (run->cross_clock < 0)
        return;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (enter(loop, run, data_at(loop, run, upstream(run, middle))) <= time)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = arrived(loop, run); low < high && is_entering(loop, run, low, time); low++)
        add_crossing(loop, run->kind == SERVING ? r : run->next, low, AT_SLOT);
}

/* List the packets of a run that are on their way at a time, or on the way to the edge at which they are handed over. */
static void list_packets(Loop *loop, int64_t r, int64_t time)
{
    Run *run = &loop->runs[r];
    int64_t i = run->since_cut = steps_since(loop, run, time);
    for (; i < run->sent; i++) {
        const Passage *passage = passage_at(run, i);
        if (passage->ready > time && !is_entering(loop, run, i, time))
            return;
        add_crossing(loop, r, i, passage->ready > time ? AT_SLOT : passage->start > time ? AT_START : AT_WORKED);
    }
}

/* List what may be at work in a run at a time: an iteration's work or hold, the way to a clock edge before it. */
static void list_crossings(Loop *loop, int64_t r, int64_t time)
{
    Run *run = &loop->runs[r];
    if (run->flits) {
        list_packets(loop, r, time);
        return;
    }
    int64_t known = run->done + (run->done < run->total && run->needs != ARRIVAL), i = steps_since(loop, run, time);
    int64_t waiting = INT64_MAX; /* the first start after that; behind it nobody else is at work on a private server */
    run->since_cut = i;
    for (; i < known; i++) {
        int64_t had = had_at(run, i);
        if (arrival_at(loop, run, i) > time) {
            if (!is_entering(loop, run, i, time))
                return;
            add_crossing(loop, run->kind == SERVING ? r : run->next, i, AT_SLOT);
        } else if (run->kind == SERVING && had <= time) {
            add_crossing(loop, r, i, AT_WORKED);
        } else if (run->kind == SERVING && had != INT64_MAX && (!run->own || had <= waiting)) {
            add_crossing(loop, r, i, AT_START);
            waiting = had;
        }
    }
    list_entering(loop, r, known, time);
}

/* Have a stream of which nothing can be asked after a cut give its places away. */
static void drop_finished(Loop *loop, Stream *stream)
{
    bool over = stream->walked == stream->total && !loop->keep;
    for (int64_t r = stream->first; r <= stream->last && over; r++)
        over = loop->runs[r].since_cut == loop->runs[r].total;
    for (int64_t r = stream->first; r <= stream->last && over; r++) {
        drop_ring(loop, &loop->runs[r].steps, loop->runs[r].total);
        drop_ring(loop, &loop->runs[r].passages, loop->runs[r].total);
    }
    stream->over = over;
}

/* Whether a stream of the loop is under way, as far as the critical path is concerned. */
static bool is_under_way(const Stream *stream) { return stream->issued && !stream->over && !stream->foreign; }

/* ---- cuts */

/* Where the path goes on before the cut before `low`; sets `since` where it is not known. */
static int64_t branch_at(Loop *loop, const Walk *walk, int64_t *since)
{
    Path *path = loop->path;
    *since = walk->time;
    if (walk->time > walk->low || walk->low <= loop->admitted[0])
        return NONE;
    Crossing wanted = {walk->last, NONE};
    const Crossing *found = bsearch(&wanted, path->crossings, (size_t)path->n_crossings, sizeof wanted, by_place);
    return found == NULL ? NONE : found->branch;
}

static Trip follow(Loop *loop, Place from, int64_t time, int64_t low, int64_t *since)
{
    Path *path = loop->path;
    Trip trip = {path->n_trail, path->n_visits, 0, NONE, NONE};
    Walk walk = {loop, low, time, NONE, true, NONE, from};
    path->trail_from = path->n_trail;
    walk_back(&walk, from);
    trip.visits = path->n_visits - trip.visit;
    trip.met = walk.met;
    if (walk.met == NONE)
        trip.parent = branch_at(loop, &walk, since);
    for (int64_t visit = trip.visit; visit < path->n_visits; visit++)
        path->visits[visit].ways++;
    if (walk.met != NONE)
        path->visits[walk.met].ways++;
    return trip;
}

/* Turn a trip into branches, one from each place where others come in; return the first. */
static int64_t branch_out(Loop *loop, const Trip *trip, int64_t end, int64_t since)
{
    Path *path = loop->path;
    int64_t parent = trip->parent;
    if (trip->met != NONE)
        parent = path->visits[trip->met].branch;
    if (parent != NONE)
        since = path->branches[parent].since;
    for (int64_t visit = trip->visit + trip->visits - 1; visit >= trip->visit; visit--) {
        int64_t begin = path->visits[visit].trail;
        add_up(path, path->trail + begin, end - begin);
        end = begin;
        if (path->visits[visit].ways > 1) {
            parent = path->visits[visit].branch = new_branch(loop, parent, since);
            if (parent == NONE)
                return NONE;
        }
    }
    add_up(path, path->trail + trip->trail, end - trip->trail);
    return new_branch(loop, parent, since);
}

/* Follow every crossing of a moment back to the cut before, and forget how it got there. Return how much that was. */
int64_t path_cut(Loop *loop, int64_t time)
{
    Path *path = path_of(loop);
    if (path == NULL)
        return 0;
    int64_t low = most(loop->cut, loop->admitted[0]);
    path->n_fresh = path->n_visits = path->n_trail = 0;
    rehash(loop, 1024);
    for (int64_t s = 0; s < loop->n_streams; s++)
        for (int64_t r = loop->streams[s].first; r <= loop->streams[s].last && is_under_way(&loop->streams[s]); r++)
            list_crossings(loop, r, time);
    Trip *trips = malloc((size_t)(path->n_fresh + 1) * sizeof *trips);
    int64_t *since = malloc((size_t)(path->n_fresh + 1) * sizeof *since);
    loop->failed |= trips == NULL || since == NULL;
    for (int64_t place = 0; place < path->n_fresh && !loop->failed; place++)
        trips[place] = follow(loop, path->fresh[place].place, time, low, &since[place]);
    for (int64_t place = 0; place < path->n_fresh && !loop->failed; place++) {
        int64_t end = place + 1 < path->n_fresh ? trips[place + 1].trail : path->n_trail;
        int64_t branch = branch_out(loop, &trips[place], end, since[place]);
        if (branch != NONE)
            path->branches[branch].refs++;
        path->fresh[place].branch = branch;
    }
    free(trips);
    free(since);
    if (loop->failed)
        return 0;
    for (int64_t place = 0; place < path->n_crossings; place++)
        drop(path, path->crossings[place].branch);
    free(path->crossings);
    path->crossings = path->fresh;
    path->n_crossings = path->n_fresh;
    path->fresh = NULL;
    path->fresh_room = 0;
    qsort(path->crossings, (size_t)path->n_crossings, sizeof *path->crossings, by_place);
    join_branches(loop);
    for (int64_t s = 0; s < loop->n_streams; s++)
        if (is_under_way(&loop->streams[s]))
            drop_finished(loop, &loop->streams[s]);
    loop->cut = time;
    return path->n_crossings + path->n_visits;
}

/* Follow the path from the end of a vector to the first admission, or as far as it is known; return that moment. */
int64_t path_follow(Loop *loop, int64_t s, int64_t vector)
{
    Path *path = path_of(loop);
    if (path == NULL)
        return NONE;
    Place from = vector_end(loop, s, vector);
    Walk walk = {loop, most(loop->cut, loop->admitted[0]), end_at(&loop->streams[s], vector), NONE, false, NONE, from};
    path->n_trail = path->trail_from = 0;
    walk_back(&walk, from);
    for (int64_t place = 0; place < path->n_trail; place++)
        loop->runs[path->trail[place].run].critical += path->trail[place].length;
    int64_t since;
    for (int64_t b = branch_at(loop, &walk, &since); b != NONE; b = path->branches[b].parent) {
        for (int64_t place = 0; place < path->branches[b].count; place++)
            loop->runs[path->branches[b].spent[place].run].critical += path->branches[b].spent[place].length;
        since = path->branches[b].since;
    }
    return since;
}

void path_free(Loop *loop)
{
    Path *path = loop->path;
    if (path == NULL)
        return;
    for (int64_t branch = 0; branch < path->n_branches; branch++)
        free(path->branches[branch].spent);
    void *owned[] = {path->branches, path->crossings, path->fresh, path->visits, path->hashed, path->trail,
                     path->dense, path->listed, path};
    for (unsigned i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}
