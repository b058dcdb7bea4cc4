/* Networks of routers: their tables, and all of their state, empty and idle. */
#include <stdlib.h>
#include <string.h>

#include "flits.h"

static void *zeros(Network *n, int64_t count, size_t size)
{
    void *made = calloc((size_t)larger(count, 1), size);
    n->failed |= made == NULL;
    return made;
}

static uint8_t *copied(Network *n, const uint8_t *from, int64_t count)
{
    uint8_t *made = zeros(n, count, 1);
    if (made != NULL)
        memcpy(made, from, (size_t)count);
    return made;
}

static void make_slots(Network *n)
{
    const Shape *shape = &n->shape;
    int64_t ports = shape->routers * shape->ports, longest = 4, size = 1;
    for (int64_t i = 0; i < ports; i++)
        longest = larger(longest, 2 + shape->latency[i] + shape->interval[i]);
    while (size < longest)
        size *= 2;
    n->slot_mask = size - 1;
    n->slots = zeros(n, size, sizeof *n->slots);
    for (int64_t i = 0; i < size && !n->failed; i++) {
        n->slots[i].flit = zeros(n, ports, sizeof *n->slots[i].flit);
        n->slots[i].eject = zeros(n, shape->endpoints, sizeof *n->slots[i].eject);
        n->slots[i].credit = zeros(n, ports + shape->endpoints, sizeof *n->slots[i].credit);
    }
}

static void make_state(Network *n)
{
    const Shape *shape = &n->shape;
    int64_t ports = shape->routers * shape->ports, channels = shape->routers * n->channels;
    int64_t lanes = shape->endpoints * shape->vcs;
    n->packets = zeros(n, n->packet_room, sizeof *n->packets);
    n->done = zeros(n, n->done_room, sizeof *n->done);
    n->flits = zeros(n, channels * shape->buffer, sizeof *n->flits);
    n->queues = zeros(n, channels, sizeof *n->queues);
    n->routers = zeros(n, shape->routers, sizeof *n->routers);
    n->sources = zeros(n, shape->endpoints, sizeof *n->sources);
    n->want = zeros(n, ports, sizeof *n->want);
    n->credits = zeros(n, channels, sizeof *n->credits);
    n->lane_credits = zeros(n, lanes, sizeof *n->lane_credits);
    n->credit_since = zeros(n, channels, sizeof *n->credit_since);
    n->ports = zeros(n, ports, sizeof *n->ports);
    n->channel_grant = copied(n, shape->channel_first, channels);
    n->channel_accept = copied(n, shape->channel_first + channels, channels);
    n->port_grant = copied(n, shape->port_first, ports);
    n->port_accept = copied(n, shape->port_first + ports, ports);
    n->port_choice = copied(n, shape->port_first + 2 * ports, ports);
    n->awake_routers = zeros(n, shape->routers, sizeof *n->awake_routers);
    n->next_routers = zeros(n, shape->routers, sizeof *n->next_routers);
    n->awake_sources = zeros(n, shape->endpoints, sizeof *n->awake_sources);
    n->next_sources = zeros(n, shape->endpoints, sizeof *n->next_sources);
    make_slots(n);
}

static uint64_t lowest_bits(int64_t count)
{
    return count == 64 ? UINT64_MAX : bit((int)count) - 1;
}

static void set_masks(Network *n)
{
    int64_t vcs = n->shape.vcs, lower = vcs - vcs / 2;
    for (int64_t port = 0; port < n->shape.ports; port++) {
        n->port_mask[port] = lowest_bits(vcs) << port * vcs;
        if (n->shape.classes)
            n->upper_half |= (lowest_bits(vcs) & ~lowest_bits(lower)) << port * vcs;
    }
    for (int64_t c = 0; c < n->channels; c++) {
        n->port_of[c] = (uint8_t)(c / vcs);
        n->after_channel[c] = (uint8_t)((c + 1) % n->channels);
        n->after_port[c / vcs] = (uint8_t)((c / vcs + 1) % n->shape.ports);
        n->after_vc[c] = (uint8_t)((c + 1) % vcs);
    }
}

