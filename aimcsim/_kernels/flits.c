/* Routers cycle by cycle: only those that can do something, and only the cycles in which something can happen.
 *
 * Whatever one router does reaches another in a later cycle, so the order in which routers act within a cycle does not
 * matter. A router in which nothing asks for anything sleeps until a flit or a credit arrives; a source until it has a
 * packet and a credit. Waits are not counted cycle by cycle: when a flit leaves, the cycle in which it could have left,
 * and the cycle in which its channel got its credit back, say how long it waited for what.
 */
#include <stdlib.h>

#include "flits.h"

typedef struct {
    int32_t in, out;
} Match;

static inline int lowest(uint64_t mask)
{
    return __builtin_ctzll(mask);
}

/* The first of `asking` (not empty) at or after place `first`, going round. */
static inline int round_robin(uint64_t asking, int first)
{
    uint64_t later = asking >> first << first;
    return lowest(later ? later : asking);
}

static inline int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- who acts, and what is on its way */

static inline void wake_router(Network *n, int32_t r)
{
    if (n->routers[r].awake < n->cycle) {
        n->routers[r].awake = n->cycle;
        n->awake_routers[n->awake_router_count++] = r;
    }
}

static inline void wake_source(Network *n, int32_t e)
{
    if (n->sources[e].awake < n->cycle) {
        n->sources[e].awake = n->cycle;
        n->awake_sources[n->awake_source_count++] = e;
    }
}

static inline Slot *slot_at(const Network *n, int64_t cycle)
{
    return &n->slots[cycle & n->slot_mask];
}

static inline void send_credit(Network *n, int64_t cycle, int32_t channel)
{
    Slot *slot = slot_at(n, cycle);
    slot->credit[slot->credits++] = channel;
}

/* ---- what arrives */

static void note_done(Network *n, int32_t packet)
{
    if (n->done_count == n->done_room) {
        int64_t room = 2 * n->done_room;
        int32_t *grown = realloc(n->done, (size_t)room * sizeof *grown);
        if (grown == NULL) {
            n->failed = true;
            return;
        }
        n->done = grown;
        n->done_room = room;
    }
    int64_t place = n->done_count++;
    for (; place > 0 && n->done[place - 1] > packet && packet_at(n, n->done[place - 1])->tail == n->cycle; place--)
        n->done[place] = n->done[place - 1];
    n->done[place] = packet;
}

static void take_ejected(Network *n, const Moving *moving)
{
    if (moving->index == 0)
        packet_at(n, moving->packet)->head = n->cycle;
    if (moving->left == 0) {
        packet_at(n, moving->packet)->tail = n->cycle;
        n->inside--;
        note_done(n, moving->packet);
    }
    send_credit(n, n->cycle + 2, moving->channel);
}

static void take_credit(Network *n, int32_t channel)
{
    if (channel < 0) {
        int32_t lane = -1 - channel, e = lane / (int32_t)n->shape.vcs;
        if (n->lane_credits[lane]++ == 0) {
            n->sources[e].credited |= bit(lane % (int32_t)n->shape.vcs);
            if (n->sources[e].current >= 0)
                wake_source(n, e);
        }
        return;
    }
    if (n->credits[channel]++ == 0) {
        const Queue *place = &n->queues[channel];
        n->routers[place->router].credited |= bit(place->place);
        n->credit_since[channel] = n->cycle;
        if (n->routers[place->router].occupied)
            wake_router(n, place->router);
    }
}

static void ask(Network *n, int32_t r, int place)
{
    Router *router = &n->routers[r];
    Queue *queue = &n->queues[r * n->channels + place];
    router->waiting |= bit(place);
    router->wanted |= bit(queue->port);
    n->want[r * n->shape.ports + queue->port] |= bit(place);
}

/* A head is at the front of an input channel that holds no output channel, from cycle `start` on. */
static void begin(Network *n, int32_t r, int place, int64_t start)
{
    const Shape *shape = &n->shape;
    Router *router = &n->routers[r];
    Queue *queue = &n->queues[r * n->channels + place];
    const Flit *flit = &queue->flits[queue->first];
    const Packet *packet = packet_at(n, flit->moving.packet);
    int32_t to = shape->home[packet->target];
    int64_t table = way_of(flit->moving.packet, shape->ways) * shape->routers;
    queue->port = to == r ? (uint8_t)shape->home_port[packet->target] : shape->route[(table + r) * shape->routers + to];
    queue->link = &n->ports[r * shape->ports + queue->port];
    queue->since = start + (shape->fast ? 0 : 2);
    router->head_wait += start - flit->arrival;
    router->lower &= ~bit(place);
    router->upper &= ~bit(place);
    if (shape->classes && to != r) {
        uint8_t dimensions = shape->upper[(table + shape->home[packet->source]) * shape->routers + to];
        *(dimensions >> shape->dimension[queue->port] & 1 ? &router->upper : &router->lower) |= bit(place);
    }
    if (shape->fast)
        ask(n, r, place);
    else
        router->routing |= bit(place);
}

