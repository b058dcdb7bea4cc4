# cython: language_level=3
"""Least buffers by a game without time: vectors as tokens that streams fire one after another.

Design
    a. The whole state is how many vectors each stream has fired. What lies on an edge follows: what its source fired,
       less what its target's last vector lets go.
    b. `eager` fires the most downstream stream that can, nothing being bounded; candidates stand in a binary heap by
       (rank, stream), a stream once for every offer.
    c. `least` fires for one edge only what each vector of its target cannot do without; who needs whom is a stack.
    d. `ends` is `least` with every edge bounded: it asks for one stream's vectors only whether they can be had.
    e. A condition that holds for a stream's next vector holds until that vector is fired, so each is looked at once.
Inputs, shapes, dtypes
    All int64, contiguous: vectors, source [streams]; in_first, out_first [streams + 1] into in_edges, out_edges [edges];
    e_source, e_target [edges]; needs, keeps: one array [vectors of the target] per edge, which edges may share.
Ownership
    The caller owns all arrays, which are kept alive; heap, stack and state are the game's own and freed with it.
GIL
    Released while playing.
Complexity
    `eager`: one heap operation per vector and neighbour. `least`, `ends`: constant work per vector fired and edge of its stream.
Twin
    aimcsim/engine/capacity.py: Game.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset

cdef enum:
    CYCLE = -1
    NO_MEMORY = -2
    ALL_BOUND = -1


ctypedef struct Offer:
    double rank
    int64_t stream


cdef inline bint _before(Offer a, Offer b) noexcept nogil:
    return a.rank < b.rank or (a.rank == b.rank and a.stream < b.stream)


cdef inline int64_t _most(int64_t a, int64_t b) noexcept nogil:
    return a if a > b else b


cdef class Game:
    """The streams and edges of a system, and one request's vectors on them."""

    cdef list _keep
    cdef int64_t streams, edges, offers, room
    cdef const int64_t *vectors
    cdef const int64_t *source
    cdef const int64_t *in_first
    cdef const int64_t *in_edges
    cdef const int64_t *out_first
    cdef const int64_t *out_edges
    cdef const int64_t *e_source
    cdef const int64_t *e_target
    cdef const int64_t **needs
    cdef const int64_t **keeps
    cdef int64_t *fired
    cdef int64_t *met
    cdef int64_t *waiting
    cdef int64_t *until
    cdef Offer *heap

    def __cinit__(self, vectors, source, in_first, in_edges, out_first, out_edges, e_source, e_target, needs, keeps):
        cdef int64_t edge
        self._keep = [vectors, source, in_first, in_edges, out_first, out_edges, e_source, e_target, *needs, *keeps]
        self.streams, self.edges = len(vectors), len(e_source)
        self.vectors, self.source = _ints(vectors), _ints(source)
        self.in_first, self.in_edges = _ints(in_first), _ints(in_edges)
        self.out_first, self.out_edges = _ints(out_first), _ints(out_edges)
        self.e_source, self.e_target = _ints(e_source), _ints(e_target)
        self.room = 64
        self.heap = <Offer *> malloc(self.room * sizeof(Offer))
        self.needs = <const int64_t **> calloc(self.edges + 1, sizeof(int64_t *))
        self.keeps = <const int64_t **> calloc(self.edges + 1, sizeof(int64_t *))
        self.fired = <int64_t *> calloc(self.streams + 1, sizeof(int64_t))
        self.met = <int64_t *> calloc(self.streams + 1, sizeof(int64_t))
        self.waiting = <int64_t *> calloc(self.streams + 1, sizeof(int64_t))
        self.until = <int64_t *> calloc(self.streams + 1, sizeof(int64_t))
        if not (self.heap and self.needs and self.keeps and self.fired and self.met and self.waiting and self.until):
            raise MemoryError
        for edge in range(self.edges):
            self.needs[edge], self.keeps[edge] = _ints(needs[edge]), _ints(keeps[edge])

    def __dealloc__(self):
        free(self.heap)
        free(self.needs)
        free(self.keeps)
        free(self.fired)
        free(self.met)
        free(self.waiting)
        free(self.until)

    def eager(self, int64_t[::1] highest):  # OUT [edges]
        """Write the most vectors that an eager schedule without bounds has on every edge."""
        cdef int failed
        self._reset()
        with nogil:
            failed = self._eager(highest)
        if failed:
            raise MemoryError

    def least(self, int64_t edge, const int64_t[::1] capacities):  # IN [edges], 0: no bound
        """Return the least capacity of an edge with which the game ends, the others having theirs; -1 if none does."""
        cdef int64_t count
        self._reset()
        with nogil:
            count = self._least(edge, capacities)
        return count

    def ends(self, int64_t target, const int64_t[::1] capacities):  # IN [edges], 0: no bound
        """Whether a stream gets all its inputs, and these have room, with every edge as large as its capacity."""
        cdef bint possible
        self._reset()
        with nogil:
            possible = self._ends(target, capacities)
        return possible

    cdef void _reset(self):
        memset(self.fired, 0, self.streams * sizeof(int64_t))
        memset(self.met, 0, self.streams * sizeof(int64_t))

    cdef inline int64_t _level(self, int64_t edge) noexcept nogil:
        """Vectors on an edge; those that nobody needs leave as they come."""
        cdef int64_t made = self.fired[self.e_source[edge]]
        cdef int64_t taken = self.fired[self.e_target[edge]]
        cdef int64_t passed = self.keeps[edge][taken - 1] if taken else 0
        return made - passed if passed < made else 0

    # ---- eager

    cdef int _eager(self, int64_t[::1] highest) noexcept nogil:
        cdef int64_t stream, i, edge
        self.offers = 0
        for stream in range(self.streams):
            if self._offer(stream):
                return NO_MEMORY
        while self.offers:
            stream = self._pop()
            if not self._has_inputs(stream):
                continue
            for i in range(self.out_first[stream], self.out_first[stream + 1]):
                edge = self.out_edges[i]
                highest[edge] = _most(highest[edge], self._level(edge) + 1)
            self.fired[stream] += 1
            self.met[stream] = 0
            for i in range(self.out_first[stream], self.out_first[stream + 1]):
                if self._offer(self.e_target[self.out_edges[i]]):
                    return NO_MEMORY
            for i in range(self.in_first[stream], self.in_first[stream + 1]):
                if self._offer(self.e_source[self.in_edges[i]]):
                    return NO_MEMORY
            if self._offer(stream):
                return NO_MEMORY
        return 0

    cdef bint _has_inputs(self, int64_t stream) noexcept nogil:
        """Whether a stream has a next vector and all that it needs."""
        cdef int64_t vector = self.fired[stream], first = self.in_first[stream], edge
        if vector >= self.vectors[stream]:
            return False
        while first + self.met[stream] < self.in_first[stream + 1]:
            edge = self.in_edges[first + self.met[stream]]
            if self.fired[self.e_source[edge]] <= self.needs[edge][vector]:
                return False
            self.met[stream] += 1
        return True

    cdef int _offer(self, int64_t stream) noexcept nogil:
        """Put a stream that can fire in the queue: downstream first, sources last and in step with one another."""
        cdef Offer offer
        cdef Offer *larger
        cdef int64_t here, above
        if not self._has_inputs(stream):
            return 0
        offer.stream = stream
        offer.rank = <double> self.fired[stream] / self.vectors[stream] if self.source[stream] else -1.0 - stream
        if self.offers == self.room:
            larger = <Offer *> realloc(self.heap, 2 * self.room * sizeof(Offer))
            if not larger:
                return NO_MEMORY
            self.heap, self.room = larger, 2 * self.room
        here = self.offers
        self.offers += 1
        while here:
            above = (here - 1) // 2
            if not _before(offer, self.heap[above]):
                break
            self.heap[here] = self.heap[above]
            here = above
        self.heap[here] = offer
        return 0

    cdef int64_t _pop(self) noexcept nogil:
        cdef int64_t first = self.heap[0].stream, here = 0, below
        cdef Offer last
        self.offers -= 1
        last = self.heap[self.offers]
        while True:
            below = 2 * here + 1
            if below >= self.offers:
                break
            if below + 1 < self.offers and _before(self.heap[below + 1], self.heap[below]):
                below += 1
            if not _before(self.heap[below], last):
                break
            self.heap[here] = self.heap[below]
            here = below
        self.heap[here] = last
        return first

    # ---- on demand

    cdef int64_t _least(self, int64_t edge, const int64_t[::1] capacities) noexcept nogil:
        cdef int64_t source = self.e_source[edge], target = self.e_target[edge], vector, passed = 0, least = 1
        for vector in range(self.vectors[target]):
            if self._demand(target, edge, capacities):
                return CYCLE
            least = _most(least, self.fired[source] - passed)
            passed = self.keeps[edge][vector]
        return _most(least, self.vectors[source] - passed)

    cdef bint _ends(self, int64_t target, const int64_t[::1] capacities) noexcept nogil:
        cdef int64_t i, edge, vector, last = self.vectors[target] - 1
        for i in range(self.in_first[target], self.in_first[target + 1]):
            edge = self.in_edges[i]
            if 0 < capacities[edge] < self.vectors[self.e_source[edge]] - self.keeps[edge][last]:
                return False
        for vector in range(self.vectors[target]):
            if self._demand(target, ALL_BOUND, capacities):
                return False
        return True

    cdef int _demand(self, int64_t target, int64_t free_edge, const int64_t[::1] capacities) noexcept nogil:
        """Fire the next vector of a stream, and before it just what that cannot do without."""
        cdef int64_t depth = 0, stream, wanted, until
        self.waiting[0], self.until[0] = target, self.fired[target] + 1
        while depth >= 0:
            stream = self.waiting[depth]
            if self.fired[stream] >= self.until[depth]:
                depth -= 1
                continue
            wanted = self._wanted(stream, free_edge, capacities, &until)
            if wanted < 0:
                self.fired[stream] += 1
                self.met[stream] = 0
                continue
            depth += 1
            if depth > self.streams:
                return CYCLE
            self.waiting[depth], self.until[depth] = wanted, until
        return 0

    cdef int64_t _wanted(
        self, int64_t stream, int64_t free_edge, const int64_t[::1] capacities, int64_t *until
    ) noexcept nogil:
        """Return who must fire, and up to how many vectors, before a stream can fire its next; -1 if nobody."""
        cdef int64_t vector = self.fired[stream], edge, at, other
        cdef int64_t inputs = self.in_first[stream + 1] - self.in_first[stream]
        cdef int64_t outputs = self.out_first[stream + 1] - self.out_first[stream]
        while self.met[stream] < inputs + outputs:
            at = self.met[stream]
            if at < inputs:
                edge = self.in_edges[self.in_first[stream] + at]
                other = self.e_source[edge]
                if self.fired[other] <= self.needs[edge][vector]:
                    until[0] = self.needs[edge][vector] + 1
                    return other
            else:
                edge = self.out_edges[self.out_first[stream] + at - inputs]
                other = self.e_target[edge]
                if edge != free_edge and capacities[edge] and self._level(edge) >= capacities[edge]:
                    until[0] = self.fired[other] + 1
                    return other
            self.met[stream] += 1
        return -1


cdef const int64_t *_ints(const int64_t[::1] values) except? NULL:
    """Return where an array begins; NULL if it has nothing."""
    return &values[0] if values.shape[0] else NULL
