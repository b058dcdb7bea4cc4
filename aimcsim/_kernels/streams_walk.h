/* Walking back from a moment over what bound it: shared by the shares of vectors and the critical path. */
#ifndef AIMCSIM_STREAMS_WALK_H
#define AIMCSIM_STREAMS_WALK_H

#include "streams.h"

enum { AT_DONE, AT_WORKED, AT_START, AT_SLOT, AT_ISSUE, AT_END };

/* A moment of an iteration of a run, or (AT_ISSUE) the issue of a vector; `run` then is any run of the stream. Places are
 * copied all the time: fields of one width have the processor read back what it has just written. */
typedef struct {
    int64_t run, iteration, moment;
} Place;

typedef struct {
    Loop *loop;
    int64_t low, time;
    int64_t stream; /* whose share it is; NONE on the critical path, which follows everybody */
    bool marks;     /* stop at the start of an iteration where an earlier walk has been */
    int64_t met;    /* that start among the visits, or NONE */
    Place last;     /* the last place that was looked at */
} Walk;

Place vector_end(const Loop *loop, int64_t stream, int64_t vector);

/* Go back to `low`. If the time is then above it, the past was forgotten. */
void walk_back(Walk *walk, Place here);

/* streams_path.c: what a walk on the critical path calls. */
void path_spend(Loop *loop, int64_t run, int64_t length);
int64_t path_visit(Loop *loop, Place here);

#endif
