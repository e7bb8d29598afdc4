/*
 * One part, one chunk of customers: filters, masks, columns.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/scan_internal.h"

/* ---- scratch ---- */

void *scratch_get(struct scratch *scratch, size_t bytes) {
    bytes = (bytes + 63) & ~(size_t)63;
    if (scratch->n + bytes <= scratch->capacity) {
        void *memory = scratch->p + scratch->n;
        scratch->n += bytes;
        return memory;
    }
    void *memory = aligned_alloc(64, bytes ? bytes : 64);
    scratch->overflow =
        realloc(scratch->overflow, (scratch->n_overflow + 1) * sizeof *scratch->overflow);
    if (!memory || !scratch->overflow)
        abort();
    scratch->overflow[scratch->n_overflow++] = memory;
    scratch->missed += bytes;
    return memory;
}

void scratch_reset(struct scratch *scratch) {
    for (size_t i = 0; i < scratch->n_overflow; i++)
        free(scratch->overflow[i]);
    if (scratch->missed) {
        free(scratch->p);
        scratch->capacity = (scratch->n + scratch->missed) * 5 / 4 + 4096;
        scratch->capacity = (scratch->capacity + 63) & ~(size_t)63;
        scratch->p = aligned_alloc(64, scratch->capacity);
        if (!scratch->p)
            abort();
    }
    scratch->n = scratch->n_overflow = scratch->missed = 0;
}

void scratch_release(struct scratch *scratch) {
    for (size_t i = 0; i < scratch->n_overflow; i++)
        free(scratch->overflow[i]);
    free(scratch->overflow);
    free(scratch->p);
    *scratch = (struct scratch){0};
}

/* ---- rows that the filters leave ---- */

/* Rows still in, ascending; all of [from, to) while `rows` is NULL. */
struct picked {
    const struct part *part;
    uint32_t from, to, n;
    uint32_t *rows;
    struct scratch *scratch;
    uint8_t *pass;   /* [to - from + 1], made when needed */
    uint32_t *spare; /* [to - from + 64], made when needed */
};

static uint32_t *make_rows(struct picked *picked) {
    return scratch_get(picked->scratch,
                       ((size_t)picked->to - picked->from + 1) * sizeof *picked->rows);
}

/* Keeps the rows for which the expression over `row` holds; no branch inside the loops. */
#define KEEP(picked, condition)                                                                    \
    do {                                                                                           \
        uint32_t kept_ = 0;                                                                        \
        if (!(picked)->rows) {                                                                     \
            uint32_t *rows_ = make_rows(picked);                                                   \
            for (uint32_t row = (picked)->from; row < (picked)->to; row++) {                       \
                rows_[kept_] = row;                                                                \
                kept_ += (condition) ? 1 : 0;                                                      \
            }                                                                                      \
            (picked)->rows = rows_;                                                                \
        } else {                                                                                   \
            for (uint32_t i_ = 0; i_ < (picked)->n; i_++) {                                        \
                uint32_t row = (picked)->rows[i_];                                                 \
                (picked)->rows[kept_] = row;                                                       \
                kept_ += (condition) ? 1 : 0;                                                      \
            }                                                                                      \
        }                                                                                          \
        (picked)->n = kept_;                                                                       \
    } while (0)

/* The next customer's rows, behind those of the customers before; *row = *end: none. Whatever a damaged part says, no row
 * is told twice, and none beyond `to`. */
static inline void next_rows(const struct part *part, uint32_t k, uint32_t to, uint32_t *row,
                             uint32_t *end) {
    uint32_t told = part->start[k + 1];
    *row = *end;
    *end = told > *row && told <= to ? told : *row;
}

static void keep_members(struct picked *picked, struct worker *worker, uint32_t from, uint32_t to) {
    const struct part *part = picked->part;
    const struct owner_set *members = worker->scan->spec->members;
    uint32_t *rows = make_rows(picked), n = 0, row, end = picked->from;
    for (uint32_t k = from; k < to; k++) {
        uint32_t owner = part->customer[k];
        if (worker->redirects)
            owner = overlay_owner(worker->scan->overlay, owner);
        next_rows(part, k, picked->to, &row, &end);
        if (owner_set_has(members, owner))
            while (row < end)
                rows[n++] = row++;
    }
    picked->rows = rows;
    picked->n = n;
}

/* Seconds decide nearly always, and the milliseconds stay cold. */
static bool is_before(const struct part *part, uint32_t row, int64_t at_ms) {
    int64_t second_ms = (int64_t)part->sec[row] * 1000;
    return second_ms + 999 < at_ms || (second_ms < at_ms && second_ms + part->ms[row] < at_ms);
}

