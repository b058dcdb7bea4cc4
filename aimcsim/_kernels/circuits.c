#include "circuits.h"

#include <stdlib.h>

#include "flits.h" /* way_of */

enum { NO_PACKET = -1, FIRST_ROOM = 64 };

static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

Circuits *circuits_new(const CircuitShape *shape)
{
    Circuits *circuits = calloc(1, sizeof *circuits);
    if (circuits == NULL)
        return NULL;
    circuits->shape = *shape;
    size_t links = (size_t)(shape->routers * shape->ports + shape->endpoints);
    circuits->links = calloc(links, sizeof *circuits->links);
    circuits->sources = malloc((size_t)shape->endpoints * sizeof *circuits->sources);
    circuits->way = malloc((size_t)(shape->routers + 2) * sizeof *circuits->way);
    if (circuits->links == NULL || circuits->sources == NULL || circuits->way == NULL) {
        circuits_free(circuits);
        return NULL;
    }
    for (int64_t endpoint = 0; endpoint < shape->endpoints; endpoint++)
        circuits->sources[endpoint] = (CircuitSource){NO_PACKET, NO_PACKET};
    return circuits;
}

void circuits_free(Circuits *circuits)
{
    if (circuits == NULL)
        return;
    free(circuits->packets);
    free(circuits->events);
    free(circuits->done);
    free(circuits->links);
    free(circuits->sources);
    free(circuits->way);
    free(circuits);
}

/* ---- events, earliest first, of one cycle by packet */

static inline bool before(const CircuitEvent *one, const CircuitEvent *other)
{
    return one->time < other->time || (one->time == other->time && one->packet < other->packet);
}

/* Return where `data`, `count` of so many bytes each, has room for one more; NULL if there is no memory for that. */
static void *room_for(Circuits *circuits, void *data, int64_t count, int64_t *room, size_t size)
{
    if (count < *room)
        return data;
    int64_t more = *room ? 2 * *room : FIRST_ROOM;
    void *moved = realloc(data, (size_t)more * size);
    if (moved == NULL)
        circuits->failed = true;
    else
        *room = more;
    return moved;
}

static void push(Circuits *circuits, int64_t time, int64_t packet)
{
    CircuitEvent event = {time, packet};
    CircuitEvent *events =
        room_for(circuits, circuits->events, circuits->event_count, &circuits->event_room, sizeof event);
    if (events == NULL)
        return;
    circuits->events = events;
    int64_t place = circuits->event_count++;
    for (int64_t parent; place && before(&event, &events[parent = (place - 1) / 2]); place = parent)
        events[place] = events[parent];
    events[place] = event;
}

static CircuitEvent pop(Circuits *circuits)
{
    CircuitEvent *events = circuits->events, first = events[0], last = events[--circuits->event_count];
    int64_t place = 0;
    for (int64_t child; (child = 2 * place + 1) < circuits->event_count; place = child) {
        if (child + 1 < circuits->event_count && before(&events[child + 1], &events[child]))
            child++;
        if (before(&last, &events[child]))
            break;
        events[place] = events[child];
    }
    if (circuits->event_count)
        events[place] = last;
    return first;
}

/* ---- packets */

/* Twice the places for packets; they keep their numbers. */
static bool more_packets(Circuits *circuits)
{
    int64_t room = circuits->packet_room ? 2 * circuits->packet_room : FIRST_ROOM;
    CircuitPacket *packets = malloc((size_t)room * sizeof *packets);
    if (packets == NULL) {
        circuits->failed = true;
        return false;
    }
    for (int64_t number = circuits->packet_low; number < circuits->packet_count; number++)
        packets[number & (room - 1)] = *circuit_packet(circuits, number);
    free(circuits->packets);
    circuits->packets = packets, circuits->packet_room = room;
    return true;
}

int64_t circuits_offer(Circuits *circuits, int64_t create, int32_t source, int32_t target, int32_t flits)
{
    if (circuits->packet_count - circuits->packet_low == circuits->packet_room && !more_packets(circuits))
        return -1;
    int64_t number = circuits->packet_count++;
    *circuit_packet(circuits, number) = (CircuitPacket){create, -1, -1, -1, NO_PACKET, source, target, flits};
    circuits->inside++;
    CircuitSource *line = &circuits->sources[source];
    if (line->first == NO_PACKET) {
        line->first = line->last = number;
        push(circuits, create, number);
    } else {
        circuit_packet(circuits, line->last)->next = number;
        line->last = number;
    }
    return circuits->failed ? -1 : number;
}

