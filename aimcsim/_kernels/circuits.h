/* Packets that take all links of their way at once, and give them back together: circuits over a mesh, a bus, a crossbar.
 *
 * A source asks for the way of one packet at a time. The way is had when all its links are free of packets that asked
 * before; so nobody keeps a link while waiting for another one. All times are cycles, int64. The readable twin is
 * circuits_twin.py.
 */
#ifndef AIMCSIM_CIRCUITS_H
#define AIMCSIM_CIRCUITS_H

#include <stdbool.h>
#include <stdint.h>

/* What is fixed; tables of a port have a row per router. `medium`: the only link is that of the first endpoint, and all
 * share it. `hold_cycles`: cycles that a packet takes past any point, 0: one for each flit. */
typedef struct {
    int64_t routers, ports, endpoints, ways, medium, setup_cycles, router_cycles, hold_cycles;
    const int32_t *latency, *interval; /* [routers, ports] */
    const uint8_t *route;              /* [ways, routers, routers] */
    const int32_t *next_router;        /* [ways, routers, routers] */
    const int32_t *home, *home_port;   /* [endpoints] */
} CircuitShape;

/* `tail` is -1 until the packet has its way; `next` of the same source has yet to ask, or is -1. */
typedef struct {
    int64_t create, inject, head, tail, next;
    int32_t source, target, flits;
} CircuitPacket;

/* A link: when it is free of all packets that have it or will, and what it did. */
typedef struct {
    int64_t free_at, flits, busy, link_wait;
} CircuitLink;

/* The packet that a source asks for, if there is one, and those behind it. */
typedef struct {
    int64_t first, last;
} CircuitSource;

/* A packet asks for its way, or (having it) leaves. */
typedef struct {
    int64_t time, packet;
} CircuitEvent;

/* Links: those at every port of every router, then one from each endpoint. */
typedef struct {
    CircuitShape shape;
    int64_t cycle, inside;
    bool failed; /* no memory; the network is of no use any more */

    CircuitPacket *packets;
    int64_t packet_count, packet_low, packet_room; /* packets packet_low to packet_count are kept */
    CircuitEvent *events;                          /* a heap; one for each source that asks and each packet that has its way */
    int64_t event_count, event_room;
    int64_t *done, done_count, done_room;

    CircuitLink *links;
    CircuitSource *sources;
    int64_t *way; /* links of the way that is being looked at */
} Circuits;

Circuits *circuits_new(const CircuitShape *shape);
void circuits_free(Circuits *circuits);

/* Takes a packet and returns its number, or -1 without memory; its create cycle is not before that of the packet before, nor
 * before `cycle`. */
int64_t circuits_offer(Circuits *circuits, int64_t create, int32_t source, int32_t target, int32_t flits);

/* Runs the cycles before `until`. With `stop` it ends in the first cycle in which a packet has left. Packets that leave are
 * added to `done`, in order of their last cycle and number. */
void circuits_run(Circuits *circuits, int64_t until, bool stop);

/* Has what happens in `cycle` so far happen; packets that leave so are added to `done`. */
void circuits_arrive(Circuits *circuits);

/* Forgets the packets before `number`, which have all left; their places are used again. */
void circuits_forget(Circuits *circuits, int64_t number);

/* The next cycle in which anything can happen; INT64_MAX if nothing can without another packet. */
int64_t circuits_next(const Circuits *circuits);

static inline CircuitPacket *circuit_packet(const Circuits *circuits, int64_t number)
{
    return &circuits->packets[number & (circuits->packet_room - 1)];
}

#endif
