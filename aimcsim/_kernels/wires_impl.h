/* Arrays with resistive lines for one instruction set; wires.c includes this file once for each.
 *
 * Needs NAME(x), VECTOR_BYTES and ROWS (matrix rows kept in registers together, a divisor of 16). Readable twin:
 * wires_twin.py, which also derives the equations; every element sees the same operations in the same order here.
 *
 * Design of the elimination
 * a. The array is taken apart input line by input line. What lies above an output line's cut is a multiport: `y` holds
 *    its admittances off the diagonal (lower triangle, all <= 0), `j` its short-circuit currents per volt of each input,
 *    column 0 their sum, which is what the rows of the admittance matrix add up to. The diagonal follows from both, so
 *    nothing is ever got by subtracting what is nearly equal.
 * b. A segment of r ohm in every output line turns Y into (Y^-1 + r)^-1 and J into (1 + r Y)^-1 J: one symmetric sweep
 *    (Gauss-Jordan elimination in place, no pivoting) of 1 + r Y, with J carried along.
 * c. Pivots are taken sixteen at a time. Their columns are swept one pivot after the other; all other elements then get
 *    the sixteen updates at once, in registers, in the same ascending order.
 */
typedef double NAME(doubles) __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define DEPTH AIMCSIM_DEPTH
#define LANES (VECTOR_BYTES / 8)
#define COLUMNS (2 * LANES)

/* to[row][column] -= left[row][k] * right[k][column] for k ascending; `rows` is a constant at every call. */
INLINE void NAME(update_tile)(double *to, ptrdiff_t width, const double *left, const double *right, int depth, int rows)
{
    NAME(doubles) sum[ROWS][2];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 2; v++)
            sum[r][v] = *(const NAME(doubles) *)(to + r * width + v * LANES);
    for (int k = 0; k < depth; k++) {
        const NAME(doubles) right0 = *(const NAME(doubles) *)(right + k * DEPTH);
        const NAME(doubles) right1 = *(const NAME(doubles) *)(right + k * DEPTH + LANES);
        for (int r = 0; r < rows; r++) {
            sum[r][0] -= left[r * DEPTH + k] * right0;
            sum[r][1] -= left[r * DEPTH + k] * right1;
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 2; v++)
            *(NAME(doubles) *)(to + r * width + v * LANES) = sum[r][v];
}

/* Rows [first, end) of one strip of columns. */
INLINE void NAME(update_strip)(double *to, ptrdiff_t width, const double *left, const double *right, int depth,
                               ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t i = first;
    for (; i + ROWS <= end; i += ROWS)
        NAME(update_tile)(to + i * width, width, left + i * DEPTH, right, depth, ROWS);
    for (; i < end; i++)
        NAME(update_tile)(to + i * width, width, left + i * DEPTH, right, depth, 1);
}

/* Where column n of a packed block of 16 rows starts; its rows lie 16 apart. */
INLINE ptrdiff_t NAME(packed)(ptrdiff_t n)
{
    return n / DEPTH * DEPTH * DEPTH + n % DEPTH;
}

static void NAME(pack)(const double *row, ptrdiff_t width, int k, double *packed)
{
    for (ptrdiff_t n = 0; n < width; n += DEPTH)
        memcpy(packed + n * DEPTH + k * DEPTH, row + n, DEPTH * sizeof(double));
}

/* Pivot `first + q` of a panel: sweeps the panel's columns and its rows of j, keeps both factors of the update. */
static void NAME(sweep_pivot)(const elimination *e, ptrdiff_t first, int q, int depth, ptrdiff_t carried)
{
    const ptrdiff_t outputs = e->outputs, width = e->y_width, pivot = first + q;
    double *right_y = e->right, *right_j = e->right + width * DEPTH;
    double *u = e->column + q * width, *v = e->line;
    const double d = u[pivot];
    for (ptrdiff_t i = 0; i < outputs; i++)
        v[i] = u[i] / d;
    for (ptrdiff_t i = 0; i < outputs; i++)
        e->left[i * DEPTH + q] = u[i];
    NAME(pack)(v, width, q, right_y);
    for (int c = 0; c < depth; c++) {
        if (c == q)
            continue;
        double *column = e->column + c * width;
        const ptrdiff_t own = first + c;
        const double u_own = u[own], v_own = v[own];
        for (ptrdiff_t i = 0; i < own; i++)
            column[i] -= u_own * v[i];
        for (ptrdiff_t i = own; i < outputs; i++)
            column[i] -= u[i] * v_own;
        column[pivot] = v_own;
    }
    double *w = e->j + pivot * e->j_width;
    for (ptrdiff_t n = 0; n < carried; n++)
        w[n] /= d;
    NAME(pack)(w, carried, q, right_j);
    for (int c = 0; c < depth; c++) {
        if (c == q)
            continue;
        double *row = e->j + (first + c) * e->j_width;
        const double factor = u[first + c];
        for (ptrdiff_t n = 0; n < carried; n++)
            row[n] -= factor * w[n];
    }
    memcpy(u, v, (size_t)outputs * sizeof(double));
    u[pivot] = -1.0 / d;
}

