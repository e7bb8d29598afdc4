/*
 * Counting what was asked for, and keeping it: see asked_kept.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "backend/asked_kept.h"

#include <pthread.h>
#include <stdlib.h>

#include "backend/score_scan.h"
#include "base/limits.h"
#include "base/time.h"

enum { KEPT_MOST = 16 };

/* What a count hangs on: the parts of answers (address and extent), the quarters, the zone, the codes of its columns. */
struct kept_key {
    int64_t from_ms, to_ms;
    const struct zone *zone;
    uint32_t codes[7];
    size_t n_parts;
    const struct kept_part {
        const struct part *part;
        uint64_t min_seq, max_seq, n_rows;
    } * parts;
};

struct entry {
    struct asked_kept kept; /* first: an asked_kept is its entry */
    struct kept_key key;
    struct arena arena;
    unsigned refs; /* askers, and one while it stands in the memory */
    uint64_t used; /* turn of its last use */
};

struct memory {
    pthread_mutex_t lock;
    struct entry *entries[KEPT_MOST];
    uint64_t turn;
};

static void entry_free(struct entry *entry) {
    asked_free(entry->kept.count);
    arena_release(&entry->arena);
    free(entry);
}

static int make(struct folder *folder, void **value, struct err *err) {
    (void)folder, (void)err;
    struct memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        abort();
    pthread_mutex_init(&memory->lock, NULL);
    *value = memory;
    return 0;
}

