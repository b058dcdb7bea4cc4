/* The network of routers between the instants of the loop: packets are handed over when their data is there, and the network
 * runs up to the next instant, or to the first cycle in which packets leave, whose consequences spread before it goes on.
 * The readable form is `Shipping` in aimcsim/engine/carrier.py.
 */
#include <stdlib.h>

#include "streams.h"

enum { READY, RUN, ITERATION };

static inline const Clock *network_clock(const Loop *loop) { return &loop->clocks[loop->network_clock]; }

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
        const Run *run = &loop->runs[row[RUN]];
        int64_t number = network_offer(loop->network, cycle, (int32_t)run->sender, (int32_t)run->receiver, (int32_t)run->flits);
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
    const Packet *packet = packet_at(loop->network, number);
    Run *run = &loop->runs[r];
    Passage *passage = passage_at(run, whose[1]);
    int64_t credit_wait = packet_credit_wait(packet), room = packet->create + packet->end - packet->empty;
    passage->linked = edge_of(network_clock(loop), room - credit_wait);
    passage->credited = edge_of(network_clock(loop), room);
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
    Network *network = loop->network;
    int64_t next = loop->heap_size ? least(loop->heap[0].time, loop->until) : loop->until;
    if (loop->offers.rows && next == loop->offered)
        return false;
    enter_network(loop);
    if (loop->failed || loop->oldest == network->packet_count)
        return false;
    int64_t cycle = next == INT64_MAX ? INT64_MAX >> 3 : index_of(network_clock(loop), next);
    network->done_count = 0;
    network_run(network, cycle, true);
    if (!network->done_count && next != INT64_MAX && edge_of(network_clock(loop), cycle) == next)
        network_arrive(network);
    loop->failed |= network->failed;
    int64_t time = edge_of(network_clock(loop), network->cycle);
    for (int64_t place = 0; place < network->done_count && !loop->failed; place++)
        leave(loop, network->done[place], time);
    while (loop->oldest < network->packet_count && *(int64_t *)entry(&loop->inside, loop->oldest) == NONE)
        loop->oldest++;
    network_forget(network, loop->oldest);
    return network->done_count && !loop->failed;
}