/* The first of a customer's rows [row, end) that is not before an instant. */
static uint32_t first_since(const struct part *part, uint32_t row, uint32_t end, int64_t at_ms) {
    while (row < end) {
        uint32_t middle = row + (end - row) / 2;
        if (is_before(part, middle, at_ms))
            row = middle + 1;
        else
            end = middle;
    }
    return row;
}

/* Rows in the range of customers [from, to): each customer's are in order of time, so they are found, not looked
 * through. A short range reads next to nothing of a long past. */
static void find_range(struct picked *picked, const struct filter *filter, uint32_t from,
                       uint32_t to) {
    const struct part *part = picked->part;
    uint32_t *rows = make_rows(picked), n = 0, row, end = picked->from;
    for (uint32_t k = from; k < to; k++) {
        next_rows(part, k, picked->to, &row, &end);
        uint32_t until = end;
        if (row == end || is_before(part, end - 1, filter->from_ms))
            continue;
        if (is_before(part, row, filter->from_ms))
            row = first_since(part, row, end, filter->from_ms);
        if (!is_before(part, end - 1, filter->to_ms))
            until = first_since(part, row, end, filter->to_ms);
        while (row < until)
            rows[n++] = row++;
    }
    picked->rows = rows;
    picked->n = n;
}

/* The same of rows that were picked before. */
static void keep_range(struct picked *picked, const struct filter *filter) {
    const uint32_t *sec = picked->part->sec;
    const uint16_t *ms = picked->part->ms;
    int64_t from_ms = filter->from_ms, length = filter->to_ms - filter->from_ms;
    KEEP(picked, (uint64_t)((int64_t)sec[row] * 1000 + ms[row] - from_ms) < (uint64_t)length);
}

static uint8_t *fresh_pass(struct picked *picked) {
    size_t n = (size_t)picked->to - picked->from;
    if (!picked->pass) {
        picked->pass = scratch_get(picked->scratch, n + 1);
        picked->spare = scratch_get(picked->scratch, (n + 64) * sizeof *picked->spare);
    }
    memset(picked->pass, 1, n);
    return picked->pass;
}

static void keep_where(struct picked *picked, const struct expr_test *tests, uint32_t n) {
    if (n == 0)
        return;
    uint8_t *pass = fresh_pass(picked);
    for (uint32_t i = 0; i < n; i++)
        expr_run(&tests[i], picked->from, picked->to, pass, picked->spare);
    uint32_t from = picked->from;
    KEEP(picked, pass[row - from]);
}

static void keep_of(struct picked *picked, const struct scan_part *part, bool skips_system,
                    const struct scan_tables *tables) {
    const uint16_t *event = part->part->event, *touchpoint = part->part->touchpoint;
    if (tables->of_event)
        KEEP(picked, tables->of_event[event[row]]);
    if (tables->of_touchpoint)
        KEEP(picked, tables->of_touchpoint[touchpoint[row]]);
    const uint16_t *channel = part->part->channel, *unit = part->part->unit;
    if (tables->of_channel)
        KEEP(picked, tables->of_channel[channel[row]]);
    if (tables->of_unit)
        KEEP(picked, tables->of_unit[unit[row]]);
    const uint16_t *source = part->part->source;
    if (skips_system)
        KEEP(picked, source[row] != 0);
    keep_where(picked, part->of.where, part->of.n_where);
}

static const uint16_t *label_column(const struct part *part, enum flow_level level) {
    return level == LEVEL_EVENT        ? part->event
           : level == LEVEL_TOUCHPOINT ? part->touchpoint
                                       : part->channel;
}

/* Everything but `as_it_lies`: system interactions and missing labels, which most parts do not have. */
static void keep_flow(struct picked *picked, const struct scan_part *part,
                      const struct scan_spec *spec, const struct scan_tables *tables) {
    const uint16_t *source = picked->part->source, *event = picked->part->event;
    if (part->some_system) {
        if (tables->named)
            KEEP(picked, source[row] != 0 || tables->named[event[row]]);
        else
            KEEP(picked, source[row] != 0);
    }
    if (part->some_unlabelled) {
        const uint16_t *label = label_column(picked->part, spec->level);
        KEEP(picked, label[row] != 0);
    }
}

static void keep_all(struct picked *picked, struct worker *worker, const struct scan_part *part,
                     uint32_t from, uint32_t to, bool check_members) {
    const struct scan_spec *spec = worker->scan->spec;
    const struct scan_tables *tables = worker->tables;
    const uint16_t *channel = part->part->channel, *unit = part->part->unit;
    if (spec->members && check_members)
        keep_members(picked, worker, from, to);
    if (part->time_cut && picked->rows)
        keep_range(picked, &spec->filter);
    else if (part->time_cut)
        find_range(picked, &spec->filter, from, to);
    if (tables->channel)
        KEEP(picked, tables->channel[channel[row]]);
    if (tables->unit)
        KEEP(picked, tables->unit[unit[row]]);
    keep_flow(picked, part, spec, tables);
    keep_where(picked, part->where, part->n_where);
    if (spec->of)
        keep_of(picked, part, spec->of->skips_system, tables);
}

