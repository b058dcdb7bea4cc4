/* A network of input-queued routers with virtual channels and credits, cycle by cycle.
 *
 * A *channel* is one virtual channel of one port; channel c of a router is virtual channel c % vcs of port c / vcs, and
 * over the whole network it is router * channels + c. Input and output channels are numbered alike. A *lane* is a
 * virtual channel between an endpoint and its router. All times are cycles, int64. docs/network.md says what happens in a
 * cycle; the readable twin is flits_twin.py.
 */
#ifndef AIMCSIM_FLITS_H
#define AIMCSIM_FLITS_H

#include <stdbool.h>
#include <stdint.h>

enum { NOBODY = -1, MOST_PORTS = 64, MOST_CHANNELS = 64 };
enum { LINK_FLITS, LINK_WAIT, CREDIT_WAIT, LINK_COLUMNS };

static inline uint64_t bit(int place)
{
    return (uint64_t)1 << place;
}

static inline int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What is fixed. Tables of a port have a row per router; `peer` is the input port that an output feeds, router * ports +
 * port, or NOBODY. `ahead` has a row per router and a column per router of the target; flits_twin.py says what is in it. */
typedef struct {
    int64_t routers, ports, endpoints, ways, vcs, buffer, fast, classes;
    const int32_t *peer, *latency, *interval; /* [routers, ports] */
    const uint8_t *route, *upper;             /* [ways, routers, routers] */
    const int32_t *ahead;                     /* [routers, routers, 4] */
    const uint8_t *dimension;                 /* [ports] */
    const int32_t *home, *home_port;          /* [endpoints] */
    const uint8_t *channel_first;             /* [2, routers * channels]: where grants and accepts begin their rounds */
    const uint8_t *port_first;                /* [3, routers * ports]: the same, and the choice of the virtual channel */
} Shape;

/* `empty` is when it would end in an empty network, `end` when it can still end. Of the latter's last change the cycle is
 * kept, what it was before, and how long the flits that changed it had waited for credits; and of all earlier changes how
 * much was for credits. So the order of routers within a cycle does not matter. */
typedef struct {
    int64_t create, inject, head, tail, empty, end, changed, before, waited, credit_wait;
    int32_t source, target, flits, next;
} Packet;

/* A flit on its way to an input channel, or (of an endpoint) on its way out of an output channel; `left` of its packet
 * come after it. */
typedef struct {
    int32_t channel, packet, index, left;
} Moving;

/* One flit in a buffer. */
typedef struct {
    Moving moving;
    int64_t arrival;
} Flit;

/* What arrives in one cycle. Credits of a lane are -1 - lane. */
typedef struct {
    int32_t flits, ejected, credits;
    Moving *flit, *eject;
    int32_t *credit;
} Slot;

/* An output port: the first channel that it feeds or NOBODY, and the cycles to there. */
typedef struct {
    int32_t onward, onward_cycles, interval;
    int64_t free_at, records[LINK_COLUMNS];
} Port;

/* An input channel, and the place of an output channel of the same number. Fixed are its router, its channel there, its
 * buffer, and who gets its credits after how many cycles (an endpoint's lane as -1 - lane). `port` is what its head asks
 * for and `link` that port, `out` the channel that it holds, `onward` where this leads: to an input channel or, leaving,
 * itself. `since` is the first cycle in which the front flit could have left. */
typedef struct {
    int32_t router, first, count, back, back_cycles, onward;
    uint8_t place, port, out;
    int64_t since, acquired;
    Flit *flits;
    Port *link;
} Queue;

/* Masks of channels: not empty; computing a route; asking for an output channel, and of these those bound to one class;
 * holding one. Then of output channels: held by nobody; with a credit. `wanted` are the ports that `want` has askers for. */
typedef struct {
    uint64_t occupied, routing, waiting, lower, upper, active, free, credited, wanted;
    int64_t awake, head_wait;
    Queue *queues; /* its own, as the following; of the network's arrays */
    int32_t *credits;
    int64_t *credit_since;
    uint8_t *port_grant, *port_accept, *port_choice;
} Router;

typedef struct {
    int32_t first, last; /* packets that are created and wait */
    int32_t current, index, lane, next_lane;
    uint64_t credited;
    int64_t awake, since, flits, credit_wait;
} Source;

typedef struct {
    Shape shape;
    int64_t cycle, stage_cycles, channels;
    bool delivered; /* what arrives in `cycle` is there; sources and routers still have to act */
    bool failed;    /* no memory; the network is of no use any more */

    Packet *packets;
    int64_t packet_count, packet_low, packet_room, admitted, inside; /* packets packet_low to packet_count are kept */
    int32_t *done;
    int64_t done_count, done_room;

    Flit *flits;
    Queue *queues;
    Router *routers;
    Source *sources;
    uint64_t *want;        /* [routers, ports]: channels that ask for the port */
    Port *ports;           /* [routers, ports] */
    int32_t *credits, *lane_credits;
    int64_t *credit_since;
    uint8_t *channel_grant, *channel_accept, *port_grant, *port_accept, *port_choice;
    uint64_t port_mask[MOST_PORTS], upper_half;
    uint8_t port_of[MOST_CHANNELS], after_channel[MOST_CHANNELS], after_port[MOST_PORTS], after_vc[MOST_CHANNELS];
    bool slow; /* some links take flits less often than every cycle */

    Slot *slots;
    int64_t slot_mask;
    int32_t *awake_routers, *next_routers, *awake_sources, *next_sources;
    int64_t awake_router_count, next_router_count, awake_source_count, next_source_count;
} Network;

Network *network_new(const Shape *shape);
void network_free(Network *network);

/* Which of the fabric's ways a packet takes: spread evenly, and always the same for its number. */
static inline int64_t way_of(int64_t packet, int64_t ways)
{
    return (int64_t)((uint32_t)packet * 2654435769u >> 30) & (ways - 1);
}

/* Takes a packet; its create cycle is not before that of the packet before, nor before `cycle`. */
int64_t network_offer(Network *network, int64_t create, int32_t source, int32_t target, int32_t flits);

/* Cycles that a packet, as far as it has come, waited for credits; the others of ``end - empty`` were for links. */
int64_t packet_credit_wait(const Packet *packet);

/* Runs the cycles before `until`. With `stop` it ends in the first cycle in which a packet has left, before that cycle's
 * sources and routers act. Packets that leave are added to `done`, in order of their last cycle and number. */
void network_run(Network *network, int64_t until, bool stop);

/* Has what arrives in `cycle` arrive, before anything else of it; packets that leave so are added to `done`. */
void network_arrive(Network *network);

/* Forgets the packets before `number`, which have all left; their places are used again. */
void network_forget(Network *network, int64_t number);

static inline Packet *packet_at(const Network *network, int64_t number)
{
    return &network->packets[number & (network->packet_room - 1)];
}

/* The next cycle in which anything can happen; INT64_MAX if nothing can without another packet. */
int64_t network_next(const Network *network);

#endif