static void release(void *value) {
    struct memory *memory = value;
    for (int i = 0; i < KEPT_MOST; i++)
        if (memory->entries[i])
            entry_free(memory->entries[i]);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

static int memory_get(struct folder *folder, struct memory **memory, struct err *err) {
    static const char key[] = "asked";
    void *value = NULL;
    int code = folder_keep(folder, key, make, release, &value, err);
    *memory = value;
    return code;
}

/* ---- counting ---- */

/* The whole quarters that hold the question's range. */
static void whole_quarters(const struct plan *plan, struct filter *filter) {
    const struct zone *zone = plan->zone;
    enum { QUARTER_MONTHS = 3 };
    if (plan->filter.has_from) {
        int64_t at = zone_bucket_start_ms(zone, BUCKET_MONTH, plan->filter.from_ms);
        filter->from_ms = zone_bucket_add_ms(zone, BUCKET_MONTH, at, -QUARTER_MONTHS + 1);
    }
    if (plan->filter.has_to) {
        int64_t at = zone_bucket_start_ms(zone, BUCKET_MONTH, plan->filter.to_ms);
        filter->to_ms = zone_bucket_add_ms(zone, BUCKET_MONTH, at, QUARTER_MONTHS);
    }
}

static int64_t local_day(const struct zone *zone, int64_t ms) {
    int64_t second = ms / 1000;
    return (second + zone_offset_s(zone, second)) / DAY_S;
}

static int find_days(const struct scan *scan, const struct plan *plan, struct asked_spec *counting,
                     struct arena *arena, struct err *err) {
    if (scan->min_ms > scan->max_ms)
        return 0;
    int code = bucket_table_init(&counting->days, plan->zone, BUCKET_DAY, scan->min_ms,
                                 scan->max_ms + 1, LIMIT_BUCKETS, arena, err);
    if (!code)
        counting->first_day =
            local_day(plan->zone, counting->days.begin_ms[0] + (int64_t)DAY_MS / 2);
    return code;
}

static int count_all(struct scan *scan, const struct asked_spec *counting,
                     struct asked_count **result, struct err *err) {
    struct asked_count *counts[SCAN_THREADS] = {0};
    for (uint32_t t = 0; t < scan->threads; t++)
        counts[t] = asked_new(counting);
    int code = scan_run(scan, &asked_operator, (void *const *)counts, err);
    for (uint32_t t = 1; t < scan->threads; t++) {
        if (!code)
            asked_merge(counts[0], counts[t]);
        asked_free(counts[t]);
    }
    if (!code)
        asked_decide(counts[0]);
    *result = counts[0];
    return code;
}

/* All answers of all units in these quarters, whatever the question restricts. */
static int count_asked(struct question *question, const struct filter *quarters,
                       struct entry *entry, struct err *err) {
    const struct plan *plan = question->plan;
    struct value_table *tables = ARENA_ARRAY(question->arena, struct value_table, VIEW_EXTRAS + 1);
    struct asked_spec counting = {.taps = entry->kept.taps};
    struct scan_spec spec = {.filter = *quarters,
                             .unordered = true,
                             .extra_values = tables,
                             .case_values = &tables[VIEW_EXTRAS]};
    struct scan scan;
    for (int x = 0; x <= VIEW_EXTRAS; x++)
        value_table_init(&tables[x]);
    score_scan_columns(plan, &spec, &counting);
    int code =
        scan_prepare(&scan, &spec, question->snapshot, &question->patience, question->arena, err);
    if (!code)
        code = find_days(&scan, plan, &counting, &entry->arena, err);
    if (!code) {
        score_scan_read(&spec, &counting, question->arena);
        code = count_all(&scan, &counting, &entry->kept.count, err);
    }
    for (int x = 0; x <= VIEW_EXTRAS; x++)
        value_table_release(&tables[x]);
    entry->kept.days = counting.days;
    entry->kept.first_day = counting.first_day;
    return code;
}

/* ---- keeping ---- */

static struct kept_key key_of(const struct question *question, const struct filter *quarters,
                              uint16_t taps, struct arena *arena) {
    const struct plan *plan = question->plan;
    struct kept_key key = {.from_ms = quarters->from_ms,
                           .to_ms = quarters->to_ms,
                           .zone = plan->zone,
                           .codes = {plan->points_property, plan->value_property,
                                     plan->flag_property, plan->words_property, plan->high_property,
                                     plan->low_property, taps}};
    const struct part *const *parts;
    key.n_parts = snapshot_parts(question->snapshot, PART_ANSWERS, key.from_ms, key.to_ms, &parts,
                                 question->arena);
    struct kept_part *kept = ARENA_ARRAY(arena, struct kept_part, key.n_parts + 1);
    for (size_t p = 0; p < key.n_parts; p++)
        kept[p] =
            (struct kept_part){parts[p], parts[p]->min_seq, parts[p]->max_seq, parts[p]->n_rows};
    key.parts = kept;
    return key;
}

static bool same(const struct kept_key *a, const struct kept_key *b) {
    return a->from_ms == b->from_ms && a->to_ms == b->to_ms && a->zone == b->zone &&
           a->n_parts == b->n_parts && memcmp(a->codes, b->codes, sizeof a->codes) == 0 &&
           memcmp(a->parts, b->parts, a->n_parts * sizeof *a->parts) == 0;
}

/* The one with this key, with a reference for the asker; NULL. */
static struct entry *find(struct memory *memory, const struct kept_key *key) {
    struct entry *found = NULL;
    pthread_mutex_lock(&memory->lock);
    for (int i = 0; i < KEPT_MOST && !found; i++)
        if (memory->entries[i] && same(&memory->entries[i]->key, key))
            found = memory->entries[i];
    if (found) {
        found->refs++;
        found->used = ++memory->turn;
    }
    pthread_mutex_unlock(&memory->lock);
    return found;
}

static void drop(struct memory *memory, struct entry *entry) {
    pthread_mutex_lock(&memory->lock);
    bool last = entry && --entry->refs == 0;
    pthread_mutex_unlock(&memory->lock);
    if (last)
        entry_free(entry);
}

/* Takes the place of the one that was not used for longest. */
static void keep(struct memory *memory, struct entry *entry) {
    int place = 0;
    pthread_mutex_lock(&memory->lock);
    for (int i = 1; i < KEPT_MOST && memory->entries[place]; i++)
        if (!memory->entries[i] || memory->entries[i]->used < memory->entries[place]->used)
            place = i;
    struct entry *old = memory->entries[place];
    memory->entries[place] = entry;
    entry->refs++;
    entry->used = ++memory->turn;
    pthread_mutex_unlock(&memory->lock);
    drop(memory, old);
}

int asked_kept_get(struct question *question, const struct asked_kept **kept, struct err *err) {
    struct filter quarters = {.from_ms = TIME_MIN_MS, .to_ms = TIME_MAX_MS};
    struct memory *memory;
    int code = memory_get(question->folder, &memory, err);
    if (code)
        return code;
    uint16_t taps =
        dictionary_find(question->dictionary, DICTIONARY_EVENT, SLICE_LITERAL("Kiosk Tapped"));
    whole_quarters(question->plan, &quarters);
    struct kept_key key = key_of(question, &quarters, taps, question->arena);
    struct entry *entry = find(memory, &key);
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry)
            abort();
        arena_init(&entry->arena);
        entry->refs = 1;
        entry->kept.taps = taps;
        entry->key = key_of(question, &quarters, taps, &entry->arena);
        code = count_asked(question, &quarters, entry, err);
        if (code) {
            entry_free(entry);
            return code;
        }
        keep(memory, entry);
    }
    *kept = &entry->kept;
    return 0;
}

void asked_kept_put(struct question *question, const struct asked_kept *kept) {
    struct memory *memory;
    struct err ignored = {0};
    if (kept && memory_get(question->folder, &memory, &ignored) == 0)
        drop(memory, (struct entry *)(uintptr_t)kept);
}