/* ---- masks ---- */

/* What matchers ask of the row beside its event and touchpoint. */
static void narrow_masks(struct picked *picked, const struct scan_part *part, uint32_t n_matchers,
                         const struct scan_tables *tables, uint64_t *masks) {
    const uint16_t *channel = part->part->channel, *unit = part->part->unit,
                   *source = part->part->source;
    for (uint32_t i = 0; tables->channel_mask && i < picked->n; i++)
        masks[i] &= tables->channel_mask[channel[picked->rows[i]]];
    for (uint32_t i = 0; tables->unit_mask && i < picked->n; i++)
        masks[i] &= tables->unit_mask[unit[picked->rows[i]]];
    for (uint32_t i = 0; tables->skip_system && i < picked->n; i++)
        masks[i] &= source[picked->rows[i]] ? UINT64_MAX : ~tables->skip_system;
    for (uint32_t m = 0; m < n_matchers; m++) {
        if (part->matchers[m].n_where == 0)
            continue;
        uint8_t *pass = fresh_pass(picked);
        for (uint32_t w = 0; w < part->matchers[m].n_where; w++)
            expr_run(&part->matchers[m].where[w], picked->from, picked->to, pass, picked->spare);
        for (uint32_t i = 0; i < picked->n; i++)
            masks[i] &= ~((uint64_t)!pass[picked->rows[i] - picked->from] << m);
    }
}

/* Masks of the picked rows; rows without any are dropped when the question selects. */
static uint64_t *make_masks(struct picked *picked, const struct scan *scan,
                            const struct scan_part *part, const struct scan_tables *tables) {
    const uint16_t *event = part->part->event, *touchpoint = part->part->touchpoint;
    if (!picked->rows)
        KEEP(picked, true);
    uint64_t *masks = scratch_get(picked->scratch, ((size_t)picked->n + 1) * sizeof *masks);
    if (scan->lut) {
        const uint16_t *key = scan->key_column == COLUMN_EVENT ? event : touchpoint;
        for (uint32_t i = 0; i < picked->n; i++)
            masks[i] = scan->lut[key[picked->rows[i]]];
    } else {
        for (uint32_t i = 0; i < picked->n; i++)
            masks[i] = tables->event_mask[event[picked->rows[i]]] &
                       tables->touchpoint_mask[touchpoint[picked->rows[i]]];
        narrow_masks(picked, part, scan->spec->n_matchers, tables, masks);
    }
    if (scan->spec->select) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < picked->n; i++) {
            uint64_t mask = masks[i];
            picked->rows[kept] = picked->rows[i];
            masks[kept] = mask;
            kept += mask != 0;
        }
        picked->n = kept;
    }
    return masks;
}

/* Masks by table with nothing filtered before: select in the same pass over the key column. */
static uint64_t *select_masks(struct picked *picked, const struct scan *scan) {
    const struct part *part = picked->part;
    const uint16_t *key = scan->key_column == COLUMN_EVENT ? part->event : part->touchpoint;
    const uint64_t *lut = scan->lut;
    KEEP(picked, lut[key[row]] != 0);
    uint64_t *masks = scratch_get(picked->scratch, ((size_t)picked->n + 1) * sizeof *masks);
    for (uint32_t i = 0; i < picked->n; i++)
        masks[i] = lut[key[picked->rows[i]]];
    return masks;
}

/* ---- columns ---- */

static uint16_t *gather16(struct picked *picked, const uint16_t *column) {
    uint16_t *out = scratch_get(picked->scratch, ((size_t)picked->n + 1) * sizeof *out);
    for (uint32_t i = 0; i < picked->n; i++)
        out[i] = column[picked->rows[i]];
    return out;
}

static uint32_t *gather32(struct picked *picked, const uint32_t *column) {
    uint32_t *out = scratch_get(picked->scratch, ((size_t)picked->n + 1) * sizeof *out);
    for (uint32_t i = 0; i < picked->n; i++)
        out[i] = column[picked->rows[i]];
    return out;
}

static const uint16_t *group_column(const struct part *part, enum by_kind by) {
    switch (by) {
    case BY_CHANNEL: return part->channel;
    case BY_UNIT: return part->unit;
    case BY_TOUCHPOINT: return part->touchpoint;
    case BY_EVENT: return part->event;
    default: return NULL;
    }
}

static const uint32_t *gather_values(struct picked *picked, const struct expr_values *values) {
    fresh_pass(picked);
    uint32_t *all =
        scratch_get(picked->scratch, ((size_t)picked->to - picked->from + 1) * sizeof *all);
    expr_values_run(values, picked->from, picked->to, all, picked->spare);
    for (uint32_t i = 0; i < picked->n; i++) /* rows[i] - from >= i: in place */
        all[i] = all[picked->rows[i] - picked->from];
    return all;
}