static void set_ports(Network *n)
{
    const Shape *shape = &n->shape;
    int32_t vcs = (int32_t)shape->vcs;
    for (int64_t p = 0; p < shape->routers * shape->ports; p++) {
        Port *port = &n->ports[p];
        port->interval = shape->interval[p];
        port->onward = shape->peer[p] == NOBODY ? NOBODY : shape->peer[p] * vcs;
        port->onward_cycles = shape->peer[p] == NOBODY ? 3 : 1 + shape->latency[p] + shape->interval[p];
        n->slow |= shape->peer[p] != NOBODY && port->interval > 1;
    }
}

static void set_queues(Network *n)
{
    const Shape *shape = &n->shape;
    int32_t vcs = (int32_t)shape->vcs;
    for (int64_t c = 0; c < shape->routers * n->channels; c++) {
        n->queues[c].router = (int32_t)(c / n->channels);
        n->queues[c].place = (uint8_t)(c % n->channels);
        n->queues[c].flits = &n->flits[c * shape->buffer];
    }
    for (int64_t p = 0; p < shape->routers * shape->ports; p++)
        for (int32_t vc = 0; vc < vcs && shape->peer[p] != NOBODY; vc++) {
            Queue *queue = &n->queues[shape->peer[p] * vcs + vc];
            queue->back = (int32_t)p * vcs + vc;
            queue->back_cycles = 1 + shape->latency[p];
        }
    for (int64_t e = 0; e < shape->endpoints; e++)
        for (int32_t vc = 0; vc < vcs; vc++) {
            Queue *queue = &n->queues[(shape->home[e] * shape->ports + shape->home_port[e]) * vcs + vc];
            queue->back = -1 - ((int32_t)e * vcs + vc);
            queue->back_cycles = 2;
        }
}

/* Everything is empty and idle, and has all its credits. */
static void set_state(Network *n)
{
    const Shape *shape = &n->shape;
    uint64_t all = lowest_bits(n->channels);
    for (int64_t r = 0; r < shape->routers; r++) {
        Router *router = &n->routers[r];
        router->free = router->credited = all;
        router->awake = -1;
        router->queues = &n->queues[r * n->channels];
        router->credits = &n->credits[r * n->channels];
        router->credit_since = &n->credit_since[r * n->channels];
        router->port_grant = &n->port_grant[r * shape->ports];
        router->port_accept = &n->port_accept[r * shape->ports];
        router->port_choice = &n->port_choice[r * shape->ports];
    }
    for (int64_t c = 0; c < shape->routers * n->channels; c++)
        n->credits[c] = (int32_t)shape->buffer;
    for (int64_t e = 0; e < shape->endpoints; e++) {
        Source *source = &n->sources[e];
        source->first = source->last = source->current = NOBODY;
        source->awake = -1;
        source->credited = lowest_bits(shape->vcs);
    }
    for (int64_t lane = 0; lane < shape->endpoints * shape->vcs; lane++)
        n->lane_credits[lane] = (int32_t)shape->buffer;
}

Network *network_new(const Shape *shape)
{
    Network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->shape = *shape;
    n->channels = shape->ports * shape->vcs;
    n->stage_cycles = shape->fast ? 2 : 4;
    n->packet_room = n->done_room = 64;
    make_state(n);
    if (n->failed) {
        network_free(n);
        return NULL;
    }
    set_masks(n);
    set_ports(n);
    set_queues(n);
    set_state(n);
    return n;
}

void network_free(Network *n)
{
    if (n == NULL)
        return;
    for (int64_t i = 0; n->slots != NULL && i <= n->slot_mask; i++) {
        free(n->slots[i].flit);
        free(n->slots[i].eject);
        free(n->slots[i].credit);
    }
    void *owned[] = {
        n->slots, n->packets, n->done, n->flits, n->queues, n->routers, n->sources, n->want, n->credits,
        n->lane_credits, n->credit_since, n->ports, n->channel_grant, n->channel_accept,
        n->port_grant, n->port_accept, n->port_choice, n->awake_routers, n->next_routers, n->awake_sources,
        n->next_sources, n,
    };
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}
