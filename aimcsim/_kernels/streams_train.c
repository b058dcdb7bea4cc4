/* Trains: many iterations in a row on a server that nobody else asks for. The readable form, a running maximum, is
 * aimcsim/_kernels/trains.py.
 */
#include "streams.h"

static inline int64_t up(int64_t time, int64_t period)
{
    return period == 1 ? time : (time + period - 1) / period * period;
}

/* Serve `count` iterations whose data is there at ready[], the server being free at `free` and the result before having
 * been there at `worked`. */
void train_scan(const Train *train, int64_t count, const int64_t *ready, int64_t free, int64_t worked, int64_t *arrival,
                int64_t *start, int64_t *done)
{
    int64_t earliest = up(free, train->period), apart = up(train->interval, train->period);
    for (int64_t i = 0; i < count; i++) {
        arrival[i] = up(ready[i], train->cross_period) + train->cross_cycles * train->cross_period;
        start[i] = most(up(arrival[i], train->period), earliest);
        earliest = start[i] + apart;
        done[i] = worked = most(worked, start[i] + train->latency);
    }
}

/* The period of a clock (1: none) if it is a whole number of picoseconds, else 0. */
static int64_t whole_period(const Loop *loop, int64_t clock)
{
    return clock < 0 ? 1 : loop->clocks[clock].period;
}

/* A run serves trains if it has its server to itself, keeps it for no slot, and always takes the same time. */
void train_set_up(Loop *loop, Run *run)
{
    const Span *latency = &loop->spans[run->latency], *interval = &loop->spans[run->interval];
    if (run->kind != SERVING || run->capture >= 0 || run->flits || (run->server >= 0 && !run->own) || latency->fixed < 0)
        return;
    if (run->server >= 0 && interval->fixed < 0)
        return;
    int64_t period = whole_period(loop, run->server < 0 ? latency->clock : loop->servers[run->server].clock);
    int64_t cross = whole_period(loop, run->cross_clock);
    if (period && cross)
        run->train = (Train){period, latency->fixed, run->server < 0 ? 0 : interval->fixed, cross, run->cross_cycles};
}