/* Replaces the lower triangle of y by that of -(y^-1) and j by y^-1 j, of which `carried` columns are in use. */
static void NAME(sweep)(const elimination *e, ptrdiff_t carried)
{
    const ptrdiff_t outputs = e->outputs, width = e->y_width;
    const double *right_y = e->right, *right_j = e->right + width * DEPTH;
    for (ptrdiff_t first = 0; first < outputs; first += DEPTH) {
        const int depth = outputs - first < DEPTH ? (int)(outputs - first) : DEPTH;
        for (int q = 0; q < depth; q++) {
            const ptrdiff_t own = first + q;
            memcpy(e->column + q * width, e->y + own * width, (size_t)own * sizeof(double));
            for (ptrdiff_t i = own; i < outputs; i++)
                e->column[q * width + i] = e->y[i * width + own];
        }
        for (int q = 0; q < depth; q++)
            NAME(sweep_pivot)(e, first, q, depth, carried);
        for (ptrdiff_t n = 0; n < outputs; n += COLUMNS)
            NAME(update_strip)(e->y + n, width, e->left, right_y + NAME(packed)(n), depth, n, outputs);
        for (ptrdiff_t n = 0; n < carried; n += COLUMNS) {
            const double *right = right_j + NAME(packed)(n);
            NAME(update_strip)(e->j + n, e->j_width, e->left, right, depth, 0, first);
            NAME(update_strip)(e->j + n, e->j_width, e->left, right, depth, first + depth, outputs);
        }
        for (int q = 0; q < depth; q++) {
            const ptrdiff_t own = first + q;
            memcpy(e->y + own * width, e->column + q * width, (size_t)own * sizeof(double));
            for (ptrdiff_t i = own; i < outputs; i++)
                e->y[i * width + own] = e->column[q * width + i];
        }
    }
}

/* Adds input line i, seen from its cells' output side, to y and j. */
static void NAME(add_input_line)(const elimination *e, ptrdiff_t i)
{
    const ptrdiff_t outputs = e->outputs, width = e->y_width;
    const double *g = e->g + i * outputs;
    double *back = e->line, *ahead = back + width, *ratio = ahead + width, *coupled = ratio + width;
    back[0] = e->head;
    for (ptrdiff_t n = 1; n < outputs; n++)
        back[n] = e->pitch + back[n - 1] / (1.0 + g[n - 1] * back[n - 1]);
    ahead[outputs - 1] = 0.0;
    for (ptrdiff_t n = outputs - 1; n > 0; n--) {
        const double beyond = ahead[n] + g[n];
        ratio[n] = 1.0 / (1.0 + e->pitch * beyond);
        ahead[n - 1] = beyond * ratio[n];
    }
    double voltage = 1.0 / (1.0 + back[0] * (ahead[0] + g[0]));
    for (ptrdiff_t n = 0; n < outputs; n++) {
        if (n)
            voltage *= ratio[n];
        double *row = e->y + n * width;
        for (ptrdiff_t k = 0; k < n; k++)
            coupled[k] *= ratio[n];
        for (ptrdiff_t k = 0; k < n; k++)
            row[k] -= g[n] * coupled[k];
        coupled[n] = back[n] / (1.0 + back[n] * (ahead[n] + g[n])) * g[n];
        e->j[n * e->j_width] += g[n] * voltage;
        e->j[n * e->j_width + 1 + i] = g[n] * voltage;
    }
}

/* Turns y into 1 + r y, whose diagonal is what the rest of its row and its row sum leave. */
static void NAME(load_matrix)(const elimination *e, double r)
{
    const ptrdiff_t outputs = e->outputs, width = e->y_width;
    double *sum = e->line;
    for (ptrdiff_t n = 0; n < outputs; n++) {
        double *row = e->y + n * width;
        double own = r * e->j[n * e->j_width];
        for (ptrdiff_t k = 0; k < n; k++)
            row[k] *= r;
        for (ptrdiff_t k = 0; k < n; k++)
            own -= row[k];
        sum[n] = own;
        for (ptrdiff_t k = 0; k < n; k++)
            sum[k] -= row[k];
    }
    for (ptrdiff_t n = 0; n < outputs; n++)
        e->y[n * width + n] = 1.0 + sum[n];
}