void circuits_forget(Circuits *circuits, int64_t number) { circuits->packet_low = number; }

/* ---- ways */

/* How long a packet takes over a way that it has, beside its set-up: its head, and from one flit to the next. */
typedef struct {
    int64_t links, head_cycles, interval;
} Way;

static void add_link(Circuits *circuits, Way *way, int64_t link, int64_t port)
{
    circuits->way[way->links++] = link;
    way->head_cycles += circuits->shape.latency[port];
    way->interval = most(way->interval, circuits->shape.interval[port]);
}

/* Look up the links of a packet's way: the one from its source, those between routers, the one to its target. */
static Way find_way(Circuits *circuits, const CircuitPacket *packet, int64_t number)
{
    const CircuitShape *shape = &circuits->shape;
    int64_t first = shape->home[packet->source] * shape->ports + shape->home_port[packet->source];
    int64_t here = shape->home[packet->source], home = shape->home[packet->target];
    Way way = {0, 0, 1};
    if (!shape->medium)
        add_link(circuits, &way, shape->routers * shape->ports + packet->source, first);
    int64_t plane = way_of(number, shape->ways) * shape->routers * shape->routers;
    while (here != home) {
        int64_t port = here * shape->ports + shape->route[plane + here * shape->routers + home];
        add_link(circuits, &way, port, port);
        here = shape->next_router[plane + here * shape->routers + home];
    }
    int64_t last = home * shape->ports + shape->home_port[packet->target];
    add_link(circuits, &way, last, last);
    way.head_cycles += (way.links - 1) * shape->router_cycles;
    return way;
}

/* A packet asks for its way: it has it when the last of its links is free, and keeps all of them until its tail is out. */
static void take_way(Circuits *circuits, int64_t number, int64_t asked)
{
    const CircuitShape *shape = &circuits->shape;
    CircuitPacket *packet = circuit_packet(circuits, number);
    Way way = find_way(circuits, packet, number);
    CircuitLink *waited_for = NULL;
    packet->inject = asked;
    for (int64_t place = 0; place < way.links; place++) {
        CircuitLink *link = &circuits->links[circuits->way[place]];
        if (link->free_at > packet->inject)
            packet->inject = link->free_at, waited_for = link;
    }
    if (waited_for != NULL)
        waited_for->link_wait += packet->inject - asked;
    int64_t passing = shape->hold_cycles ? shape->hold_cycles : packet->flits;
    packet->head = packet->inject + shape->setup_cycles + way.head_cycles;
    packet->tail = packet->head + (passing - 1) * way.interval;
    for (int64_t place = 0; place < way.links; place++) {
        CircuitLink *link = &circuits->links[circuits->way[place]];
        link->free_at = packet->tail;
        link->flits += packet->flits;
        link->busy += packet->tail - packet->inject;
    }
    push(circuits, packet->tail, number);
}

/* A packet has left, and the next of its source asks. */
static void leave(Circuits *circuits, int64_t number)
{
    const CircuitPacket *packet = circuit_packet(circuits, number);
    CircuitSource *line = &circuits->sources[packet->source];
    int64_t *done = room_for(circuits, circuits->done, circuits->done_count, &circuits->done_room, sizeof number);
    if (done == NULL)
        return;
    circuits->done = done;
    done[circuits->done_count++] = number;
    circuits->inside--;
    line->first = packet->next;
    if (line->first != NO_PACKET)
        push(circuits, most(packet->tail, circuit_packet(circuits, line->first)->create), line->first);
}

static void act(Circuits *circuits)
{
    CircuitEvent event = pop(circuits);
    if (circuit_packet(circuits, event.packet)->tail < 0)
        take_way(circuits, event.packet, event.time);
    else
        leave(circuits, event.packet);
}

/* ---- time */

void circuits_run(Circuits *circuits, int64_t until, bool stop)
{
    while (circuits->event_count && circuits->events[0].time < until && !circuits->failed) {
        if (stop && circuits->done_count && circuits->events[0].time > circuits->cycle)
            return;
        circuits->cycle = most(circuits->cycle, circuits->events[0].time);
        act(circuits);
    }
    if (!(stop && circuits->done_count))
        circuits->cycle = most(circuits->cycle, until);
}

void circuits_arrive(Circuits *circuits)
{
    while (circuits->event_count && circuits->events[0].time <= circuits->cycle && !circuits->failed)
        act(circuits);
}

int64_t circuits_next(const Circuits *circuits)
{
    return circuits->event_count ? most(circuits->cycle, circuits->events[0].time) : INT64_MAX;
}
