/*
 * Current traits: the last value in (time, seq) order over all profiles of an owner.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>

#include "backend/scan.h"
#include "base/time.h"

/* When the value in hand was given. */
struct given {
    int64_t time_ms;
    uint64_t seq;
};

static bool later(const struct given *a, const struct given *b) {
    return a->time_ms != b->time_ms ? a->time_ms > b->time_ms : a->seq > b->seq;
}

/* Whatever a damaged part says, nothing is read beyond its customers or written beyond the owners. */
static void read_part(const struct part *part, const struct overlay *overlay,
                      const struct expr_values *values, struct given *given, uint32_t *by_owner,
                      size_t n_owners) {
    const struct part_column *column = values->column;
    uint32_t *scratch = malloc(((size_t)part->n_rows + 64) * sizeof *scratch), k0, customer = 0;
    const uint32_t *rows;
    if (!scratch)
        abort();
    uint32_t n = expr_rows(column, 0, part->n_rows, &k0, &rows, scratch);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows[i];
        while (customer < part->n_customers && part->start[customer + 1] <= row)
            customer++;
        if (customer == part->n_customers)
            break;
        uint32_t owner = part->customer[customer];
        if (overlay && overlay->n)
            owner = overlay_owner(overlay, owner);
        if (owner >= n_owners)
            continue;
        struct given now = {(int64_t)part->sec[row] * 1000 + part->ms[row],
                            part->seq_base + part->seq[row]};
        if (later(&now, &given[owner])) {
            given[owner] = now;
            by_owner[owner] = values->numbers[expr_index(column, k0 + i)];
        }
    }
    free(scratch);
}

int scan_traits(const struct snapshot *snapshot, uint32_t trait, struct value_table *table,
                struct arena *arena, uint32_t **by_owner, struct err *err) {
    size_t n_owners = (size_t)snapshot_profiles(snapshot) + 1;
    *by_owner = ARENA_ARRAY(arena, uint32_t, n_owners);
    struct given *given = calloc(n_owners, sizeof *given); /* seq 0: nothing yet */
    if (!given)
        abort();
    const struct part *const *parts;
    size_t n = snapshot_parts(snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS, &parts, arena);
    int code = 0;
    for (size_t p = 0; p < n && !code; p++) {
        if (parts[p]->n_rows == 0)
            continue;
        code = part_touch(parts[p], COLUMN_TIME | COLUMN_SEQ, &trait, trait != CODE_NONE, err);
        if (code)
            break;
        struct expr_values values = expr_values(parts[p], trait, table, false, false, arena);
        if (values.column)
            read_part(parts[p], snapshot_overlay(snapshot), &values, given, *by_owner, n_owners);
    }
    free(given);
    return code;
}

static void read_owner(const struct part *part, uint32_t profile, uint32_t trait,
                       struct given *given, struct value *current) {
    uint32_t k = part_customer_find(part, profile);
    if (k == part->n_customers || part->customer[k] != profile)
        return;
    for (uint32_t row = part->start[k]; row < part->start[k + 1] && row < part->n_rows; row++) {
        struct value value = part_value(part, row, trait);
        struct given now = {(int64_t)part->sec[row] * 1000 + part->ms[row],
                            part->seq_base + part->seq[row]};
        if (value.type != VALUE_ABSENT && later(&now, given)) {
            *given = now;
            *current = value;
        }
    }
}

int scan_traits_few(const struct snapshot *snapshot, const struct predicate *predicate,
                    const struct owner_set *few, struct arena *arena, struct owner_set *holds,
                    struct err *err) {
    uint32_t trait = predicate->property;
    const struct overlay *overlay = snapshot_overlay(snapshot);
    const struct part *const *parts;
    owner_set_init(holds, few->n, arena);
    size_t n = snapshot_parts(snapshot, PART_TRAITS, TIME_MIN_MS, TIME_MAX_MS, &parts, arena);
    int code = 0;
    for (size_t p = 0; p < n && !code; p++)
        if (parts[p]->n_rows)
            code = part_touch(parts[p], COLUMN_TIME | COLUMN_SEQ, &trait, trait != CODE_NONE, err);
    for (uint32_t owner = 1; owner < few->n && !code; owner++) {
        if (!few->bits[owner >> 6]) {
            owner |= 63;
            continue;
        }
        if (!owner_set_has(few, owner))
            continue;
        struct given given = {0};
        struct value current = {.type = VALUE_ABSENT};
        const uint32_t *profiles = &owner;
        size_t n_profiles =
            overlay && overlay->n ? overlay_members(overlay, owner, &owner, &profiles) : 1;
        for (size_t p = 0; p < n; p++)
            for (size_t i = 0; i < n_profiles && parts[p]->n_rows; i++)
                read_owner(parts[p], profiles[i], trait, &given, &current);
        if (predicate_matches(predicate, &current))
            owner_set_put(holds, owner, true);
    }
    return code;
}