/* Adds input line i and the segments below it. */
static void NAME(eliminate)(const elimination *e, ptrdiff_t i)
{
    const ptrdiff_t outputs = e->outputs, width = e->y_width;
    const double r = e->below[i];
    NAME(add_input_line)(e, i);
    if (r == 0.0)
        return;
    NAME(load_matrix)(e, r);
    NAME(sweep)(e, (i + 2 + DEPTH - 1) / DEPTH * DEPTH);
    for (ptrdiff_t n = 0; n < outputs; n++)
        for (ptrdiff_t k = 0; k < n; k++)
            e->y[n * width + k] /= r;
}

/* ---- separate sources ---- */

/* Some columns, as many as a vector has lanes: conductances between the nodes of one input and of the next (of `mesh` the
 * upper triangle counts), to known voltages, and the current that these drive. */
typedef struct {
    NAME(doubles) mesh[6][6], known[6], drive[6];
} NAME(columns);

/* `nodes` is a constant at every call of all of these, so the loops are unrolled and all of it is registers. */
INLINE void NAME(clear)(NAME(columns) *c, int first, int nodes)
{
    const NAME(doubles) zero = {0};
    for (int a = first; a < 2 * nodes; a++)
        c->known[a] = c->drive[a] = zero;
    for (int a = 0; a < 2 * nodes; a++)
        for (int b = 0; b < 2 * nodes; b++)
            if (a >= first || b >= first)
                c->mesh[a][b] = zero;
}

INLINE NAME(doubles) NAME(total)(const NAME(columns) *c, int k, int nodes)
{
    NAME(doubles) total = c->mesh[k][k + 1];
    for (int a = k + 2; a < 2 * nodes; a++)
        total += c->mesh[k][a];
    return total + c->known[k];
}

/* Turns the star of node k into a mesh between the nodes after it. */
INLINE void NAME(take_out)(NAME(columns) *c, int k, int nodes)
{
    const NAME(doubles) total = NAME(total)(c, k, nodes);
    for (int a = k + 1; a < 2 * nodes; a++) {
        const NAME(doubles) share = c->mesh[k][a] / total;
        for (int b = a + 1; b < 2 * nodes; b++)
            c->mesh[a][b] += share * c->mesh[k][b];
        c->known[a] += share * c->known[k];
        c->drive[a] += share * c->drive[k];
    }
}

/* The nodes of the next input become those of this one. */
INLINE void NAME(pass_on)(NAME(columns) *c, int nodes)
{
    for (int a = 0; a < nodes; a++) {
        c->known[a] = c->known[nodes + a];
        c->drive[a] = c->drive[nodes + a];
        for (int b = a + 1; b < nodes; b++)
            c->mesh[a][b] = c->mesh[nodes + a][nodes + b];
    }
    NAME(clear)(c, nodes, nodes);
}

/* A node on each rail, then one on the output line, input after input; the last one gives the current. */
INLINE void NAME(read_columns_of_rails)(const supplied_read *r, ptrdiff_t first, int nodes)
{
    const NAME(doubles) zero = {0};
    NAME(columns) c;
    NAME(clear)(&c, 0, nodes);
    for (int a = 0; a < nodes - 1; a++) {
        c.known[a] = zero + r->head;
        c.drive[a] = zero + r->head * r->volts[a];
    }
    for (ptrdiff_t i = 0; i < r->inputs; i++) {
        const int last = i == r->inputs - 1;
        for (int a = 0; a < nodes - 1; a++) {
            const double *g = r->g + (a * r->inputs + i) * r->width + first;
            c.mesh[a][nodes - 1] += r->bits[i] * *(const NAME(doubles) *)g;
        }
        for (int a = 0; a < nodes; a++)
            c.mesh[a][nodes + a] = zero + (last ? 0.0 : a < nodes - 1 ? r->rail : r->line);
        if (last)
            c.known[nodes - 1] += r->end;
        for (int k = 0; k < nodes - 1; k++)
            NAME(take_out)(&c, k, nodes);
        if (last)
            break;
        NAME(take_out)(&c, nodes - 1, nodes);
        NAME(pass_on)(&c, nodes);
    }
    *(NAME(doubles) *)(r->out + first) = c.drive[nodes - 1] / NAME(total)(&c, nodes - 1, nodes) * r->end;
}

static void NAME(read_supplied)(const supplied_read *r)
{
    for (ptrdiff_t n = 0; n < r->width; n += LANES)
        if (r->supplies == 1)
            NAME(read_columns_of_rails)(r, n, 2);
        else
            NAME(read_columns_of_rails)(r, n, 3);
}

#undef INLINE
#undef DEPTH
#undef LANES
#undef COLUMNS