static const double *gather_numbers(struct picked *picked, const struct expr_number *number) {
    fresh_pass(picked);
    double *all =
        scratch_get(picked->scratch, ((size_t)picked->to - picked->from + 1) * sizeof *all);
    expr_number_run(number, picked->from, picked->to, all, picked->spare);
    for (uint32_t i = 0; i < picked->n; i++)
        all[i] = all[picked->rows[i] - picked->from];
    return all;
}

static void gather_columns(struct picked *picked, const struct scan_spec *spec,
                           const struct scan_part *part, struct view *view) {
    const struct part *from = part->part;
    view->sec = gather32(picked, from->sec);
    view->ms = gather16(picked, from->ms);
    if (spec->label)
        view->label = gather16(picked, label_column(from, spec->level));
    if (group_column(from, spec->by))
        view->group_code = gather16(picked, group_column(from, spec->by));
    if (spec->by == BY_PROPERTY)
        view->group = gather_values(picked, &part->by);
    if (spec->case_property)
        view->case_value = gather_values(picked, &part->cases);
    if (spec->number_property)
        view->number = gather_numbers(picked, &part->number);
    if (spec->weight_property)
        view->weight = gather_numbers(picked, &part->weight);
    for (uint32_t x = 0; x < spec->n_extras; x++)
        view->extra[x] = gather_values(picked, &part->extras[x]);
    view->row = picked->rows;
}

/* Customers that have picked rows, with where their rows begin. */
static void gather_customers(struct picked *picked, uint32_t from, uint32_t to, struct view *view) {
    const struct part *part = picked->part;
    uint32_t *customer = scratch_get(picked->scratch, ((size_t)to - from + 1) * sizeof *customer);
    uint32_t *start = scratch_get(picked->scratch, ((size_t)to - from + 2) * sizeof *start), n = 0,
             at = 0;
    for (uint32_t k = from; k < to; k++) {
        uint32_t begin = at, end = part->start[k + 1];
        while (at < picked->n && picked->rows[at] < end)
            at++;
        customer[n] = part->customer[k];
        start[n] = begin;
        n += at > begin;
    }
    start[n] = picked->n;
    view->n = n;
    view->customer = customer;
    view->start = start;
}

/* ---- the view ---- */

static void see(struct worker *worker, const struct view *view) {
    for (uint32_t k = 0; k < view->n; k++) {
        uint32_t bit = view->customer[k] - worker->chunk_from;
        worker->seen[bit >> 6] |= UINT64_C(1) << (bit & 63);
    }
}

static void lies(const struct scan *scan, const struct part *part, uint32_t from, uint32_t to,
                 struct view *view) {
    const struct scan_spec *spec = scan->spec;
    view->n = to - from;
    view->customer = part->customer + from;
    view->start = part->start + from;
    view->sec = part->sec;
    view->ms = part->ms;
    view->label = spec->label ? label_column(part, spec->level) : NULL;
    view->key = scan->key_column == COLUMN_TOUCHPOINT ? part->touchpoint : part->event;
    view->group_code = group_column(part, spec->by);
    view->row = NULL;
}

bool scan_part_view(struct worker *worker, const struct scan_part *part, uint32_t from, uint32_t to,
                    bool count, struct view *view) {
    const struct scan *scan = worker->scan;
    const struct scan_spec *spec = scan->spec;
    *view = (struct view){.part = part->part, .follows = part->follows};
    struct picked picked = {.part = part->part,
                            .from = part->part->start[from],
                            .to = part->part->start[to],
                            .scratch = &worker->scratch};
    picked.n = picked.to - picked.from;
    if (part->as_it_lies)
        keep_flow(&picked, part, spec, worker->tables);
    else
        keep_all(&picked, worker, part, from, to, count);
    bool any = picked.n > 0;
    if (count)
        worker->interactions += picked.n;
    if (worker->seen && count) {
        if (picked.rows)
            gather_customers(&picked, from, to, view);
        else
            lies(scan, part->part, from, to, view);
        see(worker, view);
    }
    bool looked_up = spec->n_matchers == 0 || (scan->lut && !spec->compact);
    if (part->as_it_lies && !picked.rows && looked_up) {
        lies(scan, part->part, from, to, view);
        return any;
    }
    if (spec->n_matchers)
        view->mask = spec->select && scan->lut && !picked.rows
                         ? select_masks(&picked, scan)
                         : make_masks(&picked, scan, part, worker->tables);
    if (!picked.rows)
        KEEP(&picked, true);
    gather_columns(&picked, spec, part, view);
    gather_customers(&picked, from, to, view);
    return any;
}