static void take_flit(Network *n, const Moving *moving)
{
    Queue *queue = &n->queues[moving->channel];
    Router *router = &n->routers[queue->router];
    int64_t last = queue->first + queue->count++;
    if (last >= n->shape.buffer)
        last -= n->shape.buffer;
    queue->flits[last] = (Flit){*moving, n->cycle};
    if (queue->count > 1)
        return;
    router->occupied |= bit(queue->place);
    if (router->active & bit(queue->place))
        queue->since = n->cycle;
    else
        begin(n, queue->router, queue->place, n->cycle);
    wake_router(n, queue->router);
}

static void deliver(Network *n)
{
    Slot *slot = slot_at(n, n->cycle);
    for (int32_t i = 0; i < slot->ejected; i++)
        take_ejected(n, &slot->eject[i]);
    for (int32_t i = 0; i < slot->credits; i++)
        take_credit(n, slot->credit[i]);
    for (int32_t i = 0; i < slot->flits; i++)
        take_flit(n, &slot->flit[i]);
    slot->ejected = slot->credits = slot->flits = 0;
}

/* ---- sources */

static void admit(Network *n)
{
    for (; n->admitted < n->packet_count && packet_at(n, n->admitted)->create <= n->cycle; n->admitted++) {
        int32_t p = (int32_t)n->admitted, e = packet_at(n, p)->source;
        Source *source = &n->sources[e];
        if (source->first == NOBODY)
            source->first = p;
        else
            packet_at(n, source->last)->next = p;
        source->last = p;
        n->inside++;
        if (source->current == NOBODY)
            wake_source(n, e);
    }
}

int64_t packet_credit_wait(const Packet *packet)
{
    return packet->credit_wait + smaller(packet->end - packet->before, packet->waited);
}

/* A flit has left, and its packet cannot end before `end` any more: what that adds is waiting, for credits as far as the
 * flit has waited for them. */
static inline void account(const Network *n, Packet *packet, int64_t end, int64_t credit_wait)
{
    if (packet->changed != n->cycle) {
        if (end <= packet->end)
            return;
        packet->credit_wait = packet_credit_wait(packet);
        packet->changed = n->cycle;
        packet->before = packet->end;
        packet->waited = 0;
    } else if (end <= packet->before) {
        return;
    }
    packet->end = larger(packet->end, end);
    packet->waited = larger(packet->waited, credit_wait);
}

/* When the packet can end at the earliest if one of its flits passes the switch of a router at `cycle`. */
static inline int64_t earliest_end(const Network *n, const Packet *packet, int32_t router, int32_t index, int64_t cycle)
{
    const Shape *shape = &n->shape;
    const int32_t *ahead = &shape->ahead[4 * (router * shape->routers + shape->home[packet->target])];
    int64_t left = packet->flits - 1 - index;
    if (index)
        return cycle + ahead[1] + left * ahead[3];
    return cycle + larger(ahead[0] + left, ahead[2] + left * ahead[3]);
}

/* Sends a flit if it can; says whether there may be more to do in the next cycle. */
static bool step_source(Network *n, int32_t e)
{
    const Shape *shape = &n->shape;
    Source *source = &n->sources[e];
    if (source->current == NOBODY) {
        if (source->first == NOBODY)
            return false;
        source->current = source->first;
        source->first = packet_at(n, source->current)->next;
        source->index = 0;
        source->lane = NOBODY;
        source->since = n->cycle;
    }
    if (source->lane == NOBODY && source->credited)
        source->lane = round_robin(source->credited, source->next_lane);
    if (source->lane == NOBODY || !(source->credited & bit(source->lane)))
        return false;
    Packet *packet = packet_at(n, source->current);
    int32_t lane = source->lane, r = shape->home[e], index = source->index;
    if (index == 0) {
        packet->inject = n->cycle;
        source->next_lane = n->after_vc[lane];
    }
    if (--n->lane_credits[e * shape->vcs + lane] == 0)
        source->credited &= ~bit(lane);
    int64_t entry = r * n->channels + shape->home_port[e] * shape->vcs + lane;
    Slot *slot = slot_at(n, n->cycle + 2);
    slot->flit[slot->flits++] = (Moving){(int32_t)entry, source->current, index, packet->flits - 1 - index};
    int64_t waited = n->cycle - source->since, pass = n->cycle + (index ? 2 : n->stage_cycles);
    account(n, packet, earliest_end(n, packet, r, index, pass), waited);
    source->flits++;
    source->credit_wait += waited;
    source->since = n->cycle + 1;
    if (++source->index == packet->flits)
        source->current = NOBODY;
    return source->current != NOBODY || source->first != NOBODY;
}

