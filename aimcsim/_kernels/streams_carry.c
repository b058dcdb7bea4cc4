/* The network of routers or circuits between the instants of the loop: packets are handed over when their data is there, and the network
 * runs up to the next instant, or to the first cycle in which packets leave, whose consequences spread before it goes on.
 * The readable form is `Shipping` in aimcsim/engine/carrier.py.
 */
#include <stdlib.h>

#include "streams.h"

enum { READY, RUN, ITERATION };

static inline const Clock *network_clock(const Loop *loop) { return &loop->clocks[loop->network_clock]; }

/* ---- what is asked of either kind of network */

static int64_t offered(const Loop *loop)
{
    return loop->circuits ? loop->circuits->packet_count : loop->network->packet_count;
}

static int64_t offer(Loop *loop, int64_t cycle, const Run *run)
{
    int32_t sender = (int32_t)run->sender, receiver = (int32_t)run->receiver, flits = (int32_t)run->flits;
    if (loop->circuits)
        return circuits_offer(loop->circuits, cycle, sender, receiver, flits);
    return network_offer(loop->network, cycle, sender, receiver, flits);
}

/* When a packet that has left had waited enough for links, and for credits. */
static void waited_until(const Loop *loop, int64_t number, int64_t *linked, int64_t *credited)
{
    if (loop->circuits) {
        *linked = *credited = circuit_packet(loop->circuits, number)->inject;
        return;
    }
    const Packet *packet = packet_at(loop->network, number);
    *credited = packet->create + packet->end - packet->empty;
    *linked = *credited - packet_credit_wait(packet);
}

/* Run to a cycle or to the first in which packets leave, with `meets` also to those of that cycle itself; return how many. */
static int64_t run_routers(Network *network, int64_t cycle, bool meets)
{
    network->done_count = 0;
    network_run(network, cycle, true);
    if (!network->done_count && meets)
        network_arrive(network);
    return network->failed ? NONE : network->done_count;
}

static int64_t run_circuits(Circuits *circuits, int64_t cycle, bool meets)
{
    circuits->done_count = 0;
    circuits_run(circuits, cycle, true);
    if (!circuits->done_count && meets)
        circuits_arrive(circuits);
    return circuits->failed ? NONE : circuits->done_count;
}

static int64_t left_at(const Loop *loop, int64_t place)
{
    return loop->circuits ? loop->circuits->done[place] : loop->network->done[place];
}

static void forget(Loop *loop)
{
    if (loop->circuits)
        circuits_forget(loop->circuits, loop->oldest);
    else
        network_forget(loop->network, loop->oldest);
}

bool carry_idle(const Loop *loop) { return !(loop->network || loop->circuits) || loop->oldest == offered(loop); }

/* ---- packets in and out */

/* The first packet whose passage may still be asked for: of those inside all, of the others as of results. */
static int64_t passages_needed(const Loop *loop, int64_t r)
{
    return least(loop->runs[r].done, steps_needed(loop, r));
}

static int64_t inside_needed(const Loop *loop, int64_t who)
{
    (void)who;
    return loop->oldest;
}

/* Have what is known of the iteration after the last finished one, if it is on its way, where it is looked for. */
static void take_up(Run *run)
{
    if (run->done == run->sent)
        return;
    const Passage *passage = passage_at(run, run->done);
    run->now.arrival = passage->ready;
    run->now.had = passage->start;
    run->now.worked = passage->left;
}

/* Hand over every packet whose data is there, each at an edge of the network's clock. */
void carry_send(Loop *loop, int64_t r)
{
    Run *run = &loop->runs[r];
    for (int64_t there = arrived(loop, run); run->sent < there; run->sent++) {
        int64_t ready = enter(loop, run, data_at(loop, run, upstream(run, run->sent)));
        int64_t start = edge_of(network_clock(loop), index_of(network_clock(loop), ready));
        ROOM(&run->passages, run->sent, passages_needed, r);
        *passage_at(run, run->sent) = (Passage){ready, start, NONE, NONE, NONE};
        run->had = start;
        loop_push(loop, start, 0, OFFER, r, run->sent);
    }
    take_up(run);
}

