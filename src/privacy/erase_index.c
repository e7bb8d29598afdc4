/*
 * Looking for what was erased in the index. Its texts are sealed in their files, so the bytes of those say nothing: the texts are
 * looked through as questions read them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"
#include "privacy/internal.h"

struct looking {
    const struct needles *needles;
    const struct part *part;
    uint64_t *bytes, *found;
};

static void look_into(struct looking *looking, const struct part_column *column) {
    uint32_t n = column->code_bytes ? column->n_values : column->n;
    struct part_column plain = *column; /* its values one by one, without the codes of rows */
    plain.code_bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct value value = part_column_value(&plain, i);
        if (value.type != VALUE_TEXT)
            continue;
        *looking->bytes += value.text.n;
        *looking->found += needles_in(looking->needles, value.text);
    }
}

static int look_part(void *context, struct err *err) {
    struct looking *looking = context;
    const struct part *part = looking->part;
    int code = 0;
    for (uint32_t c = 0; !code && c < part->n_columns; c++) {
        code = part_touch(part, 0, &part->columns[c].code, 1, err);
        if (!code)
            look_into(looking, &part->columns[c]);
    }
    return code;
}

int search_index(struct folder *folder, const struct needles *needles, uint64_t *bytes,
                 uint64_t *found, struct err *err) {
    struct snapshot *snapshot;
    struct arena arena;
    int code = timeline_snapshot(folder->timeline, &snapshot, err);
    if (code)
        return code;
    arena_init(&arena);
    for (int kind = 0; !code && needles->n && kind < PART_KINDS; kind++) {
        const struct part *const *parts;
        size_t n = snapshot_parts(snapshot, (enum part_kind)kind, TIME_MIN_MS, TIME_MAX_MS, &parts,
                                  &arena);
        for (size_t i = 0; !code && i < n; i++) {
            struct looking looking = {needles, parts[i], bytes, found};
            code = part_guard(look_part, &looking, err);
        }
    }
    snapshot_release(snapshot);
    arena_release(&arena);
    return code;
}