/* ---- routers */

/* Every free output channel grants one of those that ask for its port, and each of these accepts one. */
static int match_channels(Network *n, int32_t r, Match *matches, bool *busy)
{
    Router *router = &n->routers[r];
    uint8_t *grant = &n->channel_grant[r * n->channels], *accept = &n->channel_accept[r * n->channels];
    uint64_t granted[MOST_CHANNELS];
    int count = 0;
    for (uint64_t ports = router->wanted; ports; ports &= ports - 1) {
        int port = lowest(ports);
        uint64_t asking = n->want[r * n->shape.ports + port], winners = 0;
        for (uint64_t free = router->free & n->port_mask[port]; free; free &= free - 1) {
            int out = lowest(free);
            uint64_t able = asking & ~(n->upper_half & bit(out) ? router->lower : router->upper);
            if (!able)
                continue;
            int winner = round_robin(able, grant[out]);
            granted[winner] = (winners & bit(winner) ? granted[winner] : 0) | bit(out);
            winners |= bit(winner);
        }
        for (; winners; winners &= winners - 1) {
            int in = lowest(winners), out = round_robin(granted[in], accept[in]);
            grant[out] = n->after_channel[in];
            accept[in] = n->after_channel[out];
            matches[count++] = (Match){in, out};
        }
    }
    *busy |= count > 0;
    return count;
}

/* The output channels that a waiting head could take at once and go on in. */
static inline uint64_t usable_channels(const Network *n, const Router *router, int in, int port)
{
    uint64_t usable = router->free & router->credited & n->port_mask[port];
    if (router->lower & bit(in))
        usable &= ~n->upper_half;
    if (router->upper & bit(in))
        usable &= n->upper_half;
    return usable;
}

/* What asks for the switch, an output port for each: flits with a channel and a credit, and in the fast pipeline heads
 * that hope for both. They clash if two ask for one output port, or from one input port. */
static int list_requests(const Network *n, const Router *router, Match *requests, bool *busy, bool *clash)
{
    const Queue *queues = router->queues;
    uint64_t ready = router->occupied & router->active, ins = 0, outs = 0, twice = 0;
    uint64_t heads = n->shape.fast ? router->waiting : 0;
    bool found = false;
    int count = 0;
    for (uint64_t asking = ready | heads; asking; asking &= asking - 1) {
        int in = lowest(asking), port = queues[in].port;
        if (!(ready >> in & 1 ? router->credited >> queues[in].out & 1 : usable_channels(n, router, in, port)))
            continue;
        found = true;
        if (n->slow && queues[in].link->free_at > n->cycle)
            continue;
        uint64_t from = bit(n->port_of[in]), to = bit(port);
        twice |= (ins & from) | (outs & to);
        ins |= from;
        outs |= to;
        requests[count++] = (Match){in, port};
    }
    *busy |= found;
    *clash = twice != 0;
    return count;
}

/* Every output grants one input, every input accepts one output; within both, one virtual channel goes: one that is sure
 * of its channel before one that hopes. Leaves the winners in front of the requests. */
