/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/time.h"
#include "query/block.h"

/* Shorter than any bucket of the kind, whatever the zone does: an hour may be cut to half an hour by a zone's change,
 * a day to 20 hours, a month has 28 days. */
static const unsigned shifts[] = {
    [BUCKET_HOUR] = 9, [BUCKET_DAY] = 15, [BUCKET_WEEK] = 18, [BUCKET_MONTH] = 20};

static uint32_t clip_s(int64_t ms) {
    int64_t s = ms / 1000;
    return s < 0 ? 0 : s > (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static void fill_blocks(struct bucket_table *table, struct arena *arena) {
    uint32_t blocks = (table->limit_s >> table->shift) + 1, bucket = 0;
    uint32_t *first = ARENA_ARRAY(arena, uint32_t, (size_t)blocks + 1);
    for (uint32_t block = 0; block < blocks; block++) {
        while (bucket + 1 < table->n && table->bound[bucket + 1] <= (uint64_t)block << table->shift)
            bucket++;
        first[block] = bucket;
    }
    first[blocks] = bucket;
    table->first = first;
}

int bucket_table_init(struct bucket_table *table, const struct zone *zone, enum bucket every,
                      int64_t from_ms, int64_t to_ms, uint32_t max, struct arena *arena,
                      struct err *err) {
    int64_t begin = zone_bucket_start_ms(zone, every, from_ms);
    uint32_t n = 0, capacity = 1024;
    int64_t *begins = arena_get(arena, capacity * sizeof *begins);
    for (int64_t at = begin; at < to_ms || n == 0; at = zone_bucket_add_ms(zone, every, at, 1)) {
        if (n == max) {
            err_at(err, E_INVALID, "/every", "the range holds more than %u of these", max);
            return err_hint(err, "Ask for a shorter range or longer steps of time.");
        }
        if (n + 2 > capacity) {
            int64_t *more = arena_get(arena, 2 * (size_t)capacity * sizeof *more);
            memcpy(more, begins, n * sizeof *more);
            begins = more;
            capacity *= 2;
        }
        begins[n++] = at;
    }
    begins[n] = zone_bucket_add_ms(zone, every, begins[n - 1], 1);
    uint32_t *bound = ARENA_ARRAY(arena, uint32_t, (size_t)n + 1);
    *table = (struct bucket_table){
        .n = n, .base_s = clip_s(begin), .shift = shifts[every], .begin_ms = begins};
    for (uint32_t i = 0; i <= n; i++)
        bound[i] = clip_s(begins[i]) - table->base_s;
    bound[n] = UINT32_MAX; /* the table is asked inside its stretch only */
    table->bound = bound;
    table->limit_s = clip_s(begins[n]) - table->base_s;
    fill_blocks(table, arena);
    return 0;
}