/* A packet's instant has come; it enters when that is over. */
void carry_offer(Loop *loop, int64_t r, int64_t iteration, int64_t now)
{
    int64_t *row = add_row(loop, &loop->offers);
    if (row == NULL)
        return;
    row[READY] = passage_at(&loop->runs[r], iteration)->ready, row[RUN] = r, row[ITERATION] = iteration;
    loop->offered = now;
}

/* By when it was ready, stream and stage (the order of runs), iteration. */
static int by_order(const void *a, const void *b)
{
    const int64_t *one = a, *other = b;
    for (int column = READY; column <= ITERATION; column++)
        if (one[column] != other[column])
            return one[column] < other[column] ? -1 : 1;
    return 0;
}

/* Hand the packets of the last instant over to the network. */
static void enter_network(Loop *loop)
{
    int64_t cycle = index_of(network_clock(loop), loop->offered);
    if (loop->offers.rows > 1)
        qsort(loop->offers.data, (size_t)loop->offers.rows, sizeof(int64_t[3]), by_order);
    for (int64_t place = 0; place < loop->offers.rows; place++) {
        const int64_t *row = loop->offers.data + 3 * place;
        int64_t number = offer(loop, cycle, &loop->runs[row[RUN]]);
        if (number < 0) {
            loop->failed = true;
            return;
        }
        ROOM(&loop->inside, number, inside_needed, 0);
        int64_t *whose = entry(&loop->inside, number);
        whose[0] = row[RUN], whose[1] = row[ITERATION];
    }
    loop->offers.rows = 0;
}

/* A packet has left: its iteration is done, if those before it are. */
static void leave(Loop *loop, int64_t number, int64_t time)
{
    int64_t *whose = entry(&loop->inside, number), r = whose[0];
    Run *run = &loop->runs[r];
    Passage *passage = passage_at(run, whose[1]);
    int64_t linked, credited;
    waited_until(loop, number, &linked, &credited);
    passage->linked = edge_of(network_clock(loop), linked);
    passage->credited = edge_of(network_clock(loop), credited);
    passage->left = time;
    whose[0] = NONE;
    while (run->done < run->sent && passage_at(run, run->done)->left != NONE) {
        take_up(run);
        run->now.worked = run->worked = time;
        loop_finish(loop, r, time);
    }
    take_up(run);
}

/* Run the network; return whether packets have left, so that there may be more to do before the next instant. Nothing is
 * done as long as packets of the present instant may still come. */
bool carry_run(Loop *loop)
{
    int64_t next = loop->heap_size ? least(loop->heap[0].time, loop->until) : loop->until;
    if (loop->offers.rows && next == loop->offered)
        return false;
    enter_network(loop);
    if (loop->failed || loop->oldest == offered(loop))
        return false;
    int64_t cycle = next == INT64_MAX ? INT64_MAX >> 3 : index_of(network_clock(loop), next);
    bool meets = next != INT64_MAX && edge_of(network_clock(loop), cycle) == next;
    int64_t gone = loop->circuits ? run_circuits(loop->circuits, cycle, meets) : run_routers(loop->network, cycle, meets);
    loop->failed |= gone == NONE;
    if (loop->failed || !gone)
        return false;
    int64_t time = edge_of(network_clock(loop), loop->circuits ? loop->circuits->cycle : loop->network->cycle);
    for (int64_t place = 0; place < gone && !loop->failed; place++)
        leave(loop, left_at(loop, place), time);
    while (loop->oldest < offered(loop) && *(int64_t *)entry(&loop->inside, loop->oldest) == NONE)
        loop->oldest++;
    forget(loop);
    return !loop->failed;
}