static int match_requests(const Network *n, const Router *router, Match *requests, int count)
{
    uint64_t sure[MOST_PORTS], hoping[MOST_PORTS], inputs_of[MOST_PORTS], granted[MOST_PORTS], outs = 0, inputs = 0;
    int64_t vcs = n->shape.vcs;
    int winners = 0;
    for (int i = 0; i < count; i++) {
        int in = requests[i].in, out = requests[i].out;
        if (!(outs & bit(out)))
            sure[out] = hoping[out] = inputs_of[out] = 0;
        *(router->active & bit(in) ? &sure[out] : &hoping[out]) |= bit(in);
        inputs_of[out] |= bit(n->port_of[in]);
        outs |= bit(out);
    }
    for (; outs; outs &= outs - 1) {
        int out = lowest(outs), in = round_robin(inputs_of[out], router->port_grant[out]);
        granted[in] = (inputs & bit(in) ? granted[in] : 0) | bit(out);
        inputs |= bit(in);
    }
    for (; inputs; inputs &= inputs - 1) {
        int in = lowest(inputs), out = round_robin(granted[in], router->port_accept[in]);
        uint64_t channels = sure[out] & n->port_mask[in];
        if (!channels)
            channels = hoping[out] & n->port_mask[in];
        int vc = round_robin(channels >> in * vcs, router->port_choice[in]);
        requests[winners++] = (Match){in * (int)vcs + vc, out};
    }
    return winners;
}

/* Rounds move on past the winners, whether or not their flits then go. */
static void pass_turns(const Network *n, const Router *router, const Match *winners, int count)
{
    uint8_t *restrict grant = router->port_grant, *restrict accept = router->port_accept;
    uint8_t *restrict choice = router->port_choice;
    for (int i = 0; i < count; i++) {
        int in = n->port_of[winners[i].in], out = winners[i].out;
        grant[out] = n->after_port[in];
        accept[in] = n->after_port[out];
        choice[in] = n->after_vc[winners[i].in];
    }
}

/* Says for what the front flit of an input channel waited, which leaves now. */
static void account_wait(Network *n, const Router *router, const Queue *queue, const Moving *moving)
{
    Packet *packet = packet_at(n, moving->packet);
    int64_t *records = queue->link->records;
    int64_t ready = larger(queue->since, queue->acquired + (n->shape.fast ? 0 : 1));
    int64_t credit_wait = larger(0, router->credit_since[queue->out] - ready);
    account(n, packet, earliest_end(n, packet, queue->router, moving->index, n->cycle), credit_wait);
    records[LINK_WAIT] += n->cycle - queue->since - credit_wait;
    records[CREDIT_WAIT] += credit_wait;
}

/* Sends the front flit of an input channel on, and a credit back. */
static void move_flit(Network *n, Router *router, Queue *queue)
{
    const Flit *flit = &queue->flits[queue->first];
    Moving moving = flit->moving;
    Port *port = queue->link;
    int in = queue->place, out = queue->out;

    /* A flit that comes straight after the one before it adds no waiting; a head may have stood behind another packet. */
    if (n->cycle != (moving.index ? queue->since : flit->arrival + (n->shape.fast ? 0 : 2)))
        account_wait(n, router, queue, &moving);
    moving.channel = queue->onward;
    port->records[LINK_FLITS]++;
    if (++queue->first == n->shape.buffer)
        queue->first = 0;
    router->occupied &= ~((uint64_t)(--queue->count == 0) << in); /* without branches: they are hard to predict */
    queue->since = n->cycle + 1;
    router->credited &= ~((uint64_t)(--router->credits[out] == 0) << out);
    send_credit(n, n->cycle + queue->back_cycles, queue->back);
    Slot *slot = slot_at(n, n->cycle + port->onward_cycles);
    if (port->onward == NOBODY)
        slot->eject[slot->ejected++] = moving;
    else
        slot->flit[slot->flits++] = moving;
    port->free_at = n->cycle + port->interval;
    if (moving.left)
        return;
    router->free |= bit(out);
    router->active &= ~bit(in);
    if (queue->count)
        begin(n, queue->router, in, n->cycle + 1);
}

static void hold_channel(Network *n, int32_t r, Match match)
{
    Router *router = &n->routers[r];
    Queue *queue = &n->queues[r * n->channels + match.in];
    int64_t link = r * n->shape.ports + queue->port;
    int32_t onward = n->ports[link].onward;
    queue->out = (uint8_t)match.out;
    queue->onward = onward == NOBODY ? (int32_t)(r * n->channels) + match.out
                                     : onward + match.out - queue->port * (int32_t)n->shape.vcs;
    queue->acquired = n->cycle;
    n->want[link] &= ~bit(match.in);
    if (!n->want[link])
        router->wanted &= ~bit(queue->port);
    router->waiting &= ~bit(match.in);
    router->active |= bit(match.in);
    router->free &= ~bit(match.out);
}

/* Acts for one cycle; says whether anything is left to do in the next one, if nothing arrives. */
static bool step_router(Network *n, int32_t r)
{
    Router *router = &n->routers[r];
    Queue *queues = router->queues;
    Match matches[MOST_CHANNELS], winners[MOST_CHANNELS];
    bool clash, busy = router->routing != 0;
    int matched = router->waiting ? match_channels(n, r, matches, &busy) : 0;
    int moving = list_requests(n, router, winners, &busy, &clash);
    if (clash)
        moving = match_requests(n, router, winners, moving);
    pass_turns(n, router, winners, moving);
    for (uint64_t routed = router->routing; routed; routed &= routed - 1)
        ask(n, r, lowest(routed));
    router->routing = 0;
    for (int i = 0; i < matched; i++)
        hold_channel(n, r, matches[i]);
    for (int i = 0; i < moving; i++) {
        int in = winners[i].in;
        /* a head that hoped may have got no channel, or one without a credit */
        if (router->active >> in & router->credited >> queues[in].out & 1)
            move_flit(n, router, &queues[in]);
    }
    return busy && router->occupied;
}

/* ---- cycles */

static void swap(int32_t **one, int32_t **other)
{
    int32_t *kept = *one;
    *one = *other;
    *other = kept;
}

/* Lets sources and routers act; those that have more to do are awake in the next cycle. */
static void act(Network *n)
{
    int64_t sources = n->awake_source_count, routers = n->awake_router_count, next = n->cycle + 1;
    n->next_source_count = n->next_router_count = 0;
    for (int64_t i = 0; i < sources; i++)
        if (step_source(n, n->awake_sources[i])) {
            n->sources[n->awake_sources[i]].awake = next;
            n->next_sources[n->next_source_count++] = n->awake_sources[i];
        }
    for (int64_t i = 0; i < routers; i++)
        if (step_router(n, n->awake_routers[i])) {
            n->routers[n->awake_routers[i]].awake = next;
            n->next_routers[n->next_router_count++] = n->awake_routers[i];
        }
    swap(&n->awake_sources, &n->next_sources);
    swap(&n->awake_routers, &n->next_routers);
    n->awake_source_count = n->next_source_count;
    n->awake_router_count = n->next_router_count;
    n->cycle = next;
}

int64_t network_next(const Network *n)
{
    if (n->awake_router_count || n->awake_source_count)
        return n->cycle;
    int64_t next = INT64_MAX;
    if (n->admitted < n->packet_count)
        next = larger(n->cycle, packet_at(n, n->admitted)->create);
    for (int64_t cycle = n->cycle; cycle <= n->cycle + n->slot_mask && cycle < next; cycle++) {
        const Slot *slot = slot_at(n, cycle);
        if (slot->flits || slot->ejected || slot->credits)
            next = cycle;
    }
    return next;
}

void network_run(Network *n, int64_t until, bool stop)
{
    while (n->cycle < until && !n->failed) {
        if (!n->delivered) {
            int64_t next = network_next(n);
            n->cycle = smaller(next, until);
            if (next >= until)
                return;
            deliver(n);
            n->delivered = true;
            if (stop && n->done_count)
                return;
        }
        admit(n);
        act(n);
        n->delivered = false;
    }
}

void network_arrive(Network *n)
{
    if (!n->delivered)
        deliver(n);
    n->delivered = true;
}

void network_forget(Network *n, int64_t number)
{
    n->packet_low = larger(n->packet_low, number);
}

/* Twice the places for packets; a packet's place is its number modulo theirs. */
static bool grow_packets(Network *n)
{
    int64_t room = 2 * n->packet_room;
    Packet *grown = malloc((size_t)room * sizeof *grown);
    if (grown == NULL) {
        n->failed = true;
        return false;
    }
    for (int64_t number = n->packet_low; number < n->packet_count; number++)
        grown[number & (room - 1)] = *packet_at(n, number);
    free(n->packets);
    n->packets = grown;
    n->packet_room = room;
    return true;
}

int64_t network_offer(Network *n, int64_t create, int32_t source, int32_t target, int32_t flits)
{
    if (n->packet_count - n->packet_low == n->packet_room && !grow_packets(n))
        return NOBODY;
    Packet *packet = packet_at(n, n->packet_count);
    *packet = (Packet){create, -1, -1, -1, 0, 0, -1, 0, 0, 0, source, target, flits, NOBODY};
    packet->empty = earliest_end(n, packet, n->shape.home[source], 0, create + n->stage_cycles);
    packet->end = packet->before = packet->empty;
    return n->packet_count++;
}
